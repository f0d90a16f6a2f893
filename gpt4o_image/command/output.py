"""The one place that prints: values on stdout, all else on stderr. Must not know what a run is.

Nothing that comes from outside (prompts, the gateway's words, links, logs) reaches the terminal with its control
characters: they can move the cursor, set the window's title or write the clipboard.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

from ..errors import GPT4oImageError

# ECMA-48: what a terminal takes for a command, from its introducer (7 or 8 bit) to its end.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
)
_BLANKS = re.compile(r"[\t\r\n\v\f\x1c-\x1f\x85\u2028\u2029]+")
# C0, DEL, C1, and the marks that reorder the text around them.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class OutputLost(Exception):
    """stdout takes no more: its reader has gone (`reader_gone`), or its disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.reader_gone = isinstance(error, BrokenPipeError)


def plain(text: str) -> str:
    """`text` as one line that a terminal shows and does nothing else with."""
    return _CONTROLS.sub("", _BLANKS.sub(" ", _SEQUENCES.sub("", text)))


def show(line: str) -> None:
    """One line of what was asked for, on stdout. Raises OutputLost."""
    _print(plain(line))


def show_json(value: Any) -> None:
    """One JSON value on stdout, ASCII only. Raises OutputLost."""
    _print(json.dumps(value).replace("\x7f", r"\u007f"))


def _print(line: str) -> None:
    try:
        _write(line, sys.stdout)
    except OSError as error:
        raise OutputLost(error) from error
    flush()


def flush() -> None:
    """Has what was printed leave now, and not at Python's exit, where nobody can catch it. Raises OutputLost."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise OutputLost(error) from error


def log(line: str) -> None:
    """One line for people, on stderr. Where it cannot be written, nothing happens: a run must not end for that."""
    with suppress(OSError):
        _write(plain(line), sys.stderr)


def _write(line: str, stream: TextIO) -> None:
    tqdm: Any = sys.modules.get("tqdm")
    if tqdm:
        tqdm.tqdm.write(line, file=stream)  # a bar that is shown gives way to the line
    else:
        print(line, file=stream)


def show_outcome(paths: Sequence[str | None], warnings: Sequence[str], error: GPT4oImageError | None) -> None:
    """The end of a run for people: paths on stdout, one a line; what went wrong on stderr."""
    for warning in warnings:
        log(f"warning: {warning}")
    if error:
        log(f"error: {error}")
    for path in filter(None, paths):
        show(path)


def show_error(error: GPT4oImageError, *, as_json: bool) -> None:
    """An error that ends a command outside of a paid call: one line, or one object with `status` and `error`."""
    if as_json:
        show_json({"status": "error", "error": error.as_json()})
    else:
        log(f"error: {error.message if error.billed == 'no' else error}")


def prepare() -> None:
    """Once at the start: standard streams that exist, and that can write whatever a path or a prompt holds."""
    # Streams that the parent process closed: the next file that is opened would take their numbers.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # Windows gives a pipe cp1252
    if not logging.root.handlers:  # else libraries' warnings, with the addresses in them, go to stderr as they are
        logging.root.addHandler(logging.NullHandler())


def give_up_stdout() -> None:
    """Python's own flush at exit would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
