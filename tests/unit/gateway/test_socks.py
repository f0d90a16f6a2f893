"""The handshake with a SOCKS proxy, byte by byte. No socket."""

import pytest

from gpt4o_image.gateway.socks import ProxyRefused, handshake


def talk(steps, answers):
    """What was sent, when the proxy says `answers` one byte after the other."""
    sent, given = b"", None
    try:
        while True:
            step = steps.send(given)
            given = None
            if isinstance(step, bytes):
                sent += step
            else:
                assert len(answers) >= step, "it waits for more than comes"
                given, answers = answers[:step], answers[step:]
    except StopIteration:
        assert not answers, "it leaves bytes of the handshake to the request"
        return sent


OPENED = {
    "IPv4": b"\x05\0\0\x01\x7f\0\0\x01\x04\x38",
    "IPv6": b"\x05\0\0\x04" + bytes(16) + b"\0\0",
    "name": b"\x05\0\0\x03\x05proxy\0\0",
}


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_socks5_names_the_host(opened):
    sent = talk(handshake(5, "cdn.example", 443), b"\x05\0" + opened)
    assert sent == b"\x05\x01\0" + b"\x05\x01\0\x03\x0bcdn.example\x01\xbb"


@pytest.mark.parametrize(
    ("host", "address"),
    [("93.184.216.34", b"\x01\x5d\xb8\xd8\x22"), ("2606:4700::1111", b"\x04\x26\x06\x47\0" + bytes(10) + b"\x11\x11")],
)
def test_socks5_addresses(host, address):
    assert talk(handshake(5, host, 80), b"\x05\0" + OPENED["IPv4"])[3:] == b"\x05\x01\0" + address + b"\0\x50"


def test_socks5_logs_in_where_it_is_asked_to():
    sent = talk(handshake(5, "a.b", 1, ("me", "p:w")), b"\x05\x02\x01\0" + OPENED["IPv4"])
    assert sent == b"\x05\x02\0\x02" + b"\x01\x02me\x03p:w" + b"\x05\x01\0\x03\x03a.b\0\x01"


def test_socks5_keeps_its_login_where_nobody_asks():
    assert b"word" not in talk(handshake(5, "a.b", 1, ("me", "word")), b"\x05\0" + OPENED["IPv4"])


@pytest.mark.parametrize(
    ("login", "answers", "why"),
    [
        (None, b"HT", "does not speak SOCKS5"),
        (None, b"\x05\xff", "requires a login"),
        (None, b"\x05\x02", "requires a login"),
        (("me", "word"), b"\x05\xff", "requires a login"),
        (("me", "word"), b"\x05\x02\x01\x01", "does not accept the login"),
        (None, b"\x05\0\x05\x04\0\x01", "host unreachable"),
        (None, b"\x05\0\x05\x63\0\x01", "SOCKS5 reply 99"),
    ],
)
def test_socks5_refusals(login, answers, why):
    with pytest.raises(ProxyRefused, match=why):
        talk(handshake(5, "a.b", 1, login), answers)


def test_socks4_gives_the_name_to_the_proxy():
    sent = talk(handshake(4, "cdn.example", 443, ("me", "unused")), b"\0\x5a" + bytes(6))
    assert sent == b"\x04\x01\x01\xbb\0\0\0\x01me\0cdn.example\0"


def test_socks4_addresses():
    assert talk(handshake(4, "93.184.216.34", 443), b"\0\x5a" + bytes(6)) == b"\x04\x01\x01\xbb\x5d\xb8\xd8\x22\0"


def test_socks4_refusals():
    with pytest.raises(ProxyRefused, match="SOCKS4 reply 91"):
        talk(handshake(4, "a.b", 1), b"\0\x5b" + bytes(6))
