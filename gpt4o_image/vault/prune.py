"""Moves old results into a folder of the trash, from which they can be taken back by hand.

Never what is running, what holds an answer or bytes that nothing could read, or a picture that was not fetched.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path

from .answers import packed_path, raw_path
from .database import Connection
from .files import move, replace_durably
from .results import SELECT, Files, Result, now, read_results
from .shared import Shared

_TABLES = ("results", "links", "files", "answers", "graphs")
_DAY_S = 86_400.0


def old_results(db: Connection, older_than_days: float, files: Files) -> list[Result]:
    """Those that may go, oldest first."""
    rows = db.execute(
        f"{SELECT} WHERE heartbeat IS NULL AND holds IN ('saved', 'failed') AND verdict <> 'unread'"
        " AND created < :before ORDER BY number",
        {**now(db), "before": db.now() - older_than_days * _DAY_S},
    ).fetchall()
    return [each for each in read_results(db, rows, files) if not _holds_more(each)]


def _holds_more(result: Result) -> bool:
    """Whether something of it was not fetched, or not decoded."""
    return bool(result.missing) or not all(file.readable for file in result.files)


def move_to_trash(db: Connection, results: Sequence[Result], answers: Path, shared: Shared | None, trash: Path) -> None:
    """Moves the results, in one transaction of the caller's, to a new folder in `trash`.

    `results.jsonl` there holds their rows of each table; pictures that other results hold too are left where they are.
    """
    folder = trash / time.strftime("%Y%m%d-%H%M%S")
    lines = [json.dumps({table: _rows(db, table, result.id) for table in _TABLES}) for result in results]
    replace_durably(folder / "results.jsonl", "".join(f"{line}\n" for line in lines).encode())
    for result in results:
        _forget(db, result)
    for result in results:
        for file in result.files:
            if not db.execute("SELECT 1 FROM files WHERE name = ?", (file.path.name,)).fetchone():
                _move_into(folder / "files", file.path, db, shared if file.fetch else None)
        raw = raw_path(answers, result.id)
        for path in (raw, packed_path(raw)):
            _move_into(folder / "answers", path, db, shared)


def _rows(db: Connection, table: str, result_id: str) -> list[dict[str, object]]:
    column = "id" if table == "results" else "result_id"
    rows = db.execute(f"SELECT * FROM {table} WHERE {column} = ?", (result_id,))  # noqa: S608
    return [{name: _as_json(row[name]) for name in row.keys()} for row in rows]  # noqa: SIM118 - a Row has no items


def _as_json(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _forget(db: Connection, result: Result) -> None:
    db.execute(
        "INSERT INTO pruned (result_id, created, cost_usd)"
        " SELECT id, created, cost_usd FROM results WHERE id = ? AND billed <> 'no'",
        (result.id,),
    )
    for table in _TABLES:
        column = "id" if table == "results" else "result_id"
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (result.id,))  # noqa: S608


def _move_into(folder: Path, path: Path, db: Connection, shared: Shared | None) -> None:
    if path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        move(path, folder / path.name)
    elif shared and (data := shared.get(path.name)) is not None:
        replace_durably(folder / path.name, data)
    if shared:
        shared.drop(db, path.name)
