"""One paid call as a value: what was asked for, what came of it, and the one definition of its state.

Must not know how a call is made.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os.path import basename
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ..errors import Billed
from ..urls import Link, Picture, fallback_pictures, may_be_picture
from .database import Connection, Row
from .files import read_bytes, replace_durably

# running: being made, by whichever process. saved: pictures on disk. links: addresses to fetch them from. unread: an
# answer or bytes that nothing here could read so far. failed: none of these.
State = Literal["running", "saved", "links", "unread", "failed"]
STATES: tuple[State, ...] = get_args(State)
# How its answer was understood. none: no byte of one is kept. unread: not at all, in part, or not yet. read: whole.
# failed: it says that the call failed, so that no link in it leads to a picture.
Verdict = Literal["none", "unread", "read", "failed"]

# A run beats at least this often; one that has been silent for longer died.
HEARTBEAT_S = 10.0
SILENT_S = 60.0

# The address of a picture that came inside the answer, once its bytes are a file.
MOVED = "data:"

# A result's state, for every query. `holds` is stored whenever it changes, and `heartbeat` is null once the run ended.
_STATE = "CASE WHEN heartbeat IS NOT NULL AND abs(heartbeat - :now) <= :silent THEN 'running' ELSE holds END"
# The rows that `read_results` takes, with whatever WHERE on their columns, ORDER and LIMIT follow.
SELECT = (
    f"SELECT * FROM (SELECT results.*, {_STATE} AS state,"  # noqa: S608
    " EXISTS (SELECT 1 FROM graphs WHERE result_id = results.id) AS has_graph,"
    " EXISTS (SELECT 1 FROM answers WHERE result_id = results.id) AS has_answer FROM results) AS each_result"
)
_IDS_A_QUERY = 500  # SQLite takes at most 999 values in older versions

# Stands for the error of a run that could not write its own end.
DIED = {
    "kind": "truncated",
    "message": "The process ended before the answer did.",
    "gateway_text": None,
    "request_id": None,
}
_LOST = {"kind": "upstream", "message": "The call failed; the vault's record of the error is damaged."}


class DamagedFile(OSError):
    """A file of the vault that is no longer what was paid for: its bytes do not have its sha256."""


# The bytes of a picture by its file's name, from where all machines of a vault find them; None where they are gone.
Fetch = Callable[[str], "bytes | None"]


@dataclass(frozen=True)
class Files:
    """Where the bytes of pictures are: files in `folder`, and `fetch` gives those that other machines wrote."""

    folder: Path
    fetch: Fetch | None = None


@dataclass(frozen=True)
class File:
    """The bytes of one picture. `url` is the address that gave them; not `readable` where nothing here decodes them.

    `path` is where they are on this machine, or would be: `fetch` brings them there.
    """

    picture: int
    sha256: str
    path: Path
    url: str | None
    readable: bool = True
    fetch: Fetch | None = field(default=None, compare=False, repr=False)

    @property
    def stored(self) -> bool:
        """Whether its bytes are kept, here or where `fetch` finds them."""
        return self.fetch is not None or self.path.is_file()

    def brought(self) -> Path:
        """`path`, to which the bytes are brought first where another machine made them."""
        if self.fetch and not self.path.is_file():
            with suppress(OSError):
                self.read()
        return self.path

    def read(self) -> bytes:
        """The bytes that were paid for. Raises DamagedFile where they have changed, OSError where they are gone."""
        try:
            return self._checked(read_bytes(self.path), f"The file {self.path}")
        except (FileNotFoundError, DamagedFile):
            data = self.fetch(self.path.name) if self.fetch else None
            if data is None:
                raise
        data = self._checked(data, f"The picture {self.path.name} in the shared vault")
        with suppress(OSError):
            replace_durably(self.path, data)
        return data

    def _checked(self, data: bytes, what: str) -> bytes:
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise DamagedFile(f"{what} is damaged: its sha256 is not the one that was stored.")
        return data


@dataclass(frozen=True)
class Result:
    """One paid call. `number` grows with every call; `heartbeat` is null once the run ended.

    `has_graph` and `has_answer`: the graph that made the call, and the gateway's answer, are kept. `machine` is the
    name of the computer that made it; None where an older version of this pack did.
    """

    id: str
    created: float
    state: State
    gateway: str
    model: str
    prompt: str
    cost_usd: float | None
    billed: Billed
    error: dict[str, Any] | None
    details: dict[str, Any]
    pictures: tuple[Picture, ...] = ()
    links: tuple[Link, ...] = ()
    files: tuple[File, ...] = ()
    number: int = 0
    has_graph: bool = False
    has_answer: bool = False
    heartbeat: float | None = None
    verdict: Verdict = "none"
    machine: str | None = None

    @property
    def status(self) -> Literal["running", "ok", "error"]:
        """How the call ended, as `results list --json` prints it."""
        if self.state == "running":
            return "running"
        return "error" if self.error else "ok"

    @property
    def died(self) -> bool:
        """Whether its process ended before it could write how the call ended."""
        return self.heartbeat is not None and self.state != "running"

    @property
    def expected(self) -> int | None:
        """How many pictures were asked for; None where that was left to the model."""
        expected = self.details.get("expected")
        return expected if isinstance(expected, int) else None

    @property
    def seconds(self) -> float | None:
        """How long the call took; None where it is not known."""
        timings = self.details.get("timings")
        ended = cast("dict[str, Any]", timings).get("ended_s") if isinstance(timings, dict) else None
        return ended if isinstance(ended, (int, float)) else None

    @property
    def shown(self) -> tuple[Picture, ...]:
        """Its pictures; where the answer named none, and did not fail, the links that may hold one."""
        return self.pictures or (() if self.verdict == "failed" else tuple(fallback_pictures(self.links)))

    @property
    def missing(self) -> tuple[Picture, ...]:
        """The pictures that have an address and no file."""
        here = {file.picture for file in self.files}
        return tuple(each for each in self.shown if each.index not in here and each.address != MOVED)


@dataclass(frozen=True)
class NewResult:
    """What is known of a call before it is sent. `key` is equal for requests that would buy the same picture.

    `details` is kept with the result: the prompt as sent, options, references, `expected` pictures. `reader` names
    the revision of the code that would read its answer.
    """

    key: str
    gateway: str
    model: str
    prompt: str
    price_usd: float | None
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    reader: str = ""


def now(db: Connection) -> dict[str, float]:
    """The values that `SELECT` asks for."""
    return {"now": db.now(), "silent": SILENT_S}


def what_it_holds(files: Sequence[File], pictures: Sequence[Picture], links: Sequence[Link], verdict: Verdict) -> State:
    """The state of a result that does not run, by what is kept of it."""
    if any(file.readable for file in files):
        return "saved"
    here = {file.picture for file in files}
    if any(each.index not in here and each.address != MOVED for each in pictures):
        return "links"
    if not pictures and not files and verdict != "failed" and any(may_be_picture(link) for link in links):
        return "links"
    return "unread" if files or verdict == "unread" else "failed"


def row_of(db: Connection, result_id: str) -> list[Row]:
    """For `read_results`: one row or none."""
    return db.execute(f"{SELECT} WHERE id = :id", {**now(db), "id": result_id}).fetchall()


def read_results(db: Connection, rows: Sequence[Row], files: Files) -> list[Result]:
    """Results of the rows of a `SELECT`, in their order. A damaged value is read as an empty one."""
    ids = [row["id"] for row in rows]
    links_of: dict[str, list[Row]] = defaultdict(list)
    for link in _of_results(db, "links", ids, "position"):
        links_of[link["result_id"]].append(link)
    files_of: dict[str, list[Row]] = defaultdict(list)
    for row in _of_results(db, "files", ids, "picture"):
        files_of[row["result_id"]].append(row)
    return [_result(row, links_of[row["id"]], read_files(files_of[row["id"]], files)) for row in rows]


def _of_results(db: Connection, table: str, ids: Sequence[str], order: str) -> Iterator[Row]:
    for start in range(0, len(ids), _IDS_A_QUERY):
        some = ids[start : start + _IDS_A_QUERY]
        among = ", ".join("?" * len(some))
        query = f"SELECT * FROM {table} WHERE result_id IN ({among}) ORDER BY result_id, {order}"  # noqa: S608
        yield from db.execute(query, some)


def read_links(rows: Sequence[Row]) -> tuple[tuple[Picture, ...], tuple[Link, ...]]:
    """The pictures and the further links in rows of the table `links`."""
    pictures: list[Picture] = []
    links: list[Link] = []
    for row in rows:
        address, label = _text(row["address"]), _text(row["label"])
        if row["picture"] is None:
            links.append(Link(address, label, _whole(row["after"], len(pictures))))
        else:
            pictures.append(Picture(_whole(row["picture"], len(pictures)), address, label))
    return tuple(pictures), tuple(links)


def read_files(rows: Sequence[Row], files: Files) -> tuple[File, ...]:
    """The files in rows of the table `files`; never outside their folder, whatever a row holds."""
    return tuple(
        File(
            _whole(row["picture"], number),
            _text(row["sha256"]),
            files.folder / basename(_text(row["name"])),  # noqa: PTH119 - Path.name would be an eighth of a list's time
            None if row["url"] is None else _text(row["url"]),
            bool(row["readable"]),
            files.fetch,
        )
        for number, row in enumerate(rows)
    )


def _result(row: Row, links: Sequence[Row], files: tuple[File, ...]) -> Result:
    state, heartbeat = cast("State", row["state"]), row["heartbeat"]
    pictures, further = read_links(links)
    error = json_object(row["error"]) or _LOST | {"billed": row["billed"]} if row["error"] else None
    if heartbeat is not None:
        error = None if state == "running" else DIED | {"billed": row["billed"]}
    return Result(
        id=str(row["id"]),
        created=_number(row["created"]) or 0.0,
        state=state if state in STATES else "failed",
        gateway=str(row["gateway"]),
        model=str(row["model"]),
        prompt=str(row["prompt"]),
        cost_usd=_number(row["cost_usd"]),
        billed=row["billed"] if row["billed"] in get_args(Billed) else "unknown",
        error=error,
        details=json_object(row["details"]),
        pictures=pictures,
        links=further,
        files=files,
        number=row["number"],
        has_graph=bool(row["has_graph"]),
        has_answer=bool(row["has_answer"]),
        heartbeat=heartbeat,
        verdict=row["verdict"] if row["verdict"] in get_args(Verdict) else "unread",
        # An older vault that cannot be written lacks the column.
        machine=_text(row["machine"]) or None if "machine" in row.keys() else None,  # noqa: SIM118 - a Row looks in its values
    )


def _text(value: object) -> str:
    """SQLite keeps bytes and numbers in a column of texts as they are."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.replace("\0", "") if isinstance(value, str) else ""  # a path with a NUL in it raises ValueError


def _whole(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) else None


def json_object(text: object) -> dict[str, Any]:
    """The JSON object in a stored text; an empty one where the text is damaged."""
    try:
        value: object = json.loads(text) if isinstance(text, (str, bytes)) else None
    except (ValueError, RecursionError):
        value = None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
