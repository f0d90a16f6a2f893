"""One paid call's row in the vault while the call runs. Once money is spent, no trouble with the disk ends a run."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import Billed
from ..pictures.formats import sniff
from ..urls import Link, Picture
from .vault import Vault


class Recorder:
    """Writes to one entry; a failed write becomes one warning. Any thread may call.

    `kept` is called after each picture that is on disk.
    """

    def __init__(self, vault: Vault, result_id: str, kept: Callable[[], None] = lambda: None) -> None:
        self.id = result_id
        self.trouble: str | None = None
        self._vault = vault
        self._kept = kept
        self._lock = threading.Lock()

    def alive(self, billed: Billed) -> None:
        self._try(lambda: self._vault.alive(self.id, billed))

    def links(self, found: Sequence[Picture | Link]) -> None:
        """Before anything of them is fetched."""
        if found:
            self._try(lambda: self._vault.add_links(self.id, found))

    def picture(self, index: int, data: bytes, sha256: str, url: str | None) -> None:
        """Before it is decoded."""
        self._try(lambda: self._vault.add_file(self.id, index, data, sha256, sniff(data) or "", url))
        self._kept()

    def graph(self, graph: str) -> None:
        """The workflow that the call is made by, as JSON."""
        self._try(lambda: self._vault.add_graph(self.id, graph))

    def finish(
        self, *, billed: Billed, cost_usd: float | None, error: dict[str, Any] | None, details: dict[str, Any]
    ) -> None:
        self._try(lambda: self._vault.finish(self.id, billed=billed, cost_usd=cost_usd, error=error, details=details))

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, sqlite3.Error) as error:
            with self._lock:
                self.trouble = f"The vault could not keep all of this result: {error}. Save the pictures elsewhere."
