"""The vault in a PostgreSQL database that several machines share: connections and transactions.

Knows nothing of what the columns mean. Any thread may call; psycopg is imported by the first call.
"""

from __future__ import annotations

import atexit
import importlib
import re
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import GPT4oImageError
from ..gateway.sdk import install_command
from .database import DatabaseError, Row, Rows, Values
from .dialect import POSTGRES, with_percents
from .schema import is_current, take_next_step

# As in pyproject.toml.
REQUIREMENT = "psycopg[binary]>=3.1,<4"

_MOST_OPEN = 8  # of one process; PostgreSQL takes 100 of all, unless it is set otherwise
_MOST_IDLE = 2
_IDLE_S = 60.0
_TURN_S = 10.0
# Whatever the address itself sets is stronger. A link that is cut is found out long before the system would.
_LINK = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "gpt4o-image",
    "client_encoding": "utf8",
}


class PostgresDatabase:
    """The database at a postgresql:// address."""

    held = staticmethod(nullcontext)
    exists = True
    advice = "Check its address (GPT4O_IMAGE_VAULT, or `vault` in config.toml), and that it can be reached from here."

    def __init__(self, url: str) -> None:
        self._pool = _pool(url)

    @property
    def place(self) -> str:
        return self._pool.place

    @property
    def at_hand(self) -> bool:
        return self._pool.connected

    def writing(self) -> Any:
        return self._transaction(POSTGRES.begin_writing)

    def claiming(self) -> Any:
        return self._transaction(POSTGRES.begin_claiming)

    def alone(self) -> Any:
        return self._transaction(POSTGRES.begin_alone)

    def reading(self) -> Any:
        return self._transaction(POSTGRES.begin_reading)

    @contextmanager
    def _transaction(self, begin: str) -> Generator[PostgresConnection]:
        with self._pool.one(begin) as db, _ended(db):
            yield db

    def close_idle(self) -> None:
        """Closes the connections that wait for their next use."""
        self._pool.close_idle()


class PostgresConnection:
    """A connection of psycopg that takes SQLite's placeholders and gives rows like SQLite's."""

    lock_row = POSTGRES.lock_row

    def __init__(self, psycopg: Any, link: Mapping[str, Any]) -> None:
        self._error: type[Exception] = psycopg.Error
        self._password = str(link.get("password") or "")
        with self._as_database_errors():
            # Prepared statements would not outlive a pooler's transaction.
            self._db = psycopg.connect(**link, autocommit=True, prepare_threshold=None, row_factory=_rows)
        self._now = 0.0

    def begin(self, statements: str) -> None:
        """Several in one message; the last gives the clock."""
        with self._as_database_errors():
            cursor = self._db.execute(statements)
            while cursor.nextset():
                pass
            self._now = float(cursor.fetchone()[0])

    def now(self) -> float:
        """The database's clock when the transaction had begun, and had what it waited for."""
        return self._now

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        with self._as_database_errors():
            return self._db.execute(with_percents(sql), _storable(values)) if values else self._db.execute(sql)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> None:
        with self._as_database_errors(), self._db.cursor() as cursor:
            cursor.executemany(with_percents(sql), [_storable(each) for each in values])

    def analyze(self) -> None:
        self.execute("ANALYZE results, links, files, answers, graphs")

    @property
    def is_open(self) -> bool:
        return not self._db.closed

    @property
    def is_idle(self) -> bool:
        """Whether it is open, and in no transaction."""
        return self.is_open and self._db.info.transaction_status == 0

    def close(self) -> None:
        with suppress(self._error):
            self._db.close()

    @contextmanager
    def _as_database_errors(self) -> Generator[None]:
        try:
            yield
        except self._error as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise DatabaseError(words.replace(self._password or "***", "***")) from error


class _Pool:
    """The connections of this process to one database. Each is used by one thread at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[tuple[float, PostgresConnection]] = []
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(_MOST_OPEN)
        self.connected = False
        atexit.register(self.close_idle)

    @property
    def place(self) -> str:
        """Without a login."""
        found = re.match(r"\w+://(?:[^/]*@)?([^/?]*)(?:/([^?]*))?", self._url)
        host, name = (found[1], found[2]) if found else ("", "")
        return f"the database {name or 'of this user'} on {host or 'this machine'}"

    @contextmanager
    def one(self, begin: str) -> Generator[PostgresConnection]:
        """A connection in a transaction that `begin` began."""
        if not self._turns.acquire(timeout=_TURN_S):
            raise DatabaseError(f"{_MOST_OPEN} connections to it are busy")
        try:
            db = self._begun(begin)
            try:
                yield db
            finally:
                self._give_back(db)
        finally:
            self._turns.release()

    def _begun(self, begin: str) -> PostgresConnection:
        """A connection that waited may be dead by now, as the database may have been restarted: then a new one."""
        while db := self._take():
            if _has_begun(db, begin):
                return db
        db = self._new()
        try:
            db.begin(begin)
        except BaseException:
            db.close()
            raise
        return db

    def _take(self) -> PostgresConnection | None:
        with self._lock:
            return self._idle.pop()[1] if self._idle else None

    def _give_back(self, db: PostgresConnection) -> None:
        """The one that was used last is taken next, so that the others grow old."""
        self.connected, now = db.is_idle, time.monotonic()
        with self._lock:
            keep = self.connected and len(self._idle) < _MOST_IDLE
            old = [] if keep else [db]
            old += [each for since, each in self._idle if now - since > _IDLE_S]
            self._idle = [(since, each) for since, each in self._idle if each not in old]
            self._idle += [(now, db)] if keep else []
        for each in old:
            each.close()

    def close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, each in idle:
            each.close()

    def _new(self) -> PostgresConnection:
        self.connected = False
        psycopg = _psycopg()
        try:
            parsed: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(self._url)
        except psycopg.Error:
            raise DatabaseError("its address is not valid") from None  # it may hold a password
        db = PostgresConnection(psycopg, {**_LINK, **parsed})
        try:
            _bring_up_to_date(db)
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def _ended(db: PostgresConnection) -> Generator[None]:
    """Commits the transaction that was begun, or rolls it back."""
    try:
        yield
    except BaseException:
        with suppress(DatabaseError):  # it rolls back by itself where the link is cut
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _has_begun(db: PostgresConnection, begin: str) -> bool:
    """False for a connection that is dead. Raises for one that lives: a new one would have to wait as long."""
    try:
        db.begin(begin)
    except DatabaseError:
        alive = db.is_open
        db.close()
        if alive:
            raise
        return False
    return True


@cache
def _pool(url: str) -> _Pool:
    return _Pool(url)


def _bring_up_to_date(db: PostgresConnection) -> None:
    """Makes the tables of a new vault, or changes those of an older one."""
    while not is_current(db, POSTGRES):
        (encoding,) = db.execute("SHOW server_encoding").fetchone()
        if encoding != "UTF8":
            raise DatabaseError(f"its encoding is {encoding}, which cannot hold every prompt; it must be UTF8")
        db.begin(POSTGRES.begin_claiming)
        with _ended(db):
            take_next_step(db, POSTGRES)


def _storable(values: Values) -> Any:
    """A text of PostgreSQL holds no U+0000."""
    if isinstance(values, Mapping):
        return {name: _without_nul(value) for name, value in values.items()}
    return [_without_nul(value) for value in values]


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


class _Row(tuple[Any, ...]):
    """A row whose values are read by their place or by their column's name, as sqlite3.Row gives them."""

    names: Mapping[str, int]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        return list(self.names)


def _rows(cursor: Any) -> Callable[[Sequence[Any]], Row]:
    """A row factory of psycopg."""
    names = {column.name: place for place, column in enumerate(cursor.description or ())}
    return type("Row", (_Row,), {"names": names})


def _psycopg() -> Any:
    """The module psycopg. Raises `config` with the command that installs it into this Python."""
    try:
        module: Any = importlib.import_module("psycopg")
    except ImportError as error:  # also where it is there without libpq
        command = install_command(Path(sys.executable), REQUIREMENT)
        raise GPT4oImageError(
            "config",
            f"The vault is a PostgreSQL database, and the Python package psycopg cannot be loaded ({error}).",
            advice=f"Run this command, then start again: {command}\nNothing was sent.",
        ) from error
    return module
