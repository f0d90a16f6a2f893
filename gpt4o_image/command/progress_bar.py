"""Progress bars on stderr, where that is a terminal. Must not know what a run does beyond its events."""

from __future__ import annotations

import sys
from typing import Any

from ..interface import step_of
from ..run_events import RunEvent


class ProgressBar:
    """One bar from 0 to 100 %, for as long as the `with` block runs."""

    def __init__(self, first_step: str = "sending") -> None:
        self._first_step = first_step

    def __enter__(self) -> ProgressBar:
        self._bar = _bar(total=100, desc=self._first_step, bar_format="{desc:<18}|{bar:30}| {n_fmt} %")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, words: str) -> None:
        """The words before the bar."""
        if self._bar is not None:
            self._bar.set_description_str(words)

    def percent(self, percent: int | None) -> None:
        """How far the gateway is; None where that is not known."""
        if self._bar is not None and percent is not None:
            self._bar.set_description_str("painting", refresh=False)
            self._bar.update(percent - self._bar.n)

    def show(self, event: RunEvent) -> None:
        """One event of a run."""
        words, percent = step_of(event) or ("", None)
        if percent is not None:
            self.percent(percent)
        elif words:
            self.step(words)


class BatchBar:
    """A bar that counts rows, for as long as the `with` block runs."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __enter__(self) -> BatchBar:
        self._bar = _bar(total=self._rows, bar_format="|{bar:24}| {n_fmt}/{total_fmt}{postfix}, {remaining} to go")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, *, done: int, failed: int, spent_usd: float) -> None:
        """How many rows ended well, how many did not, and what all of them have cost."""
        if self._bar is not None:
            left = self._rows - done - failed
            self._bar.set_postfix_str(f"{done} done, {failed} failed, {left} left, ${spent_usd:.3f}", refresh=False)
            self._bar.update(done + failed - self._bar.n)
            self._bar.refresh()


def _bar(**options: Any) -> Any:
    """None where nobody would see it, or tqdm is not installed."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    return tqdm(file=sys.stderr, **options)
