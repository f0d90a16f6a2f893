"""A page of the vault's results, newest first: filters and paging in SQL, so that a large vault stays quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .database import Connection
from .results import SELECT, Files, Result, State, now, read_results


@dataclass(frozen=True)
class Wanted:
    """Which results: of one state, with all words of `text` in the prompt, older than the one numbered `before`."""

    limit: int
    before: int | None = None
    text: str = ""
    state: State | None = None


@dataclass(frozen=True)
class Page:
    """`total` counts all that match the filters; `next` is the `before` of the following page, None on the last."""

    results: tuple[Result, ...]
    total: int
    next: int | None


def read_page(db: Connection, wanted: Wanted, files: Files) -> Page:
    """The newest results that are `wanted`, and how many there are."""
    where, values = _conditions(db, wanted)
    (total,) = db.execute(f"SELECT count(*) FROM ({SELECT} WHERE {where}) AS matching", values).fetchone()  # noqa: S608
    if wanted.before is not None:
        where, values = f"{where} AND number < :before", {**values, "before": wanted.before}
    rows = db.execute(
        f"{SELECT} WHERE {where} ORDER BY number DESC LIMIT :limit", {**values, "limit": wanted.limit + 1}
    ).fetchall()
    shown = rows[: wanted.limit]
    return Page(tuple(read_results(db, shown, files)), total, shown[-1]["number"] if len(rows) > len(shown) else None)


def _conditions(db: Connection, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    conditions, values = ["1 = 1"], dict[str, Any](now(db))
    for number, word in enumerate(wanted.text.split()):
        conditions.append(rf"lower(prompt) LIKE lower(:word{number}) ESCAPE '\'")
        values[f"word{number}"] = f"%{_literally(word)}%"
    if wanted.state:
        conditions.append("state = :state")
        values["state"] = wanted.state
    return " AND ".join(conditions), values


def _literally(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, f"\\{special}")
    return word
