"""The vault at 10, 1,000 and 100,000 paid results: finding an earlier result of the same request, and listing.

`reuse` is what a run does before it would pay: it finds the result and writes nothing. `insert` is the same where there
is none: it waits for the disk, whatever the number of rows. `list` is `results list` without the shell, the 20 newest;
`spent_ever` is what the side bar shows beside it: the sum over all rows.
"""

from __future__ import annotations

import io
import sqlite3
import tempfile
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from gpt4o_image.command import results
from gpt4o_image.gateway.config import Config
from gpt4o_image.vault.claims import Earlier
from gpt4o_image.vault.vault import NewResult, Vault

from .rig.figures import Report, in_turns

SIZES = (10, 1_000, 100_000)
ROUNDS = 31
MINUTES_BETWEEN = 10.0
GOALS = {
    "reuse_100000_ms": (2.0, True),
    "list_100000_ms": (2.0, True),
    "list_json_100000_ms": (2.0, True),
}


@dataclass(frozen=True)
class Filled:
    """A vault of `rows` results, each of two pictures, one every ten minutes."""

    home: Path
    rows: int

    @property
    def vault(self) -> Vault:
        return Vault(self.config.vault)

    @property
    def config(self) -> Config:
        return Config(self.home / "config.toml")

    def fill(self) -> None:
        """Once opened by the vault itself, all but one row are written straight into its tables."""
        self.vault.claim(_asked("first"), reuse=False, daily_budget_usd=None)
        now = time.time()
        with closing(sqlite3.connect(self.config.vault / "vault.sqlite3", isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = OFF")
            db.execute("BEGIN")
            columns = [row[1] for row in db.execute("PRAGMA table_info(results)")]
            first = dict(zip(columns, db.execute("SELECT * FROM results").fetchone(), strict=True))
            for number in range(1, self.rows):
                created = now - (self.rows - number) * MINUTES_BETWEEN * 60
                row = {**first, "number": number + 1, "id": f"result-{number}", "request_key": f"key {number}"}
                row |= {"created": created, "heartbeat": None, "holds": "saved", "billed": "yes"}
                db.execute(f"INSERT INTO results VALUES ({', '.join('?' * len(row))})", list(row.values()))  # noqa: S608
                for picture in range(2):
                    name = f"{number:08}{picture:056}"
                    address = f"https://filesystem.site/cdn/20250424/{name}.png"
                    link = (f"result-{number}", picture, picture, picture, "gen", address)
                    db.execute("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)", link)
                    file = (f"result-{number}", picture, name, f"{name}.png", address, 1)
                    db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", file)
            db.execute("COMMIT")


def measure(*, quick: bool = False) -> Report:
    report: Report = {}
    for rows in SIZES[: 2 if quick else 3]:
        with tempfile.TemporaryDirectory() as folder:
            filled = Filled(Path(folder), rows)
            filled.fill()
            report |= {f"{name}_{rows}_ms": value for name, value in timed(filled, 3 if quick else ROUNDS).items()}
    return report


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
