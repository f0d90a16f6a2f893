"""The vault in a SQLite file: connections and transactions. Knows nothing of what the columns mean.

Every use opens a connection of its own, so any thread may call.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from .database import DatabaseError
from .dialect import SQLITE
from .schema import is_current, take_next_step

_BUSY_S = 10.0
_RETRY_S = 0.02
_COMMIT = "COMMIT"


class SqliteConnection(sqlite3.Connection):
    """All who use it are on one machine, so the shared clock is this machine's."""

    lock_row = SQLITE.lock_row

    def now(self) -> float:
        return time.time()

    def analyze(self) -> None:
        """Its plans do without."""


class SqliteDatabase:
    """One SQLite file in WAL mode. A folder that is gone is created again by the next write."""

    at_hand = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.claiming = self.alone = self.writing  # one writes at a time anyway

    @property
    def place(self) -> str:
        return str(self._path.parent)

    @property
    def advice(self) -> str:
        return "Make room or set GPT4O_IMAGE_HOME to a folder that can be written."

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @contextmanager
    def writing(self) -> Generator[SqliteConnection]:
        """What a COMMIT wrote is on the disk: also a power cut does not take it back."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _as_database_errors(), closing(self._connect()) as db:
            db.execute("PRAGMA synchronous = FULL")
            _bring_up_to_date(db)
            with _transaction(db, SQLITE.begin_writing):
                yield db

    @contextmanager
    def reading(self) -> Generator[SqliteConnection]:
        """Also of a folder that cannot be written."""
        with _as_database_errors(), closing(self._open_to_read()) as db, _transaction(db, SQLITE.begin_reading):
            yield db

    @contextmanager
    def held(self) -> Generator[None]:
        """Keeps one connection open, so that SQLite does not checkpoint the WAL each time another one closes."""
        with ExitStack() as stack:
            with suppress(sqlite3.Error):
                db = stack.enter_context(closing(self._connect()))
                db.execute(SQLITE.version)  # one that never read counts for nothing
            yield

    def _open_to_read(self) -> SqliteConnection:
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

    def _connect(self, uri: str = "") -> SqliteConnection:
        db = sqlite3.connect(
            uri or self._path, timeout=_BUSY_S, isolation_level=None, factory=SqliteConnection, uri=bool(uri)
        )
        db.row_factory = sqlite3.Row
        # A damaged text must not hide the rest of its row, nor the rows behind it.
        db.text_factory = _text
        return db


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@contextmanager
def _as_database_errors() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(str(error)) from error


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


def _bring_up_to_date(db: SqliteConnection) -> None:
    """Makes the tables of a new vault, or changes those of an older one. Waits where another process is doing so."""
    end = time.monotonic() + _BUSY_S
    while not is_current(db, SQLITE):
        _try_next_step(db, patient=time.monotonic() < end)


def _try_next_step(db: SqliteConnection, *, patient: bool) -> None:
    try:
        db.execute("PRAGMA journal_mode = WAL")
        with _transaction(db, SQLITE.begin_writing):
            take_next_step(db, SQLITE)
    except sqlite3.OperationalError as error:
        # SQLite does not wait by itself for the lock that a change to WAL needs.
        if not patient or "locked" not in str(error):
            raise
        time.sleep(_RETRY_S)
