"""Reads lists of prompts, CSV or plain text, into rows. Knows neither ComfyUI nor the command line; opens no file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import GPT4oImageError
from .request import MAX_SEED, MIN_SEED

MAX_BYTES = 16 << 20
_TABLES = (".csv", ".tsv")
_DELIMITERS = ",;\t"  # spreadsheets write `;` where the comma is the decimal mark


@dataclass(frozen=True)
class Row:
    """One prompt. `number` counts the rows from 1; `cells` are the other columns that are not empty, by their name."""

    number: int
    prompt: str
    name: str | None = None
    seed: int | None = None
    cells: dict[str, str] = field(default_factory=dict[str, str])


def read_sheet(data: bytes, file_name: str) -> list[Row]:
    """The rows of a file: a table where `file_name` ends in .csv or .tsv, else one prompt a line.

    UTF-8 or UTF-16 with a byte order mark. Raises `bad_request` naming the file and the line.
    """
    if len(data) > MAX_BYTES:
        raise GPT4oImageError("bad_request", f"{file_name} is larger than {MAX_BYTES >> 20} MiB.")
    text = _decoded(data, file_name)
    rows = read_csv(text, file_name) if file_name.lower().endswith(_TABLES) else read_lines(text)
    if not rows:
        raise GPT4oImageError("bad_request", f"{file_name} holds no prompt.")
    return rows


def read_lines(text: str) -> list[Row]:
    """One prompt a line; blank lines and lines that begin with # are left out."""
    lines = [line.strip() for line in text.splitlines()]
    prompts = [line for line in lines if line and not line.startswith("#")]
    return [Row(number, prompt) for number, prompt in enumerate(prompts, start=1)]


def read_csv(text: str, file_name: str) -> list[Row]:
    """The first line names the columns, in any case and order; `prompt` must be one. Empty lines are left out.

    Delimiters are comma, semicolon or tab, whichever the first line has most of.
    """
    named = re.match(r"sep=(.)\r?\n", text)  # Excel's own first line; the line numbers go on counting it
    text = f"\n{text[named.end() :]}" if named else text
    first_line = text.lstrip("\r\n").partition("\n")[0]
    delimiter = named[1] if named else max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in _trimmed(reader) if any(cells)]
    except csv.Error as error:
        raise GPT4oImageError("bad_request", f"{file_name}, line {reader.line_num}: {error}.") from error
    if not lines:
        return []
    columns = _columns(lines[0][1], file_name)
    return [
        _row(number, columns, cells, f"{file_name}, row {number} (line {line})")
        for number, (line, cells) in enumerate(lines[1:], start=1)
    ]


def _decoded(data: bytes, file_name: str) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GPT4oImageError(
            "bad_request",
            f"{file_name}, line {line}: this is not UTF-8. Save the file as UTF-8 (in Excel: CSV UTF-8).",
        ) from error


def _trimmed(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    for cells in reader:
        yield [cell.strip() for cell in cells]


def _columns(cells: list[str], file_name: str) -> list[str]:
    columns = [cell.lower() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    doubled = {column for column in columns if columns.count(column) > 1}
    if "prompt" not in columns:
        raise GPT4oImageError(
            "bad_request", f"{file_name}: the first line must name the columns, and one of them must be prompt."
        )
    if doubled:
        raise GPT4oImageError("bad_request", f"{file_name} has the column {min(doubled)!r} twice.")
    return columns


def _row(number: int, columns: list[str], cells: list[str], where: str) -> Row:
    if any(cells[len(columns) :]):
        # Most often an unquoted comma in a prompt: its rest would be lost, and the wrong picture paid for.
        raise GPT4oImageError(
            "bad_request",
            f"{where}: more cells than columns. Put double quotes around a prompt that contains a comma.",
        )
    given = {column: cell for column, cell in zip(columns, cells, strict=False) if column and cell}
    prompt = given.pop("prompt", "")
    if not prompt:
        raise GPT4oImageError("bad_request", f"{where}: the prompt is empty.")
    seed = given.pop("seed", None)
    return Row(number, prompt, given.pop("name", None), None if seed is None else _seed(seed, where), given)


def _seed(cell: str, where: str) -> int:
    try:
        seed = int(cell)
    except ValueError:
        raise GPT4oImageError("bad_request", f"{where}: the seed {cell!r} is not a whole number.") from None
    if not MIN_SEED <= seed <= MAX_SEED:
        raise GPT4oImageError("bad_request", f"{where}: the seed {seed} is not between {MIN_SEED} and {MAX_SEED}.")
    return seed
