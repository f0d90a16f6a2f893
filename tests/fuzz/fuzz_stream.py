"""Any bytes as a gateway's answer, under atheris: no exception, the same events however it is chunked, no steep growth.

By hand: `uv run --group test python tests/fuzz/fuzz_stream.py CORPUS... -max_total_time=600`, where CORPUS are folders;
what is new goes into the first. An input is a whole answer, or the text inside one; its beginning tells which.
"""

import json
import sys
from random import Random
from zlib import crc32

import atheris

with atheris.instrument_imports(include=["gpt4o_image"]):
    from gpt4o_image.answer.events import Progress
    from gpt4o_image.answer.parser import StreamParser
    from gpt4o_image.answer.reader import AnswerReader
    from gpt4o_image.answer.transcript import Transcript
    from gpt4o_image.urls import Link, Picture, mirrors

WIRES = (b"data:", b"event:", b":", b"{", b"<")
MOST_CUTS = 8
EACH_CHARACTER_UP_TO = 400
# Every 256th input is repeated to this length. Steep growth then meets libFuzzer's own `-timeout`.
REPEATED_BYTES = 128 * 1024
REPEATED_EVERY = 256


def cuts(whole, dice):
    """`whole` in pieces, some of them empty; of a short one now and then each character."""
    if len(whole) <= EACH_CHARACTER_UP_TO and dice.random() < 0.1:
        return [whole[i : i + 1] for i in range(len(whole))]
    places = sorted(dice.randint(0, len(whole)) for _ in range(dice.randint(1, MOST_CUTS)))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


def as_events(pieces):
    """Pieces of text as the event stream that carries them."""
    deltas = ({"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces)
    return "".join(f"data: {json.dumps(delta)}\n\n" for delta in deltas).encode()


def answered(chunks, broke_off):
    """All that a call learns of an answer."""
    answer = AnswerReader("https://gateway.test/v1", "a fox")
    events = [event for chunk in chunks for event in answer.feed(chunk)]
    events += answer.finish(broke_off=broke_off)
    said = answer.transcript
    assert said.pictures or answer.error
    error = answer.error.as_json() if answer.error else None
    ended = (answer.complete, answer.finish_reason, answer.warnings)
    return events, said, said.prose, mirrors(said.pictures, said.links), error, ended


def parsed(pieces, broke_off):
    said = Transcript("https://gateway.test/v1", "a fox")
    parser = StreamParser(said)
    for piece in pieces:
        parser.feed(piece)
    parser.finish(cut=broke_off)
    return said.take()


def check_order(events):
    percentages = [event.percent for event in events if isinstance(event, Progress)]
    assert percentages == sorted(percentages), percentages
    assert not percentages or (percentages[0] >= 0 and percentages[-1] <= 100), percentages
    pictures = [event for event in events if isinstance(event, Picture)]
    assert [picture.index for picture in pictures] == list(range(len(pictures)))


def read_in_all_ways(data):
    dice = Random(crc32(data))
    broke_off = dice.random() < 0.5
    # What looks like the one is seldom read as the other: that finds less.
    if data.startswith(WIRES) == (dice.random() < 0.9):
        read_as_answer(data, broke_off, dice)
    else:
        read_as_text(data.decode("utf-8", "replace"), broke_off, dice)
    if data and dice.randrange(REPEATED_EVERY) == 0:
        repeat(data, dice)


def read_as_answer(data, broke_off, dice):
    whole = answered([data], broke_off)
    assert answered(cuts(data, dice), broke_off) == whole
    check_order(whole[0])


def read_as_text(text, broke_off, dice):
    events = parsed([text], broke_off)
    pieces = cuts(text, dice)
    assert parsed(pieces, broke_off) == events
    check_order(events)
    assert not any("\n" in event.address for event in events if isinstance(event, (Picture, Link)))
    in_events = answered(cuts(as_events(pieces), dice), broke_off)[0]
    unfinished = parsed([text], broke_off=True)  # as a stream without its end mark
    assert in_events[: len(unfinished)] == unfinished


def repeat(data, dice):
    start = dice.randrange(len(data))
    piece = data[start : start + dice.randint(1, len(data))]
    head = data[:start] if dice.random() < 0.5 else b""
    long = (head + piece * (REPEATED_BYTES // len(piece)))[:REPEATED_BYTES]
    answered([long], broke_off=True)
    parsed([long.decode("utf-8", "replace")], broke_off=True)


if __name__ == "__main__":
    atheris.Setup(sys.argv, read_in_all_ways)
    atheris.Fuzz()
