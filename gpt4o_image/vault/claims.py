"""Claims a request before it is paid for, in one transaction, so that two runs cannot both find it unpaid.

An earlier result that still holds something is never paid for again. Sends nothing.
"""

from __future__ import annotations

import json
import platform
import secrets
import time
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ..errors import GPT4oImageError
from .database import Connection
from .leases import Lease, Watch, forget, is_abandoned
from .results import DIED, HEARTBEAT_S, SELECT, SILENT_S, Files, NewResult, Result, State, now, read_results, row_of

# Clocks jump, and two machines' clocks differ: before a call is paid for again, its old run is watched for so long.
WATCH_S = 2 * HEARTBEAT_S

# What is on disk is better than what may still be fetched or read.
_BEST_FIRST: tuple[State, ...] = ("saved", "links", "unread", "failed")


@dataclass(frozen=True)
class Claimed:
    """A new result, which its caller may pay for and must finish; until then it holds the lease."""

    result: Result
    lease: Lease


@dataclass(frozen=True)
class Earlier:
    """The request was paid for before: its result holds files, links, or an answer that may be read again."""

    result: Result


@dataclass(frozen=True)
class Busy:
    """Another run is paying for the same request: ask again."""

    result: Result


@dataclass(frozen=True)
class Full:
    """As many calls as may be open at once, on all machines, are being made: ask again."""


@dataclass(frozen=True)
class Unpaid:
    """Nobody has paid for this request, or nothing is left of what came of it."""


class Claims:
    """The claims on one vault. `leases` is the folder of the runs' locked files."""

    def __init__(self, files: Files, leases: Path) -> None:
        self._files = files
        self._leases = leases
        self._watch = Watch()

    def close_dead_runs(self, db: Connection) -> None:
        """Records the end of the runs whose processes died."""
        rows = db.execute(f"{SELECT} WHERE heartbeat IS NOT NULL", now(db)).fetchall()
        for result in read_results(db, rows, self._files):
            if result.heartbeat is not None and self._is_dead(result, result.heartbeat):
                error = json.dumps(DIED | {"billed": result.billed})
                db.execute("UPDATE results SET heartbeat = NULL, error = ? WHERE id = ?", (error, result.id))
                forget(self._lease_of(result.id))

    def look_up(self, db: Connection, new: NewResult) -> Earlier | Busy | Unpaid:
        """The best that earlier calls of the same request left. Changes nothing."""
        candidates = self._candidates(db, new)
        ended = [each for each in candidates if each.heartbeat is None]
        best = next((each for state in _BEST_FIRST for each in ended if each.state == state), None)
        busy = next((each for each in candidates if each.heartbeat is not None), None)
        if best and (best.state == "saved" or not busy):
            return Earlier(best)
        return Busy(busy) if busy else Unpaid()

    def is_full(self, db: Connection, max_parallel_all: int | None) -> bool:
        """Whether so many calls are being made already."""
        if max_parallel_all is None:
            return False
        (running,) = db.execute(
            "SELECT count(*) FROM results WHERE heartbeat IS NOT NULL AND abs(heartbeat - ?) <= ?", (db.now(), SILENT_S)
        ).fetchone()
        return int(running) >= max_parallel_all

    def insert(self, db: Connection, new: NewResult, daily_budget_usd: float | None) -> Claimed:
        """A new result. Raises `budget`, and `config` for a model without a price under a budget."""
        _check_budget(db, new, daily_budget_usd)
        created = db.now()
        result_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(created))}-{secrets.token_hex(3)}"
        insert_result(db, new, result_id, created)
        lease = Lease(self._lease_of(result_id))
        result = replace(read_results(db, row_of(db, result_id), self._files)[0], state="running", error=None)
        return Claimed(result, lease)  # also where the clock jumped meanwhile

    def _candidates(self, db: Connection, new: NewResult) -> list[Result]:
        """All results of the request, newest first, but those that failed and were read by today's reader."""
        rows = db.execute(
            f"{SELECT} WHERE request_key = :key AND (heartbeat IS NOT NULL OR holds <> 'failed' OR EXISTS ("  # noqa: S608
            "SELECT 1 FROM answers WHERE result_id = each_result.id AND (read_by IS NULL OR read_by <> :reader)))"
            " ORDER BY number DESC",
            {**now(db), "key": new.key, "reader": new.reader},
        ).fetchall()
        return read_results(db, rows, self._files)

    def _is_dead(self, result: Result, heartbeat: float) -> bool:
        """No wall clock is reason enough to pay again: see WATCH_S."""
        if is_abandoned(self._lease_of(result.id)):
            return True
        watched_s = self._watch.observe(result.id, heartbeat)
        return result.state != "running" and watched_s >= WATCH_S

    def _lease_of(self, result_id: str) -> Path:
        return self._leases / result_id


def insert_result(db: Connection, new: NewResult, result_id: str, created: float) -> None:
    """A result that is running. Nothing changes where it is there already."""
    db.execute(
        "INSERT INTO results (number, id, request_key, created, heartbeat, holds, verdict, gateway, model, prompt,"
        " cost_usd, billed, details, machine) VALUES ((SELECT coalesce(max(number), 0) + 1 FROM results), ?, ?, ?, ?,"
        " 'failed', 'none', ?, ?, ?, ?, 'unknown', ?, ?) ON CONFLICT (id) DO NOTHING",
        # json.dumps escapes the lone surrogates of a broken answer, which are not valid UTF-8.
        (result_id, new.key, created, created, new.gateway, new.model, new.prompt, new.price_usd,
         json.dumps(new.details), platform.node()),
    )  # fmt: skip


def spent(db: Connection, since: float) -> float:
    """US dollars since then, pruned results too; a call whose bill is unknown counts as billed."""
    (kept,) = db.execute("SELECT sum(cost_usd) FROM results WHERE created >= ? AND billed <> 'no'", (since,)).fetchone()
    (pruned,) = db.execute("SELECT sum(cost_usd) FROM pruned WHERE created >= ?", (since,)).fetchone()
    return float(kept or 0.0) + float(pruned or 0.0)


def spent_by_day(db: Connection, days: int) -> list[float]:
    """The same for each of the last `days` days, local time, today last."""
    today, sums = date.fromtimestamp(midnight(db.now())), [0.0] * days
    since = midnight(db.now()) - days * 25 * 3600  # a day of a clock change has 25 hours
    for table, condition in (("results", " AND billed <> 'no'"), ("pruned", "")):
        rows = db.execute(f"SELECT created, cost_usd FROM {table} WHERE created >= ?{condition}", (since,))  # noqa: S608
        for created, usd in rows:
            ago = (today - date.fromtimestamp(created)).days
            if 0 <= ago < days:
                sums[days - 1 - ago] += float(usd or 0.0)
    return sums


def midnight(now_s: float) -> float:
    """The beginning of the day of `now_s`, local time."""
    return time.mktime((*time.localtime(now_s)[:3], 0, 0, 0, 0, 0, -1))


def _check_budget(db: Connection, new: NewResult, budget: float | None) -> None:
    if budget is None:
        return
    if new.price_usd is None:
        raise GPT4oImageError(
            "config",
            f"There is a daily budget, but {new.model} has no price, so it cannot be enforced. Write its price "
            f'in US dollars a call into config.toml: [profiles.{new.gateway}] prices = {{ "{new.model}" = 0.01 }}. '
            "Nothing was sent.",
        )
    today = spent(db, midnight(db.now()))
    if today + new.price_usd > budget + 1e-9:
        raise GPT4oImageError(
            "budget",
            f"Today's budget is {budget:g} US dollars; {today:g} are spent, and this call costs "
            f"{new.price_usd:g}. Raise daily_budget_usd in config.toml, or run it tomorrow. Nothing was sent.",
        )
