"""One paid call at a time: which host it reaches, how often, through which proxy, and what a failure says of the bill.

Nothing leaves this machine. Names are known to proxies only.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import contextmanager

import pytest
from fake_gateway import HANG, RESET, FakeGateway, reply, sse, tunnel
from fake_socks import FakeSocks

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway import http_client
from gpt4o_image.gateway.client import BrokenOff, post, preflight
from gpt4o_image.gateway.hosts import Hosts
from gpt4o_image.gateway.profiles import Gateway
from gpt4o_image.gateway.transport import CA_VARIABLES

KEY = "sk-cases-7Jq2xv0123456789abcdefABCDEF"
BODY = {"model": "gpt-4o-image", "messages": [{"role": "user", "content": "a paper boat"}], "stream": True}
NAME = "https://gateway.example/v1"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, short_connects):
    """No proxies and certificates of this machine."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in CA_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture
def gateway(fake_gateway):
    return fake_gateway


def ask(*base_urls, hosts=None, body=BODY, endpoint="chat", timeout_s=5.0, key=KEY):
    """(answer, its bytes) of one call."""

    async def call():
        async with post(Gateway("mine", base_urls, key), endpoint, body, timeout_s, hosts) as response:
            return response, b"".join([chunk async for chunk in response.chunks])

    return asyncio.run(call())


def failure(*base_urls, **options):
    with pytest.raises(GPT4oImageError) as caught:
        ask(*base_urls, **options)
    assert KEY not in str(caught.value)
    return caught.value


# The answer


def test_what_is_known_of_an_answer(gateway):
    gateway.post(sse("hello", x_request_id="req-1"))
    response, body = ask(gateway.base_url)
    assert b'"hello"' in body
    assert (response.content_type, response.request_id) == ("text/event-stream", "req-1")
    assert (response.base_url, response.note) == (gateway.base_url, "")
    assert gateway.requests[0].json() == BODY
    assert gateway.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_an_answer_that_breaks_off(gateway):
    gateway.post([sse("hello").render("")[:-9], RESET])
    with pytest.raises(BrokenOff):
        ask(gateway.base_url)
    assert gateway.posts() == 1


def test_the_key_is_masked_in_all_of_it(gateway):
    gateway.post(sse(f"Bearer {KEY}", KEY[:-1], x_request_id=KEY))
    response, body = ask(gateway.base_url)
    assert KEY.encode() not in body
    assert body.count(b"***") == 1
    assert response.request_id == "***"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 302])
@pytest.mark.parametrize("page", [False, True])
def test_the_key_is_masked_in_errors(gateway, status, page):
    body = f"<html>authorization: Bearer {KEY}</html>" if page else {"error": {"message": f"Invalid token: {KEY}"}}
    gateway.post(reply(body, status, location=f"https://elsewhere.example/?key={KEY}"))
    failure(gateway.base_url)
    assert gateway.posts() == 1


@pytest.mark.parametrize("end", [RESET, HANG], ids=["broken off", "never ends"])
@pytest.mark.parametrize(("status", "kind", "billed"), [(401, "auth", "no"), (500, "upstream", "unknown")])
def test_a_status_counts_though_its_body_does_not_end(gateway, monkeypatch, status, kind, billed, end):
    monkeypatch.setattr(http_client, "_ERROR_S", 0.3)
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n".encode()
    gateway.post([head + b'{"error": {"message": "Half a', 0.05, end])
    error = failure(gateway.base_url)
    assert (error.kind, error.billed) == (kind, billed)
    assert "Half a" in error.gateway_text
    assert gateway.posts() == 1


def test_an_error_page_without_an_end_is_cut(gateway, monkeypatch):
    monkeypatch.setattr(http_client, "_MAX_ERROR_BYTES", 100_000)

    def flood(exchange):
        exchange.say(b"HTTP/1.1 500 X\r\n\r\n")
        while True:
            exchange.say(b"x" * 50_000)

    gateway.post(flood)
    assert len(failure(gateway.base_url).gateway_text) <= 100_000


# Where it went


@pytest.mark.parametrize(
    ("status", "kind", "billed"),
    [(301, "config", "no"), (302, "config", "no"), (307, "upstream", "no"), (308, "config", "no")],
)
def test_a_redirect_is_not_followed(gateway, status, kind, billed):
    with FakeGateway() as other:
        gateway.post(reply("", status, location=f"{other.origin}/v1/chat/completions"))
        error = failure(gateway.base_url)
        assert (error.kind, error.billed) == (kind, billed)
        assert other.connections == 0
        if kind == "config":
            assert other.origin in error.message
            assert "base_url" in error.message
    assert gateway.posts() == 1


def test_an_address_without_the_endpoint(gateway):
    gateway.post(reply({"error": {"message": "Invalid URL", "type": "invalid_request_error"}}, 404))
    error = failure(f"{gateway.base_url}/chat/completions")
    assert (error.kind, error.billed, error.gateway_text) == ("config", "no", "Invalid URL")
    assert f": use {gateway.base_url}." in error.message
    assert gateway.requests[0].target == "/v1/chat/completions/chat/completions"


def test_a_404_about_the_model_is_about_the_model(gateway):
    gateway.post(reply({"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}, 404))
    assert failure(gateway.base_url).kind == "bad_model"


# Hosts that fail, and the next one


@contextmanager
def refusing(_):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def unknown_name(_):
    yield "http://gateway.invalid/v1"


@contextmanager
def black_hole(_):
    """Its queue of connections is full: SYNs are dropped."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        for filler in fillers:
            filler.close()


@contextmanager
def silent_tls(_):
    """Takes the connection and never shakes hands."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"https://127.0.0.1:{silent.getsockname()[1]}/v1"


@contextmanager
def untrusted(own_ca):
    with FakeGateway(tls=own_ca.server()) as one:
        yield one.base_url
        assert one.posts() == 0


@contextmanager
def no_tls(_):
    with FakeGateway() as one:
        yield one.base_url.replace("http:", "https:")
        assert one.posts() == 0


NOTHING_LEFT = [refusing, unknown_name, black_hole, silent_tls, untrusted, no_tls]


@pytest.mark.parametrize("failing", NOTHING_LEFT)
def test_the_next_host_is_asked_where_nothing_had_left(gateway, own_ca, failing):
    with failing(own_ca) as base_url:
        response, body = ask(base_url, gateway.base_url)
    assert b"![a]" in body
    assert response.base_url == gateway.base_url
    assert response.note.startswith(f"The backup host {gateway.base_url} answered. No connection to {base_url}: ")
    assert gateway.posts() == 1


@pytest.mark.parametrize("failing", NOTHING_LEFT)
def test_where_no_host_is_left_nothing_was_billed(own_ca, failing):
    with failing(own_ca) as base_url:
        error = failure(base_url)
    assert (error.kind, error.billed) == ("upstream", "no")
    assert f"{base_url}: " in error.message
    assert "cannot be reached" in error.message
    assert "Nothing was sent." in error.message


def half_of_the_request(connection):
    connection.recv(1000)


def all_of_the_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)


def nothing_of_the_request(_):
    pass


@pytest.mark.parametrize(
    ("heard", "orderly"),
    [
        # Not reset at once: that may be noticed before a byte is written.
        (nothing_of_the_request, True),
        (half_of_the_request, True),
        (half_of_the_request, False),
        (all_of_the_request, True),
        (all_of_the_request, False),
    ],
)
def test_no_other_host_is_asked_once_a_byte_may_have_left(gateway, heard, orderly):
    def hang_up():
        connection, _ = breaking.accept()
        heard(connection)
        if not orderly:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as breaking:
        thread = threading.Thread(target=hang_up)
        thread.start()
        large = {**BODY, "messages": [{"role": "user", "content": "x" * 3_000_000}]}
        error = failure(f"http://127.0.0.1:{breaking.getsockname()[1]}/v1", gateway.base_url, body=large)
        thread.join()
    assert (error.kind, error.billed) == ("upstream", "unknown")
    assert gateway.connections == 0


def test_silence_after_the_request_is_no_reason_to_ask_another(gateway):
    with FakeGateway() as silent:
        silent.post([HANG])
        error = failure(silent.base_url, gateway.base_url, timeout_s=0.5)
        assert (error.kind, error.billed) == ("timeout", "unknown")
        assert silent.posts() == 1
    assert gateway.connections == 0


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 302, 404])
def test_a_host_that_answers_has_answered(gateway, status):
    with FakeGateway() as first:
        first.post(reply("no", status))
        failure(first.base_url, gateway.base_url)
        assert first.posts() == 1
    assert gateway.connections == 0


def test_what_failed_is_remembered_between_calls(gateway):
    hosts = Hosts()
    with refusing(None) as down:
        ask(down, gateway.base_url, hosts=hosts)
        response, _ = ask(down, gateway.base_url, hosts=hosts)
    assert response.note == f"The backup host {gateway.base_url} answered."
    assert hosts.in_order((down, gateway.base_url)) == [gateway.base_url, down]


def test_the_last_host_is_the_one_that_failed_before(gateway):
    hosts = Hosts()
    hosts.failed(gateway.base_url)
    with refusing(None) as down:
        response, _ = ask(gateway.base_url, down, hosts=hosts)
    assert (response.base_url, response.note) == (gateway.base_url, "")


# Proxies


@pytest.fixture
def secure(own_ca, monkeypatch):
    """A gateway whose name is known to proxies only."""
    monkeypatch.setenv("SSL_CERT_FILE", str(own_ca.pem))
    with FakeGateway(tls=own_ca.server("gateway.example")) as one:
        yield one


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h", "socks4", "socks4a"])
def test_a_socks_proxy_resolves_the_name(secure, monkeypatch, scheme):
    with FakeSocks({"gateway.example": secure.port}) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.place}")
        ask(NAME)
        assert proxy.asked == [(5 if "4" not in scheme else 4, "gateway.example")]
    assert secure.posts() == 1


def test_a_socks_proxy_with_a_login(secure, monkeypatch):
    with FakeSocks({"gateway.example": secure.port}, login=("me", "p#:@w")) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://me:p#:@w@{proxy.place}")
        ask(NAME)
        monkeypatch.setenv("ALL_PROXY", f"socks5://me:other@{proxy.place}")
        error = failure(NAME)
    assert (error.kind, error.billed) == ("upstream", "no")
    assert "refuses: it does not accept the login" in error.message
    assert "other" not in error.message
    assert secure.posts() == 1


def test_an_http_proxy_resolves_the_name(secure, monkeypatch):
    with FakeGateway() as proxy:
        proxy.get("*", tunnel(secure.port))
        monkeypatch.setenv("https_proxy", f"http://me:p#w@127.0.0.1:{proxy.port}")
        ask(NAME)
        (connect,) = proxy.requests
        assert (connect.method, connect.target) == ("CONNECT", "gateway.example:443")
        assert connect.headers["proxy-authorization"] == "Basic bWU6cCN3"
        assert "authorization" not in connect.headers
    assert secure.posts() == 1


def test_a_proxy_that_speaks_tls_itself(secure, own_ca, monkeypatch):
    with FakeGateway(tls=own_ca.server("localhost"), host="127.0.0.1") as proxy:
        proxy.get("*", tunnel(secure.port))
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy.port}")
        ask(NAME)
        assert [request.method for request in proxy.requests] == ["CONNECT"]
    assert secure.posts() == 1


def test_a_gateway_without_tls_is_asked_for_by_its_whole_address(monkeypatch):
    with FakeGateway() as proxy:
        proxy.post(sse("hello"))
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        ask("http://gateway.example/v1")
        (request,) = proxy.requests
    assert request.target == "http://gateway.example/v1/chat/completions"


def test_a_gateway_without_tls_behind_a_proxy_with_a_login(monkeypatch):
    with FakeGateway() as proxy:
        proxy.post(reply("", 407))
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        error = failure("http://gateway.example/v1")
    assert (error.kind, error.billed) == ("upstream", "no")
    assert "proxy" in error.message


@pytest.mark.parametrize("status", [302, 403, 404, 407, 502, 503])
def test_a_refused_connect_sent_nothing(monkeypatch, status):
    with FakeGateway() as proxy:
        proxy.get("*", reply("<html>no</html>", status))
        monkeypatch.setenv("HTTPS_PROXY", proxy.origin)
        error = failure(NAME)
    assert (error.kind, error.billed) == ("upstream", "no")
    assert f"the proxy {proxy.origin} refuses: {status}" in error.message
    assert "HTTPS_PROXY" in error.message


@pytest.mark.parametrize(
    "answer", [[HANG], [RESET], b"", b"SSH-2.0-x\r\n"], ids=["silent", "reset", "closed", "no HTTP"]
)
def test_a_proxy_that_is_none(monkeypatch, answer):
    with FakeGateway() as proxy:
        proxy.get("*", answer)
        monkeypatch.setenv("HTTPS_PROXY", proxy.origin)
        error = failure(NAME)
    assert (error.kind, error.billed) == ("upstream", "no")
    assert f"the proxy {proxy.origin}" in error.message


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5"])
def test_a_proxy_that_nobody_runs(monkeypatch, scheme):
    with refusing(None) as gone:
        place = gone.removeprefix("http://").removesuffix("/v1")
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://{place}")
    error = failure(NAME)
    assert (error.kind, error.billed) == ("upstream", "no")
    assert f"connection refused, through the proxy {scheme}://{place}" in error.message


def test_the_next_host_may_be_one_that_needs_no_proxy(gateway, monkeypatch):
    with refusing(None) as gone:
        monkeypatch.setenv("ALL_PROXY", gone.removesuffix("/v1"))
        response, _ = ask(NAME, gateway.base_url)
    assert response.base_url == gateway.base_url


# Before the POST


def test_nothing_is_wrong_here(gateway):
    preflight(Gateway("mine", (gateway.base_url, NAME), KEY))
    preflight(Gateway("simulator", (), "simulator-needs-no-key"))
    assert gateway.connections == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "http://proxy.example:port"),
        ("ALL_PROXY", "gopher://proxy.example"),
        ("HTTP_PROXY", "http://:3128"),
        *((name, "/no/such/cacert.pem") for name in CA_VARIABLES),
    ],
)
def test_a_variable_that_breaks_the_call_or_its_downloads(gateway, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    for base_url in (NAME, gateway.base_url):
        with pytest.raises(GPT4oImageError) as caught:
            preflight(Gateway("mine", (base_url,), KEY))
        assert (caught.value.kind, caught.value.billed) == ("config", "no")
        assert caught.value.message.startswith(variable)
    preflight(Gateway("simulator", (), "simulator-needs-no-key"))


@pytest.mark.parametrize("no_proxy", ["[::1]", "fe80::/10", "::1,localhost,fd00::/8", "*,", "https://"])
def test_a_no_proxy_that_breaks_other_clients(gateway, monkeypatch, no_proxy):
    monkeypatch.setenv("NO_PROXY", no_proxy)
    preflight(Gateway("mine", (NAME,), KEY))
    ask(gateway.base_url)


def test_an_address_that_the_sdk_does_not_take():
    with pytest.raises(GPT4oImageError) as caught:
        preflight(Gateway("mine", ("http://gateway\u3002\u3002example:1/v1",), KEY))
    assert caught.value.kind == "config"
