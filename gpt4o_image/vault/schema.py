"""The vault's tables and their versions. Knows nothing of what the columns mean, nor which database it is."""

from __future__ import annotations

from .database import Connection, DatabaseError
from .dialect import Dialect

# One tuple of statements for each version, as SQLite spells them; a database keeps how many it has been through.
# What was released is never changed: a new version is a further tuple.
_VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE results (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            request_key TEXT NOT NULL,
            created REAL NOT NULL,
            heartbeat REAL,
            holds TEXT NOT NULL,
            verdict TEXT NOT NULL,
            gateway TEXT NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            cost_usd REAL,
            billed TEXT NOT NULL,
            error TEXT,
            details TEXT NOT NULL
        )
        """,
        "CREATE INDEX results_by_request ON results (request_key, number)",
        "CREATE INDEX results_running ON results (heartbeat) WHERE heartbeat IS NOT NULL",
        "CREATE INDEX results_by_time ON results (created, cost_usd, billed)",
        """
        CREATE TABLE links (
            result_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            picture INTEGER,
            after INTEGER NOT NULL,
            label TEXT NOT NULL,
            address TEXT NOT NULL,
            PRIMARY KEY (result_id, position)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE files (
            result_id TEXT NOT NULL,
            picture INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            name TEXT NOT NULL,
            url TEXT,
            readable INTEGER NOT NULL,
            PRIMARY KEY (result_id, picture)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE answers (
            result_id TEXT PRIMARY KEY,
            status INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            request_id TEXT,
            answered_by TEXT NOT NULL,
            ending TEXT,
            received INTEGER NOT NULL,
            read_by TEXT,
            pictures TEXT
        ) WITHOUT ROWID
        """,
        "CREATE TABLE graphs (result_id TEXT PRIMARY KEY, graph BLOB NOT NULL) WITHOUT ROWID",
        # What pruned results cost, so that the sums stay true.
        "CREATE TABLE pruned (result_id TEXT PRIMARY KEY, created REAL NOT NULL, cost_usd REAL) WITHOUT ROWID",
    ),
    (
        # Which computer made it.
        "ALTER TABLE results ADD COLUMN machine TEXT",
        # Bytes of pictures and answers for machines that share nothing but the database.
        "CREATE TABLE shared (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    ),
)
VERSION = len(_VERSIONS)


def is_current(db: Connection, dialect: Dialect) -> bool:
    """Whether the tables are today's. Raises DatabaseError for those of a newer version of this pack."""
    version = _version(db, dialect)
    if version > VERSION:
        raise DatabaseError(f"it was made by a newer version of this pack (format {version})")
    return version == VERSION


def take_next_step(db: Connection, dialect: Dialect) -> None:
    """Makes the tables, or changes those of an older version to the next one, unless another has done it meanwhile."""
    version = _version(db, dialect)
    if version < VERSION:
        for statement in _VERSIONS[version]:
            db.execute(dialect.table(statement))
        db.execute(dialect.set_version.format(version + 1))


def _version(db: Connection, dialect: Dialect) -> int:
    return int(db.execute(dialect.version).fetchone()[0])
