"""Prints a batch: paths as rows end, failures, a progress bar, the sum. Must not know how rows are run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import GPT4oImageError, error_from_json
from . import output
from .manifest import Line
from .progress_bar import BatchBar
from .spending_limit import SpendingLimit


class BatchReport:
    """Of `rows` rows, `done` and `failed` of which had ended before. A context manager around the run."""

    def __init__(self, done: int, failed: int, rows: int, limit: SpendingLimit, *, as_json: bool) -> None:
        self._done = done
        self._failed = failed
        self._rows = rows
        self._limit = limit
        self._spent_before = limit.spent
        self._as_json = as_json
        self._bar = BatchBar(rows)
        self._announced = 0
        self._lost: output.OutputLost | None = None

    def __enter__(self) -> BatchReport:
        self._bar.__enter__()
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__()

    def _draw(self) -> None:
        self._bar.show(done=self._done, failed=self._failed, spent_usd=self._limit.spent)

    def ended(self, line: Line, warnings: Sequence[str]) -> None:
        """A row has ended; its paths on stdout, all else on stderr."""
        for warning in warnings:
            output.log(f"row {line['row']}: warning: {warning}")
        if line["error"]:
            self._failed += 1
            output.log(f"row {line['row']} failed: {error_from_json(line['error'])}")
        else:
            self._done += 1
        for path in () if self._as_json or self._lost else line["paths"]:
            self._show(path)
        self._draw()

    def _show(self, path: str) -> None:
        """Calls go on where nobody reads stdout any more: what they cost is spent."""
        try:
            output.show(path)
        except output.OutputLost as lost:
            self._lost = lost

    def meanwhile(self, presses: int) -> None:
        """Called now and then; after Ctrl+C it prints what that does."""
        if presses > self._announced:
            self._announced = presses
            output.log(
                "Stopping: no further row starts. Running calls are paid for and are waited for; Ctrl+C again cancels "
                "them."
                if presses == 1
                else "Cancelling the running calls."
            )

    def end(self, manifest: Path, stopped_by: GPT4oImageError | None, *, interrupted: bool) -> int:
        """The sum, and the exit status. Raises OutputLost where the paths could not be printed."""
        if self._lost:
            raise self._lost
        left = self._rows - self._done - self._failed
        spent = self._limit.spent
        counts = {"rows": self._rows, "done": self._done, "failed": self._failed, "left": left}
        if self._as_json:
            output.show_json(
                {
                    "status": "ok" if self._done == self._rows else "error",
                    **counts,
                    "spent_usd": round(spent, 6),
                    "manifest": str(manifest.absolute()),
                    "error": stopped_by.as_json() if stopped_by else None,
                }
            )
        else:
            if stopped_by:
                output.log(f"error: {stopped_by.message}")
            output.log(
                f"{self._done} of {self._rows} rows are done, {self._failed} failed, {left} are left. "
                f"This run cost ${spent - self._spent_before:.3f}, all runs of this sheet ${spent:.3f}. "
                f"Row by row: {manifest}"
            )
        if interrupted:
            return 130
        return 0 if self._done == self._rows else 1
