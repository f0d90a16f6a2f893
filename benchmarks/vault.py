"""The vault at 10, 1,000 and 100,000 paid results: finding an earlier result of the same request, and listing.

`reuse` is what a run does before it would pay: it finds the result and writes nothing. `insert` is the same where there
is none, a claim: it waits for the disk, whatever the number of rows. `list` is `results list` without the shell, the
20 newest; `spent_ever` is what the sidebar shows beside it: the sum over all rows. What begins with `postgres` is the
same on a PostgreSQL of its own on loopback, with its own default settings; `.._ratio`: how many times as long it takes.
"""

from __future__ import annotations

import importlib.util
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from gpt4o_image.command import results
from gpt4o_image.vault.claims import Earlier
from gpt4o_image.vault.database import Database
from gpt4o_image.vault.postgres import PostgresDatabase
from gpt4o_image.vault.sqlite import SqliteDatabase
from gpt4o_image.vault.vault import NewResult, Vault

from .rig.figures import Report, in_turns

SIZES = (10, 1_000, 100_000)
ROUNDS = 31
MINUTES_BETWEEN = 10.0
ROWS_A_TIME = 5_000
SERVER = Path(__file__).parents[1] / "tests" / "postgres_server.py"
GOALS = {
    "reuse_100000_ms": (2.0, True),
    "list_100000_ms": (2.0, True),
    "list_json_100000_ms": (2.0, True),
}


@dataclass(frozen=True)
class Filled:
    """A vault of `rows` results, each of two pictures, one every ten minutes."""

    vault: Vault
    database: Database
    rows: int

    def fill(self) -> None:
        """Once opened by the vault itself, all but one row are written straight into its tables."""
        self.vault.claim(_asked("first"), reuse=False, daily_budget_usd=None)
        with self.database.alone() as db:
            row = db.execute("SELECT * FROM results").fetchone()
            first = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row has no items
            for start in range(1, self.rows, ROWS_A_TIME):
                numbers = range(start, min(start + ROWS_A_TIME, self.rows))
                places = ", ".join("?" * len(first))
                results = [self._result(first, number) for number in numbers]
                db.executemany(f"INSERT INTO results ({', '.join(first)}) VALUES ({places})", results)  # noqa: S608
                found = [_picture(number, picture) for number in numbers for picture in range(2)]
                db.executemany("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)", [link for link, _ in found])
                db.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", [file for _, file in found])
            db.analyze()

    def _result(self, first: dict[str, Any], number: int) -> list[Any]:
        created = first["created"] - (self.rows - number) * MINUTES_BETWEEN * 60
        row = {**first, "number": number + 1, "id": f"result-{number}", "request_key": f"key {number}"}
        return list((row | {"created": created, "heartbeat": None, "holds": "saved", "billed": "yes"}).values())


def _picture(number: int, picture: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    name = f"{number:08}{picture:056}"
    address = f"https://filesystem.site/cdn/20250424/{name}.png"
    link = (f"result-{number}", picture, picture, picture, "gen", address)
    return link, (f"result-{number}", picture, name, f"{name}.png", address, 1)


def measure(*, quick: bool = False) -> Report:
    report: Report = {}
    with _postgres() as server:
        for rows in SIZES[: 2 if quick else 3]:
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                sqlite = _timed_on(SqliteDatabase(home / "vault.sqlite3"), Vault(home), rows, quick=quick)
                report |= {f"{name}_{rows}_ms": value for name, value in sqlite.items()}
                if server is None:
                    report["postgres"] = "there is no PostgreSQL on this machine"
                    continue
                database = PostgresDatabase(server.url())
                postgres = _timed_on(database, Vault(home / "postgres", database), rows, quick=quick)
                report |= {f"postgres_{name}_{rows}_ms": value for name, value in postgres.items()}
                report |= {f"postgres_{name}_{rows}_ratio": postgres[name] / sqlite[name] for name in sqlite}
                database.close_idle()
    return report


@contextmanager
def _postgres() -> Iterator[Any]:
    """The server of the tests, but one that waits for the disk as SQLite does."""
    spec = importlib.util.spec_from_file_location("postgres_server", SERVER)
    assert spec  # noqa: S101
    assert spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.own_server(settings=())
    try:
        yield server
    finally:
        if server:
            server.remove()


def _timed_on(database: Database, vault: Vault, rows: int, *, quick: bool) -> dict[str, float]:
    filled = Filled(vault, database, rows)
    filled.fill()
    return timed(filled, 3 if quick else ROUNDS)


def timed(filled: Filled, rounds: int) -> dict[str, float]:
    vault, numbers = filled.vault, count()

    def reuse() -> None:
        found = vault.settle_earlier(_asked(f"key {filled.rows // 2}"))
        assert isinstance(found, Earlier)  # noqa: S101

    def insert() -> None:
        vault.claim(_asked(f"new {next(numbers)}"), reuse=True, daily_budget_usd=None)

    actions = {
        "reuse": reuse,
        "insert": insert,
        "list": lambda: listed(vault, limit=None, as_json=False),
        "list_json": lambda: listed(vault, limit=20, as_json=True),
        "spent_ever": vault.spent,
    }
    return {name: seconds * 1e3 for name, seconds in in_turns(actions, rounds).items()}


def listed(vault: Vault, *, limit: int | None, as_json: bool) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        results.show_list(vault, limit, as_json=as_json)


def _asked(key: str) -> NewResult:
    prompt = "A red fox reads a book under a maple tree, soft light, storybook style. " * 3
    return NewResult(key, "aihubmix", "gpt-4o-image-vip", prompt, 0.009, {"endpoint": "chat"})
