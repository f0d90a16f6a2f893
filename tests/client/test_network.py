"""One GET over real sockets: whom it reaches, what it says there, how it is cut. Nothing leaves this machine."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from fake_gateway import HANG, FakeGateway

from gpt4o_image.download.connection import Connection, Forbidden

PUBLIC = "93.184.216.34"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Listener(FakeGateway):
    """Answers every GET with `reply`, and then keeps the connection until the client ends it."""

    def __init__(self, reply=PLAIN, tls=None):
        super().__init__(tls=tls)
        self.own = ("https" if tls else "http", "127.0.0.1", self.port)
        self.replies(reply)

    def replies(self, reply):
        self.only([reply, HANG])

    @property
    def lines(self):
        return self.requests[-1].head.split("\r\n")

    @property
    def headers(self):
        return dict(line.split(": ", 1) for line in self.lines[1:])

    @property
    def heard(self):
        """How many connections were made, and what was asked on them."""
        return self.connections, self.gets


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_threads_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def listener():
    with Listener() as one:
        yield one


@pytest.fixture
def names(monkeypatch):
    """host -> the IP addresses of each lookup in turn, the last for all that follow. Real for numbers."""
    table = {}
    real = socket.getaddrinfo

    def lookup(host, port, *args, **kwargs):
        if host not in table:
            return real(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
        answers = table[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return table


@pytest.fixture(autouse=True)
def connects(monkeypatch):
    """(ip, port) of every attempt. Only loopback is reached; the rest is as if the cable were out."""
    attempts = []
    real = socket.socket.connect

    def connect(self, address):
        attempts.append(address[:2])
        if address[0] != "127.0.0.1":
            raise OSError("no route")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return attempts


def read(line, address):
    with line.get(address) as response:
        return response.raw.read()


@contextmanager
def in_thread(work):
    """Runs `work`; what it raised is in the list that the block gets."""
    raised = []

    def run():
        try:
            work()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield raised
    finally:
        thread.join(5)
        assert not thread.is_alive()


# Whom it reaches


def test_own_origin_on_loopback_is_reached(listener):
    assert read(Connection((listener.own,)), f"http://127.0.0.1:{listener.port}/a.png") == b"ok"


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(listener, names, connects):
    names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    with pytest.raises(OSError, match="no route"):
        read(Connection(()), f"https://rebind.example:{listener.port}/a.png")
    assert connects == [(PUBLIC, listener.port)]
    assert listener.heard == (0, [])


def test_who_was_reached_is_checked_again_before_a_byte_is_sent(listener, names, monkeypatch):
    names["cdn.example"] = [[PUBLIC]]
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda address, *more: real(("127.0.0.1", listener.port), *more))
    with pytest.raises(Forbidden, match=r"127\.0\.0\.1 is not a public address"):
        read(Connection(()), "https://cdn.example/a.png")
    assert listener.gone.wait(2)
    assert listener.heard == (1, [])


def test_own_origin_is_no_leave_for_its_neighbours(listener, names, connects):
    with pytest.raises(Forbidden):
        read(Connection((("http", "127.0.0.1", listener.port + 1),)), f"http://127.0.0.1:{listener.port}/a.png")
    with pytest.raises(Forbidden):
        read(Connection((listener.own,)), f"https://127.0.0.1:{listener.port}/a.png")
    assert not connects


def test_the_system_s_words_for_a_failure(listener):
    line = Connection((("http", "127.0.0.1", 1),))
    with pytest.raises(OSError, match="refused") as caught:
        read(line, "http://127.0.0.1:1/a.png")
    assert not isinstance(caught.value, Forbidden)
    assert "HTTPConnection" not in str(caught.value)


# What it says


@pytest.mark.parametrize(
    ("tail", "target"),
    [
        ("/a%2Fb%2fc%7e%41.png?sig=a%2Bb%2f%3D&az=%3d", None),
        ("/vg-assets/assets%2Ftask_1%2Fsrc_0.png?st=2025-04-21T00%3A00%3A00Z&sig=x%3D&az=oaivgprodscus", None),
        ("/a(1)[2]{3}|\\^`\"<>'!*;,$@:+~.png?q=(a)&b=[]{}|\\^`\"<>'/?:@!$;,*~", None),
        ("/a//b/../c/./d?x=1&&y=&=z", None),
        ("/%zz%", None),
        ("?only=query", "/?only=query"),
        ("", "/"),
        ("/a?", None),
        ("/a.png?x=1#fragment", "/a.png?x=1"),
        ("/a b\u00e9\u732b.png?q=\u00e9%C3", "/a%20b%C3%A9%E7%8C%AB.png?q=%C3%A9%C3"),
        ("/a\r\nX-Evil: 1", "/a%0D%0AX-Evil:%201"),
    ],
)
def test_the_target_goes_byte_for_byte(listener, tail, target):
    read(Connection((listener.own,)), f"http://127.0.0.1:{listener.port}{tail}")
    assert listener.lines[0] == f"GET {target or tail} HTTP/1.1"


def test_nothing_personal_goes_along(listener, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    listener.replies(PLAIN.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n"))
    line = Connection((listener.own,))
    for _ in range(2):
        read(line, f"http://127.0.0.1:{listener.port}/a.png")
        headers = listener.headers
        assert headers.pop("Host") == f"127.0.0.1:{listener.port}"
        assert headers.pop("User-Agent").startswith("gpt4o-image")
        assert headers == {"Accept": "*/*", "Accept-Encoding": "identity"}
    assert listener.connections == 2  # a fresh connection each


# Proxies


@pytest.fixture
def proxy(monkeypatch):
    with Listener(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") as one:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{one.port}")
        yield one


def test_a_gateway_on_loopback_is_not_asked_through_a_proxy(listener, proxy):
    assert read(Connection((listener.own,)), f"http://127.0.0.1:{listener.port}/a.png") == b"ok"
    assert proxy.heard == (0, [])


def test_a_gateway_elsewhere_is_asked_through_the_proxy(proxy):
    proxy.replies(PLAIN)
    assert read(Connection((("http", "gateway.lan", 80),)), "http://gateway.lan/a%2f.png?b=%7e") == b"ok"
    assert proxy.lines[0] == "GET http://gateway.lan:80/a%2f.png?b=%7e HTTP/1.1"
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & set(proxy.headers)


def test_a_public_address_is_asked_through_the_proxy(proxy, names, monkeypatch, connects):
    names["cdn.example"] = [[PUBLIC]]
    with pytest.raises(OSError, match="502"):
        read(Connection(()), "https://cdn.example/a.png")
    assert proxy.lines[0].startswith("CONNECT cdn.example:443 ")
    assert connects == [("127.0.0.1", proxy.port)]
    monkeypatch.setenv("NO_PROXY", "cdn.example")
    with pytest.raises(OSError, match="no route"):
        read(Connection(()), "https://cdn.example/a.png")
    assert connects[-1] == (PUBLIC, 443)


def test_a_name_that_goes_to_a_proxy_is_not_resolved_here(proxy, names):
    names["only-there.example"] = []  # whoever looks it up here fails
    with pytest.raises(OSError, match=r"the proxy http://127\.0\.0\.1:\d+ refuses: 502"):
        read(Connection(()), "https://only-there.example/a.png")
    assert proxy.lines[0].startswith("CONNECT only-there.example:443 ")


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "198.18.0.7", "127.1", "[::1]", "0x7f000001"])
def test_an_address_inside_is_not_asked_through_a_proxy_either(proxy, host):
    with pytest.raises(Forbidden, match="not a public address"):
        read(Connection(()), f"https://{host}/a.png")
    assert proxy.heard == (0, [])


# How it is cut


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_cutting_wakes_whoever_waits(said):
    with Listener(said) as silent:
        line = Connection((silent.own,))
        with in_thread(lambda: read(line, f"http://127.0.0.1:{silent.port}/a.png")) as raised:
            while not silent.requests:
                time.sleep(0.01)
            time.sleep(0.05)
            began = time.monotonic()
            line.cut()
            assert silent.gone.wait(1)
            assert time.monotonic() - began < 0.4
        assert len(raised) <= 1  # the body of urllib3 1.26 just ends


def test_a_line_that_is_cut_stays_cut(listener):
    line = Connection((listener.own,))
    line.cut()
    line.cut()
    with pytest.raises(OSError, match="cut"):
        read(line, f"http://127.0.0.1:{listener.port}/a.png")
    assert listener.gone.wait(2)
    assert listener.heard == (1, [])


# TLS


@pytest.fixture
def secure(own_ca):
    with Listener(tls=own_ca.server()) as one:
        yield one


def test_a_certificate_of_nobody_is_refused(secure):
    with pytest.raises(OSError, match="certificate"):
        read(Connection((secure.own,)), f"https://127.0.0.1:{secure.port}/a.png")
    assert secure.heard == (1, [])


def test_tls_reads_targets_and_cuts_as_plain_does(secure, own_ca, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own_ca.pem))
    line = Connection((secure.own,))
    assert read(line, f"https://127.0.0.1:{secure.port}/a%2f?b=%7e") == b"ok"
    assert secure.lines[0] == "GET /a%2f?b=%7e HTTP/1.1"
    secure.replies(b"")
    secure.gone.clear()
    with in_thread(lambda: read(line, f"https://127.0.0.1:{secure.port}/a.png")):
        while len(secure.requests) < 2:
            time.sleep(0.01)
        began = time.monotonic()
        line.cut()
        assert secure.gone.wait(1)
        assert time.monotonic() - began < 0.4
