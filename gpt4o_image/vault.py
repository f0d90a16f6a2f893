"""What was paid for, on disk: an SQLite index and the pictures' bytes, named by their sha256.

Safe for several processes and for a kill at any moment: each step is one transaction, a file is complete
before its row is. Holds no key. Every call opens its own connection, so any thread may call.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from .errors import Billed, GPT4oImageError
from .events import Link, Picture
from .files import replace_durably
from .pixels import extension

_BUSY_S = 10.0
_RETRY_S = 0.02
# A run tells that it lives at least this often; a row that has been silent for longer belongs to a dead process.
HEARTBEAT_S = 10.0
_SILENT_S = 60.0

# The address of a picture that came inside the answer, once its bytes are a file.
MOVED = "data:"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    request_key TEXT NOT NULL,
    created REAL NOT NULL,
    alive REAL NOT NULL,
    status TEXT NOT NULL,
    gateway TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt TEXT NOT NULL,
    cost_usd REAL,
    billed TEXT NOT NULL,
    error TEXT,
    details TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS results_by_request ON results (request_key, number);
CREATE INDEX IF NOT EXISTS results_by_time ON results (created, cost_usd, billed);
CREATE TABLE IF NOT EXISTS links (
    result_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    picture INTEGER,
    after INTEGER NOT NULL,
    label TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (result_id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    result_id TEXT NOT NULL,
    picture INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT,
    PRIMARY KEY (result_id, picture)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class File:
    """The bytes of one picture. `url` is the address that gave them."""

    picture: int
    sha256: str
    path: Path
    url: str | None


@dataclass(frozen=True)
class Entry:
    """One paid call. `status` is running, ok or error; a run whose process died is an error of kind truncated."""

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


@dataclass(frozen=True)
class NewEntry:
    """What is known of a call before it is sent. `key` is equal for requests that would buy the same picture."""

    key: str
    gateway: str
    model: str
    prompt: str
    price_usd: float | None
    details: dict[str, Any] = field(default_factory=dict[str, Any])


class Vault:
    """The vault in `folder`, which is made when the first call is recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = folder / "vault.sqlite3"
        self._files = folder / "files"

    # What a run writes

    def open(self, new: NewEntry, *, reuse: bool, daily_budget_usd: float | None) -> Entry | None:
        """Records a call that is about to be sent, unless an earlier one answers it.

        Gives the new entry (status `running`), or the earlier one that has pictures or links to them, or None
        while another run is busy with the same request: ask again. Raises `budget`, and `config` where the
        vault cannot be written; in both cases nothing may be sent.
        """
        try:
            self._files.mkdir(parents=True, exist_ok=True)
            with self._transaction() as db:
                if reuse and (earlier := self._earlier(db, new.key)):
                    return None if earlier.status == "running" else earlier
                self._check_budget(db, new, daily_budget_usd)
                return self._insert(db, new)
        except (OSError, sqlite3.Error) as error:
            raise GPT4oImageError(
                "config",
                f"The vault in {self.folder} cannot be written: {error}. Make room or set GPT4O_IMAGE_HOME "
                "to a folder that can be written. Nothing was sent.",
            ) from error

    def _earlier(self, db: sqlite3.Connection, key: str) -> Entry | None:
        rows = db.execute("SELECT * FROM results WHERE request_key = ? ORDER BY number DESC LIMIT 20", (key,))
        entries = [self._entry(db, row) for row in rows.fetchall()]
        # What is on disk is better than what may still be fetched.
        ranks: tuple[Callable[[Entry], object], ...] = (
            lambda entry: entry.status == "running",
            lambda entry: entry.files,
            lambda entry: entry.pictures,
            lambda entry: entry.links,
        )
        return next((entry for rank in ranks for entry in entries if rank(entry)), None)

    def _check_budget(self, db: sqlite3.Connection, new: NewEntry, budget: float | None) -> None:
        spent = _spent(db, _midnight())
        if budget is not None and spent + (new.price_usd or 0.0) > budget + 1e-9:
            raise GPT4oImageError(
                "budget",
                f"Today's budget is {budget:g} US dollars, {spent:.3f} are spent and this call costs "
                f"{new.price_usd or 0:g}. Raise daily_budget_usd in config.toml or run it tomorrow. Nothing was sent.",
            )

    def _insert(self, db: sqlite3.Connection, new: NewEntry) -> Entry:
        now = time.time()
        entry_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(3)}"
        db.execute(
            "INSERT INTO results (id, request_key, created, alive, status, gateway, model, prompt, cost_usd, billed,"
            " details) VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, 'unknown', ?)",
            (entry_id, new.key, now, now, new.gateway, new.model, new.prompt, new.price_usd, _dumps(new.details)),
        )
        return self._entry(db, db.execute("SELECT * FROM results WHERE id = ?", (entry_id,)).fetchone())

    def alive(self, entry_id: str, billed: Billed) -> None:
        """A sign of life, and what is known of the bill so far."""
        with self._transaction() as db:
            db.execute("UPDATE results SET alive = ?, billed = ? WHERE id = ?", (time.time(), billed, entry_id))

    def add_links(self, entry_id: str, found: Sequence[Picture | Link]) -> None:
        """Addresses in the order of the answer, all in one transaction."""
        with self._transaction() as db:
            (taken,) = db.execute("SELECT count(*) FROM links WHERE result_id = ?", (entry_id,)).fetchone()
            db.executemany(
                "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)",
                [(entry_id, taken + i, *_place(each), each.label, each.address) for i, each in enumerate(found)],
            )

    def add_file(self, entry_id: str, picture: int, data: bytes, sha256: str, mime: str, url: str | None) -> None:
        """A picture's bytes: the whole file first, its row after."""
        path = self.path_of(sha256, mime)
        if not path.exists() or path.stat().st_size != len(data):
            replace_durably(path, data)
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (entry_id, picture, sha256, path.name, url)
            )
            # The file holds it now; the index stays small.
            db.execute(
                "UPDATE links SET address = ? WHERE result_id = ? AND picture = ? AND address LIKE 'data:%'",
                (MOVED, entry_id, picture),
            )

    def path_of(self, sha256: str, mime: str) -> Path:
        """Where the bytes of a picture are, or would be."""
        return self._files / f"{sha256}{extension(mime)}"

    def finish(
        self,
        entry_id: str,
        *,
        billed: Billed,
        cost_usd: float | None,
        error: dict[str, Any] | None,
        details: dict[str, Any],
    ) -> None:
        """How the call ended."""
        with self._transaction() as db:
            (before,) = db.execute("SELECT details FROM results WHERE id = ?", (entry_id,)).fetchone()
            db.execute(
                "UPDATE results SET status = ?, billed = ?, cost_usd = ?, error = ?, details = ? WHERE id = ?",
                (
                    "error" if error else "ok",
                    billed,
                    cost_usd,
                    _dumps(error) if error else None,
                    _dumps({**json.loads(before), **details}),
                    entry_id,
                ),
            )

    # What is asked of it later

    # All of these raise `config` for a vault that cannot be read.

    def entry(self, entry_id: str) -> Entry:
        """One entry, or the newest for `latest`. Raises `config` when there is none of that id."""
        found: Entry | None = None
        if self._database.exists():
            where, values = ("1", ()) if entry_id == "latest" else ("id = ?", (entry_id,))
            with self._reading() as db:
                row = db.execute(f"SELECT * FROM results WHERE {where} ORDER BY number DESC LIMIT 1", values).fetchone()  # noqa: S608
                found = self._entry(db, row) if row else None
        if found is None:
            raise GPT4oImageError("config", f'There is no paid result "{entry_id}". See `gpt4o-image results list`.')
        return found

    def entries(self, limit: int = -1, offset: int = 0) -> list[Entry]:
        """Newest first."""
        if not self._database.exists():
            return []
        with self._reading() as db:
            rows = db.execute("SELECT * FROM results ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset)).fetchall()
            return [self._entry(db, row) for row in rows]

    def headlines(self, limit: int) -> list[tuple[str, str]]:
        """(id, start of the prompt) of the newest entries that hold or know pictures, newest first."""
        if not self._database.exists():
            return []
        with self._reading() as db:
            rows = db.execute(
                "SELECT id, substr(prompt, 1, 100) FROM results WHERE"
                " EXISTS (SELECT 1 FROM files WHERE result_id = results.id)"
                " OR EXISTS (SELECT 1 FROM links WHERE result_id = results.id AND picture IS NOT NULL)"
                " ORDER BY number DESC LIMIT ?",
                (limit,),
            )
            return [(row[0], row[1]) for row in rows]

    def spent(self) -> tuple[float, float]:
        """US dollars of today (local time) and of all time; a call whose bill is unknown counts as billed."""
        if not self._database.exists():
            return 0.0, 0.0
        with self._reading() as db:
            return _spent(db, _midnight()), _spent(db, 0.0)

    # SQLite

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        try:
            with self._transaction("BEGIN") as db:
                yield db
        except (OSError, sqlite3.Error) as error:
            raise GPT4oImageError("config", f"The vault in {self.folder} cannot be read: {error}.") from error

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Generator[sqlite3.Connection]:
        """IMMEDIATE takes the right to write at once: two processes cannot both look for a result, then both pay."""
        with closing(sqlite3.connect(self._database, timeout=_BUSY_S, isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous = FULL")
            _make_tables(db)
            db.execute(begin)
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _entry(self, db: sqlite3.Connection, row: sqlite3.Row) -> Entry:
        entry_id: str = row["id"]
        links = db.execute("SELECT * FROM links WHERE result_id = ? ORDER BY position", (entry_id,)).fetchall()
        files = db.execute("SELECT * FROM files WHERE result_id = ? ORDER BY picture", (entry_id,)).fetchall()
        status, error = row["status"], json.loads(row["error"]) if row["error"] else None
        if status == "running" and time.time() - row["alive"] > _SILENT_S:
            status, error = "error", _DIED | {"billed": row["billed"]}
        return Entry(
            id=entry_id,
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
            files=tuple(File(r["picture"], r["sha256"], self._files / r["name"], r["url"]) for r in files),
        )


_DIED = {
    "kind": "truncated",
    "message": "The process ended before the answer did.",
    "gateway_text": None,
    "request_id": None,
}


def _make_tables(db: sqlite3.Connection) -> None:
    """Once for a new vault; whoever else begins at the same moment is waited for."""
    end = time.monotonic() + _BUSY_S
    while not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone():
        _try_to_make_tables(db, patient=time.monotonic() < end)


def _try_to_make_tables(db: sqlite3.Connection, *, patient: bool) -> None:
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_SCHEMA)
    except sqlite3.OperationalError as error:
        # SQLite does not wait by itself for the lock that a change to WAL needs.
        if not patient or "locked" not in str(error):
            raise
        time.sleep(_RETRY_S)


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
