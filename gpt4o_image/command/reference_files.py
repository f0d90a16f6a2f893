"""The reference pictures that a sheet names: found, checked, and prepared once for the rows that share them."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from ..home import user_path
from ..pictures.frames import read_file
from ..pictures.references import Policy, check_count, prepare
from ..request import Part

_PREPARED = 16  # sets that are kept; each takes at most a few MiB


class ReferenceFiles:
    """Reference files, looked for in `folder` where their paths are relative. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[Path, str] = {}
        self._prepared: OrderedDict[tuple[Path, ...], tuple[Part, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def paths(self, cell: str) -> tuple[Path, ...]:
        """The files in a cell, between line breaks, `;` or `|`, unless all of it is one file. Raises `reference`."""
        whole = self._folder / user_path(cell)
        one = os.path.isfile(whole)  # noqa: PTH113 (Path.is_file raises for a name that is too long to be one)
        names = [cell] if one else [name.strip() for name in re.split(r"[\n;|]", cell)]
        paths = tuple(self._folder / user_path(name) for name in names if name)
        check_count([str(path) for path in paths])
        return paths

    def digest(self, path: Path) -> str:
        """The sha256 of a picture file. Raises `reference` for what is missing or no picture."""
        if path not in self._digests:
            read_file(path)
            self._digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self._digests[path]

    def parts(self, paths: tuple[Path, ...], cancelled: Callable[[], bool]) -> tuple[Part, ...]:
        """The files as they are sent. Raises `reference` and `cancelled`."""
        with self._lock:
            if paths in self._prepared:
                self._prepared.move_to_end(paths)
                return self._prepared[paths]
        parts = tuple(prepare([read_file(path) for path in paths], Policy(), cancelled=cancelled))
        with self._lock:
            self._prepared[paths] = parts
            if len(self._prepared) > _PREPARED:
                self._prepared.popitem(last=False)
        return parts
