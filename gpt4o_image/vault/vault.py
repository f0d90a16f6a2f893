"""The vault of paid results: an index in a database, answers as they came, pictures' bytes named by their sha256.

Safe for several processes and for a kill at any moment: each step is one transaction, a file is complete before the
index names it. Holds no key. Any thread may call.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Billed, GPT4oImageError
from ..pictures.formats import extension, sniff
from ..urls import Link, Picture, may_be_picture
from .answers import AnswerEnd, AnswerFile, AnswerHead, pack, packed_path, raw_path
from .claims import Busy, Claimed, Claims, Earlier, Full, Unpaid, insert_result
from .database import Connection, Database, DatabaseError
from .files import replace_durably
from .prune import move_to_trash, old_results
from .reading import VaultReader, row_of
from .results import MOVED, File, NewResult, Result, json_object, read_files, read_links, read_results, what_it_holds

if TYPE_CHECKING:
    from .importing import Imported

# Of a workflow as JSON; larger ones are not kept.
MAX_GRAPH_BYTES = 4 << 20


class MissingResult(DatabaseError):
    """The index that is here now does not know the result: the vault was moved, replaced or restored."""


class Vault(VaultReader):
    """The vault in `folder`, which is made when the first call is claimed; see VaultReader."""

    def __init__(self, folder: Path, database: Database | None = None, shared_files: Path | None = None) -> None:
        super().__init__(folder, database, shared_files)
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

    def claim(
        self, new: NewResult, *, reuse: bool, daily_budget_usd: float | None, max_parallel_all: int | None = None
    ) -> Claimed | Earlier | Busy | Full:
        """A new result for a call that is about to be sent, unless, with `reuse`, an earlier one answers it.

        Full where `max_parallel_all` calls are being made by all who use the vault. Raises `budget`, and `config` for a
        model without a price under a budget.
        """
        with ExitStack() as undo:
            with self._claiming() as db:
                if reuse:
                    self._claims.close_dead_runs(db)
                    found = self._claims.look_up(db, new)
                    if not isinstance(found, Unpaid):
                        return found
                if self._claims.is_full(db, max_parallel_all):
                    return Full()
                claimed = self._claims.insert(db, new, daily_budget_usd)
                undo.callback(claimed.lease.release, ended=True)
            undo.pop_all()  # the claim is on disk
            return claimed

    @contextmanager
    def _claiming(self) -> Generator[Connection]:
        try:
            self._check_folder()
            with self._database.claiming() as db:
                yield db
        except OSError as error:
            raise GPT4oImageError(
                "config",
                f"The vault in {self.place} cannot be written: {error}. {self._database.advice} Nothing was sent.",
            ) from error

    def _check_folder(self) -> None:
        """A shared folder is not made here: where it is missing, its drive is not there."""
        folder = self._files.folder
        if self._shared is None:
            folder.mkdir(parents=True, exist_ok=True)
        elif self._table is None and not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(f"the folder {folder} (`files` in config.toml) is not there or cannot be written")

    def close_dead_runs(self) -> None:
        """Records the end of the runs whose processes died, where the vault can be written."""
        if self._database.exists:
            with suppress(OSError), self._database.claiming() as db:
                self._claims.close_dead_runs(db)

    # What a run writes. These raise OSError, MissingResult among them, and may be repeated.

    def restore(self, new: NewResult, result_id: str, created: float) -> None:
        """Puts a running result into a vault that took the place of the one where it was claimed."""
        with self._database.claiming() as db:
            insert_result(db, new, result_id, created)

    def beat(self, result_id: str, billed: Billed) -> None:
        """The run lives; what is known of its bill so far. Until its end `no` is unknown: it may be sent right now."""
        with self._writing(result_id) as db:
            db.execute(
                "UPDATE results SET heartbeat = ?, billed = ? WHERE id = ? AND heartbeat IS NOT NULL",
                (db.now(), "unknown" if billed == "no" else billed, result_id),
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

    def _end_answer(self, db: Connection, result_id: str, answer: AnswerEnd, replaced: str | None) -> None:
        db.execute(
            "UPDATE answers SET ending = ?, received = ?, read_by = ?, pictures = coalesce(?, pictures)"
            " WHERE result_id = ?",
            (answer.ending, answer.received, answer.reader, replaced, result_id),
        )
        db.execute("UPDATE results SET verdict = ? WHERE id = ?", (answer.verdict, result_id))
        self._update_state(db, result_id)
        self._share(db, result_id, packed=replaced is not None)

    def share_answer(self, result_id: str) -> None:
        """A copy of the answer so far, where the other machines find it should this one die."""
        if self._shared:
            with self._writing(result_id) as db:
                self._share(db, result_id, packed=False)

    def _share(self, db: Connection, result_id: str, *, packed: bool) -> None:
        raw = raw_path(self._answers, result_id)
        path = packed_path(raw) if packed else raw
        if self._shared and path.exists():
            self._shared.put(db, path.name, path.read_bytes())
            if packed:
                self._shared.drop(db, raw.name)

    def _pack(self, result_id: str, answer: AnswerEnd) -> str | None:
        """JSON of the pictures left out of the packed answer, which is beside the raw one; None where it stays."""
        with self._database.reading() as db:
            result = next(iter(read_results(db, row_of(db, result_id), self._files)), None)
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
            if self._table:
                self._table.put(db, file.path.name, data)
            elif not file.path.exists():  # a prune took it meanwhile, as another result's
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
            try:
                replace_durably(file.path, data)
            except OSError:
                if self._table is None:  # which will hold it anyway
                    raise
        return replace(file, fetch=self._files.fetch)

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
        return self._files.folder / f"{sha256}{extension(mime)}"

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

        See prune.py. Raises OSError.
        """
        results = self._read(lambda db: old_results(db, older_than_days, self._files), [])
        if apply and results:
            with self._database.alone() as db:
                results = old_results(db, older_than_days, self._files)
                move_to_trash(db, results, self._answers, self._shared, self.folder / "trash")
        return results

    def import_from(self, source: VaultReader) -> Imported:
        """Brings what this vault lacks of another one, bytes first. Again, it brings what came there meanwhile.

        Raises OSError, and `config` for a source that cannot be read.
        """
        from .importing import Imported, copy_rows, plan  # seldom asked for, and ComfyUI's start would wait for it

        with self._database.claiming():  # so that the tables are there
            pass
        with source.snapshot() as there, self._database.reading() as here:
            planned = plan(there, here)
        gone = [name for result_id in (*planned.new, *planned.completed) for name in self._take(source, result_id)]
        with source.snapshot() as there, self._database.alone() as here:
            copy_rows(there, here, planned)
            for result_id in planned.completed:
                self._update_state(here, result_id)
            here.analyze()
        new, completed = len(planned.new), len(planned.completed)
        return Imported(new, completed, planned.known, planned.running, tuple(gone))

    def _take(self, source: VaultReader, result_id: str) -> list[str]:
        """The bytes of one result; the names of those that are gone or damaged."""
        found = source.find(result_id)
        gone = [file.path.name for file in found.files if not self._took(file)] if found else []
        for name, data in source.answer_bytes(result_id):
            if self._shared:
                with self._database.writing() as db:
                    self._shared.put(db, name, data)
            else:
                replace_durably(self._answers / name, data)
        return gone

    def _took(self, file: File) -> bool:
        """False where its bytes are not available there."""
        try:
            data = file.read()
        except OSError:
            return False
        if self._table:
            with self._database.writing() as db:
                self._table.put(db, file.path.name, data)
        elif not (self._files.folder / file.path.name).exists():
            replace_durably(self._files.folder / file.path.name, data)
        return True

    @contextmanager
    def _writing(self, result_id: str) -> Generator[Connection]:
        with self._database.writing() as db:
            if not db.execute(f"SELECT 1 FROM results WHERE id = ?{db.lock_row}", (result_id,)).fetchone():  # noqa: S608
                raise MissingResult(f"the vault in {self.place} does not know the result {result_id}")
            yield db

    def _update_state(self, db: Connection, result_id: str) -> None:
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


def _next_position(db: Connection, result_id: str) -> int:
    query = "SELECT coalesce(max(position), -1) + 1 FROM links WHERE result_id = ?"
    return int(db.execute(query, (result_id,)).fetchone()[0])


def _link_row(found: Picture | Link) -> tuple[int | None, int, str, str]:
    """(picture, after, label, address)"""
    if isinstance(found, Picture):
        return found.index, found.index, found.label, found.address
    return None, found.after, found.label, found.address
