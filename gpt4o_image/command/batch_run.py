"""Runs the rows of a batch side by side, one paid call each, and stores what became of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import GPT4oImageError, error_from_json
from ..gateway.config import Config
from ..gateway.hosts import Hosts
from ..generation import generate
from ..outcome import Outcome
from ..picture_files import reason, save_named
from ..pictures.formats import extension
from ..run_events import Departing, Limited, RunEvent, Sending
from ..vault.opening import open_vault
from .batch_rows import BatchRow
from .interrupt import CtrlC
from .manifest import Line, Manifest
from .reference_files import ReferenceFiles
from .spending_limit import SpendingLimit

_END_ALL = ("config", "budget", "cancelled")
# After the last Ctrl+C: how long downloads of pictures that are paid for may take before this process ends.
_LINGER_S = 15.0
_POLL_S = 0.2


@dataclass(frozen=True)
class Plan:
    """The settings of a batch: its folder, its gateway, its limits."""

    folder: Path
    gateway: str
    config: Config
    environ: Mapping[str, str]
    parallel: int
    stop_on_failure: bool


class BatchRun:
    """One run. `ended` is called with the line of each row and its warnings, one row at a time.

    After the first Ctrl+C of `stop` no row is begun, the second one closes the connections of those that run.
    """

    def __init__(
        self,
        plan: Plan,
        manifest: Manifest,
        files: ReferenceFiles,
        limit: SpendingLimit,
        *,
        ended: Callable[[Line, Sequence[str]], None],
        stop: CtrlC,
    ) -> None:
        self._plan = plan
        self._manifest = manifest
        self._files = files
        self._limit = limit
        self._ended = ended
        self._ctrl_c = stop
        self._hosts = Hosts()
        self._lock = threading.Lock()
        self.stopped_by: GPT4oImageError | None = None

    def run(self, rows: Sequence[BatchRow], *, pay_again: bool, meanwhile: Callable[[], None]) -> None:
        """Begins row after row until all have ended, or something ends them all: see `stopped_by`.

        A row whose call was sent by a run that was killed is sent again only with `pay_again`. `meanwhile` is called
        now and then in this thread.
        """
        with ThreadPoolExecutor(self._plan.parallel, "batch") as pool:
            waiting = {pool.submit(self._row, row, pay_again=pay_again) for row in rows}
            try:
                while waiting:
                    ended, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                    meanwhile()
                    for future in ended:
                        future.result()
            except BaseException:
                self._stop(GPT4oImageError("cancelled", "The batch broke off.", billed="unknown"))
                raise

    def _stopping(self) -> bool:
        return self.stopped_by is not None or self._ctrl_c.is_set()

    def _cancelled(self) -> bool:
        return self._ctrl_c.presses > 1

    def _stop(self, error: GPT4oImageError) -> None:
        with self._lock:
            self.stopped_by = self.stopped_by or error

    def _row(self, row: BatchRow, *, pay_again: bool) -> None:
        if self._stopping():
            return
        earlier = self._manifest.state(row.id).sent
        outcome = self._outcome(row, None if pay_again else earlier)
        self._limit.settle(row.row, outcome.cost_usd)
        error = outcome.error
        if error and _was_not_begun(outcome, error):
            self._stop(error)
            return
        try:
            self._write_down(row, outcome, earlier)
        except OSError as problem:
            self._stop(_unwritten(row, problem))
        if error and self._plan.stop_on_failure:
            self._stop(error)

    def _outcome(self, row: BatchRow, never_again: str | None) -> Outcome:
        lost = self._lost(never_again) if never_again else None

        def before_paying(price_usd: float | None) -> None:
            if lost:
                raise lost
            self._limit.reserve(row.row, price_usd, self._stopping)

        def notify(event: RunEvent) -> None:
            if isinstance(event, (Sending, Limited)):
                self._note(row, event.result_id, self._manifest.note_sending)
            elif isinstance(event, Departing):
                self._note(row, event.result_id, self._manifest.note_sent)

        try:
            request = replace(row.request, references=self._files.parts(row.references, self._stopping))
        except GPT4oImageError as error:
            return Outcome(row.request.model, error=error, cost_usd=0.0)
        plan = self._plan
        outcome = generate(
            request,
            plan.gateway,
            plan.config,
            plan.environ,
            notify=notify,
            cancelled=self._cancelled,
            before_paying=before_paying,
            linger_s=_LINGER_S,
            hosts=self._hosts,
        )
        return replace(outcome, result_id=never_again) if lost and outcome.error is lost else outcome

    def _lost(self, result_id: str) -> GPT4oImageError:
        """Why a call that was sent by a run that was killed left nothing."""
        result = open_vault(self._plan.config, self._plan.environ).find(result_id)
        if result and result.error:
            return error_from_json(result.error)
        return GPT4oImageError("truncated", "The batch was ended while this call ran.", billed="unknown")

    def _note(self, row: BatchRow, result_id: str, note: Callable[[str, str], None]) -> None:
        try:
            note(row.id, result_id)
        except OSError as problem:
            self._stop(_unwritten(row, problem))

    def _write_down(self, row: BatchRow, outcome: Outcome, earlier: str | None) -> None:
        before = self._manifest.state(row.id)
        cost_usd = before.cost_usd + (outcome.cost_usd or 0.0) + cost_of(self._plan.config, self._plan.environ, earlier)
        own = (earlier, before.line and not before.line.get("reused") and before.line.get("result_id"))
        line: Line = {
            "row": row.row,
            "name": row.name,
            "prompt": row.request.prompt,
            "status": "error" if outcome.error else "ok",
            "paths": [
                str(save_named(self._plan.folder, row.stem, extension(picture.decoded.mime), picture.data))
                for picture in outcome.pictures
            ],
            "result_id": outcome.result_id,
            "cost_usd": round(cost_usd, 6),
            "reused": outcome.reused and outcome.result_id not in own,
            "error": outcome.error.as_json() if outcome.error else None,
        }
        self._manifest.note_ended(row.id, line)
        with self._lock:
            self._ended(line, outcome.warnings)


def _was_not_begun(outcome: Outcome, error: GPT4oImageError) -> bool:
    """Whether the row is as it was before, for a reason that holds for every row that follows."""
    nothing_left = not outcome.result_id or (error.kind == "cancelled" and error.billed == "no")
    return nothing_left and error.kind in _END_ALL


def cost_of(config: Config, environ: Mapping[str, str], result_id: str | None) -> float:
    """What a call has cost, or may have cost, in US dollars; 0 for none. Raises `config`."""
    result = open_vault(config, environ).find(result_id) if result_id else None
    return (result.cost_usd or 0.0) if result and result.billed != "no" else 0.0


def _unwritten(row: BatchRow, problem: OSError) -> GPT4oImageError:
    return GPT4oImageError(
        "config",
        f"Row {row.row} could not be written to the manifest: {reason(problem)}. What was paid for is in the vault; "
        "make room, then run the same command again.",
        billed="unknown",
    )
