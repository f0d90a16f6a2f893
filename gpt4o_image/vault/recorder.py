"""One paid call's result in the vault while the call runs. Once money is spent, no disk error ends a run."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import Billed
from ..pictures.formats import sniff
from ..urls import Link, Picture
from .answers import AnswerEnd, AnswerHead
from .database import DatabaseError
from .leases import Lease
from .vault import MissingResult, Vault

Write = Callable[[Vault], object]

# What a disk refused is retried after the end of the run, this long and this often.
_AFTER_THE_END_S = 600.0
_PAUSE_S = 1.0


class Recorder:
    """Writes to one result. Any thread may call; it holds the bytes of the pictures until the call is finished.

    What the disk refuses is retried with every further write and heartbeat, and after the end; `trouble` is the
    warning for what is not there yet. `stored` is called after each picture that is on disk. `begin` writes the
    result anew where the vault was moved or replaced meanwhile; all of it then goes into the vault that is there now.
    The `lease` is released once the end is on disk.
    """

    def __init__(
        self,
        vault: Vault,
        result_id: str,
        *,
        stored: Callable[[], None] = lambda: None,
        begin: Write | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.id = result_id
        self._vault = vault
        self._stored = stored
        self._begin = begin
        self._lease = lease
        self._index_lock = threading.RLock()
        self._answer_lock = threading.Lock()
        self._waiting: deque[Write] = deque()
        self._written: list[Write] = []
        self._links = 0
        self._shared = 0  # bytes of the answer
        self._answer = vault.answer_file(result_id)
        self._answer_error = ""
        self._error = ""
        self._moved = False

    @property
    def trouble(self) -> str | None:
        """The warning for what the disk refused so far."""
        if error := self._error or self._answer_error:
            return f"The vault could not keep all of this result: {error}. Save the pictures elsewhere."
        if self._moved:
            return (
                "The vault was moved or replaced during this run. The result is in the vault that is there now: "
                f"{self._vault.place}."
            )
        return None

    def beat(self, billed: Billed) -> None:
        """The run lives; what is known of its bill so far."""
        self._write(partial(Vault.beat, result_id=self.id, billed=billed))
        self._share_answer()

    # The answer

    def begin_answer(self, head: AnswerHead) -> None:
        """An answer with status 200 came; its bytes follow."""
        self._write(partial(Vault.begin_answer, result_id=self.id, head=head))

    def chunk(self, data: bytes) -> None:
        """Bytes of the answer, before they are read. Does not wait for the index."""
        with self._answer_lock:
            self._try_answer(lambda: self._answer.write(data))

    def _sync_answer(self) -> None:
        with self._answer_lock:
            if self._answer.received:
                self._try_answer(self._answer.sync)

    def _share_answer(self) -> None:
        """So that no more than what came since the last heartbeat is lost with this machine."""
        with self._index_lock:
            received = self._answer.received
            if self._vault.is_shared and received > self._shared:
                self._shared = received
                self._write(partial(Vault.share_answer, result_id=self.id))

    def _try_answer(self, write: Callable[[], None]) -> None:
        try:
            write()
            self._answer_error = ""
        except OSError as error:
            self._answer_error = str(error)

    # What was found in it

    def links(self, found: Sequence[Picture | Link]) -> None:
        """Before anything of them is fetched."""
        if found:
            self._sync_answer()
            self._share_answer()
            with self._index_lock:
                position, self._links = self._links, self._links + len(found)
                self._write(partial(Vault.add_links, result_id=self.id, found=tuple(found), position=position))

    def picture(self, index: int, data: bytes, url: str | None) -> Path | None:
        """The file of a picture's bytes, before they are decoded; None where the disk refuses it."""
        self._write(partial(Vault.add_file, result_id=self.id, picture=index, data=data, url=url))
        self._stored()
        path = self._vault.path_of(hashlib.sha256(data).hexdigest(), sniff(data))
        return path if path.exists() else None

    def unreadable(self, index: int) -> None:
        """The bytes of a picture are kept, but nothing here decodes them."""
        self._write(partial(Vault.mark_unreadable, result_id=self.id, picture=index))

    # The end

    def finish(
        self,
        *,
        billed: Billed,
        cost_usd: float | None,
        error: dict[str, Any] | None,
        details: dict[str, Any],
        answer: AnswerEnd | None,
    ) -> None:
        """How the call ended. Pictures may still come: downloads go on after Cancel."""
        self._sync_answer()
        with self._answer_lock:
            self._answer.close()
        with self._index_lock:
            self._write(
                partial(
                    Vault.finish, result_id=self.id, billed=billed, cost_usd=cost_usd, error=error, details=details,
                    answer=answer,
                )
            )  # fmt: skip
            if not self._waiting:
                self._release()
                return
        # A daemon: it must not keep the process from ending. Another process then finds the lease abandoned.
        threading.Thread(target=self._keep_trying, name="gpt4o-image-vault", daemon=True).start()

    def _keep_trying(self) -> None:
        end = time.monotonic() + _AFTER_THE_END_S
        while time.monotonic() < end:
            time.sleep(_PAUSE_S)
            with self._index_lock:
                self._flush()
                if not self._waiting:
                    break
        with self._index_lock:
            self._release()

    def _release(self) -> None:
        if self._lease:
            self._lease.release(ended=not self._waiting)
        self._written.clear()
        self._begin = None

    # Writing

    def _write(self, write: Write) -> None:
        with self._index_lock:
            self._waiting.append(write)
            self._flush()

    def _flush(self) -> None:
        """Tries all that is not on disk yet, in order. Where the index cannot be written, the rest is not tried."""
        left: deque[Write] = deque()
        problem, begun = "", False
        while self._waiting:
            write = self._waiting.popleft()
            try:
                write(self._vault)
            except MissingResult as error:
                self._waiting.appendleft(write)
                problem = str(error) if begun else self._begin_anew(error)
                if problem:
                    break
                begun = True
            except DatabaseError as error:
                problem = str(error)
                self._waiting.appendleft(write)
                break
            except (OSError, ValueError) as error:
                problem = str(error)
                left.append(write)
            else:
                self._written.append(write)
        self._waiting = left + self._waiting
        self._error = problem  # not before: `trouble` may be asked while this goes on

    def _begin_anew(self, missing: MissingResult) -> str:
        """The result and all that was written of it goes into the vault that took the place of the old one.

        The problem where it does not, else nothing.
        """
        if self._begin is None:
            return str(missing)
        try:
            self._begin(self._vault)
        except OSError as error:
            return str(error)
        self._waiting = deque([*self._written, *self._waiting])
        self._written.clear()
        self._moved = True
        return ""
