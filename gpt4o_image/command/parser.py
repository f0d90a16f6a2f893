"""The command line as argparse reads it, with wrong usage as an exception."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn


class UsageError(Exception):
    """The command line cannot be understood; one sentence that names the command and where its help is."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UsageError and takes no option by a part of its name."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}. See {self.prog} --help.")
