"""The rows of a sheet as requests, checked before anything is paid. Must not know what became of them."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import GPT4oImageError
from ..request import Request, check_request
from ..sheet import Row
from .reference_files import ReferenceFiles

COLUMNS = ("prompt", "name", "seed", "ratio", "background", "model", "references")

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')  # on Windows; / and NUL elsewhere
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_PICTURE_ENDING = re.compile(r"\.(png|jpe?g|webp|gif|avif|bmp|tiff?)$", re.IGNORECASE)
_MAX_STEM_BYTES = 150  # of the 255 that a name may have, with room for a number and an ending


@dataclass(frozen=True)
class BatchRow:
    """One row: its number from 1, its request without references, and their paths.

    `id` is equal for rows that ask for the same picture under the same name; of several of those in a sheet, the
    second is another row than the first.
    """

    row: int
    id: str
    name: str | None
    request: Request
    references: tuple[Path, ...]

    @property
    def stem(self) -> str:
        """The name of its files without a number and an ending, fit for every file system."""
        return safe_stem(self.name or "") or f"row-{self.row:04d}"


def batch_rows(
    sheet: Sequence[Row], files: ReferenceFiles, gateway: str, models: Sequence[str], defaults: argparse.Namespace
) -> list[BatchRow]:
    """The rows; empty cells are filled from `defaults`.

    Raises `bad_request`, `bad_model` and `reference` with the number of the first row that cannot be sent.
    """
    seen: Counter[str] = Counter()
    rows: list[BatchRow] = []
    for row in sheet:
        try:
            request = _request(row, defaults)
            check_request(request, models)
            references = files.paths(row.cells.get("references", ""))
            identity = _identity(gateway, request, row.name, [files.digest(path) for path in references])
        except GPT4oImageError as error:
            raise GPT4oImageError(error.kind, f"Row {row.number}: {error.message}") from error
        seen[identity] += 1
        rows.append(BatchRow(row.number, f"{identity}-{seen[identity]}", row.name, request, references))
    return rows


def unknown_columns(sheet: Sequence[Row]) -> list[str]:
    """Columns that mean nothing here, such as a sheet's own notes, or one that is misspelt."""
    return sorted({column for row in sheet for column in row.cells} - set(COLUMNS))


def safe_stem(name: str) -> str:
    """`name` as the stem of a file, which no file system refuses and no path leads out of; may be empty."""
    stem = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip()
    stem = _PICTURE_ENDING.sub("", stem).lstrip(". ")
    stem = stem.encode("utf-8", "ignore")[:_MAX_STEM_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"_{stem}" if _DEVICES.match(stem) else stem


def _request(row: Row, defaults: argparse.Namespace) -> Request:
    return Request(
        prompt=row.prompt,
        model=row.cells.get("model") or defaults.model,
        aspect_ratio=row.cells.get("ratio") or defaults.ratio,
        background=row.cells.get("background") or defaults.background,
        count=defaults.count,
        seed=row.seed or 0,
        artist_names=defaults.artist_names,
    )


def _identity(gateway: str, request: Request, name: str | None, references: Sequence[str]) -> str:
    asked: Mapping[str, object] = {
        "gateway": gateway,
        "model": request.model,
        "prompt": request.prompt,
        "options": request.options(),
        "name": name,
        "references": references,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]
