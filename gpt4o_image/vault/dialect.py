"""The SQL that differs between SQLite and PostgreSQL. All other SQL of the vault is the same for both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Dialect:
    """Statements of one database. Those that begin a transaction may be several, of which the last gives its clock."""

    begin_reading: str  # sees one state of all tables
    begin_writing: str  # of one result, whose row `lock_row` locks
    begin_claiming: str  # one at a time, of all processes on all machines
    begin_alone: str  # nobody writes meanwhile
    lock_row: str
    version: str
    set_version: str
    spelling: Mapping[str, str]  # in the definitions of tables

    def table(self, definition: str) -> str:
        """The definition of a table or an index as this database spells it."""
        for ours, its_own in self.spelling.items():
            definition = definition.replace(ours, its_own)
        return definition


# One process writes at a time. IMMEDIATE: two cannot both look for a result, then both pay.
SQLITE = Dialect(
    begin_reading="BEGIN",
    begin_writing="BEGIN IMMEDIATE",
    begin_claiming="BEGIN IMMEDIATE",
    begin_alone="BEGIN IMMEDIATE",
    lock_row="",
    version="PRAGMA user_version",
    set_version="PRAGMA user_version = {}",
    spelling={},
)

# Compiling a plan would take longer than any of these statements.
_CLOCK = "SET LOCAL jit = off; SELECT extract(epoch FROM clock_timestamp())::float8"
# What a machine that vanished had locked is free again after a while.
_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '10s';"
    " SET LOCAL idle_in_transaction_session_timeout = '20s';"
)
_CLAIM = f"{_WRITE} SELECT pg_advisory_xact_lock(4703111947);"  # a number of our own

POSTGRES = Dialect(
    begin_reading=f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_CLOCK}",
    begin_writing=f"{_WRITE} {_CLOCK}",
    begin_claiming=f"{_CLAIM} {_CLOCK}",
    begin_alone=f"{_CLAIM} LOCK TABLE results, links, files, answers IN EXCLUSIVE MODE; {_CLOCK}",
    lock_row=" FOR UPDATE",
    version="SELECT coalesce(obj_description(to_regclass('results'), 'pg_class'), '0')",
    set_version="COMMENT ON TABLE results IS '{}'",
    spelling={
        "INTEGER PRIMARY KEY AUTOINCREMENT": "BIGINT PRIMARY KEY",
        "INTEGER": "BIGINT",
        "REAL": "DOUBLE PRECISION",
        "BLOB": "BYTEA",
        " WITHOUT ROWID": "",
    },
)

_PLACEHOLDER = re.compile(r"\?|:([a-z]\w*)|%")


@lru_cache(maxsize=256)
def with_percents(sql: str) -> str:
    """`?` and `:name`, which SQLite takes, as psycopg takes them: `%s` and `%(name)s`."""
    return _PLACEHOLDER.sub(lambda m: "%%" if m[0] == "%" else f"%({m[1]})s" if m[1] else "%s", sql)
