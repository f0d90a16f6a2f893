"""What the vault knows of one paid call, as a value, and how it is read out of the tables."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from os.path import basename
from pathlib import Path
from typing import Any, cast

from ..errors import Billed
from ..urls import Link, Picture, fallback_pictures

# A run tells that it lives at least this often; a row that has been silent for longer belongs to a dead process.
HEARTBEAT_S = 10.0
SILENT_S = 60.0
# Clocks jump, and two machines' clocks differ: before a call is paid for again, its old run is watched for so long.
WATCH_S = 2 * HEARTBEAT_S

# Stands for an id: the newest result.
LATEST = "latest"
# The address of a picture that came inside the answer, once its bytes are a file.
MOVED = "data:"

# What `read_results` takes: rows of this, with whatever WHERE, ORDER and LIMIT.
SELECT = "SELECT *, EXISTS (SELECT 1 FROM graphs WHERE result_id = results.id) AS has_graph FROM results"

_DIED = {
    "kind": "truncated",
    "message": "The process ended before the answer did.",
    "gateway_text": None,
    "request_id": None,
}


@dataclass(frozen=True)
class File:
    """The bytes of one picture. `url` is the address that gave them."""

    picture: int
    sha256: str
    path: Path
    url: str | None


@dataclass(frozen=True)
class Result:
    """One paid call. `status` is running, ok or error; a run whose process died is an error of kind truncated.

    `number` grows with every call. `has_graph`: the graph that made the call is kept. `last_sign` of life: of a run
    whose end is not known, by the clock of its own machine.
    """

    id: str
    created: float
    status: str
    gateway: str
    model: str
    prompt: str
    cost_usd: float | None
    billed: Billed
    error: dict[str, Any] | None
    details: dict[str, Any]
    pictures: tuple[Picture, ...] = ()
    links: tuple[Link, ...] = ()
    files: tuple[File, ...] = ()
    number: int = 0
    has_graph: bool = False
    last_sign: float | None = None

    @property
    def shown(self) -> tuple[Picture, ...]:
        """Its pictures; of a call that died before it knew any, the links that may hold one."""
        return self.pictures or tuple(fallback_pictures(self.links))


@dataclass(frozen=True)
class NewResult:
    """What is known of a call before it is sent. `key` is equal for requests that would buy the same picture."""

    key: str
    gateway: str
    model: str
    prompt: str
    price_usd: float | None
    details: dict[str, Any] = field(default_factory=dict[str, Any])


def read_results(db: sqlite3.Connection, rows: Sequence[sqlite3.Row], files: Path) -> list[Result]:
    """Entries of the rows of a `SELECT`, in their order, by two more queries however many they are."""
    ids = json.dumps([row["id"] for row in rows])
    among = "result_id IN (SELECT value FROM json_each(?))"
    links_of: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for link in db.execute(f"SELECT * FROM links WHERE {among} ORDER BY result_id, position", (ids,)):  # noqa: S608
        links_of[link["result_id"]].append(link)
    files_of: dict[str, list[File]] = defaultdict(list)
    for row in db.execute(f"SELECT * FROM files WHERE {among} ORDER BY result_id, picture", (ids,)):  # noqa: S608
        # Never outside, whatever the row says; Path.name would be an eighth of a list's time.
        path = files / basename(row["name"])  # noqa: PTH119
        files_of[row["result_id"]].append(File(row["picture"], row["sha256"], path, row["url"]))
    return [_entry(row, links_of[row["id"]], files_of[row["id"]]) for row in rows]


def _entry(row: sqlite3.Row, links: Sequence[sqlite3.Row], files: Sequence[File]) -> Result:
    status, error = row["status"], json.loads(row["error"]) if row["error"] else None
    last_sign = row["alive"] if status == "running" else None
    if last_sign is not None and abs(time.time() - last_sign) > SILENT_S:
        status, error = "error", _DIED | {"billed": row["billed"]}
    return Result(
        id=row["id"],
        created=row["created"],
        status=status,
        gateway=row["gateway"],
        model=row["model"],
        prompt=row["prompt"],
        cost_usd=row["cost_usd"],
        billed=row["billed"],
        error=error,
        details=cast("dict[str, Any]", json.loads(row["details"])),
        pictures=tuple(Picture(r["picture"], r["address"], r["label"]) for r in links if r["picture"] is not None),
        links=tuple(Link(r["address"], r["label"], r["after"]) for r in links if r["picture"] is None),
        files=tuple(files),
        number=row["number"],
        has_graph=bool(row["has_graph"]),
        last_sign=last_sign,
    )
