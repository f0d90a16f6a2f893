"""What was paid for, on disk: an SQLite index, answers as they came, and pictures' bytes, named by their sha256.

Safe for several processes and for a kill at any moment: each step is one transaction, a file is complete before the
index names it. Holds no key. Every call opens its own connection, so any thread may call.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Billed, GPT4oImageError
from ..pictures.formats import extension, sniff
from ..urls import Link, Picture, may_be_picture
from .answers import AnswerEnd, AnswerFile, AnswerHead, KeptAnswer, kept_answer, pack, raw_path
from .claims import Busy, Claimed, Claims, Earlier, Unpaid, insert_result, midnight, spent, spent_by_day
from .files import replace_durably
from .pages import Page, Wanted, read_page
from .prune import move_to_trash, old_results
from .results import (
    LATEST,
    MOVED,
    SELECT,
    File,
    NewResult,
    Result,
    json_object,
    now,
    read_files,
    read_links,
    read_results,
    what_it_holds,
)
from .schema import Database

Found = TypeVar("Found")

# Of a workflow as JSON; larger ones are not kept.
MAX_GRAPH_BYTES = 4 << 20


class MissingResult(sqlite3.DatabaseError):
    """The index that is here now does not know the result: the vault was moved, replaced or restored."""


class Vault:
    """The vault in `folder`, which is made when the first call is claimed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = Database(folder / "vault.sqlite3")
        self._files = folder / "files"
        self._answers = folder / "answers"
        self._claims = Claims(self._files, folder / "running")
        # While a run lasts; see Database.held.
        self.held = self._database.held

    # Who may pay. These raise `config` where the vault cannot be written: then nothing may be sent.

    def settle_earlier(self, new: NewResult) -> Earlier | Busy | Unpaid:
        """Closes the runs whose processes died, and gives the best that earlier calls of the same request left."""
        with self._claiming() as db:
            self._claims.close_dead_runs(db)
            return self._claims.look_up(db, new)

    def look_up(self, new: NewResult) -> Earlier | Busy | Unpaid:
        """The best that earlier calls of the same request left. Changes nothing, and needs no vault that is there."""
        return self._read(lambda db: self._claims.look_up(db, new), Unpaid())

    def claim(self, new: NewResult, *, reuse: bool, daily_budget_usd: float | None) -> Claimed | Earlier | Busy:
        """A new result for a call that is about to be sent, unless, with `reuse`, an earlier one answers it.

        Raises `budget`, and `config` for a model without a price under a budget.
        """
        with ExitStack() as undo:
            with self._claiming() as db:
                if reuse:
                    self._claims.close_dead_runs(db)
                    found = self._claims.look_up(db, new)
                    if not isinstance(found, Unpaid):
                        return found
                claimed = self._claims.insert(db, new, daily_budget_usd)
                undo.callback(claimed.lease.release, ended=True)
            undo.pop_all()  # the claim is on disk
            return claimed

    @contextmanager
    def _claiming(self) -> Generator[sqlite3.Connection]:
        try:
            self._files.mkdir(parents=True, exist_ok=True)
            with self._database.writing() as db:
                yield db
        except (OSError, sqlite3.Error) as error:
            raise GPT4oImageError(
                "config",
                f"The vault in {self.folder} cannot be written: {error}. Make room or set GPT4O_IMAGE_HOME "
                "to a folder that can be written. Nothing was sent.",
            ) from error

    def close_dead_runs(self) -> None:
        """Writes down the end of the runs whose processes died, where the vault can be written."""
        if self._database.exists:
            with suppress(OSError, sqlite3.Error), self._database.writing() as db:
                self._claims.close_dead_runs(db)

    # What a run writes. These raise OSError or sqlite3.Error, MissingResult among them, and may be repeated.

    def restore(self, new: NewResult, result_id: str, created: float) -> None:
        """Puts a running result into a vault that took the place of the one where it was claimed."""
        with self._database.writing() as db:
            insert_result(db, new, result_id, created)

    def beat(self, result_id: str, billed: Billed) -> None:
        """The run lives; what is known of its bill so far."""
        with self._writing(result_id) as db:
            db.execute(
                "UPDATE results SET heartbeat = ?, billed = ? WHERE id = ? AND heartbeat IS NOT NULL",
                (time.time(), billed, result_id),
            )

    def begin_answer(self, result_id: str, head: AnswerHead) -> None:
        """The gateway answered; its bytes follow in `answer_file`."""
        with self._writing(result_id) as db:
            db.execute(
                "INSERT INTO answers (result_id, status, content_type, request_id, answered_by, received)"
                " VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (result_id) DO NOTHING",
                (result_id, head.status, head.content_type, head.request_id, head.answered_by),
            )
            db.execute("UPDATE results SET verdict = 'unread' WHERE id = ? AND verdict = 'none'", (result_id,))
            self._update_state(db, result_id)

    def answer_file(self, result_id: str) -> AnswerFile:
        """Where the bytes of the answer go as they come. Touches the disk at the first of them."""
        return AnswerFile(raw_path(self._answers, result_id))

    def end_answer(self, result_id: str, answer: AnswerEnd) -> None:
        """How the answer ended and was understood; where all its pictures are stored, it is packed."""
        replaced = self._pack(result_id, answer)
        with self._writing(result_id) as db:
            self._end_answer(db, result_id, answer, replaced)
        self._drop_raw(result_id, replaced)

    def _end_answer(self, db: sqlite3.Connection, result_id: str, answer: AnswerEnd, replaced: str | None) -> None:
        db.execute(
            "UPDATE answers SET ending = ?, received = ?, read_by = ?, pictures = coalesce(?, pictures)"
            " WHERE result_id = ?",
            (answer.ending, answer.received, answer.reader, replaced, result_id),
        )
        db.execute("UPDATE results SET verdict = ? WHERE id = ?", (answer.verdict, result_id))
        self._update_state(db, result_id)

    def _pack(self, result_id: str, answer: AnswerEnd) -> str | None:
        """JSON of the pictures left out of the packed answer, which lies beside the raw one; None where it stays."""
        result = self.find(result_id)
        if result is None or not result.files or result.missing or answer.verdict == "unread":
            return None
        return pack(raw_path(self._answers, result_id), result.files)

    def _drop_raw(self, result_id: str, replaced: str | None) -> None:
        if replaced is not None:
            with suppress(OSError):  # held by a virus scanner: it stays, and is read in place of the packed one
                raw_path(self._answers, result_id).unlink(missing_ok=True)

    def add_links(self, result_id: str, found: Sequence[Picture | Link], position: int | None = None) -> None:
        """Addresses in the order of the answer, all in one transaction.

        `position`: how many came before them, where the caller counts; what is there already stays as it is.
        """
        with self._writing(result_id) as db:
            first = _next_position(db, result_id) if position is None else position
            db.executemany(
                "INSERT INTO links (result_id, position, picture, after, label, address) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (result_id, position) DO NOTHING",
                [(result_id, first + number, *_link_row(each)) for number, each in enumerate(found)],
            )
            if any(isinstance(each, Picture) or may_be_picture(each) for each in found):
                self._update_state(db, result_id)

    def add_file(self, result_id: str, picture: int, data: bytes, url: str | None) -> File:
        """A picture's bytes, whatever they are: the whole file first, then its place in the index."""
        file = self._stored(picture, data, url)
        with self._writing(result_id) as db:
            db.execute(
                "INSERT INTO files (result_id, picture, sha256, name, url, readable) VALUES (?, ?, ?, ?, ?, 1)"
                " ON CONFLICT (result_id, picture) DO UPDATE"
                " SET sha256 = excluded.sha256, name = excluded.name, url = excluded.url, readable = 1",
                (result_id, picture, file.sha256, file.path.name, url),
            )
            if not file.path.exists():  # a prune took it meanwhile, as another result's
                replace_durably(file.path, data)
            # The file holds it now; the index stays small.
            db.execute(
                "UPDATE links SET address = ? WHERE result_id = ? AND picture = ? AND address LIKE 'data:%'",
                (MOVED, result_id, picture),
            )
            self._update_state(db, result_id)
        return file

    def _stored(self, picture: int, data: bytes, url: str | None) -> File:
        sha256 = hashlib.sha256(data).hexdigest()
        file = File(picture, sha256, self.path_of(sha256, sniff(data)), url)
        try:
            file.read()
        except OSError:  # not there, or damaged
            replace_durably(file.path, data)
        return file

    def mark_unreadable(self, result_id: str, picture: int) -> None:
        """The bytes of a picture are kept, but nothing here decodes them."""
        with self._writing(result_id) as db:
            db.execute("UPDATE files SET readable = 0 WHERE result_id = ? AND picture = ?", (result_id, picture))
            self._update_state(db, result_id)

    def forget_file(self, result_id: str, picture: int) -> None:
        """A picture's file is gone, and nothing is left that could bring it back."""
        with self._writing(result_id) as db:
            db.execute("DELETE FROM files WHERE result_id = ? AND picture = ?", (result_id, picture))
            self._update_state(db, result_id)

    def path_of(self, sha256: str, mime: str | None) -> Path:
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
        answer: AnswerEnd | None = None,
    ) -> None:
        """How the call ended, and its answer where one came; `details` are added to those that are there."""
        replaced = self._pack(result_id, answer) if answer else None
        with self._writing(result_id) as db:
            (before,) = db.execute("SELECT details FROM results WHERE id = ?", (result_id,)).fetchone()
            details = {**json_object(before), **details}
            db.execute(
                "UPDATE results SET heartbeat = NULL, billed = ?, cost_usd = ?, error = ?, details = ? WHERE id = ?",
                (billed, cost_usd, json.dumps(error) if error else None, json.dumps(details), result_id),
            )
            if answer:
                self._end_answer(db, result_id, answer, replaced)
        self._drop_raw(result_id, replaced)

    def add_graph(self, result_id: str, graph: str) -> None:
        """The workflow of a call, as JSON; one that is larger than MAX_GRAPH_BYTES is left out."""
        data = graph.encode()
        if len(data) <= MAX_GRAPH_BYTES:
            with self._writing(result_id) as db:
                db.execute(
                    "INSERT INTO graphs (result_id, graph) VALUES (?, ?)"
                    " ON CONFLICT (result_id) DO UPDATE SET graph = excluded.graph",
                    (result_id, zlib.compress(data)),
                )

    def prune(self, older_than_days: float, *, apply: bool) -> list[Result]:
        """Old results that hold nothing more to fetch or to read, oldest first; with `apply` moved to `trash`.

        See prune.py. Raises OSError or sqlite3.Error.
        """
        results = self._read(lambda db: old_results(db, older_than_days, self._files), [])
        if apply and results:
            with self._database.writing() as db:
                results = old_results(db, older_than_days, self._files)
                move_to_trash(db, results, self._files, self._answers, self.folder / "trash")
        return results

    @contextmanager
    def _writing(self, result_id: str) -> Generator[sqlite3.Connection]:
        with self._database.writing() as db:
            if not db.execute("SELECT 1 FROM results WHERE id = ?", (result_id,)).fetchone():
                raise MissingResult(f"the vault in {self.folder} does not know the result {result_id}")
            yield db

    def _update_state(self, db: sqlite3.Connection, result_id: str) -> None:
        (verdict,) = db.execute("SELECT verdict FROM results WHERE id = ?", (result_id,)).fetchone()
        rows = db.execute("SELECT * FROM files WHERE result_id = ?", (result_id,)).fetchall()
        found = db.execute(
            # Picture data may be megabytes, and its beginning is all that matters here.
            "SELECT picture, after, label, CASE WHEN picture IS NULL THEN address ELSE substr(address, 1, 6) END"
            " AS address FROM links WHERE result_id = ?",
            (result_id,),
        ).fetchall()
        holds = what_it_holds(read_files(rows, self._files), *read_links(found), verdict)
        db.execute("UPDATE results SET holds = ? WHERE id = ?", (holds, result_id))

    # What is asked of it later. All of these raise `config` for a vault that cannot be read.

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
        def ask(db: sqlite3.Connection) -> list[Result]:
            rows = db.execute(f"{SELECT} {which}", {**now(), **values}).fetchall()
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

        def ask(db: sqlite3.Connection) -> list[tuple[str, str]]:
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

        def ask(db: sqlite3.Connection) -> KeptAnswer | None:
            row = db.execute("SELECT * FROM answers WHERE result_id = ?", (result_id,)).fetchone()
            results = read_results(db, _row_of(db, result_id), self._files)
            return kept_answer(row, self._answers, results[0].files) if row and results else None

        return self._read(ask, None)

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
        return self._read(lambda db: (spent(db, midnight()), spent(db, 0.0)), (0.0, 0.0))

    def spent_by_day(self, days: int) -> list[float]:
        """US dollars of each of the last `days` days, local time, today last."""
        return self._read(lambda db: spent_by_day(db, days), [0.0] * days)

    def spent_today(self) -> float:
        """The same without the sum of all time, which takes longer the longer the vault is."""
        return self._read(lambda db: spent(db, midnight()), 0.0)

    def _read(self, ask: Callable[[sqlite3.Connection], Found], nothing: Found) -> Found:
        """What `ask` finds; `nothing` before the first call is claimed."""
        if not self._database.exists:
            return nothing
        try:
            with self._database.reading() as db:
                return ask(db)
        except (OSError, sqlite3.Error) as error:
            raise GPT4oImageError("config", f"The vault in {self.folder} cannot be read: {error}.") from error


def _row_of(db: sqlite3.Connection, result_id: str) -> list[sqlite3.Row]:
    return db.execute(f"{SELECT} WHERE id = :id", {**now(), "id": result_id}).fetchall()


def _next_position(db: sqlite3.Connection, result_id: str) -> int:
    query = "SELECT coalesce(max(position), -1) + 1 FROM links WHERE result_id = ?"
    return int(db.execute(query, (result_id,)).fetchone()[0])


def _link_row(found: Picture | Link) -> tuple[int | None, int, str, str]:
    """(picture, after, label, address)"""
    if isinstance(found, Picture):
        return found.index, found.index, found.label, found.address
    return None, found.after, found.label, found.address
