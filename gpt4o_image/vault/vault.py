"""What was paid for, on disk: an SQLite index and the pictures' bytes, named by their sha256.

Safe for several processes and for a kill at any moment: each step is one transaction, a file is complete
before its row is. Holds no key. Every call opens its own connection, so any thread may call.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Billed, GPT4oImageError
from ..pictures.formats import extension
from ..urls import Link, Picture
from .files import replace_durably
from .listing import HOLDS, KNOWS, Page, Wanted, add_functions, read_page
from .results import LATEST, MOVED, SELECT, WATCH_S, NewResult, Result, read_results
from .schema import Database

Found = TypeVar("Found")

# Of a workflow as JSON; larger ones are not kept.
MAX_GRAPH_BYTES = 4 << 20


class Vault:
    """The vault in `folder`, which is made when the first call is recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = Database(folder / "vault.sqlite3")
        self._files = folder / "files"
        # While a run lasts; see Database.held.
        self.held = self._database.held
        self._signs: dict[tuple[str, float], float] = {}  # of life, and when each was first seen, on time.monotonic()

    # What a run writes

    def open(
        self, new: NewResult, *, reuse: bool, daily_budget_usd: float | None, without: Collection[str] = ()
    ) -> Result | None:
        """Records a call that is about to be sent, unless an earlier one answers it, `without` these ids.

        Gives the new entry (status `running`), or the earlier one that has pictures or links to them, or None
        while another run is busy with the same request: ask again. Raises `budget`, and `config` where the
        vault cannot be written; in both cases nothing may be sent.
        """
        try:
            self._files.mkdir(parents=True, exist_ok=True)
            with self._database.writing() as db:
                if reuse and (earlier := self._earlier(db, new.key, without)):
                    return None if self._may_live(earlier) else earlier
                self._check_budget(db, new, daily_budget_usd)
                return self._insert(db, new)
        except (OSError, sqlite3.Error) as error:
            raise GPT4oImageError(
                "config",
                f"The vault in {self.folder} cannot be written: {error}. Make room or set GPT4O_IMAGE_HOME "
                "to a folder that can be written. Nothing was sent.",
            ) from error

    def _earlier(self, db: sqlite3.Connection, key: str, without: Collection[str]) -> Result | None:
        rows = db.execute(f"{SELECT} WHERE request_key = ? ORDER BY number DESC LIMIT 20", (key,)).fetchall()
        entries = read_results(db, [row for row in rows if row["id"] not in without], self._files)
        # What is on disk is better than what may still be fetched.
        ranks: tuple[Callable[[Result], object], ...] = (
            self._may_live,
            lambda entry: entry.files,
            lambda entry: entry.pictures,
            lambda entry: entry.links,
        )
        return next((entry for rank in ranks for entry in entries if rank(entry)), None)

    def _may_live(self, entry: Result) -> bool:
        """Whether another run may be busy with this entry. No clock's word is enough to pay again: see WATCH_S."""
        if entry.last_sign is None:
            return False
        seen = self._signs.setdefault((entry.id, entry.last_sign), time.monotonic())
        return entry.status == "running" or time.monotonic() - seen < WATCH_S

    def _check_budget(self, db: sqlite3.Connection, new: NewResult, budget: float | None) -> None:
        spent = _spent(db, _midnight())
        if budget is not None and spent + (new.price_usd or 0.0) > budget + 1e-9:
            raise GPT4oImageError(
                "budget",
                f"Today's budget is {budget:g} US dollars, {spent:.3f} are spent and this call costs "
                f"{new.price_usd or 0:g}. Raise daily_budget_usd in config.toml or run it tomorrow. Nothing was sent.",
            )

    def _insert(self, db: sqlite3.Connection, new: NewResult) -> Result:
        now = time.time()
        result_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(3)}"
        db.execute(
            "INSERT INTO results (id, request_key, created, alive, status, gateway, model, prompt, cost_usd, billed,"
            " details) VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, 'unknown', ?)",
            (result_id, new.key, now, now, new.gateway, new.model, new.prompt, new.price_usd, _dumps(new.details)),
        )
        (entry,) = read_results(db, db.execute(f"{SELECT} WHERE id = ?", (result_id,)).fetchall(), self._files)
        return replace(entry, status="running", error=None)  # also where the clock jumped since `now`

    def alive(self, result_id: str, billed: Billed) -> None:
        """A sign of life, and what is known of the bill so far."""
        with self._database.writing() as db:
            db.execute("UPDATE results SET alive = ?, billed = ? WHERE id = ?", (time.time(), billed, result_id))

    def add_links(self, result_id: str, found: Sequence[Picture | Link]) -> None:
        """Addresses in the order of the answer, all in one transaction."""
        with self._database.writing() as db:
            (taken,) = db.execute("SELECT count(*) FROM links WHERE result_id = ?", (result_id,)).fetchone()
            db.executemany(
                "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)",
                [(result_id, taken + i, *_place(each), each.label, each.address) for i, each in enumerate(found)],
            )

    def add_file(self, result_id: str, picture: int, data: bytes, sha256: str, mime: str, url: str | None) -> None:
        """A picture's bytes: the whole file first, its row after."""
        path = self.path_of(sha256, mime)
        if not path.exists() or path.stat().st_size != len(data):
            replace_durably(path, data)
        with self._database.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (result_id, picture, sha256, path.name, url)
            )
            # The file holds it now; the index stays small.
            db.execute(
                "UPDATE links SET address = ? WHERE result_id = ? AND picture = ? AND address LIKE 'data:%'",
                (MOVED, result_id, picture),
            )

    def path_of(self, sha256: str, mime: str) -> Path:
        """Where the bytes of a picture are, or would be."""
        return self._files / f"{sha256}{extension(mime)}"

    def finish(
        self,
        result_id: str,
        *,
        billed: Billed,
        cost_usd: float | None,
        error: dict[str, Any] | None,
        details: dict[str, Any],
    ) -> None:
        """How the call ended."""
        with self._database.writing() as db:
            (before,) = db.execute("SELECT details FROM results WHERE id = ?", (result_id,)).fetchone()
            db.execute(
                "UPDATE results SET status = ?, billed = ?, cost_usd = ?, error = ?, details = ? WHERE id = ?",
                (
                    "error" if error else "ok",
                    billed,
                    cost_usd,
                    _dumps(error) if error else None,
                    _dumps({**json.loads(before), **details}),
                    result_id,
                ),
            )

    def add_graph(self, result_id: str, graph: str) -> None:
        """The workflow of a call, as JSON; one that is larger than MAX_GRAPH_BYTES is left out."""
        data = graph.encode()
        if len(data) <= MAX_GRAPH_BYTES:
            with self._database.writing() as db:
                db.execute("INSERT OR REPLACE INTO graphs VALUES (?, ?)", (result_id, zlib.compress(data)))

    # What is asked of it later

    # All of these raise `config` for a vault that cannot be read.

    def entry(self, result_id: str) -> Result:
        """One entry, or the newest for `latest`. Raises `config` when there is none of that id."""
        found = self.entries(1) if result_id == LATEST else [self.find(result_id)]
        if not found or found[0] is None:
            raise GPT4oImageError("config", f'There is no paid result "{result_id}". See `gpt4o-image results list`.')
        return found[0]

    def find(self, result_id: str) -> Result | None:
        """The entry of that id, if there is one."""
        found = self._select("WHERE id = ?", (result_id,))
        return found[0] if found else None

    def entries(self, limit: int = -1, offset: int = 0) -> list[Result]:
        """Newest first."""
        return self._select("ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset))

    def _select(self, which: str, values: Sequence[object]) -> list[Result]:
        def ask(db: sqlite3.Connection) -> list[Result]:
            return read_results(db, db.execute(f"{SELECT} {which}", values).fetchall(), self._files)

        return self._read(ask, [])

    def page(self, wanted: Wanted) -> Page:
        """What a list shows at a time."""
        return self._read(lambda db: read_page(db, wanted, self._files), Page((), 0, None))

    def count(self) -> int:
        """All entries."""
        return self._read(lambda db: int(db.execute("SELECT count(*) FROM results").fetchone()[0]), 0)

    def headlines(self, limit: int) -> list[tuple[str, str]]:
        """(id, start of the prompt) of the newest entries that hold or know pictures, newest first."""

        def ask(db: sqlite3.Connection) -> list[tuple[str, str]]:
            add_functions(db)
            rows = db.execute(
                f"SELECT id, substr(prompt, 1, 100) FROM results WHERE {HOLDS} OR {KNOWS} ORDER BY number DESC LIMIT ?",  # noqa: S608
                (limit,),
            )
            return [(row[0], row[1]) for row in rows]

        return self._read(ask, [])

    def latest_id(self) -> str | None:
        """The id of the newest entry that holds or knows pictures."""
        return next((result_id for result_id, _ in self.headlines(1)), None)

    def graph(self, result_id: str) -> bytes | None:
        """The workflow that made the call, as JSON; None where none is kept."""

        def ask(db: sqlite3.Connection) -> bytes | None:
            row = db.execute("SELECT graph FROM graphs WHERE result_id = ?", (result_id,)).fetchone()
            try:
                return zlib.decompress(row[0]) if row else None
            except zlib.error as error:
                raise sqlite3.DatabaseError(f"the graph of {result_id} is damaged") from error

        return self._read(ask, None)

    def spent(self) -> tuple[float, float]:
        """US dollars of today (local time) and of all time; a call whose bill is unknown counts as billed."""
        return self._read(lambda db: (_spent(db, _midnight()), _spent(db, 0.0)), (0.0, 0.0))

    def spent_today(self) -> float:
        """The same without the sum of all time, which takes longer the longer the vault is."""
        return self._read(lambda db: _spent(db, _midnight()), 0.0)

    def _read(self, ask: Callable[[sqlite3.Connection], Found], nothing: Found) -> Found:
        """What `ask` finds; `nothing` before the first call is recorded."""
        if not self._database.exists:
            return nothing
        try:
            with self._database.reading() as db:
                return ask(db)
        except (OSError, sqlite3.Error) as error:
            raise GPT4oImageError("config", f"The vault in {self.folder} cannot be read: {error}.") from error


def _place(found: Picture | Link) -> tuple[int | None, int]:
    return (found.index, found.index) if isinstance(found, Picture) else (None, found.after)


def _spent(db: sqlite3.Connection, since: float) -> float:
    query = "SELECT total(cost_usd) FROM results WHERE created >= ? AND billed != 'no'"
    return float(db.execute(query, (since,)).fetchone()[0])


def _midnight() -> float:
    return time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))


def _dumps(value: dict[str, Any]) -> str:
    # Lone surrogates of a broken answer are no UTF-8; escaped they are.
    return json.dumps(value)
