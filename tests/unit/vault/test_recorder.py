"""What a run writes while it lasts: tried again where the disk refuses it, and into whatever vault is there."""

import hashlib
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from functools import partial

import pytest
from only_sqlite import only_sqlite

from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault import recorder as recorder_module
from gpt4o_image.vault.answers import AnswerEnd, AnswerHead
from gpt4o_image.vault.database import DatabaseError
from gpt4o_image.vault.recorder import Recorder
from gpt4o_image.vault.vault import NewResult, Vault

ADDRESS = "https://host.test/cdn/a.png"
HEAD = AnswerHead(200, "text/event-stream", None, "https://host.test/v1")
END = AnswerEnd("whole", 5, "read", "today")
NEW = NewResult("k", "aihubmix", "m", "a fox", 0.009)
LOCKED = DatabaseError("database is locked")
FULL = OSError(28, "No space left on device")


@pytest.fixture
def claimed(vault):
    return vault.claim(NEW, reuse=True, daily_budget_usd=None)


@pytest.fixture
def recorder(vault, claimed):
    result = claimed.result
    begin = partial(Vault.restore, new=NEW, result_id=result.id, created=result.created)
    return Recorder(vault, result.id, begin=begin, lease=claimed.lease)


def finish(recorder, answer=None):
    recorder.finish(billed="yes", cost_usd=0.009, error=None, details={"warnings": ["w"]}, answer=answer)


def refuse(monkeypatch, name, error):
    """Until what this gives is called, the method of every vault raises."""
    refused, method = [True], getattr(Vault, name)

    def maybe(*args, **kwargs):
        if refused:
            raise error
        return method(*args, **kwargs)

    monkeypatch.setattr(Vault, name, maybe)
    return refused.clear


def test_all_of_a_run_is_on_disk_when_it_ends(vault, recorder):
    recorder.begin_answer(HEAD)
    recorder.chunk(b"12345")
    recorder.links([Picture(0, ADDRESS, "a"), Link(ADDRESS + "?x", "get", 1)])
    path = recorder.picture(0, b"bytes", ADDRESS)
    finish(recorder, END)
    kept = vault.result(recorder.id)
    assert (kept.state, kept.status, kept.details["warnings"]) == ("saved", "ok", ["w"])
    assert path == kept.files[0].path
    assert vault.answer(recorder.id).read() == b"12345"
    assert recorder.trouble is None


@pytest.mark.parametrize("error", [LOCKED, FULL, DatabaseError("database or disk is full")])
@pytest.mark.parametrize("name", ["begin_answer", "add_links", "add_file"])
def test_what_the_disk_refuses_is_tried_again_while_the_run_lives(vault, recorder, monkeypatch, name, error):
    undo = refuse(monkeypatch, name, error)
    recorder.begin_answer(HEAD)
    recorder.links([Picture(0, ADDRESS, "a")])
    recorder.picture(0, b"bytes", ADDRESS)
    assert str(error) in recorder.trouble
    undo()
    recorder.beat("yes")
    assert recorder.trouble is None
    kept = vault.result(recorder.id)
    assert (len(kept.pictures), len(kept.files), kept.has_answer) == (1, 1, True)


def test_a_full_disk_may_have_room_again_at_the_end(vault, recorder, monkeypatch):
    undo = refuse(monkeypatch, "add_links", FULL)
    recorder.links([Picture(0, ADDRESS, "a")])
    recorder.links([Picture(1, ADDRESS + "1", "b")])
    undo()
    finish(recorder)
    assert [each.address for each in vault.result(recorder.id).pictures] == [ADDRESS, ADDRESS + "1"]
    assert recorder.trouble is None


def test_one_file_that_is_refused_holds_up_nothing_else(vault, recorder, monkeypatch):
    undo = refuse(monkeypatch, "add_file", PermissionError(13, "Permission denied"))
    assert recorder.picture(0, b"bytes", None) is None
    recorder.links([Picture(0, ADDRESS, "a")])
    finish(recorder)
    kept = vault.result(recorder.id)
    assert (kept.status, kept.state, kept.heartbeat) == ("ok", "links", None)
    assert "Permission denied" in recorder.trouble
    undo()


def test_an_end_that_is_refused_is_written_later(vault, claimed, recorder, monkeypatch):
    monkeypatch.setattr(recorder_module, "_PAUSE_S", 0.01)
    undo = refuse(monkeypatch, "finish", LOCKED)
    finish(recorder)
    assert "locked" in recorder.trouble
    assert vault.result(recorder.id).state == "running"
    undo()
    deadline = time.monotonic() + 10
    while vault.result(recorder.id).heartbeat is not None or list((vault.folder / "running").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert vault.result(recorder.id).status == "ok"


def test_a_full_disk_holds_up_no_answer(vault, recorder, monkeypatch):
    monkeypatch.setattr(recorder._answer, "write", lambda _: (_ for _ in ()).throw(FULL))
    recorder.begin_answer(HEAD)
    recorder.chunk(b"12345")
    assert "No space left" in recorder.trouble
    finish(recorder, END)
    assert vault.result(recorder.id).status == "ok"


@only_sqlite
@pytest.mark.parametrize("harm", ["moved", "deleted", "replaced", "restored"])
def test_a_vault_that_was_moved_or_replaced_gets_the_whole_result(vault, recorder, tmp_path, harm):
    recorder.begin_answer(HEAD)
    recorder.chunk(b"12345")
    recorder.links([Picture(0, ADDRESS, "a")])
    recorder.picture(0, b"first", ADDRESS)
    if harm == "restored":  # a backup of before the run
        with closing(sqlite3.connect(vault.folder / "vault.sqlite3", isolation_level=None)) as db:
            for table in ("results", "links", "files", "answers"):
                db.execute(f"DELETE FROM {table}")
    elif harm == "deleted":
        shutil.rmtree(vault.folder)
    else:
        vault.folder.rename(tmp_path / "old")
    if harm == "replaced":
        Vault(vault.folder).claim(NewResult("other", "g", "m", "p", 0.0), reuse=True, daily_budget_usd=None)
    recorder.links([Picture(1, ADDRESS + "1", "b")])
    recorder.picture(1, b"second", ADDRESS + "1")
    finish(recorder, END)
    kept = vault.result(recorder.id)
    assert (kept.status, kept.state, kept.cost_usd) == ("ok", "saved", 0.009)
    assert [each.address for each in kept.pictures] == [ADDRESS, ADDRESS + "1"]
    assert [file.read() for file in kept.files] == [b"first", b"second"]
    assert str(vault.folder) in recorder.trouble


def test_links_are_written_in_their_order_whoever_writes_meanwhile(vault, recorder):
    threads = [threading.Thread(target=recorder.links, args=([Picture(n, f"{ADDRESS}?{n}", "")],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vault.result(recorder.id).pictures) == 16


def test_the_bytes_of_pictures_are_let_go_of_at_the_end(recorder):
    recorder.picture(0, b"bytes", None)
    assert any(write.keywords.get("data") for write in recorder._written)
    finish(recorder)
    assert recorder._written == []


def test_a_picture_may_come_after_the_end(vault, recorder):
    recorder.links([Picture(0, ADDRESS, "a")])
    finish(recorder)
    assert vault.result(recorder.id).state == "links"
    stored = []
    recorder._stored = lambda: stored.append(1)
    path = recorder.picture(0, b"bytes", ADDRESS)
    assert path.name.startswith(hashlib.sha256(b"bytes").hexdigest())
    assert (vault.result(recorder.id).state, stored) == ("saved", [1])
