"""Which addresses a download may go to. Names are resolved by a table, nothing connects."""

from __future__ import annotations

import socket

import pytest

from gpt4o_image.download.connection import Forbidden, check_address, check_peer, is_own, resolve

OWN = (("http", "127.0.0.1", 8188),)
NAMES = {
    "cdn.example": ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"],
    "cdn.example.": ["93.184.216.34"],
    "xn--bcher-kva.example": ["93.184.216.34"],
    "inside.example": ["10.0.0.1"],
    "half.example": ["93.184.216.34", "127.0.0.1"],
    "half6.example": ["93.184.216.34", "::1"],
    "fake.example": ["198.18.0.7"],
    "fake6.example": ["fc00::7", "198.19.255.254"],
}


@pytest.fixture(autouse=True)
def resolver(monkeypatch):
    """The names above, and numbers in every spelling that the system's resolver knows; no name leaves this machine."""
    real = socket.getaddrinfo
    asked = []

    def lookup(host, port, *args, **kwargs):
        asked.append(host)
        if host in NAMES:
            return [
                (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
                for ip in NAMES[host]
            ]
        try:
            # inet_aton reads decimal, octal and hex, as getaddrinfo does on Linux, macOS and Windows.
            return real(socket.inet_ntoa(socket.inet_aton(host)), port, *args, **kwargs)
        except OSError:
            return real(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@pytest.mark.parametrize(
    "ip",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "172.32.0.1", "100.128.0.1"],
)
def test_public_peers_pass(ip):
    check_peer(ip)


@pytest.mark.parametrize(
    "ip",
    [
        # IPv4: this network, loopback, private, shared, link-local (cloud metadata), benchmark, multicast, the rest
        *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("100.64.0.1", "100.127.255.255", "169.254.0.1", "169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1"),
        *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
        # IPv6: unspecified, loopback, link-local, unique local, site-local, multicast, documentation, discard
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "ff0e::1"),
        *("2001:db8::1", "100::1"),
        # IPv4 within: mapped, compatible, NAT64 (also of one's own network), 6to4, Teredo
        *(
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
        ),
        *("2002:a00:1::1", "2002:7f00:1::", "2002:808:808::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ],
)
def test_other_peers_are_refused(ip):
    with pytest.raises(Forbidden, match="not a public address"):
        check_peer(ip)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://cdn.example/a.png?sig=%2F", ("https", "cdn.example", 443)),
        ("HTTPS://CDN.EXAMPLE:8443/a", ("https", "cdn.example", 8443)),
        ("https://cdn.example./a", ("https", "cdn.example.", 443)),
        ("https://b\u00fccher.example/a", ("https", "xn--bcher-kva.example", 443)),
        ("https://8.8.8.8/a", ("https", "8.8.8.8", 443)),
        ("https://[2606:4700::1111]/a", ("https", "2606:4700::1111", 443)),
        ("http://127.0.0.1:8188/cdn/a.png", OWN[0]),
    ],
)
def test_allowed(address, origin):
    assert check_address(address, OWN) == origin


def test_own_origin_is_not_looked_up(resolver):
    assert check_address("http://gateway.lan/a", (("http", "gateway.lan", 80),)) == ("http", "gateway.lan", 80)
    assert check_address("http://b\u00fccher.lan/a", (("http", "b\u00fccher.lan", 80),))[1] == "xn--bcher-kva.lan"
    assert not resolver


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://cdn.example/a.png", "http is not https"),
        ("file:///etc/passwd", "file is not https"),
        ("file://cdn.example/a.png", "file is not https"),
        ("ftp://cdn.example/a.png", "ftp is not https"),
        ("data:image/png;base64,AAAA", "data is not https"),
        ("gopher://127.0.0.1:8188/", "gopher is not https"),
        ("//cdn.example/a.png", "no scheme is not https"),
        ("", "no scheme is not https"),
        # The own origin is scheme, host and port.
        ("http://127.0.0.1:8189/a.png", "http is not https"),
        ("https://127.0.0.1:8188/a.png", "not a public address"),
        ("http://localhost:8189/a.png", "http is not https"),
        ("http://127.0.0.2:8188/a.png", "http is not https"),
        ("http://127.1:8188/a.png", "http is not https"),
        # A placeholder is let through for names only.
        ("https://198.18.0.7/a.png", "198.18.0.7 is not a public address"),
        ("https://[::ffff:198.18.0.7]/a.png", "not a public address"),
        # Numbers in other spellings
        ("https://2130706433/a.png", "not a public address"),
        ("https://0x7f000001/a.png", "not a public address"),
        ("https://0x7f.1/a.png", "not a public address"),
        ("https://0177.0.0.1/a.png", "not a public address"),
        ("https://127.1/a.png", "not a public address"),
        ("https://0/a.png", "not a public address"),
        ("https://169.254.169.254/latest/meta-data/", "not a public address"),
        ("https://[::1]/a.png", "not a public address"),
        ("https://[::ffff:10.0.0.1]/a.png", "not a public address"),
        ("https://[64:ff9b::a00:1]/a.png", "not a public address"),
        ("https://[fe80::1%25eth0]/a.png", "not a host name"),
        # Full-width digits and dots are digits and dots once the name is in ASCII.
        ("https://\uff11\uff12\uff17.0.0.1/a.png", "not a public address"),
        ("https://127\u30020\u30020\u30021/a.png", "not a public address"),
        # Logins, and what two readers of an address could read differently
        ("https://key@cdn.example/a.png", "has a login in it"),
        ("https://u:p@127.0.0.1:8188/a.png", "has a login in it"),
        ("https://@cdn.example/a.png", "has a login in it"),
        ("http://127.0.0.1:8188@cdn.example/a.png", "has a login in it"),
        ("https://cdn.example\\@127.0.0.1/a.png", "has a login in it"),
        ("https://cdn.example\\.inside.example/a.png", "not a host name"),
        ("https://%31%32%37.0.0.1/a.png", "not a host name"),
        ("https://cdn.example%2f@127.0.0.1/", "has a login in it"),
        ("https://cdn .example/a.png", "not a host name"),
        ("https:///a.png", "not a host name"),
        # Not addresses
        ("https://cdn.example:99999/a.png", "not an address"),
        ("https://cdn.example:port/a.png", "not an address"),
        ("https://[::1/a.png", "not an address"),
        ("https://\u00fc..example/a.png", "not an address"),
    ],
)
def test_refused(address, why):
    with pytest.raises(Forbidden, match=why):
        check_address(address, OWN)


def test_no_address_is_of_a_gateway_without_one():
    with pytest.raises(Forbidden):
        check_address("", ())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_one_origin_on_one_port(host):
    assert is_own(("http", "127.0.0.1", 8188), (("http", host.strip("[]"), 8188),))
    assert check_address(f"http://{host}:8188/a.png", OWN)[0] == "http"
    with pytest.raises(Forbidden):
        check_address(f"http://{host}:8189/a.png", OWN)


# Names


def test_a_name_gives_its_addresses():
    assert resolve("cdn.example", 443) == NAMES["cdn.example"]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("inside.example", "10.0.0.1 is not a public address"),
        ("half.example", "127.0.0.1 is not a public address"),
        ("half6.example", "::1 is not a public address"),
        ("198.18.0.7", "198.18.0.7 is not a public address"),
    ],
)
def test_a_name_that_leads_inside_is_refused(host, why):
    with pytest.raises(Forbidden, match=why):
        resolve(host, 443)


@pytest.mark.parametrize(("host", "ips"), [("fake.example", ["198.18.0.7"]), ("fake6.example", ["198.19.255.254"])])
def test_a_name_may_lead_to_a_placeholder_of_a_local_proxy(host, ips):
    assert resolve(host, 443) == ips


def test_what_cannot_be_resolved_is_not_forbidden():
    with pytest.raises(OSError, match=r"nowhere\.example cannot be resolved") as caught:
        resolve("nowhere.example", 443)
    assert not isinstance(caught.value, Forbidden)
