"""The rows of one vault into another: nothing twice, and what is here stays. Must not know of files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .database import Connection, Row
from .results import DIED, State, now

_TABLES = ("links", "files", "answers", "graphs")
_RESULTS_A_TIME = 200
# What a result holds: the later, the more.
_LESS_TO_MORE: tuple[State, ...] = ("failed", "unread", "links", "saved")


@dataclass(frozen=True)
class Imported:
    """How many results came, were completed, were here already, or are still being made there; files that are gone."""

    new: int = 0
    completed: int = 0
    known: int = 0
    running: int = 0
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Ids of the source, oldest first, by what is to be done with them."""

    new: tuple[str, ...]
    completed: tuple[str, ...]
    known: int
    running: int


def plan(source: Connection, target: Connection) -> Plan:
    """Which results `target` lacks, or holds less of. One that was pruned there does not come back."""
    here = {row["id"]: row["holds"] for row in target.execute("SELECT id, holds FROM results")}
    pruned = {row["result_id"] for row in target.execute("SELECT result_id FROM pruned")}
    new, completed, known, running = list[str](), list[str](), 0, 0
    query = (
        "SELECT id, holds, heartbeat IS NOT NULL AND abs(heartbeat - :now) <= :silent AS running"
        " FROM results ORDER BY number"
    )
    for row in source.execute(query, now(source)):
        if row["running"]:
            running += 1
        elif row["id"] in pruned:
            known += 1
        elif row["id"] not in here:
            new.append(row["id"])
        elif _LESS_TO_MORE.index(row["holds"]) > _LESS_TO_MORE.index(here[row["id"]]):
            completed.append(row["id"])
        else:
            known += 1
    return Plan(tuple(new), tuple(completed), known, running)


def copy_rows(source: Connection, target: Connection, planned: Plan) -> None:
    """Adds what is planned. Results stay in the order in which they were made."""
    (number,) = target.execute("SELECT coalesce(max(number), 0) FROM results").fetchone()
    for ids in _in_parts(planned.new):
        rows = _rows(source, "results", "id", ids)
        for row in sorted(rows, key=lambda row: row["number"]):
            number += 1
            _insert(target, "results", [_ended(row) | {"number": number}])
    for ids in _in_parts((*planned.new, *planned.completed)):
        for table in _TABLES:
            _insert(target, table, [dict(_items(row)) for row in _rows(source, table, "result_id", ids)])
    _copy_pruned(source, target)
    _renumber(target)


def _in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _RESULTS_A_TIME):
        yield ids[start : start + _RESULTS_A_TIME]


def _rows(db: Connection, table: str, column: str, ids: Sequence[str]) -> list[Row]:
    among = ", ".join("?" * len(ids))
    return db.execute(f"SELECT * FROM {table} WHERE {column} IN ({among})", ids).fetchall()  # noqa: S608


def _items(row: Row) -> Iterator[tuple[str, Any]]:
    return ((name, row[name]) for name in row.keys())  # noqa: SIM118 - a Row has no items


def _ended(row: Row) -> dict[str, Any]:
    """The result of a run that died, as its vault would have written its end."""
    values = dict(_items(row))
    if values["heartbeat"] is not None:
        values |= {"heartbeat": None, "error": json.dumps(DIED | {"billed": values["billed"]})}
    return values


def _insert(db: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        columns = ", ".join(rows[0])
        places = ", ".join("?" * len(rows[0]))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
        db.executemany(statement, [list(row.values()) for row in rows])


def _copy_pruned(source: Connection, target: Connection) -> None:
    """What is here, pruned or not, is not counted a second time."""
    here = {row["id"] for row in target.execute("SELECT id FROM results")}
    rows = [dict(_items(row)) for row in source.execute("SELECT * FROM pruned").fetchall()]
    _insert(target, "pruned", [row for row in rows if row["result_id"] not in here])


def _renumber(db: Connection) -> None:
    """The newest has the highest number, wherever it came from."""
    rows = db.execute("SELECT id, number FROM results ORDER BY created, number").fetchall()
    moved = [(-place, row["id"]) for place, row in enumerate(rows, 1) if place != row["number"]]
    if moved and any(first["number"] > second["number"] for first, second in pairwise(rows)):
        db.executemany("UPDATE results SET number = ? WHERE id = ?", moved)
        db.execute("UPDATE results SET number = -number WHERE number < 0")
