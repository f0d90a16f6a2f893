"""The simulator over real sockets, asked with nothing but the standard library."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import logging
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpt4o_image.simulator import Simulator, scenario_names

KEY = "sk-secret-of-the-test"
MODEL = "gpt-4o-image-vip"
ENDLESS = ("stall", "hang_before_headers", "cancel_before_headers", "slow", "cancel_mid_stream")
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def paint_stub(words: str, size: tuple[int, int], *, transparent: bool, seed: int, references: Any = ()) -> bytes:
    return PNG_MAGIC + json.dumps([words, size, transparent, seed, len(references)]).encode()


@pytest.fixture
def sim(caplog: pytest.LogCaptureFixture) -> Iterator[Simulator]:
    yield from quiet(caplog, Simulator(speed=0, paint=paint_stub))


@pytest.fixture
def painting(caplog: pytest.LogCaptureFixture) -> Iterator[Simulator]:
    """With the embedded painter."""
    yield from quiet(caplog, Simulator(speed=0))


def quiet(caplog: pytest.LogCaptureFixture, simulator: Simulator) -> Iterator[Simulator]:
    """Leaves no thread, and no handler of it fails."""
    before = set(threading.enumerate())
    with caplog.at_level(logging.DEBUG), simulator:
        yield simulator
    assert set(threading.enumerate()) == before
    assert not caplog.records, "a handler of the simulator failed"


def chat_body(prompt: str, *, stream: bool = True, references: tuple[bytes, ...] = ()) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    for data in references:
        url = "data:image/jpeg;base64," + base64.b64encode(data).decode()
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": parts}]}


@contextlib.contextmanager
def opened(sim: Simulator, path: str, body: Any, key: str = KEY) -> Iterator[socket.socket]:
    """A connection on which the request has been sent and nothing was read."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(data)}\r\n\r\n"
    host, port = sim.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(head.encode() + data)
        yield sock


def call(sim: Simulator, method: str, path: str, body: Any = None, key: str = KEY) -> tuple[int, Any, bytes]:
    """Status, headers and body; redirects are not followed."""
    connection = http.client.HTTPConnection(sim.origin.removeprefix("http://"), timeout=10)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def chat(sim: Simulator, prompt: str, **options: Any) -> tuple[int, Any, bytes]:
    return call(sim, "POST", "/v1/chat/completions", chat_body(prompt, **options))


def images(sim: Simulator, **body: Any) -> tuple[int, Any]:
    status, _, data = call(sim, "POST", "/v1/images/generations", {"model": MODEL, "prompt": "a fox", **body})
    return status, json.loads(data)


def text_of(stream: bytes) -> str:
    events = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]
    return "".join(event["choices"][0]["delta"].get("content", "") for event in events)


def links_of(text: str) -> dict[str, list[str]]:
    found = re.findall(r"\]\((http[^()\s]+)\)", text)
    kinds = {"cdn": "/cdn/2", "download": "/cdn/download/", "signed": "/vg-assets/"}
    return {kind: [link for link in found if mark in link] for kind, mark in kinds.items()}


def target(link: str) -> str:
    return link.partition("://")[2].partition("/")[1] + link.partition("://")[2].partition("/")[2]


def get(sim: Simulator, link: str) -> tuple[int, bytes]:
    status, _, data = call(sim, "GET", target(link), key="")
    return status, data


def until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
    return value


# The default answer


def test_the_default_transcript_is_the_documented_one(sim: Simulator):
    status, headers, body = chat(sim, "a fox")
    assert status == 200
    assert headers["Content-Type"].startswith("text/event-stream")
    assert body.endswith(b"\n\ndata: [DONE]\n\n")
    origin = re.escape(sim.origin)
    documented = (
        r'```json\n\{\n  "prompt": "a fox[^"]+",\n  "ratio": "2:3"\n\}\n```'
        "\n\n>\U0001f550 Queuing\\.\n\n>\u26a1 Generating\\.{5}"
        "\n\n>\U0001f3c3\u200d Progress 11\\.{4}19\\.{4}27\\.{3}34\\.{4}42\\.{4}50\\.{4}57\\.{3}64\\.{4}"
        rf"\[100\]\({origin}/vg-assets/assets%2Ftask_01\w{{24}}%2Fsrc_1\.png\?st=\S+&se=\S+&sig=\S+%3D&az=\w+\)"
        "\n\n> \u2705 Generation complete\n\n"
        rf"(\n\n?!\[gen_\w{{26}}\]\({origin}/cdn/\d{{8}}/(\w{{30}})\.png\)"
        rf"\n\n\[Click to download\]\({origin}/cdn/download/\d{{8}}/\2\.png\)){{2}}"
    )
    assert re.fullmatch(documented, text_of(body))


def test_all_addresses_of_a_picture_give_the_same_bytes(sim: Simulator):
    links = links_of(text_of(chat(sim, "a fox")[2]))
    first, second = (get(sim, link)[1] for link in links["cdn"])
    assert first.startswith(PNG_MAGIC)
    assert first != second
    assert [get(sim, link)[1] for link in links["download"]] == [first, second]
    assert get(sim, links["signed"][0]) == (200, second)


def first_picture(simulator: Simulator, prompt: str = "a fox") -> bytes:
    return get(simulator, links_of(text_of(chat(simulator, prompt)[2]))["cdn"][0])[1]


def test_a_new_call_gives_a_new_picture(sim: Simulator):
    assert first_picture(sim) != first_picture(sim)


def test_another_start_gives_other_pictures_and_a_seed_the_same():
    starts = [Simulator(speed=0, paint=paint_stub, seed=seed) for seed in ("", "", "one", "one")]
    pictures = []
    for simulator in starts:
        with simulator:
            pictures.append(first_picture(simulator))
    assert pictures[0] != pictures[1]
    assert pictures[2] == pictures[3]


def test_the_prompt_decides_what_is_painted(sim: Simulator):
    prompt = "a fox\nAspect ratio: 3:2\nNumber of images: 1\nTransparent background [[slow]]".replace("[[slow]]", "")
    links = links_of(text_of(chat(sim, prompt, references=(b"one", b"two"))[2]))
    assert len(links["cdn"]) == 1
    words, size, transparent, _, references = json.loads(get(sim, links["cdn"][0])[1].removeprefix(PNG_MAGIC))
    assert (words, size, transparent, references) == ("a fox", [1536, 1024], True, 2)


def test_the_embedded_painter_paints(painting: Simulator):
    from PIL import Image

    with Image.open(io.BytesIO(first_picture(painting, "a fox, 1:1, 1 image, transparent background"))) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (1024, 1024), "RGBA")
    with Image.open(io.BytesIO(first_picture(painting, "a fox [[ok_jpeg_named_png]]"))) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 1536))


def test_a_signed_link_refuses_a_changed_query(sim: Simulator):
    link = links_of(text_of(chat(sim, "a fox")[2]))["signed"][0]
    changed = [link.partition("?")[0], link[:-1], link + "x", link.replace("%3D&az", "&az"), link.replace("&sp=r", "")]
    assert [get(sim, one)[0] for one in changed] == [403] * len(changed)
    assert get(sim, link)[0] == 200
    assert get(sim, f"{sim.origin}/cdn/20250421/unknown.png")[0] == 404


def test_a_completion_without_streaming(sim: Simulator):
    status, headers, body = chat(sim, "a fox", stream=False)
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert len(links_of(json.loads(body)["choices"][0]["message"]["content"])["cdn"]) == 2
    status, headers, again = chat(sim, "a fox [[http200_json_completion]]")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(again)["object"] == "chat.completion"


# The record


def test_the_record_holds_the_request_without_base64_and_key(sim: Simulator):
    chat(sim, "a fox", references=(b"12345" * 1000, b"67"))
    status, _, data = call(sim, "GET", "/_requests", key="")
    listed = json.loads(data)
    assert status == 200
    assert len(listed) == 1
    assert KEY.encode() not in data
    assert listed[0]["references"] == [{"mime": "image/jpeg", "bytes": 5000}, {"mime": "image/jpeg", "bytes": 2}]
    assert (listed[0]["method"], listed[0]["path"], listed[0]["status"]) == ("POST", "/v1/chat/completions", 200)
    assert (listed[0]["finished"], listed[0]["closed_by_client"]) == (True, False)
    assert len(json.dumps(listed[0]["body"])) < 500
    assert listed[0]["body"]["messages"][0]["content"][0]["text"] == "a fox"


def test_the_key_is_never_in_the_record_wherever_it_was(sim: Simulator):
    connection = http.client.HTTPConnection(sim.origin.removeprefix("http://"), timeout=10)
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {KEY}", "X-Copy": f"it is {KEY}"})
    connection.getresponse().read()
    connection.close()
    assert KEY not in json.dumps(sim.requests())
    assert KEY.encode() not in call(sim, "GET", "/_requests")[2]


def test_posts_are_counted_whatever_their_path(sim: Simulator):
    chat(sim, "a fox")
    call(sim, "POST", "/nowhere", {})
    call(sim, "GET", "/v1/models")
    assert sim.posts() == 2


@pytest.mark.parametrize("prompt", ["a fox [[slow]]", "a fox [[stall]]", "a fox [[long_queue]] [[slow]]"])
def test_a_close_in_mid_stream_is_seen(sim: Simulator, prompt: str):
    with opened(sim, "/v1/chat/completions", chat_body(prompt)) as sock:
        until(lambda: b"data: {" in sock.recv(65536))
        closed = time.monotonic()
    record = until(lambda: [one for one in sim.requests() if one["closed_by_client"]])[0]
    assert time.monotonic() - closed < 1
    assert record["finished"] is False
    assert 0 <= record["closed_after_s"] < 5


def test_a_close_before_the_headers_is_seen(sim: Simulator):
    with opened(sim, "/v1/chat/completions", chat_body("a fox [[hang_before_headers]]")):
        until(lambda: sim.requests() and sim.requests()[0]["body"])
        closed = time.monotonic()
    record = until(lambda: [one for one in sim.requests() if one["closed_by_client"]])[0]
    assert time.monotonic() - closed < 1
    assert record["status"] is None


# Keys, models, other routes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/images/generations"),
        ("GET", "/v1/models"),
        ("GET", "/dashboard/billing/remain"),
    ],
)
def test_without_a_key_the_answer_is_401(sim: Simulator, method: str, path: str):
    status, _, data = call(sim, method, path, chat_body("a fox") if method == "POST" else None, key="")
    error = json.loads(data)["error"]
    assert (status, error["type"]) == (401, "Aihubmix_api_error")
    assert re.fullmatch(r"no key provided \(tid: \d{31}\)", error["message"])


def test_models_and_balance(sim: Simulator):
    ids = [model["id"] for model in json.loads(call(sim, "GET", "/v1/models")[2])["data"]]
    assert ids == [MODEL, "gpt-4o-image"]
    path = "/api/v1/models?type=image_generation&model=gpt-4o-image"
    public = json.loads(call(sim, "GET", path, key="")[2])
    assert [model["model_id"] for model in public["data"]] == ["gpt-4o-image"]
    assert json.loads(call(sim, "GET", "/dashboard/billing/remain")[2])["total_usage"] == 12.345


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/images/generations"])
def test_an_unknown_model_is_503(sim: Simulator, path: str):
    status, _, data = call(sim, "POST", path, {**chat_body("a fox"), "prompt": "a fox", "model": 'gpt-"5'})
    assert status == 503
    assert json.loads(data)["error"]["message"].startswith("Incorrect model ID")


def test_an_unknown_tag_is_told_with_the_known_ones(sim: Simulator):
    status, _, data = chat(sim, "a fox [[ok_n3]]")
    message = json.loads(data)["error"]["message"]
    assert status == 400
    assert message.startswith("[[ok_n3]] is not a scenario.")
    assert all(name in message for name in scenario_names())


@pytest.mark.parametrize("body", [[], {"model": MODEL, "messages": []}, {"model": MODEL, "messages": "x"}])
def test_a_body_without_a_prompt_is_400(sim: Simulator, body: Any):
    assert call(sim, "POST", "/v1/chat/completions", body)[0] == 400


def test_one_connection_serves_several_requests(sim: Simulator):
    connection = http.client.HTTPConnection(sim.origin.removeprefix("http://"), timeout=10)
    for _ in range(3):
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(chat_body("a fox")), {"Authorization": "Bearer x"}
        )
        sock = connection.sock
        assert connection.getresponse().read().endswith(b"[DONE]\n\n")
        assert connection.sock is sock
    connection.close()


# The images route


def test_images_come_as_base64(sim: Simulator):
    status, answer = images(sim, n=3, size="1536x1024", background="transparent")
    assert (status, len(answer["data"]), "usage" in answer) == (200, 3, False)
    words, size, transparent, *_ = json.loads(base64.b64decode(answer["data"][2]["b64_json"])[len(PNG_MAGIC) :])
    assert (words, size, transparent) == ("a fox", [1536, 1024], True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"quality": "high"}, None),
        ({"n": 11}, "n_not_within_range"),
        ({"n": 0}, "n_not_within_range"),
        ({"n": "2"}, "n_not_within_range"),
        ({"size": "1024x1792"}, "size_not_supported"),
        ({"prompt": " "}, "prompt_missing"),
    ],
)
def test_images_documented_errors(sim: Simulator, body: dict[str, Any], code: str | None):
    status, answer = images(sim, **body)
    assert (status, answer["error"].get("code")) == (400, code)


def test_images_scenarios(sim: Simulator):
    def data_of(tag: str) -> Any:
        return images(sim, n=2, prompt=f"a fox [[{tag}]]")[1]["data"]

    assert [list(entry) for entry in data_of("images_b64")] == [["b64_json"]] * 2
    assert [get(sim, entry["url"])[0] for entry in data_of("images_url")] == [200, 200]
    assert data_of("images_both_null") == [{"b64_json": None, "url": None}] * 2
    assert len(data_of("images_fewer_than_n")) == 1
    assert data_of("images_data_null") is None
    assert images(sim, prompt="a fox [[http_400_moderation]]")[1]["error"]["code"] == "moderation_blocked"


# Scenarios


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_answers_without_a_fault(sim: Simulator, name: str):
    images_body = {"model": MODEL, "prompt": f"a fox [[{name}]]", "n": 2}
    bodies = (("/v1/chat/completions", chat_body(f"a fox [[{name}]]")), ("/v1/images/generations", images_body))
    for number, (path, body) in enumerate(bodies):
        with opened(sim, path, body) as sock, contextlib.suppress(ConnectionResetError):
            if name in ENDLESS:
                until(lambda number=number: [one["body"] for one in sim.requests()[number:] if one["body"]])
                continue
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
    assert sim.posts() == 2


def test_whole_answers_carry_their_status(sim: Simulator):
    for name in scenario_names():
        if match := re.match(r"http_?(\d{3})", name):
            status, headers, data = chat(sim, f"a fox [[{name}]]")
            assert status == int(match[1]), name
            if status == 307:
                assert headers["Location"] == "/v1/chat/completions"
            elif headers["Content-Type"].startswith("application/json") and status != 200:
                assert re.search(r"\(tid: \d{31}\)$", json.loads(data)["error"]["message"])


def test_one_byte_a_chunk(sim: Simulator):
    body = chat_body("a fox [[split_every_utf8_byte]]")
    with opened(sim, "/v1/chat/completions", body) as sock:
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += sock.recv(65536)
    chunks = received.partition(b"\r\n\r\n")[2].removesuffix(b"0\r\n\r\n")
    assert re.fullmatch(rb"(?:1\r\n.\r\n)+", chunks, re.DOTALL)
    assert text_of(chunks[3::6]).count("![gen_") == 2


def test_drops_and_resets_reach_the_client(sim: Simulator):
    with pytest.raises(http.client.RemoteDisconnected):
        chat(sim, "a fox [[drop_before_headers]]")
    with pytest.raises(http.client.IncompleteRead):
        chat(sim, "a fox [[drop_after_headers]]")
    with opened(sim, "/v1/chat/completions", chat_body("a fox [[tcp_reset_mid_chunk]]")) as sock:
        received = sock.makefile("rb")
        with received, pytest.raises(ConnectionResetError):
            received.read()


def test_a_data_url_needs_no_download(sim: Simulator):
    text = text_of(chat(sim, "a fox [[ok_data_url]]")[2])
    assert base64.b64decode(text.partition("](data:image/png;base64,")[2].rstrip(")")).startswith(PNG_MAGIC)


@pytest.mark.parametrize("name", ["ok_parens_in_url", "ok_percent_encoded", "ok_c_asyncdata", "ok_a_en"])
def test_odd_links_lead_to_pictures(sim: Simulator, name: str):
    text = text_of(chat(sim, f"a fox [[{name}]]")[2])
    shown = re.findall(r"!\[[^\]]+\]\((http\S+)\)\n", text)
    assert shown
    assert all(get(sim, link)[1].startswith(PNG_MAGIC) for link in shown)


def statuses(sim: Simulator, name: str) -> dict[str, list[int]]:
    links = links_of(text_of(chat(sim, f"a fox [[{name}]]")[2]))
    return {kind: [get(sim, link)[0] for link in found] for kind, found in links.items()}


def test_downloads_that_fail(sim: Simulator):
    assert statuses(sim, "download_403_then_alt") == {"cdn": [403, 403], "download": [200, 403], "signed": [200]}
    assert statuses(sim, "download_all_fail") == {"cdn": [403, 403], "download": [403, 403], "signed": [403]}
    assert statuses(sim, "download_one_fails") == {"cdn": [403, 200], "download": [403, 200], "signed": [200]}
    assert statuses(sim, "redirect_to_private_ip")["cdn"] == [302, 302]


def test_downloads_that_mislead(sim: Simulator):
    def first(name: str) -> bytes:
        return get(sim, links_of(text_of(chat(sim, f"a fox [[{name}]]")[2]))["cdn"][0])[1]

    assert first("download_html_200").startswith(b"<!doctype html>")
    assert first("download_zero") == b""
    assert len(first("download_too_big")) > 50 << 20
    assert first("download_slow").startswith(PNG_MAGIC)


def test_a_big_picture_also_comes_without_a_length(sim: Simulator):
    link = links_of(text_of(chat(sim, "a fox [[download_too_big]]")[2]))["download"][0]
    with urllib.request.urlopen(link, timeout=10) as response:
        assert "Content-Length" not in response.headers
        assert response.read(8) == PNG_MAGIC


def test_a_flaky_download_works_the_third_time(sim: Simulator):
    link = links_of(text_of(chat(sim, "a fox [[download_flaky]]")[2]))["cdn"][0]
    assert [get(sim, link)[0] for _ in range(4)] == [503, 503, 200, 200]


# Starting and stopping


@pytest.mark.parametrize("prompt", ["a fox", "a fox [[stall]]", "a fox [[hang_before_headers]]", "a fox [[slow]]"])
def test_stop_ends_a_running_answer_at_once(prompt: str):
    others = set(threading.enumerate())  # of a ComfyUI's gateway, for instance
    with Simulator(speed=1) as simulator, opened(simulator, "/v1/chat/completions", chat_body(prompt)) as sock:
        until(lambda: simulator.requests() and simulator.requests()[0]["body"])
        began = time.monotonic()
        simulator.stop()
        assert time.monotonic() - began < 1
        while sock.recv(65536):
            pass  # the rest, and then the end
    assert not [thread for thread in set(threading.enumerate()) - others if thread.name == "simulator"]


def test_an_idle_connection_does_not_delay_stop():
    with Simulator(speed=0) as simulator:
        host, port = simulator.origin.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            began = time.monotonic()
            simulator.stop()
            assert time.monotonic() - began < 1
            assert sock.recv(1) == b""


def test_it_starts_again_and_says_when_a_port_is_taken():
    simulator = Simulator(speed=0)
    with pytest.raises(RuntimeError):
        _ = simulator.origin
    for _ in range(2):
        with simulator:
            assert call(simulator, "GET", "/v1/models")[0] == 200
            simulator.start()
            port = int(simulator.origin.rpartition(":")[2])
            with pytest.raises(OSError, match=r"."):
                Simulator(port=port).start()
        simulator.stop()


def test_an_unreachable_simulator_refuses():
    with Simulator() as simulator:
        origin = simulator.origin
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(origin, timeout=5)
