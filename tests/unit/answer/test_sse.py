"""Bytes -> objects, in any cuts."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt4o_image.answer.sse import SseDecoder


def decode(wire, size=None):
    decoder = SseDecoder()
    size = size or max(1, len(wire))
    values = [value for start in range(0, len(wire), size) for value in decoder.feed(wire[start : start + size])]
    return values, decoder


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
        (b'event: chunk\ndata: {"a": 1}\n\n', [{"a": 1}]),
        (b'data: {"a": 1}\n', []),
        (b'data: {"a": 1}', []),
        (b"data\n\ndata:\n\n", []),
        (b'data: {"a": "\xe6\x8e\x92"}\n\n', [{"a": "\u6392"}]),
    ],
)
def test_events(wire, values, size):
    assert decode(wire, size)[0] == values


@pytest.mark.parametrize("broken", [b"{", b"[1]", b"x", b'"s"', b'{"a": "\xff\xfe"}', b"null", b"[" * 100_000])
def test_a_broken_event_is_skipped(broken):
    values, decoder = decode(b'data: {"a": 1}\n\ndata: ' + broken + b'\n\ndata: {"b": 2}\n\n')
    assert values == [{"a": 1}, {"b": 2}]
    assert decoder.broken == 1


def test_done_ends_it():
    values, decoder = decode(b'data: [DONE]\n\ndata: {"a": 1}\n\n')
    assert decoder.closed
    assert values == []
    assert not decode(b"data: [DONE]\n")[1].closed


def test_begun():
    assert decode(b": hello\n")[1].begun
    assert decode(b"data: x\n")[1].begun
    assert not decode(b"Error: upstream\nhello\n\n")[1].begun
    assert not decode(b"")[1].begun


def test_an_empty_chunk_between_return_and_newline():
    decoder = SseDecoder()
    wire = [b"data: {}\r", b"", b"\n", b"\r", b"\n", b""]
    assert [value for chunk in wire for value in decoder.feed(chunk)] == [{}]


@given(st.binary(max_size=200), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_any_cuts(wire, size):
    whole, cut = decode(wire), decode(wire, size)
    assert whole[0] == cut[0]
    assert (whole[1].closed, whole[1].broken, whole[1].begun) == (cut[1].closed, cut[1].broken, cut[1].begun)


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
