"""A vault in PostgreSQL: what happens where it is away or not as it should be, and what its clock decides."""

import sys
import time

import psycopg
import pytest
from relay import Relay

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.urls import Picture
from gpt4o_image.vault import postgres as postgres_module
from gpt4o_image.vault import recorder as recorder_module
from gpt4o_image.vault.answers import AnswerEnd, AnswerHead
from gpt4o_image.vault.claims import Busy, Claimed
from gpt4o_image.vault.database import DatabaseError
from gpt4o_image.vault.postgres import PostgresDatabase
from gpt4o_image.vault.recorder import Recorder
from gpt4o_image.vault.vault import NewResult, Vault

ADDRESS = "https://host.test/cdn/a.png"
NEW = NewResult("k", "aihubmix", "m", "a fox", 0.009)
NOBODY = "postgresql://me:hunter2@127.0.0.1:1/gpt4o"


@pytest.fixture
def database(postgres):
    database = PostgresDatabase(postgres.url())
    yield database
    database.close_idle()


@pytest.fixture
def vault(tmp_path, database):
    return Vault(tmp_path / "vault", database)


@pytest.fixture
def relay(postgres):
    with Relay(postgres.port) as relay:
        yield relay


@pytest.fixture
def far(tmp_path, postgres, relay):
    """A vault behind a link that may break."""
    database = PostgresDatabase(postgres.url(relay.port))
    yield Vault(tmp_path / "far", database)
    database.close_idle()


def claim(vault, new=NEW, **more):
    return vault.claim(new, **{"reuse": True, "daily_budget_usd": None} | more)


def test_without_psycopg_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(GPT4oImageError, match="psycopg cannot be loaded") as stopped:
        claim(Vault(tmp_path, PostgresDatabase(NOBODY + "?no-psycopg")))
    assert (stopped.value.kind, stopped.value.billed) == ("config", "no")
    assert sys.executable in stopped.value.message
    assert "psycopg[binary]>=3.1,<4" in stopped.value.message


def test_a_database_that_is_away_is_known_before_anything_is_sent(tmp_path):
    vault = Vault(tmp_path, PostgresDatabase(NOBODY))
    with pytest.raises(GPT4oImageError, match=r"cannot be written.*Nothing was sent") as stopped:
        claim(vault)
    assert (stopped.value.kind, stopped.value.billed) == ("config", "no")
    assert "the database gpt4o on 127.0.0.1:1" in stopped.value.message
    assert "GPT4O_IMAGE_VAULT" in stopped.value.message
    with pytest.raises(GPT4oImageError, match="cannot be read") as unread:
        vault.results()
    assert "hunter2" not in f"{stopped.value}{unread.value}"
    assert not vault.at_hand


def test_an_address_that_is_none_is_not_quoted_back(tmp_path):
    with pytest.raises(GPT4oImageError, match="its address is not valid") as stopped:
        claim(Vault(tmp_path, PostgresDatabase("postgresql://me:hunter2%zz@host:no-port/x")))
    assert "hunter2" not in str(stopped.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:p@db.example:5433/gpt4o?sslmode=require", "the database gpt4o on db.example:5433"),
        ("postgres://db.example/gpt4o", "the database gpt4o on db.example"),
        ("postgresql://", "the database of this user on this machine"),
    ],
)
def test_it_is_named_without_a_login(url, place):
    assert PostgresDatabase(url).place == place


def test_it_is_at_hand_once_it_answered(vault):
    assert not vault.at_hand
    assert vault.results() == []
    assert vault.at_hand


def test_a_database_that_was_restarted_is_connected_to_again(far, relay):
    first = claim(far).result
    relay.cut()
    with pytest.raises(GPT4oImageError, match="cannot be read"):
        far.results()
    assert not far.at_hand
    relay.mend()
    assert [each.id for each in far.results()] == [first.id]


def test_connections_that_died_while_they_waited_are_not_noticed(far, relay):
    far.results()
    relay.cut()
    relay.mend()
    assert isinstance(claim(far), Claimed)


def test_a_text_with_a_zero_in_it_is_kept_without(vault):
    claimed = claim(vault, NewResult("k", "aihubmix", "m", "a \0 fox", 0.009))
    assert vault.result(claimed.result.id).prompt == "a \ufffd fox"


def test_a_newer_version_is_left_alone(vault, database, monkeypatch):
    claim(vault)
    database.close_idle()
    monkeypatch.setattr("gpt4o_image.vault.schema.VERSION", 0)
    with pytest.raises(DatabaseError, match="newer version"), database.reading():
        pass


def test_a_step_that_fails_changes_nothing(vault, database, monkeypatch):
    from gpt4o_image.vault.schema import _VERSIONS

    claim(vault)
    database.close_idle()
    with monkeypatch.context() as patch:
        patch.setattr(
            "gpt4o_image.vault.schema._VERSIONS", (*_VERSIONS, ("ALTER TABLE graphs ADD COLUMN x TEXT", "no SQL"))
        )
        patch.setattr("gpt4o_image.vault.schema.VERSION", len(_VERSIONS) + 1)
        with pytest.raises(GPT4oImageError, match="syntax error"):
            vault.results()
    assert len(vault.results()) == 1


def test_a_database_that_cannot_hold_every_prompt_is_refused(postgres, tmp_path):
    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    database = PostgresDatabase(postgres.address().replace("/postgres", "/latin"))
    with pytest.raises(GPT4oImageError, match="encoding is LATIN1"):
        claim(Vault(tmp_path, database))


def test_one_process_opens_no_more_than_some_connections(database, monkeypatch):
    monkeypatch.setattr(postgres_module, "_TURN_S", 0.05)
    held = []
    for _ in range(postgres_module._MOST_OPEN):
        held.append(database.reading())
        held[-1].__enter__()
    with pytest.raises(DatabaseError, match="busy"), database.reading():
        pass
    for each in held:
        each.__exit__(None, None, None)
    assert len(database._pool._idle) == postgres_module._MOST_IDLE


# -- a link that breaks while a call is made ------------------------------------------------------------------


@pytest.fixture
def recorder(far):
    claimed = claim(far)
    recorder = Recorder(far, claimed.result.id, lease=claimed.lease)
    yield recorder
    recorder._answer.close()


def test_what_comes_while_the_link_is_broken_is_written_when_it_is_mended(far, relay, recorder):
    relay.cut()
    recorder.begin_answer(AnswerHead(200, "text/event-stream", None, "https://host.test/v1"))
    recorder.chunk(b"12345")
    recorder.links([Picture(0, ADDRESS, "a")])
    recorder.picture(0, b"bytes", ADDRESS)
    assert "could not keep" in recorder.trouble
    relay.mend()
    recorder.beat("yes")
    assert recorder.trouble is None
    kept = far.result(recorder.id)
    assert (len(kept.pictures), len(kept.files), kept.has_answer) == (1, 1, True)


def test_an_end_that_finds_the_link_broken_is_written_later(far, relay, recorder, monkeypatch):
    monkeypatch.setattr(recorder_module, "_PAUSE_S", 0.01)
    recorder.links([Picture(0, ADDRESS, "a")])
    relay.cut()
    recorder.picture(0, b"bytes", ADDRESS)
    answer = AnswerEnd("whole", 5, "read", "today")
    recorder.finish(billed="yes", cost_usd=0.009, error=None, details={}, answer=answer)
    assert recorder.trouble
    relay.mend()
    deadline = time.monotonic() + 10
    while (kept := far.result(recorder.id)).heartbeat is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (kept.status, kept.state) == ("ok", "saved")


# -- several machines -----------------------------------------------------------------------------------------


@pytest.fixture(params=["in the database", "in a folder"])
def machines(request, tmp_path, postgres):
    """Two that share a database, and perhaps a folder."""
    database = PostgresDatabase(postgres.url())
    files = None
    if request.param == "in a folder":
        files = tmp_path / "share"
        files.mkdir()
    yield [Vault(tmp_path / name / "vault", database, files) for name in ("one", "other")]
    database.close_idle()


def made(vault, data=b"bytes", answer=b"data: hello\n\n"):
    """A result with a picture and an answer, its id."""
    claimed = claim(vault)
    recorder = Recorder(vault, claimed.result.id, lease=claimed.lease)
    recorder.begin_answer(AnswerHead(200, "text/event-stream", None, "https://host.test/v1"))
    recorder.chunk(answer)
    recorder.picture(0, data, ADDRESS)
    end = AnswerEnd("whole", len(answer), "read", "today")
    recorder.finish(billed="yes", cost_usd=0.009, error=None, details={}, answer=end)
    return recorder.id


def test_what_one_machine_bought_the_other_has(machines):
    one, other = machines
    result_id = made(one)
    found = claim(other).result
    assert (found.id, found.state) == (result_id, "saved")
    (file,) = found.files
    assert file.stored
    assert file.read() == b"bytes"
    assert file.brought().read_bytes() == b"bytes"
    assert other.answer(result_id).read() == b"data: hello\n\n"
    assert found.machine


def test_what_a_machine_knew_of_an_answer_when_it_died_the_other_reads(machines):
    one, other = machines
    recorder = Recorder(one, claim(one).result.id)
    recorder.begin_answer(AnswerHead(200, "text/event-stream", None, "https://host.test/v1"))
    recorder.chunk(b"data: one\n\n")
    recorder.links([Picture(0, ADDRESS, "a")])
    recorder.chunk(b"data: two\n\n")
    assert other.answer(recorder.id).read() == b"data: one\n\n"
    recorder.beat("yes")
    assert other.answer(recorder.id).read() == b"data: one\n\ndata: two\n\n"
    recorder._answer.close()


def test_a_picture_that_is_damaged_on_one_machine_comes_from_the_others(tmp_path, database):
    vault = Vault(tmp_path / "vault", database)
    (file,) = vault.result(made(vault)).files
    file.path.write_bytes(b"changed")
    assert file.read() == b"bytes"
    assert file.path.read_bytes() == b"bytes"
    file.path.unlink()
    with database.writing() as db:
        db.execute("UPDATE shared SET data = ?, sha256 = ? WHERE name = ?", (b"changed", "0", file.path.name))
    with pytest.raises(OSError, match="damaged"):
        file.read()


def test_pruned_results_take_their_shared_bytes_along(machines):
    one, other = machines
    result_id = made(one)
    (file,) = other.result(result_id).files
    assert [each.id for each in other.prune(-1, apply=True)] == [result_id]
    (trash,) = (other.folder / "trash").iterdir()
    assert (trash / "files" / file.path.name).read_bytes() == b"bytes"
    assert [path.name for path in (trash / "answers").iterdir()] == [f"{result_id}.gz"]
    assert not other._shared.get(f"{result_id}.gz")


def test_a_shared_folder_that_is_missing_is_known_before_anything_is_sent(tmp_path, database):
    vault = Vault(tmp_path / "vault", database, tmp_path / "not mounted")
    with pytest.raises(GPT4oImageError, match=r"not mounted.*is not there") as stopped:
        claim(vault)
    assert (stopped.value.kind, stopped.value.billed) == ("config", "no")
    assert not (tmp_path / "not mounted").exists()


# -- the clock ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [5, -5, 600])
def test_the_clock_of_a_machine_decides_nothing(machines, monkeypatch, minutes):
    one, other = machines
    claimed = claim(one)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 60 * minutes)
    assert isinstance(claim(other), Busy)
    assert other.result(claimed.result.id).status == "running"
    mine = claim(other, NewResult("other", "aihubmix", "m", "a fox", 0.009)).result
    other.beat(mine.id, "yes")
    assert abs(mine.created - claimed.result.created) < 60
    assert other.spent_today() == one.spent_today() == pytest.approx(0.018)
    monkeypatch.undo()
    assert one.result(mine.id).status == "running"
