"""A picture from its addresses, over real sockets on loopback. Nothing leaves this machine, nothing is paid."""

from __future__ import annotations

import base64
import gzip
import io
import os
import socket
import struct
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_gateway import HANG, FakeGateway, in_pieces, png
from PIL import Image

from gpt4o_image.download import fetch as download
from gpt4o_image.download.fetch import MAX_BYTES, DownloadError, Stopped, fetch
from gpt4o_image.pictures.decode import decode
from gpt4o_image.pictures.formats import PictureError

PNG = b"\x89PNG\r\n\x1a\n"
HTML = b"<!doctype html><title>Sorry</title>"
SCHEDULE = (*download._PAUSES_S, download._LATER_S)
TRIES_S = download._TRIES_S
SOON_S = 0.4  # for Cancel and for news: 0.1 s are ours, the rest is for a busy machine


RED, BLUE = png("red"), png("blue")
ZIPPED = gzip.compress(RED, mtime=0)  # its bytes stand in the names of tests, which each worker must find the same


def ok(body=RED, headers="", status="200 OK", length=None):
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def status(code, headers=""):
    return ok(b"no", headers, f"{code} Because")


def redirect(location, headers="", code=302):
    return status(code, f"Location: {location}\r\n{headers}")


class Gateway(FakeGateway):
    """The fake gateway; `own` is the origin of the profile that the pictures belong to."""

    def __init__(self):
        super().__init__()
        self.own = ("http", "127.0.0.1", self.port)

    at = FakeGateway.get


def drops(data, every_s=0.01):
    """Sends `data` byte by byte and then, drop by drop, spaces without an end."""

    def answer(exchange):
        exchange.answer(in_pieces(data, 1, every_s))
        while True:
            exchange.answer([b" ", every_s])

    return answer


def silence(after=b""):
    """Sends `after`, and then nothing until the client goes."""
    return lambda exchange: exchange.answer([after, HANG])


def flood(head):
    def answer(exchange):
        exchange.say(head)
        while True:
            exchange.say(bytes(2**20))

    return answer


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Four tries at once, and the next, while an answer goes on, too late for the time that there is for tries."""
    monkeypatch.setattr(download, "_PAUSES_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(download, "_LATER_S", 0.4)
    monkeypatch.setattr(download, "_TRIES_S", 0.39)


@pytest.fixture(autouse=True)
def connects(monkeypatch):
    """Every address that was connected to. Only loopback is reached."""
    attempts = []
    real = socket.socket.connect

    def connect(self, address):
        attempts.append(address[:2])
        if address[0] != "127.0.0.1":
            raise OSError("no route")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return attempts


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """host -> IP address; of other names only numbers are found."""
    table = {"cdn.example": "93.184.216.34", "inside.example": "10.0.0.1"}
    real = socket.getaddrinfo

    def lookup(host, port, *args, **kwargs):
        return real(table.get(host, host), port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return table


@pytest.fixture
def gateway():
    before = transfers()
    with Gateway() as running:
        yield running
    assert transfers() == before, "a download left its thread behind"


def transfers():
    return {thread for thread in threading.enumerate() if thread.name == "gpt4o-image-transfer"}


def got(gateway, *addresses, accept=lambda data, address: data, within_s=20.0, **options):
    """What fetch makes of `addresses`, all of them known from the start."""
    options = {"all_known": lambda: True, "stopped": lambda: False, **options}
    deadline = time.monotonic() + within_s
    return fetch(lambda: addresses, accept, own_origins=(gateway.own,), deadline=deadline, **options)


def reasons(gateway, *addresses, **options):
    """address -> why it gave nothing."""
    with pytest.raises(DownloadError) as caught:
        got(gateway, *addresses, **options)
    assert len(caught.value.reasons) == len(addresses)
    return [
        reason.removeprefix(f"{address}: ") for reason, address in zip(caught.value.reasons, addresses, strict=True)
    ]


# Mirrors and retries


def test_the_first_address_that_gives_a_picture_is_the_last_that_is_asked(gateway):
    first, second = gateway.at("/cdn/a.png", ok(RED)), gateway.at("/cdn/download/a.png", ok(BLUE))
    seen = []
    assert got(gateway, first, second, accept=lambda data, address: seen.append((data, address))) is None
    assert seen == [(RED, first)]
    assert gateway.gets == ["/cdn/a.png"]


@pytest.mark.parametrize("code", [204, 206, 304, 400, 401, 410, 451])
def test_a_refusal_goes_to_the_next_mirror_at_once(gateway, code):
    addresses = [
        gateway.at("/cdn/a.png", status(code)),
        gateway.at("/cdn/download/a.png", status(410)),
        gateway.at("/src_0.png?sig=%2Fa%3d&az=(x)", ok()),
    ]
    assert got(gateway, *addresses) == RED
    assert gateway.gets == ["/cdn/a.png", "/cdn/download/a.png", "/src_0.png?sig=%2Fa%3d&az=(x)"]


@pytest.mark.parametrize(
    "answer",
    [
        status(202),
        status(403),
        status(404),
        status(408),
        status(425),
        status(429),
        status(500),
        status(503),
        b"",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_miss_is_tried_again(gateway, answer):
    assert got(gateway, gateway.at("/a.png", answer, answer, answer, ok())) == RED
    assert len(gateway.gets) == 4


def test_a_miss_tries_the_mirrors_meanwhile(gateway):
    assert got(gateway, gateway.at("/a.png", status(404), ok(RED)), gateway.at("/b.png", ok(BLUE))) == BLUE
    assert gateway.gets == ["/a.png", "/b.png"]


def test_each_address_has_some_tries_and_all_are_named(gateway):
    first, second = gateway.at("/a.png", status(404)), gateway.at("/b.png", status(503))
    assert reasons(gateway, first, second, "file:///etc/passwd") == ["HTTP 404", "HTTP 503", "file is not https"]
    assert gateway.gets == ["/a.png", "/b.png"] * 4, "in turn"
    assert all(request.method == "GET" for request in gateway.requests)


def test_tries_are_spaced(gateway, monkeypatch):
    monkeypatch.setattr(download, "_PAUSES_S", (0.1, 0.2, 0.3))
    monkeypatch.setattr(download, "_LATER_S", 10.0)
    monkeypatch.setattr(download, "_TRIES_S", 1.0)
    began = time.monotonic()
    assert reasons(gateway, gateway.at("/a.png", status(500))) == ["HTTP 500"]
    assert 0.6 <= time.monotonic() - began < 2
    assert len(gateway.gets) == 4


def test_a_store_has_15_s_to_copy_a_file_and_few_gets_to_answer():
    assert TRIES_S == 15.0
    assert 10 < sum(SCHEDULE[:-1]) <= TRIES_S < sum(SCHEDULE)
    assert len(SCHEDULE) <= 8


def test_a_pause_that_ends_after_the_deadline_is_not_waited_for(gateway, monkeypatch):
    monkeypatch.setattr(download, "_PAUSES_S", (30.0,))
    began = time.monotonic()
    assert reasons(gateway, gateway.at("/a.png", status(500))) == ["HTTP 500"]
    assert time.monotonic() - began < 1


def test_nobody_listens(gateway):
    address = gateway.at("/a.png")
    gateway.stop()
    (why,) = reasons(gateway, address)
    assert "refused" in why


def test_one_failed_picture_does_not_cost_the_others(gateway):
    wanted = [gateway.at("/a.png", ok(RED)), gateway.at("/bad.png", status(403)), gateway.at("/c.png", ok(BLUE))]
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(got, gateway, address) for address in wanted]
    assert (runs[0].result(), runs[2].result()) == (RED, BLUE)
    assert isinstance(runs[1].exception(), DownloadError)


# What counts as a picture


@pytest.mark.parametrize(
    "body",
    [
        HTML,
        b'{"status": "pending"}',
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xef\xbb\xbf <?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        b"not ready",
        b" \n",
        "<html><title>\u627e\u4e0d\u5230</title>".encode("gbk"),
        "\u732b".encode() * 2000,
    ],
)
def test_a_text_goes_to_the_next_mirror_at_once(gateway, body):
    page = gateway.at("/a.png", ok(body, "Content-Type: image/png\r\n"))
    assert got(gateway, page, gateway.at("/b.png", ok())) == RED
    assert gateway.gets == ["/a.png", "/b.png"]
    (why,) = reasons(gateway, page)
    assert why.startswith("a text, not a picture: ")


def test_a_text_may_become_a_picture(gateway):
    assert got(gateway, gateway.at("/a.png", ok(b'{"status": "pending"}'), ok())) == RED


@pytest.mark.parametrize(
    "body", [b"BM" + bytes(99), PNG[:7], b"\0" * 12, b"future" + bytes(range(256)), b"\xff" * 2000]
)
def test_bytes_of_an_unknown_format_are_handed_on(gateway, body):
    assert got(gateway, gateway.at("/a.png", ok(body, "Content-Type: text/html\r\n"))) == body
    assert len(gateway.gets) == 1


def test_the_bytes_say_what_it_is(gateway):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    jpeg = file.getvalue()
    assert got(gateway, gateway.at("/a.png", ok(jpeg, "Content-Type: text/html\r\n"))) == jpeg


@pytest.mark.parametrize("headers", ["", "Transfer-Encoding: chunked\r\n"])
def test_an_empty_file_is_tried_again(gateway, headers):
    nothing = ok(b"0\r\n\r\n" if headers else b"", headers)
    assert got(gateway, gateway.at("/a.png", nothing, ok())) == RED
    assert reasons(gateway, gateway.at("/b.png", nothing)) == ["empty"]


@pytest.mark.parametrize(
    "answer",
    [
        ok(RED, length=len(RED) + 1),
        ok(RED, length=30 * 2**20),
        ok(b"%x\r\n" % 2000 + RED, "Transfer-Encoding: chunked\r\n"),
        ok(b"8\r\n" + RED[:8] + b"\r\nno number\r\n", "Transfer-Encoding: chunked\r\n"),
        ok(ZIPPED[:-9], "Content-Encoding: gzip\r\n"),
        ok(ZIPPED[:-9], "Content-Encoding: gzip\r\n", length=len(ZIPPED)),
    ],
)
def test_a_body_that_breaks_off_is_tried_again(gateway, answer):
    assert got(gateway, gateway.at("/a.png", answer, ok())) == RED
    (why,) = reasons(gateway, gateway.at("/b.png", answer))
    assert why.startswith("broke off after ")


@pytest.mark.parametrize(
    "answer",
    [
        ok(RED, "Connection: close\r\n"),
        b"HTTP/1.0 200 OK\r\n\r\n" + RED,
        ok(b"%x\r\n%s\r\n0\r\n\r\n" % (len(RED), RED), "Transfer-Encoding: chunked\r\n", length=5),
        ok(RED, "Content-Encoding: identity\r\n"),
        ok(ZIPPED, "Content-Encoding: gzip\r\n"),
        ok(ZIPPED, "Content-Encoding: X-GZIP\r\n"),
        ok(zlib.compress(RED), "Content-Encoding: deflate\r\n"),
    ],
)
def test_a_body_in_every_wrapping(gateway, answer):
    assert got(gateway, gateway.at("/a.png", answer)) == RED


# Size


def test_the_limit_is_50_mib(gateway):
    assert MAX_BYTES == 50 * 1024 * 1024


@pytest.mark.parametrize("headers", ["", "Content-Encoding: gzip\r\n"])
def test_exactly_the_limit_passes_and_one_more_does_not(gateway, monkeypatch, headers):
    monkeypatch.setattr(download, "MAX_BYTES", 100_000)
    body = PNG + bytes(100_000 - len(PNG))
    wrap = gzip.compress if headers else bytes
    assert got(gateway, gateway.at("/a.png", ok(wrap(body), headers))) == body
    assert reasons(gateway, gateway.at("/b.png", ok(wrap(body + b"\0"), headers))) == ["larger than 50 MiB"]
    assert gateway.gets == ["/a.png", "/b.png"]


def test_a_declared_size_is_believed_before_a_byte_is_read(gateway):
    huge = gateway.at("/a.png", silence(ok(PNG, length=MAX_BYTES + 1)))
    began = time.monotonic()
    assert reasons(gateway, huge) == ["larger than 50 MiB"]
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + PNG,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n" + PNG,
        # Bytes that unpack to nothing: what follows the end of a gzip file.
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + ZIPPED,
    ],
)
def test_a_body_without_an_end_is_cut(gateway, head):
    assert reasons(gateway, gateway.at("/a.png", flood(head))) == ["larger than 50 MiB"]
    assert gateway.gone.wait(2)


def test_a_gzip_bomb_is_cut_while_it_unpacks(gateway, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 2**20)
    packer = zlib.compressobj(1, wbits=31)
    bomb = packer.compress(PNG) + b"".join(packer.compress(bytes(2**20)) for _ in range(60)) + packer.flush()
    assert len(bomb) < 2**19
    address = gateway.at("/a.png", ok(bomb, "Content-Encoding: gzip\r\n"))
    tracemalloc.start()
    try:
        assert reasons(gateway, address) == ["larger than 50 MiB"]
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert len(gateway.gets) == 1


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "deflate,gzip"])
def test_other_packings_are_not_unpacked(gateway, encoding):
    (why,) = reasons(gateway, gateway.at("/a.png", ok(RED, f"Content-Encoding: {encoding}\r\n")))
    assert why == f"is encoded as {encoding}, which was not asked for"


def test_a_broken_packing_is_tried_again(gateway):
    address = gateway.at("/a.png", ok(RED, "Content-Encoding: gzip\r\n"), ok(RED))
    assert got(gateway, address) == RED


# What cannot be decoded


def bomb():
    """67 bytes that say they are 30000 x 30000 pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def decoded(data, address):
    return decode(data).pixels[0, 0].tolist()


@pytest.mark.parametrize(
    ("body", "why"),
    [(bomb(), "too large|at most 64 megapixels"), (RED[:-30], "cut off"), (PNG + b"nonsense", "cut off")],
)
def test_what_cannot_be_decoded_is_fetched_once(gateway, body, why):
    with pytest.raises(PictureError, match=why):
        got(gateway, gateway.at("/a.png", ok(body)), gateway.at("/b.png", ok(BLUE)), accept=decoded)
    assert gateway.gets == ["/a.png"]


def test_what_else_fails_in_accept_is_not_the_mirror_s_fault(gateway):
    def full_disk(data, address):
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        got(gateway, gateway.at("/a.png", ok()), accept=full_disk)
    assert len(gateway.gets) == 1


# Where it may go


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://cdn.example/a.png", "http is not https"),
        ("https://10.0.0.1/a.png", "10.0.0.1 is not a public address"),
        ("https://169.254.169.254/latest/meta-data/", "169.254.169.254 is not a public address"),
        ("https://inside.example/a.png", "10.0.0.1 is not a public address"),
        ("https://127.0.0.1/a.png", "127.0.0.1 is not a public address"),
        ("http://127.0.0.1:9/a.png", "http is not https"),
        ("http://[::1]/a.png", "http is not https"),
        ("https://[::1]/a.png", "::1 is not a public address"),
        ("https://[fe80::1]/a.png", "fe80::1 is not a public address"),
        ("https://[64:ff9b::a00:1]/a.png", "64:ff9b::a00:1 is not a public address"),
        ("file:///etc/passwd", "file is not https"),
        ("ftp://cdn.example/a.png", "ftp is not https"),
        ("javascript:alert(1)", "javascript is not https"),
        ("https://user:pass@cdn.example/a.png", "has a login in it"),
        ("https://[cdn.example/a.png", "not an address"),
    ],
)
def test_forbidden_addresses_cost_one_look_and_no_connection(gateway, connects, address, why):
    assert reasons(gateway, address) == [why]
    assert not connects
    assert got(gateway, address, gateway.at("/a.png", ok())) == RED


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://10.0.0.1/a.png", "http is not https"),
        ("https://10.0.0.1/a.png", "10.0.0.1 is not a public address"),
        ("https://inside.example/a.png", "10.0.0.1 is not a public address"),
        ("//169.254.169.254/a.png", "http is not https"),
        ("https://[::1]/a.png", "::1 is not a public address"),
        ("http://127.0.0.1:9/a.png", "http is not https"),
        ("http://localhost/a.png", "http is not https"),
        ("file:///etc/passwd", "file is not https"),
        ("data:image/png;base64,iVBORw0KGgo=", "data is not https"),
        ("https://u:p@cdn.example/a.png", "has a login in it"),
        ("//[", "redirects to an invalid address"),
    ],
)
def test_a_redirect_is_checked_like_an_address(gateway, connects, location, why):
    start = gateway.at("/a.png", redirect(location))
    assert reasons(gateway, start) == [why]
    assert connects == [("127.0.0.1", gateway.port)]
    assert got(gateway, start, gateway.at("/b.png", ok())) == RED


def test_a_redirect_to_a_public_address_is_gone_to(gateway, connects):
    assert reasons(gateway, gateway.at("/a.png", redirect("https://cdn.example:8443/a.png"))) == ["no route"]
    assert ("93.184.216.34", 8443) in connects


def test_a_name_that_turns_inside_is_connected_to_where_it_was_checked(gateway, names, connects, monkeypatch):
    checked = socket.getaddrinfo
    lookups = []

    def rebinding(host, *args, **kwargs):
        lookups.append(host)
        names["rebind.example"] = "93.184.216.34" if lookups.count("rebind.example") == 1 else "127.0.0.1"
        return checked(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    (why,) = reasons(gateway, f"https://rebind.example:{gateway.port}/a.png")
    assert why in ("no route", "127.0.0.1 is not a public address")  # the second, at another try
    assert connects == [("93.184.216.34", gateway.port)]
    assert not gateway.requests


# Redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(gateway, code):
    gateway.at("/b/c.png?sig=%2f%3D&az=(1)", redirect("d.png", code=code))
    gateway.at("/b/d.png", ok())
    assert got(gateway, gateway.at("/a.png", redirect("/b/c.png?sig=%2f%3D&az=(1)", code=code))) == RED
    assert gateway.gets == ["/a.png", "/b/c.png?sig=%2f%3D&az=(1)", "/b/d.png"]


def test_an_absolute_redirect_goes_byte_for_byte(gateway):
    target = gateway.at("/x/../%7e;a/./b;?sig=%2f&u=http://h/&", ok())
    assert got(gateway, gateway.at("/a.png", redirect(target))) == RED
    assert gateway.gets[-1] == "/x/../%7e;a/./b;?sig=%2f&u=http://h/&"


def test_a_redirect_in_utf_8(gateway):
    gateway.at("/%E7%8C%AB.png", ok())
    raw = redirect("/X.png").replace(b"X", "\u732b".encode())
    assert got(gateway, gateway.at("/a.png", raw)) == RED


def test_five_redirects_and_no_more(gateway):
    for step in range(6):
        gateway.at(f"/{step}", redirect(f"/{step + 1}"))
    gateway.at("/6", ok())
    assert got(gateway, gateway.at("/1", redirect("/2"))) == RED
    assert reasons(gateway, gateway.at("/0", redirect("/1"))) == ["more than 5 redirects"]
    assert gateway.gets == [*(f"/{step}" for step in range(1, 7)), *(f"/{step}" for step in range(6))]


def test_a_redirect_is_not_read_and_takes_no_cookies_along(gateway):
    head = f"HTTP/1.1 302 Found\r\nLocation: {gateway.at('/b.png', ok())}\r\nSet-Cookie: a=b; Path=/\r\n\r\n"
    assert got(gateway, gateway.at("/a.png", flood(head.encode()))) == RED
    assert gateway.gone.wait(2)
    assert gateway.gets == ["/a.png", "/b.png"]
    for request in gateway.requests:
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}


def test_a_redirect_to_nowhere_is_a_refusal(gateway):
    assert reasons(gateway, gateway.at("/a.png", status(302))) == ["HTTP 302"]


# Data URLs


def test_a_data_url_is_its_own_download(gateway, connects):
    encoded = base64.b64encode(RED).decode()
    for address in (
        f"data:image/png;base64,{encoded}",
        f"DATA:image/png;name=x;BASE64,{encoded.rstrip('=')}",
        "data:image/png;base64," + encoded.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
    ):
        assert got(gateway, address) == RED
    assert not connects


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("data:text/html," + HTML.decode(), f"a text, not a picture: {HTML.decode()}"),
        ("data:image/png;base64," + base64.b64encode(HTML).decode(), f"a text, not a picture: {HTML.decode()}"),
        ("data:image/svg+xml,<svg/>", "a text, not a picture: <svg/>"),
        ("data:image/png;base64,A", "its base64 is broken"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png;base64,\u732b", "its base64 is broken"),
        ("data:", "empty"),
    ],
)
def test_a_data_url_that_is_no_picture(gateway, address, why):
    with pytest.raises(DownloadError) as caught:
        got(gateway, address)
    assert caught.value.reasons == (f"{address[:30]}... ({len(address)} characters): {why}",)
    assert got(gateway, address, gateway.at("/a.png", ok())) == RED


def test_a_data_url_has_the_same_limit(gateway, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 99_999)
    body = PNG + bytes(99_999 - len(PNG))
    assert got(gateway, "data:;base64," + base64.b64encode(body).decode()) == body
    with pytest.raises(DownloadError, match="larger than 50 MiB"):
        got(gateway, "data:;base64," + base64.b64encode(body + b"\0").decode())


# While the answer still streams


class Answer:
    """Addresses that become known while it streams."""

    def __init__(self, *known):
        self.known = list(known)
        self.complete = threading.Event()
        self.cancelled = threading.Event()
        self.looks = 0

    def addresses(self):
        self.looks += 1
        return tuple(self.known)

    def fetch(self, gateway, within_s=20.0):
        return fetch(
            self.addresses,
            lambda data, address: data,
            all_known=self.complete.is_set,
            own_origins=(gateway.own,),
            deadline=time.monotonic() + within_s,
            stopped=self.cancelled.is_set,
        )


@pytest.fixture
def background():
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.mark.parametrize("known", [("file:///x",), ()])
def test_a_mirror_that_comes_late_is_taken_at_once(gateway, background, known):
    answer = Answer(*known)
    run = background.submit(answer.fetch, gateway)
    time.sleep(0.3)
    assert not run.done()
    assert answer.looks < 10, "it waits, it does not spin"
    began = time.monotonic()
    answer.known.append(gateway.at("/a.png", ok()))
    assert run.result(5) == RED
    assert time.monotonic() - began < SOON_S


def test_the_end_of_the_answer_is_noticed_at_once(gateway, background):
    answer = Answer(gateway.at("/a.png", status(410)))
    run = background.submit(answer.fetch, gateway)
    time.sleep(0.2)
    assert not run.done()
    began = time.monotonic()
    answer.complete.set()
    assert isinstance(run.exception(5), DownloadError)
    assert time.monotonic() - began < SOON_S
    assert len(gateway.gets) == 1


def test_a_mirror_that_came_with_the_end_is_still_tried(gateway):
    answer = Answer("file:///x")

    def all_known():
        # By the third look the first address is given up; the last mirror and the end come together.
        if answer.looks < 2:
            return False
        answer.known.append(gateway.at("/a.png", ok()))
        return True

    answer.complete.is_set = all_known
    assert answer.fetch(gateway) == RED


def test_a_miss_is_tried_as_long_as_the_answer_goes_on(gateway, background):
    answer = Answer(gateway.at("/a.png", *[status(404)] * 8, ok()))
    assert background.submit(answer.fetch, gateway).result(5) == RED


def test_a_late_mirror_has_tries_of_its_own(gateway, background):
    answer = Answer(gateway.at("/a.png", status(404)))
    run = background.submit(answer.fetch, gateway)
    while gateway.gets.count("/a.png") < 6:
        time.sleep(0.01)
    answer.known.append(gateway.at("/b.png", status(404), status(404), status(404), ok()))
    answer.complete.set()
    assert run.result(5) == RED


# Cancel and deadlines


@pytest.mark.parametrize(
    "answer",
    [
        silence(),
        silence(b"HTTP/1.1 200 OK\r\nX-Half: "),
        silence(ok(PNG, length=999)),
        drops(b"HTTP/1.1 200 OK\r\nX-Endless: "),
        drops(b"HTTP/1.1 200 OK\r\n\r\n" + PNG),
        flood(b"HTTP/1.1 100 Continue\r\n\r\n"),
        status(500),
    ],
    ids=["silent", "half a head", "half a body", "head in drops", "body in drops", "never-ending head", "misses"],
)
def test_stop_is_heard_at_once(gateway, background, answer, monkeypatch):
    monkeypatch.setattr(download, "_PAUSES_S", (30.0,) * 3)
    known = Answer(gateway.at("/a.png", answer))
    run = background.submit(known.fetch, gateway)
    while not gateway.requests:
        time.sleep(0.01)
    time.sleep(0.1)
    assert not run.done()
    began = time.monotonic()
    known.cancelled.set()
    assert isinstance(run.exception(5), Stopped)
    assert time.monotonic() - began < SOON_S
    if callable(answer):
        assert gateway.gone.wait(1), "the connection is still open"


def test_nothing_is_asked_once_stopped(gateway):
    with pytest.raises(Stopped):
        got(gateway, gateway.at("/a.png", ok()), stopped=lambda: True)
    assert not gateway.requests


def test_stop_does_not_wait_for_a_name(gateway, background, monkeypatch):
    looking, found = threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        looking.set()
        found.wait(5)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    answer = Answer("https://slow.example/a.png")
    run = background.submit(answer.fetch, gateway)
    assert looking.wait(2)
    began = time.monotonic()
    answer.cancelled.set()
    assert isinstance(run.exception(5), Stopped)
    assert time.monotonic() - began < SOON_S
    found.set()
    for thread in threading.enumerate():
        if thread.name == "gpt4o-image-transfer":
            thread.join(2)


@pytest.mark.parametrize(
    "answer",
    [silence(), drops(b"HTTP/1.1 200 OK\r\nX-Endless: "), drops(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)],
    ids=["silent", "head in drops", "body in drops"],
)
def test_the_deadline_is_of_the_whole(gateway, answer):
    began = time.monotonic()
    assert reasons(gateway, gateway.at("/a.png", answer), within_s=0.5) == ["too slow; the deadline passed"]
    assert 0.5 <= time.monotonic() - began < 1.5
    assert gateway.gone.wait(1)


def test_a_slow_server_leaves_time_for_the_mirrors(gateway):
    slow, quick = gateway.at("/a.png", drops(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)), gateway.at("/b.png", ok(BLUE))
    assert got(gateway, slow, quick, within_s=0.8) == BLUE


def test_what_was_never_tried_is_named_too(gateway):
    assert reasons(gateway, gateway.at("/a.png", ok()), within_s=0) == ["not tried"]


def test_an_answer_without_addresses(gateway):
    assert reasons(gateway) == []
