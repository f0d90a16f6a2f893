"""`gpt4o-image batch`: a sheet of prompts becomes pictures; run again, it pays only for what is missing."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import GPT4oImageError
from ..gateway.client import preflight
from ..gateway.config import Config, load_config
from ..gateway.profiles import Gateway, choose_gateway
from ..home import home, user_path
from ..picture_files import check_folder
from ..sheet import Row, read_sheet
from . import output
from .batch_quote import Quote, quote
from .batch_report import BatchReport
from .batch_rows import BatchRow, batch_rows, unknown_columns
from .batch_run import BatchRun, Plan, cost_of
from .folder_lock import only_batch_in
from .generate import add_shared_options, gateway_or_simulator
from .interrupt import CtrlC, stop_on_ctrl_c
from .manifest import Manifest
from .reference_files import ReferenceFiles
from .spending_limit import SpendingLimit, unpriced

_MOST_PARALLEL = 64


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    add = parser.add_argument
    add("sheet", metavar="FILE", help="a .csv or .tsv whose first line names its columns: prompt, and optionally "
        "name, seed, ratio, background, model, references; a .txt with one prompt a line; or - for stdin")  # fmt: skip
    add_shared_options(parser)
    add("--parallel", type=_parallel, metavar="N", help="calls at once; default: max_parallel of config.toml, else 16")
    add("--max-usd", type=_dollars, metavar="X", help="the most that this sheet may cost in US dollars, over all its "
        "runs into this folder; the batch ends before the call that would exceed it. Pictures from the vault cost "
        "nothing; a call that was perhaps billed counts as billed; default: no limit")  # fmt: skip
    add("--on-failure", default="skip", choices=("skip", "stop"), help="when a row fails: skip it, or stop and "
        "start no further row; default: %(default)s")  # fmt: skip
    add("--retry", choices=("failed",), help="also send failed rows again, which may cost a second time; "
        "default: they stay failed")  # fmt: skip
    add("--wait", action="store_true", help="where the gateway is at its limit, wait as long as it says and retry, "
        "up to 5 times for a row (HTTP 429, which is not billed); default: wait_when_limited of config.toml, else "
        "the row fails")  # fmt: skip
    add("--quote", action="store_true", help="print what it would cost now and send nothing; default: run it")
    add("--json", action="store_true", help="one JSON object on stdout, nothing else; default: one path a line")


def run(options: argparse.Namespace) -> int:
    """0 where every row has its pictures, 1 where one has not, 130 after Ctrl+C. Raises what ends all rows."""
    sheet, folder = _read(options.sheet)
    if not options.quote:
        check_folder(options.out)
    config = load_config(home(os.environ))
    config = replace(config, wait_when_limited=options.wait or config.wait_when_limited)
    gateway = choose_gateway(gateway_or_simulator(options.gateway, config), config, os.environ)
    preflight(gateway)
    for column in unknown_columns(sheet):
        output.log(f"warning: the column {column} is unknown and is not used.")
    files = ReferenceFiles(folder)
    rows = batch_rows(sheet, files, gateway.name, gateway.models, options)
    if options.max_usd is not None:
        _check_prices(rows, gateway)

    def batch() -> _Batch:
        manifest = Manifest(options.out, options.sheet)
        return _Batch(options, config, gateway, files, manifest, rows, _due(rows, manifest, retry=bool(options.retry)))

    with stop_on_ctrl_c(2) as stop:
        if options.quote:
            return _print_quote(batch(), stop)
        with only_batch_in(options.out):
            return _run(batch(), stop)


def _check_prices(rows: Sequence[BatchRow], gateway: Gateway) -> None:
    """Raises `config`: a limit cannot be kept for a model whose price is not known."""
    for row in rows:
        if gateway.base_urls and row.request.model not in gateway.prices:
            raise unpriced(row.request.model)


@dataclass(frozen=True)
class _Batch:
    """The rows of a sheet, those of them that are due, and all that they need."""

    options: argparse.Namespace
    config: Config
    gateway: Gateway
    files: ReferenceFiles
    manifest: Manifest
    rows: Sequence[BatchRow]
    due: Sequence[BatchRow]

    @property
    def saved(self) -> int:
        return sum(self.manifest.state(row.id).saved for row in self.rows)

    @property
    def failed(self) -> int:
        """Rows that failed and stay so."""
        return len(self.rows) - self.saved - len(self.due)

    def quote(self, rows: Sequence[BatchRow], stop: CtrlC) -> Quote:
        return quote(rows, self.gateway, self.config, self.files, stop.is_set)


def _due(rows: Sequence[BatchRow], manifest: Manifest, *, retry: bool) -> list[BatchRow]:
    states = [(row, manifest.state(row.id)) for row in rows]
    return [row for row, state in states if not state.saved and (retry or not state.failed)]


def _print_quote(batch: _Batch, stop: CtrlC) -> int:
    # What a run that was killed had sent is sent again only with --retry.
    may_pay = [row for row in batch.due if batch.options.retry or not batch.manifest.state(row.id).sent]
    quoted = batch.quote(may_pay, stop)
    free = len(batch.due) - quoted.calls
    if batch.options.json:
        counts = {"rows": len(batch.rows), "done": batch.saved, "failed": batch.failed, "free": free}
        value = {"status": "ok", **counts, "calls": quoted.calls, "cost_usd": quoted.cost_usd, "error": None}
        output.show_json(value)
        return 0
    left = f", {batch.failed} failed and stay failed without --retry failed" if batch.failed else ""
    output.show(f"{quoted}: of {len(batch.rows)} rows {batch.saved} are done and {free} are free{left}.")
    return 0


def _run(batch: _Batch, stop: CtrlC) -> int:
    options, manifest = batch.options, batch.manifest
    if options.retry:
        failed = [row for row in batch.due if manifest.state(row.id).failed or manifest.state(row.id).sent]
        output.log(f"Rows that failed are sent again, which may cost {batch.quote(failed, stop)}.")
    numbers = {row.id: row.row for row in batch.rows}
    manifest.rewrite(numbers, without={row.id for row in batch.due})
    limit = SpendingLimit(options.max_usd, _spent(batch))
    with BatchReport(batch.saved, batch.failed, len(batch.rows), limit, as_json=options.json) as report:
        plan = Plan(
            options.out,
            batch.gateway.name,
            batch.config,
            os.environ,
            options.parallel or batch.config.max_parallel,
            options.on_failure == "stop",
        )
        runner = BatchRun(plan, manifest, batch.files, limit, ended=report.ended, stop=stop)
        with manifest:
            runner.run(batch.due, pay_again=bool(options.retry), meanwhile=lambda: report.meanwhile(stop.presses))
    manifest.rewrite(numbers)
    return report.end(manifest.path, runner.stopped_by, interrupted=stop.is_set())


def _spent(batch: _Batch) -> float:
    """What the rows have cost so far, with the calls of a run that was killed."""
    states = [batch.manifest.state(row.id) for row in batch.rows]
    return sum(state.cost_usd + cost_of(batch.config, os.environ, state.sent) for state in states)


def _read(name: str) -> tuple[list[Row], Path]:
    """The rows of a sheet and the folder that paths in it start from. Raises `bad_request`."""
    if name == "-":
        data = sys.stdin.buffer.read() if sys.stdin else b""  # pyright: ignore[reportUnnecessaryComparison]
        return read_sheet(data, "stdin.csv" if _names_columns(data) else "stdin"), Path()
    path = user_path(name)
    try:
        return read_sheet(path.read_bytes(), path.name), path.parent
    except OSError as error:
        raise GPT4oImageError("bad_request", f"The sheet {path} cannot be read: {error.strerror}.") from error


def _names_columns(data: bytes) -> bool:
    """Whether stdin holds CSV: its first line names a column `prompt`."""
    first_line = data.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    return b"prompt" in [cell.strip(b' "\r').lower() for cell in re.split(rb"[,;\t]", first_line)]


def _parallel(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST_PARALLEL:
        raise argparse.ArgumentTypeError(f"it must be 1 to {_MOST_PARALLEL}")
    return number


def _dollars(text: str) -> float:
    dollars = float(text)
    if not 0 <= dollars < 1e9:  # also not a number
        raise argparse.ArgumentTypeError("an amount must be 0 or more US dollars")
    return dollars
