"""The answer's bytes -> the model's text, whatever shape the answer has."""

import json

import pytest

from gpt4o_image.answer.chat import CompletionReader


def chunk(content=None, **rest):
    delta = {} if content is None else {"content": content}
    return {"choices": [{"index": 0, "delta": delta, **rest}]}


def sse(*values):
    return b"".join(b"data: " + (v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n\n" for v in values)


def read(wire, size=None, *, broke_off=False):
    reader = CompletionReader()
    size = size or max(1, len(wire))
    text = "".join(reader.feed(wire[start : start + size]) for start in range(0, len(wire), size))
    return text + reader.finish(broke_off=broke_off), reader


DONE = b"[DONE]"


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([chunk("a"), chunk("b"), chunk(finish_reason="stop"), DONE], "ab"),
        ([chunk("a"), chunk(message={"content": "ab"}, finish_reason="stop"), DONE], "ab"),
        ([chunk("a"), chunk(message={"content": "a"}), chunk(message={"content": "a"}), DONE], "a"),
        ([chunk("\nabcd "), chunk(message={"content": "abcd"}), DONE], "\nabcd "),
        ([chunk("long enough"), chunk(message={"content": "![x](y)"}), DONE], "long enough\n![x](y)"),
        ([chunk(message={"content": "a"}), chunk(message={"content": "ab"}), DONE], "ab"),
        ([chunk(message={"content": "abc"}), chunk(message={"content": "de"}), DONE], "abcde"),
        ([chunk([{"type": "text", "text": "a"}, "b", None, 3, {"type": "image_url"}]), DONE], "ab"),
        ([chunk([{"type": "image_url", "image_url": {"url": "https://x.test/a"}}])], "\n![image](https://x.test/a)\n"),
        ([{"choices": [{"delta": {"content": "a", "images": [{"image_url": {"url": "data:image/png;base64,A"}}]}}]}],
         "a\n![image](data:image/png;base64,A)\n"),
        ([{"choices": [{"delta": {"images": [{"url": "u"}, {"image_url": "v"}, {"b64_json": "AA"}]}}]}],
         "\n![image](u)\n\n![image](v)\n\n![image](data:image/png;base64,AA)\n"),
        ([chunk("\ud83d"), chunk("\udd50"), DONE], "\U0001f550"),
        ([chunk("\ud83d"), chunk("x"), DONE], "\ufffdx"),
        ([chunk("x\udd50"), chunk("\ud83d"), DONE], "x\ufffd\ufffd"),
        ([{"choices": []}, {"choices": [], "usage": {}}, chunk("a"), DONE], "a"),
        ([{"choices": None}, {}, {"choices": [None]}, {"choices": [{"delta": None}]}, chunk("a"), DONE], "a"),
        ([{"choices": [{"delta": {"content": None, "reasoning_content": "![x](y)"}}]}, chunk("a"), DONE], "a"),
        ([{"choices": [{"index": 1, "delta": {"content": "b"}}]}, chunk("a"), DONE], "a"),
        ([b'{"choices": [{', b'{"choices": [{"delta": {"content": "\xff"}}]}', chunk("a"), DONE], "a"),
        ([chunk("a"), DONE, chunk("b")], "a"),
    ],
)  # fmt: skip
def test_text(values, text, size):
    said, reader = read(sse(*values), size)
    assert said == text
    assert reader.error is None
    assert reader.complete == (DONE in values)


def test_how_it_ended():
    assert read(sse(chunk("a", finish_reason="length")))[1].finish_reason == "length"
    assert read(sse(chunk("a", finish_reason="stop")))[1].complete
    assert not read(sse(chunk("a", finish_reason="stop")))[1].closed
    assert read(sse(chunk("a"), DONE))[1].closed
    reader = read(sse(chunk("a")))[1]
    assert not reader.complete
    assert not reader.ending
    assert reader.error is None


def test_the_last_event_needs_its_blank_line():
    text, reader = read(sse(chunk("a")) + b"data: [DONE]\n")
    assert text == "a"
    assert not reader.complete
    assert read(b'data: {"choi')[1].error is None


@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize(
    ("wire", "kind", "words"),
    [
        (
            sse({"error": {"message": "Internal server error (tid: 2025)", "type": "internal_error"}}, DONE),
            "upstream",
            "Int",
        ),
        (sse({"error": "text"}), "upstream", "text"),
        (sse({"choices": [], "error": {"message": "Rate limit reached"}}), "rate_limited", "Rate"),
        (sse({"code": -1, "msg": "insufficient credits"}), "quota", "insufficient"),
        (b'event: error\ndata: {"message": "m", "type": "internal_error"}\n\n', "upstream", "m"),
        (b'{"error": {"message": "m (tid: 7)", "type": "x"}}', "upstream", "m"),
        (b'\n {"code": -1, "msg": "insufficient credits"}', "quota", "insufficient"),
        (b'[{"error": {"message": "m"}}]', "upstream", "m"),
        (b"<html><style>a{}</style><h1>Just a</h1>moment</html>", "upstream", "Just a moment"),
        (b"upstream connect error", "upstream", "upstream connect"),
        (b"", "upstream", "(an empty answer)"),
        (b" \r\n", "upstream", "(an empty answer)"),
        (b"\xff\xfe", "upstream", "\ufffd"),
    ],
)
def test_errors(wire, kind, words, size):
    text, reader = read(wire, size)
    assert text == ""
    assert reader.error.kind == kind
    assert reader.error.billed == "yes"
    assert reader.error.gateway_text.startswith(words)
    assert reader.ending


def test_text_around_an_error_counts():
    text, reader = read(sse(chunk("a"), {"error": "x"}, chunk("b"), {"error": "y"}))
    assert text == "ab"
    assert reader.error.gateway_text == "x"


@pytest.mark.parametrize("size", [None, 1])
def test_a_whole_completion(size):
    body = {"choices": [{"message": {"content": "a \ud83d\udd50"}, "finish_reason": "length"}], "usage": {}}
    text, reader = read(b"\xef\xbb\xbf" + json.dumps(body).encode(), size)
    assert text == "a \U0001f550"
    assert reader.finish_reason == "length"
    assert reader.complete
    assert reader.error is None


def test_what_broke_off_is_not_the_gateways_error():
    assert read(b'{"error": {"mess', broke_off=True)[1].error is None
    assert read(b"", broke_off=True)[1].error is None
    assert read(b'{"error": {"message": "m"}}', broke_off=True)[1].error.gateway_text == "m"
