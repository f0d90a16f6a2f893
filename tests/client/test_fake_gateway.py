"""The tests' own gateway does what its docstring promises."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from fake_gateway import DONE, HANG, RESET, FakeGateway, event, in_pieces, picture, png, reply, sse, tunnel


def opened(address, data=None, **options):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *options.pop("handlers", ()))
    return opener.open(address, data, timeout=5, **options)


def got(address, data=None):
    with opened(address, data) as response:
        return response.read()


def test_answers_in_turn_and_the_last_again_and_again(fake_gateway):
    address = fake_gateway.get("/a.png", reply("no", 503, retry_after="3"), picture("blue"))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opened(address)
    assert (caught.value.code, caught.value.headers["Retry-After"], caught.value.read()) == (503, "3", b"no")
    assert got(f"{address}?x=1") == got(address) == png("blue")
    assert fake_gateway.gets == ["/a.png", "/a.png?x=1", "/a.png"]
    assert fake_gateway.posts() == 0


def test_what_is_answered_without_a_script(fake_gateway):
    said = got(f"{fake_gateway.base_url}/chat/completions", b'{"model": "m"}')
    assert said == event(f"![a]({fake_gateway.origin}/cdn/a.png)") + event("", "stop") + DONE
    assert fake_gateway.posts() == 1
    assert fake_gateway.requests[0].json() == {"model": "m"}
    assert got(f"{fake_gateway.origin}/cdn/a.png") == got(f"{fake_gateway.origin}/cdn/a.png?sig=1")
    assert got(f"{fake_gateway.origin}/cdn/a.png") != got(f"{fake_gateway.origin}/cdn/b.png")


def test_json_and_streams(fake_gateway):
    fake_gateway.post(reply({"root": "ROOT"}), sse({"data": []}, done=False))
    assert json.loads(got(fake_gateway.base_url, b"")) == {"root": fake_gateway.origin}
    assert got(fake_gateway.base_url, b"") == b'data: {"data": []}\n\n'


def test_a_body_that_breaks_off(fake_gateway):
    fake_gateway.get("*", replace(picture(), missing=9))
    with pytest.raises(http.client.IncompleteRead):
        got(fake_gateway.origin)


def test_pieces_pauses_and_a_reset(fake_gateway):
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    fake_gateway.get("/pieces", [head, *in_pieces(b"abcdef", 2, pause_s=0.01), 0.01, b"g"])
    assert got(f"{fake_gateway.origin}/pieces") == b"abcdefg"
    fake_gateway.get("/reset", [head, b"a", 0.05, RESET])
    with pytest.raises(ConnectionResetError):
        got(f"{fake_gateway.origin}/reset")


def test_a_client_that_leaves_is_noticed(fake_gateway):
    fake_gateway.post([b"HTTP/1.1 200 OK\r\n\r\n", HANG])
    opened(fake_gateway.base_url, b"").close()
    assert fake_gateway.gone.wait(2)


def test_a_hanging_answer_does_not_keep_the_test():
    with FakeGateway() as gateway:
        gateway.post([b"HTTP/1.1 200 OK\r\n\r\n", HANG])
        held = opened(gateway.base_url, b"")
    assert held.read() == b""


def test_tls_and_a_proxy(own_ca):
    trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=own_ca.pem))
    with FakeGateway(tls=own_ca.server("cdn.example")) as secure, FakeGateway() as proxy:
        proxy.get("cdn.example:443", tunnel(secure.port))
        through = urllib.request.ProxyHandler({"https": proxy.origin})
        with urllib.request.build_opener(trusting, through).open("https://cdn.example/a.png", timeout=5) as response:
            assert response.read().startswith(b"\x89PNG")
        assert secure.gets == ["/a.png"]
        assert [request.method for request in proxy.requests] == ["CONNECT"]
