"""Reads the vault: results, lists, answers, sums. Writes nothing. Any thread may call."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ..errors import GPT4oImageError
from .answers import KeptAnswer, bytes_of, kept_answer, packed_path, raw_path
from .choices import LATEST
from .claims import midnight, spent, spent_by_day
from .database import Connection, Database, DatabaseError
from .pages import Page, Wanted, read_page
from .results import SELECT, Files, Result, now, read_results, row_of
from .shared import Shared, SharedFolder, SharedTable
from .sqlite import SqliteDatabase

Found = TypeVar("Found")


class VaultReader:
    """The vault in `folder`; with `database` it is shared, and `folder` keeps what this machine needs of it.

    `shared_files` is the folder of the pictures and answers of a shared vault, where they are not in the database.
    All methods raise `config` for a vault that cannot be read.
    """

    def __init__(self, folder: Path, database: Database | None = None, shared_files: Path | None = None) -> None:
        self.folder = folder
        self._database: Database = database or SqliteDatabase(folder / "vault.sqlite3")
        self._shared: Shared | None = None
        self._table: SharedTable | None = None  # of pictures too
        if database and shared_files:
            self._shared = SharedFolder(shared_files / "answers")
        elif database:
            self._shared = self._table = SharedTable(database)
        self._files = Files(shared_files or folder / "files", self._table and self._table.get)
        self._answers = folder / "answers"

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._database.place

    @property
    def is_shared(self) -> bool:
        """Whether other machines use it too."""
        return self._shared is not None

    @property
    def at_hand(self) -> bool:
        """Whether it can be asked without making anybody wait."""
        return self._database.at_hand

    def result(self, result_id: str) -> Result:
        """One result, or the newest for `latest`. Raises `config` when there is none of that id."""
        found = self.results(1) if result_id == LATEST else [self.find(result_id)]
        if not found or found[0] is None:
            raise GPT4oImageError("config", f'There is no paid result "{result_id}". See `gpt4o-image results list`.')
        return found[0]

    def find(self, result_id: str) -> Result | None:
        """The result of that id, if there is one."""
        found = self._select("WHERE id = :id", {"id": result_id})
        return found[0] if found else None

    def results(self, limit: int | None = None, offset: int = 0) -> list[Result]:
        """Newest first; all of them without a `limit`."""
        most = 2**62 if limit is None else limit
        return self._select("ORDER BY number DESC LIMIT :limit OFFSET :offset", {"limit": most, "offset": offset})

    def _select(self, which: str, values: dict[str, Any]) -> list[Result]:
        def ask(db: Connection) -> list[Result]:
            rows = db.execute(f"{SELECT} {which}", {**now(db), **values}).fetchall()
            return read_results(db, rows, self._files)

        return self._read(ask, [])

    def page(self, wanted: Wanted) -> Page:
        """What a list shows at a time."""
        return self._read(lambda db: read_page(db, wanted, self._files), Page((), 0, None))

    def count(self) -> int:
        """All results."""
        return self._read(lambda db: int(db.execute("SELECT count(*) FROM results").fetchone()[0]), 0)

    def loadable(self, limit: int) -> list[tuple[str, str]]:
        """(id, start of the prompt) of the newest results that hold or know pictures, newest first."""

        def ask(db: Connection) -> list[tuple[str, str]]:
            rows = db.execute(
                "SELECT id, substr(prompt, 1, 100) FROM results WHERE holds <> 'failed' ORDER BY number DESC LIMIT ?",
                (limit,),
            )
            return [(row[0], row[1]) for row in rows]

        return self._read(ask, [])

    def latest_id(self) -> str | None:
        """The id of the newest result that holds or knows pictures."""
        return next((result_id for result_id, _ in self.loadable(1)), None)

    def answer(self, result_id: str) -> KeptAnswer | None:
        """The gateway's answer to a call; None where none is kept."""

        def ask(db: Connection) -> KeptAnswer | None:
            row = db.execute("SELECT * FROM answers WHERE result_id = ?", (result_id,)).fetchone()
            results = read_results(db, row_of(db, result_id), self._files)
            if not row or not results:
                return None
            return kept_answer(db, row, self._answers, results[0].files, self._shared)

        return self._read(ask, None)

    def answer_bytes(self, result_id: str) -> list[tuple[str, bytes]]:
        """The file of a kept answer as it is, under its name; none where none is kept."""
        raw = raw_path(self._answers, result_id)
        for path in (raw, packed_path(raw)):
            with suppress(FileNotFoundError):
                return [(path.name, bytes_of(path, self._shared))]
        return []

    def graph(self, result_id: str) -> bytes | None:
        """The workflow that made the call, as JSON; None where none is kept."""

        def ask(db: Connection) -> bytes | None:
            row = db.execute("SELECT graph FROM graphs WHERE result_id = ?", (result_id,)).fetchone()
            try:
                return zlib.decompress(row[0]) if row else None
            except zlib.error as error:
                raise DatabaseError(f"the graph of {result_id} is damaged") from error

        return self._read(ask, None)

    def spent(self) -> tuple[float, float]:
        """US dollars of today (local time) and of all time; a call whose bill is unknown counts as billed."""
        return self._read(lambda db: (spent(db, midnight(db.now())), spent(db, 0.0)), (0.0, 0.0))

    def spent_by_day(self, days: int) -> list[float]:
        """US dollars of each of the last `days` days, local time, today last."""
        return self._read(lambda db: spent_by_day(db, days), [0.0] * days)

    def spent_today(self) -> float:
        """The same without the sum of all time, which takes longer the longer the vault is."""
        return self._read(lambda db: spent(db, midnight(db.now())), 0.0)

    def snapshot(self) -> AbstractContextManager[Connection]:
        """One state of all tables. Raises OSError."""
        return self._database.reading()

    def _read(self, ask: Callable[[Connection], Found], nothing: Found) -> Found:
        """What `ask` finds; `nothing` before the first call is claimed."""
        if not self._database.exists:
            return nothing
        try:
            with self._database.reading() as db:
                return ask(db)
        except OSError as error:
            raise GPT4oImageError("config", f"The vault in {self.place} cannot be read: {error}.") from error
