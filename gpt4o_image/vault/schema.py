"""The vault's SQLite file: tables, connections, transactions. Knows nothing of what the rows mean.

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

_GRAPHS = "graphs (result_id TEXT PRIMARY KEY, graph BLOB NOT NULL) WITHOUT ROWID"
_SCHEMA = f"""
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
    details TEXT NOT NULL DEFAULT '{{}}'
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
CREATE TABLE IF NOT EXISTS {_GRAPHS};
"""
_FIRST_VERSION = "files"  # the last table of the first version: enough to read
_NEWEST = "graphs"


class Database:
    """One SQLite file in WAL mode; its folder must exist before the first write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """IMMEDIATE takes the right to write at once: two processes cannot both look for a result, then both pay."""
        with closing(self._connect()) as db:
            db.execute("PRAGMA synchronous = FULL")
            _make_tables(db, _NEWEST)
            with _transaction(db, "BEGIN IMMEDIATE"):
                yield db

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """One state of all tables, also of an older version's file and of a folder that cannot be written."""
        with closing(self._open_to_read()) as db:
            if not _has(db, _NEWEST):
                db.execute("PRAGMA temp_store = MEMORY")
                db.execute(f"CREATE TEMP TABLE {_GRAPHS}")
            with _transaction(db, "BEGIN"):
                yield db

    @contextmanager
    def held(self) -> Generator[None]:
        """Others that come and go meanwhile write several times faster.

        The last connection to close folds the whole log into the file, and has to wait for the disk for each step.
        """
        with ExitStack() as stack:
            with suppress(sqlite3.Error):
                _has(stack.enter_context(closing(self._connect())), _NEWEST)  # one that never read counts for nothing
            yield

    def _open_to_read(self) -> sqlite3.Connection:
        db = self._connect()
        try:
            _make_tables(db, _FIRST_VERSION)
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
        return db


@contextmanager
def _transaction(db: sqlite3.Connection, begin: str) -> Generator[None]:
    db.execute(begin)
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _has(db: sqlite3.Connection, table: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _make_tables(db: sqlite3.Connection, needed: str) -> None:
    """Once for a new vault; whoever else begins at the same moment is waited for."""
    end = time.monotonic() + _BUSY_S
    while not _has(db, needed):
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
