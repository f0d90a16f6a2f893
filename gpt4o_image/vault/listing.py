"""A page of the vault's entries, newest first: filters and paging in SQL, so that a large vault stays quick."""

from __future__ import annotations

import json
import sqlite3
import time
from bisect import bisect
from dataclasses import dataclass
from operator import neg
from pathlib import Path
from typing import Any, Literal, get_args

from ..urls import Link, may_be_picture
from .results import SELECT, SILENT_S, Result, read_results

State = Literal["saved", "links", "failed", "running"]
STATES: tuple[State, ...] = get_args(State)

# Results that hold pictures, and those that know where some are; the second asks for the function `may_show`.
HOLDS = "EXISTS (SELECT 1 FROM files WHERE result_id = results.id)"
KNOWS = (
    "EXISTS (SELECT 1 FROM links WHERE result_id = results.id AND (picture IS NOT NULL OR may_show(address, label)))"
)
_MAX_NUMBER = 2**63 - 1  # SQLite's largest
_RUNNING = "(status = 'running' AND abs(:now - alive) <= :silent)"  # as entries.py has it
_IN_STATE: dict[State, str] = {
    "running": _RUNNING,
    "saved": f"NOT {_RUNNING} AND {HOLDS}",
    "links": f"NOT {_RUNNING} AND NOT {HOLDS} AND {KNOWS}",
    "failed": f"NOT {_RUNNING} AND NOT {HOLDS} AND NOT {KNOWS}",
}


@dataclass(frozen=True)
class Wanted:
    """Which entries: of one state, with all words of `text` in the prompt, older than the one numbered `before`."""

    limit: int
    before: int | None = None
    text: str = ""
    state: State | None = None


@dataclass(frozen=True)
class Page:
    """`total` counts all that match the filters; `next` is the `before` of the following page, None on the last."""

    entries: tuple[Result, ...]
    total: int
    next: int | None


def read_page(db: sqlite3.Connection, wanted: Wanted, files: Path) -> Page:
    """The newest entries that are `wanted`, and how many there are."""
    if wanted.text.split() or wanted.state:
        # Looked at once: what matches is counted and cut to a page by its number alone.
        numbers = _matching(db, wanted)
        total = len(numbers)
        numbers = numbers[bisect(numbers, -wanted.before, key=neg) if wanted.before is not None else 0 :]
        which, values = "number IN (SELECT value FROM json_each(?))", (json.dumps(numbers[: wanted.limit + 1]),)
    else:
        (total,) = db.execute("SELECT count(*) FROM results").fetchone()
        which, values = "number < ?", (_MAX_NUMBER if wanted.before is None else wanted.before,)
    rows = db.execute(f"{SELECT} WHERE {which} ORDER BY number DESC LIMIT ?", (*values, wanted.limit + 1)).fetchall()
    shown = rows[: wanted.limit]
    return Page(tuple(read_results(db, shown, files)), total, shown[-1]["number"] if len(rows) > len(shown) else None)


def _matching(db: sqlite3.Connection, wanted: Wanted) -> list[int]:
    """The numbers of all entries that pass the filters, newest first."""
    add_functions(db)
    conditions, values = ["1"], dict[str, Any]()
    for number, word in enumerate(wanted.text.split()):
        conditions.append(rf"prompt LIKE :word{number} ESCAPE '\'")
        values[f"word{number}"] = f"%{_literally(word)}%"
    if wanted.state:
        conditions.append(_IN_STATE[wanted.state])
        values |= {"now": time.time(), "silent": SILENT_S}
    found = db.execute(f"SELECT number FROM results WHERE {' AND '.join(conditions)}", values)  # noqa: S608
    return sorted((row[0] for row in found), reverse=True)


def _literally(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, f"\\{special}")
    return word


def add_functions(db: sqlite3.Connection) -> None:
    """What SQL cannot say: whether a link of a call that broke off may be a picture, as recall.py takes it."""
    db.create_function("may_show", 2, _may_show, deterministic=True)


def _may_show(address: str, label: str) -> bool:
    return may_be_picture(Link(address, label, 0))
