"""Shares answers and pictures among all machines of a vault: in a shared folder, or in the database itself."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from .database import Connection, Database
from .files import replace_durably
from .results import DamagedFile


class Shared(Protocol):
    """Bytes by a file's name. All raise OSError."""

    def put(self, db: Connection, name: str, data: bytes, /) -> None:
        """Replaces what has that name; in the database as a part of the transaction of `db`."""
        ...

    def has(self, db: Connection, name: str, /) -> bool: ...

    def get(self, name: str) -> bytes | None:
        """None where there is none of that name."""
        ...

    def drop(self, db: Connection, name: str, /) -> None: ...


class SharedFolder:
    """Files in a folder on a network drive: each is written once, whole, under a temporary name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, _: Connection, name: str, data: bytes) -> None:
        replace_durably(self._folder / name, data)

    def has(self, _: Connection, name: str) -> bool:
        return (self._folder / name).is_file()

    def get(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return (self._folder / name).read_bytes()
        return None

    def drop(self, _: Connection, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)


class SharedTable:
    """The table `shared`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, db: Connection, name: str, data: bytes) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        if db.execute("SELECT 1 FROM shared WHERE name = ? AND sha256 = ?", (name, sha256)).fetchone():
            return
        db.execute(
            "INSERT INTO shared (name, sha256, data) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, data = excluded.data",
            (name, sha256, data),
        )

    def has(self, db: Connection, name: str) -> bool:
        return db.execute("SELECT 1 FROM shared WHERE name = ?", (name,)).fetchone() is not None

    def get(self, name: str) -> bytes | None:
        with self._database.reading() as db:
            row = db.execute("SELECT sha256, data FROM shared WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        data = bytes(row["data"])
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise DamagedFile(f"{name} in the database is damaged: its sha256 is not the one that was stored.")
        return data

    def drop(self, db: Connection, name: str) -> None:
        db.execute("DELETE FROM shared WHERE name = ?", (name,))
