"""The answer's reader: text to events in MB per CPU second, from 1 kB to 10 MB, at once, in chunks, by characters.

`growth`: what a character costs in the longest stream, over what it costs in one a hundredth as long. `documented` is
the answer that the gateway documents, over and over; `dense` is nothing but `> 14%` lines: a line costs the same
whatever its length. `wire` is the same answer as JSON in server-sent events. `answer` is the documented answer once, in
the pieces that the gateway sends, each an event of its own; `answer_in_fours` is the same four characters an event.
`data_10MB` is a picture of 10 MB in a `data:` URL that comes in small events.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from gpt4o_image.answer.parser import StreamParser
from gpt4o_image.answer.reader import AnswerReader
from gpt4o_image.answer.transcript import Transcript
from gpt4o_image.simulator.asked import read_prompt
from gpt4o_image.simulator.dialect import Call
from gpt4o_image.simulator.links import make_links
from gpt4o_image.simulator.scenarios import combine
from gpt4o_image.simulator.script import stream

from .rig.figures import Report

CHUNK = 4096
SIZES = (1_000, 100_000, 10_000_000)
SLOW_SIZES = (1_000, 10_000, 1_000_000)
GOALS = {
    "answer_ms": (5.0, True),
    "data_10MB_s": (1.0, True),
    "documented.4kB_chunks.growth": (1.3, True),
    "documented.one_chunk.growth": (1.3, True),
    "documented.single_characters.growth": (1.3, True),
}
ANSWER = Path(__file__).parents[1] / "tests" / "fixtures" / "streams" / "b_en.txt"
TASK = "task_01jsccq77nfcsab7dn8bx7z230"
NAMES = re.compile(r"\w{8}(?=\.png\))|(?<=\[gen_)\w{8}")


class Reader(Protocol):
    def feed(self, chunk: Any, /) -> object: ...


def documented() -> Iterator[str]:
    """The answer that the gateway documents, over and over, each time with other files and ids."""
    answer = ANSWER.read_text("utf-8") + "\n\n"
    for number in itertools.count():
        yield NAMES.sub(f"{number:08}", answer)


def dense() -> Iterator[str]:
    """The shortest lines that say something."""
    for number in itertools.count():
        yield f"> {number % 100}%\n"


def first(chars: int, pieces: Iterator[str]) -> str:
    """Whole pieces, `chars` characters or little more."""
    taken: list[str] = []
    while chars > 0:
        taken.append(next(pieces))
        chars -= len(taken[-1])
    return "".join(taken)


def wire(text: str, delta: int = 20) -> bytes:
    """`text` as events of `delta` characters, as gateways send it."""
    start = {"id": "chatcmpl-0123456789abcdefghijklmn", "object": "chat.completion.chunk", "created": 1745500000}

    def event(content: str) -> str:
        choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
        return "data: " + json.dumps({**start, "model": "gpt-4o-image-vip", "choices": [choice]}) + "\n\n"

    return "".join(event(text[at : at + delta]) for at in range(0, len(text), delta)).encode()


def call() -> Call:
    """Of the documented answer, for the simulator: two pictures."""
    links = [make_links("https://x.test", "benchmark", index, task=TASK, day="20250421") for index in (0, 1)]
    asked, scenario = read_prompt("a red fox"), combine([])
    return Call("benchmark", "gpt-4o-image-vip", 1745193600, asked, scenario, links, "2:3", TASK)


def seconds(make: Callable[[], Reader], chunks: Sequence[str | bytes], repeats: int) -> float:
    """CPU seconds to read a stream: nothing here waits, and others may need the machine."""
    started = time.process_time()
    for _ in range(repeats):
        feed = make().feed
        for chunk in chunks:
            feed(chunk)
    return (time.process_time() - started) / repeats


def speeds(make: Callable[[], Reader], streams: Sequence[str | bytes], chunk: int, rounds: int) -> list[float]:
    """MB/s of each stream, which take turns: medians. Short ones are read often. `chunk` 0: the whole at once."""
    cut = [[data[at : at + (chunk or len(data))] for at in range(0, len(data), chunk or len(data))] for data in streams]
    sizes = [len(data) if isinstance(data, bytes) else len(data.encode()) for data in streams]
    repeats = [max(1, 100_000 // size) for size in sizes]
    taken = [[seconds(make, *each) for each in zip(cut, repeats, strict=True)] for _ in range(rounds)]
    return [size / median(each) / 1e6 for size, each in zip(sizes, zip(*taken, strict=True), strict=True)]


def series(name: str, text: Callable[[], Iterator[str]], sizes: Sequence[int], chunk: int, rounds: int) -> Report:
    """The speed at each size, and the growth over the last two, a hundredfold."""
    found = speeds(lambda: StreamParser(Transcript()), [first(size, text()) for size in sizes], chunk, rounds)
    report: Report = {f"{name}.{_label(size)}_mb_s": each for size, each in zip(sizes, found, strict=True)}
    return {**report, f"{name}.growth": found[-2] / found[-1]}


def _label(size: int) -> str:
    return f"{size // 1_000_000}MB" if size >= 1_000_000 else f"{size // 1_000}kB"


def measure(*, quick: bool = False) -> Report:
    rounds = 1 if quick else 7
    sizes = (1_000, 1_000, 100_000) if quick else SIZES
    slow_sizes = (1_000, 1_000, 10_000) if quick else SLOW_SIZES
    report = series("documented.4kB_chunks", documented, sizes, CHUNK, rounds)
    report |= series("documented.one_chunk", documented, sizes, 0, rounds)
    report |= series("documented.single_characters", documented, slow_sizes, 1, min(rounds, 3))
    report |= series("dense.4kB_chunks", dense, slow_sizes, CHUNK, rounds)
    events = wire(first(sizes[1], documented()))
    report["wire.4kB_chunks_mb_s"] = speeds(AnswerReader, [events], CHUNK, rounds)[0]
    answer = [step.data for step in stream(call()).steps]
    report["answer_ms"] = 1000 * median(seconds(AnswerReader, answer, 1) for _ in range(rounds))
    fours = wire(ANSWER.read_text("utf-8"), 4)
    report["answer_in_fours_ms"] = 1000 * median(seconds(AnswerReader, [fours], 1) for _ in range(rounds))
    picture = wire(f"![a](data:image/png;base64,{'iVBORw0KGgo' * (1_000 if quick else 910_000)})", 4096)
    report["data_10MB_s"] = median(
        seconds(AnswerReader, [picture[at : at + CHUNK] for at in range(0, len(picture), CHUNK)], 1)
        for _ in range(min(rounds, 3))
    )
    report["wire.single_bytes_mb_s"] = speeds(AnswerReader, [events[:100_000]], 1, min(rounds, 3))[0]
    return report
