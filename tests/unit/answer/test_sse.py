"""Bytes -> objects, chunked anyhow."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt4o_image.answer import sse
from gpt4o_image.answer.sse import SseDecoder


def decode(wire, size=None):
    decoder = SseDecoder()
    size = size or max(1, len(wire))
    items = [item for start in range(0, len(wire), size) for item in decoder.feed(wire[start : start + size])]
    return [*items, *decoder.finish()], decoder


@pytest.mark.parametrize("size", [None, 1, 2, 3, 5])
@pytest.mark.parametrize(
    ("wire", "values"),
    [
        (b'data: {"a": 1}\n\n', [{"a": 1}]),
        (b'data:{"a": 1}\n\n', [{"a": 1}]),
        (b'\xef\xbb\xbfdata: {"a": 1}\r\n\r\ndata: {"b": 2}\r\n\r\n', [{"a": 1}, {"b": 2}]),
        (b'data: {"a": 1}\r\rdata: {"b": 2}\r\r', [{"a": 1}, {"b": 2}]),
        (b'data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        (b'data: {"a": 1}\ndata: {"b": 2}\n\n', [{"a": 1}, {"b": 2}]),
        (b': keep-alive\n\nid: 7\nretry: 3\ndata: {"a": 1}\n\n', [{"a": 1}]),
        (b'event: error\ndata: {"message": "x"}\n\n', [{"error": {"message": "x"}}]),
        (b'event: error\ndata: {"error": "x"}\n\n', [{"error": "x"}]),
        (b'data: data: {"a": 1}\n\ndata: data: [DONE]\n\n', [{"a": 1}]),
        (b'data: {"a": 1}\n\n{"error": "x"}\n\n', [{"a": 1}, {"error": "x"}]),
        (b'data: {"a": 1}\n{\n  "error": "x"\n}\n', [{"a": 1}, {"error": "x"}]),
        (b'data: {"a": 1}\n\ndat\xe1: {"b": 2}\n\n', [{"a": 1}, {"b": 2}]),
        (b'Here:\n{"a": 1}\n', []),
        (b"event: error\r\ndata: no credits\r\n\r\n", [{"error": "no credits"}]),
        (b'event: chunk\ndata: {"a": 1}\n\n', [{"a": 1}]),
        (b'data: {"a": 1}\n', [{"a": 1}]),
        (b'data: {"a": 1}', [{"a": 1}]),
        (b'data: {"a": 1}\ndata: {"b": 2}\ndata: {"c"', [{"a": 1}, {"b": 2}, '{"c"']),
        (b'data: [{"a": 1}, {"b": 2}]\n\n', [{"a": 1}, {"b": 2}]),
        (b'data: {"a": "x\ny"}\n\ndata: {"b": 2}\n\n', [{"a": "x\ny"}, {"b": 2}]),
        (b'data: {"a": "x\n\ny"}\n\ndata: {"b": 2}\n\n', [{"a": "x\n\ny"}, {"b": 2}]),
        (b'data: {"a": "x\n\ndata: {"b": 2}\n\n', ['{"a": "x', {"b": 2}]),
        (b'data: {"a": "\xff\xfe"}\n\n', [{"a": "\ufffd\ufffd"}]),
        (b'event: error\ndata: {"message": "x"}\ndata: {"a": 1}\n\n', [{"error": {"message": "x"}}, {"a": 1}]),
        (b"data\n\ndata:\n\n", []),
        (b'data: {"a": "\xe6\x8e\x92"}\n\n', [{"a": "\u6392"}]),
    ],
)
def test_events(wire, values, size):
    assert decode(wire, size)[0] == values


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize("broken", ["{", "[1]", "x", '"s"', "null", "[" * 100])
def test_what_cannot_be_read_is_handed_out_as_text(broken, size):
    wire = b'data: {"a": 1}\n\ndata: ' + broken.encode() + b'\n\ndata: {"b": 2}\n\n'
    assert decode(wire, size)[0] == [{"a": 1}, broken, {"b": 2}]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_done_ends_it(end):
    items, decoder = decode(b'data: {"a": 1}\ndata: {"b"\ndata: [DONE]' + end)
    assert decoder.closed
    assert items == [{"a": 1}, '{"b"']
    assert decode(b'data: [DONE]\n\ndata: {"a": 1}\n\n')[0] == []


def test_what_is_too_large_is_counted(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    for size in (None, 7):
        assert decode(b"data: " + b"A" * 1000 + b'\n\ndata: {"a": 1}\n\n', size)[0] == ["", {"a": 1}]
    assert decode(b": keep-alive\n" * 100 + b'data: {"a": 1}\n\n')[0] == [{"a": 1}]


def test_an_empty_chunk_between_return_and_newline():
    decoder = SseDecoder()
    wire = [b"data: {}\r", b"", b"\n", b"\r", b"\n", b""]
    assert [value for chunk in wire for value in decoder.feed(chunk)] == [{}]


@given(st.binary(max_size=200), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_any_bytes_chunked_anyhow(wire, size):
    whole, cut = decode(wire), decode(wire, size)
    assert (whole[0], whole[1].closed) == (cut[0], cut[1].closed)


def test_work_grows_with_the_length_only():
    def calls(length):
        wire = b"data: " + json.dumps({"a": "x" * length}).encode() + b"\n\n"
        count = 0

        def trace(_frame, event, _arg):
            nonlocal count
            count += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(trace)
        try:
            decode(wire, 1)
        finally:
            sys.setprofile(before)
        return count

    assert calls(40_000) < 5 * calls(10_000)


def test_a_megabyte_byte_by_byte():
    wire = b'data: {"a": "' + b"x" * 200_000 + b'"}\n\n'
    assert len(decode(wire, 1)[0][0]["a"]) == 200_000
