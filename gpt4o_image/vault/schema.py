"""The vault's SQLite file: tables, versions, connections, transactions. Knows nothing of what the columns mean.

Every use opens a connection of its own, so any thread may call.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

_BUSY_S = 10.0
_RETRY_S = 0.02
_COMMIT = "COMMIT"

# One tuple of statements for each version; `PRAGMA user_version` counts those that a file has been through.
# What was released is never changed: a new version is a further tuple.
_VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE results (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            request_key TEXT NOT NULL,
            created REAL NOT NULL,
            heartbeat REAL,
            holds TEXT NOT NULL,
            verdict TEXT NOT NULL,
            gateway TEXT NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            cost_usd REAL,
            billed TEXT NOT NULL,
            error TEXT,
            details TEXT NOT NULL
        )
        """,
        "CREATE INDEX results_by_request ON results (request_key, number)",
        "CREATE INDEX results_running ON results (heartbeat) WHERE heartbeat IS NOT NULL",
        "CREATE INDEX results_by_time ON results (created, cost_usd, billed)",
        """
        CREATE TABLE links (
            result_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            picture INTEGER,
            after INTEGER NOT NULL,
            label TEXT NOT NULL,
            address TEXT NOT NULL,
            PRIMARY KEY (result_id, position)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE files (
            result_id TEXT NOT NULL,
            picture INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            name TEXT NOT NULL,
            url TEXT,
            readable INTEGER NOT NULL,
            PRIMARY KEY (result_id, picture)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE answers (
            result_id TEXT PRIMARY KEY,
            status INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            request_id TEXT,
            answered_by TEXT NOT NULL,
            ending TEXT,
            received INTEGER NOT NULL,
            read_by TEXT,
            pictures TEXT
        ) WITHOUT ROWID
        """,
        "CREATE TABLE graphs (result_id TEXT PRIMARY KEY, graph BLOB NOT NULL) WITHOUT ROWID",
        # What pruned results cost, so that the sums stay true.
        "CREATE TABLE pruned (result_id TEXT PRIMARY KEY, created REAL NOT NULL, cost_usd REAL) WITHOUT ROWID",
    ),
)
VERSION = len(_VERSIONS)


class Database:
    """One SQLite file in WAL mode. A folder that is gone is made anew by the next write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """IMMEDIATE takes the right to write at once: two processes cannot both look for a result, then both pay."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            db.execute("PRAGMA synchronous = FULL")
            _bring_up_to_date(db)
            with _transaction(db, "BEGIN IMMEDIATE"):
                yield db

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """One state of all tables, also of a folder that cannot be written."""
        with closing(self._open_to_read()) as db, _transaction(db, "BEGIN"):
            yield db

    @contextmanager
    def held(self) -> Generator[None]:
        """Keeps one connection open, so that SQLite does not checkpoint the WAL each time another one closes."""
        with ExitStack() as stack:
            with suppress(sqlite3.Error):
                _version(stack.enter_context(closing(self._connect())))  # one that never read counts for nothing
            yield

    def _open_to_read(self) -> sqlite3.Connection:
        db = self._connect()
        try:
            _bring_up_to_date(db)
        except sqlite3.OperationalError as error:
            db.close()
            # WAL needs to write beside the file, even to read it. Where nobody can, nobody changes the file either.
            if "locked" in str(error) or self._has_wal():
                raise
            return self._connect(self._path.absolute().as_uri() + "?mode=ro&immutable=1")
        except BaseException:
            db.close()
            raise
        return db

    def _has_wal(self) -> bool:
        wal = self._path.with_name(self._path.name + "-wal")
        return wal.exists() and wal.stat().st_size > 0

    def _connect(self, uri: str = "") -> sqlite3.Connection:
        db = sqlite3.connect(uri or self._path, timeout=_BUSY_S, isolation_level=None, uri=bool(uri))
        db.row_factory = sqlite3.Row
        # A damaged text must not hide the rest of its row, nor the rows behind it.
        db.text_factory = _text
        return db


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@contextmanager
def _transaction(db: sqlite3.Connection, begin: str) -> Generator[None]:
    db.execute(begin)
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite rolls back by itself where a disk is full
            db.execute("ROLLBACK")
        raise
    db.execute(_COMMIT)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Makes the tables of a new vault, or changes those of an older one. Waits for whoever does so at the moment."""
    end = time.monotonic() + _BUSY_S
    while (version := _version(db)) != VERSION:
        if version > VERSION:
            raise sqlite3.DatabaseError(f"it was made by a newer version of this pack (format {version})")
        _try_next_version(db, patient=time.monotonic() < end)


def _try_next_version(db: sqlite3.Connection, *, patient: bool) -> None:
    try:
        db.execute("PRAGMA journal_mode = WAL")
        with _transaction(db, "BEGIN IMMEDIATE"):
            version = _version(db)
            if version < VERSION:
                for statement in _VERSIONS[version]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")
    except sqlite3.OperationalError as error:
        # SQLite does not wait by itself for the lock that a change to WAL needs.
        if not patient or "locked" not in str(error):
            raise
        time.sleep(_RETRY_S)
