"""A module of the rig as a process of its own, which reads words on stdin and answers in JSON on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
Self = TypeVar("Self", bound="Child")


class Child:
    """Context manager round `python -m benchmarks.rig.<module> <arguments>`; leaving it closes stdin and waits."""

    def __init__(self, python: str | Path, module: str, *arguments: str) -> None:
        command = [str(python), "-m", f"benchmarks.rig.{module}", *arguments]
        pipe = subprocess.PIPE
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # as on a user's machine: compiled once, then read
        self._process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, text=True)  # noqa: S603

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def told(self) -> Any:
        """What it says next."""
        assert self._process.stdout is not None  # noqa: S101 - pipes, as above
        return json.loads(self._process.stdout.readline())

    def ask(self, word: str) -> Any:
        """Its answer."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self.told()


def asked() -> Iterator[str]:
    """In the process: the words, until nobody will ask any more."""
    for line in sys.stdin:
        yield line.strip()


def tell(value: object) -> None:
    """In the process: an answer."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
