"""The SQLite file under the vault: what a run that holds it open gains, and what it must not lose."""

import sqlite3

import pytest

from gpt4o_image.vault.schema import Database


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path / "vault.sqlite3")


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
    with pytest.raises(sqlite3.OperationalError, match="inside"), database.held():
        raise sqlite3.OperationalError("inside")
