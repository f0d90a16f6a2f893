"""The interface of the vault's database, whichever it is. Knows nothing of what the columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = Any  # a value by its place or its column's name
Values = Sequence[Any] | Mapping[str, Any]


class DatabaseError(OSError):
    """What the database refused, in its own words; or why it cannot be reached."""


class Rows(Protocol):
    """What a statement gave."""

    def fetchone(self) -> Row: ...

    def fetchall(self) -> list[Row]: ...

    def __iter__(self) -> Any: ...


class Connection(Protocol):
    """One connection inside a transaction. Placeholders are `?` or `:name`."""

    def execute(self, sql: str, values: Values = ..., /) -> Rows: ...

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> object: ...

    def now(self) -> float:
        """Seconds since 1970 by the one clock that all users of this database share."""
        ...

    @property
    def lock_row(self) -> str:
        """Behind a SELECT of a row that is changed next."""
        ...

    def analyze(self) -> None:
        """After very many rows came: the database's plans rest on what it knows of them."""
        ...


class Database(Protocol):
    """Any thread may call. All raise DatabaseError, and OSError where a folder cannot be used."""

    @property
    def place(self) -> str:
        """Where it is, for people: no login."""
        ...

    @property
    def advice(self) -> str:
        """What to do where it cannot be written."""
        ...

    @property
    def exists(self) -> bool:
        """False where nothing was ever written."""
        ...

    @property
    def at_hand(self) -> bool:
        """Whether it answers without making anybody wait."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that changes what is known of a result."""
        ...

    def claiming(self) -> AbstractContextManager[Connection]:
        """A transaction that nobody else's `claiming` overlaps: two cannot both look for a result, then both pay."""
        ...

    def alone(self) -> AbstractContextManager[Connection]:
        """A transaction that nobody else's writing overlaps."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """One state of all tables."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """While a run lasts that writes again and again."""
        ...
