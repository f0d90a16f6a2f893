"""The SQLite file under the vault: what a run that holds it open gains, and what it must not lose."""

import pytest

from gpt4o_image.vault.database import DatabaseError
from gpt4o_image.vault.schema import _VERSIONS, VERSION
from gpt4o_image.vault.sqlite import SqliteDatabase


@pytest.fixture
def database(tmp_path):
    return SqliteDatabase(tmp_path / "vault.sqlite3")


def log_of(tmp_path):
    return tmp_path / "vault.sqlite3-wal"


def write(database, name):
    with database.writing() as db:
        db.execute("INSERT INTO graphs VALUES (?, ?)", (name, b"{}"))


def test_the_log_is_folded_in_once_at_the_end_of_what_holds_it(database, tmp_path):
    write(database, "before")
    assert not log_of(tmp_path).exists()
    with database.held():
        write(database, "meanwhile")
        assert log_of(tmp_path).stat().st_size > 0
    assert not log_of(tmp_path).exists()


def test_holding_a_broken_file_is_no_error(database, tmp_path):
    (tmp_path / "vault.sqlite3").write_bytes(b"no database" * 1000)
    with database.held():
        pass


def test_an_error_inside_comes_out(database):
    with pytest.raises(DatabaseError, match="inside"), database.held():
        raise DatabaseError("inside")


def test_every_write_waits_for_the_disk(database):
    with database.writing() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: also a power cut loses nothing
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_new_file_has_today_s_version(database):
    with database.reading() as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION


def test_an_older_version_is_brought_up_to_date_step_by_step(database, monkeypatch):
    write(database, "kept")
    steps = (*_VERSIONS, ("ALTER TABLE graphs ADD COLUMN colour TEXT", "UPDATE graphs SET colour = 'red'"))
    monkeypatch.setattr("gpt4o_image.vault.schema._VERSIONS", steps)
    monkeypatch.setattr("gpt4o_image.vault.schema.VERSION", len(steps))
    with database.reading() as db:
        assert [tuple(row) for row in db.execute("SELECT result_id, colour FROM graphs")] == [("kept", "red")]


def test_a_newer_version_is_left_alone(database, monkeypatch):
    write(database, "kept")
    monkeypatch.setattr("gpt4o_image.vault.schema.VERSION", 0)
    with pytest.raises(DatabaseError, match="newer version"), database.reading():
        pass


def test_a_step_that_fails_changes_nothing(database, monkeypatch):
    write(database, "kept")
    steps = (*_VERSIONS, ("ALTER TABLE graphs ADD COLUMN colour TEXT", "no SQL"))
    with monkeypatch.context() as patch:
        patch.setattr("gpt4o_image.vault.schema._VERSIONS", steps)
        patch.setattr("gpt4o_image.vault.schema.VERSION", len(steps))
        with pytest.raises(DatabaseError), database.writing():
            pass
    with database.reading() as db:
        assert [tuple(row) for row in db.execute("SELECT * FROM graphs")] == [("kept", b"{}")]
