"""The vault's rows and files, without any gateway."""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from only_sqlite import only_sqlite

from gpt4o_image.command.result_values import result_json
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.vault import MAX_GRAPH_BYTES, NewResult, Vault

SHA = hashlib.sha256(b"bytes").hexdigest()
ADDRESS = "https://host.test/cdn/a.png"


def new(key="k", price=0.009, prompt="a fox"):
    return NewResult(key, "aihubmix", "gpt-4o-image-vip", prompt, price, {"seed": 1})


def opened(vault, key="k"):
    return vault.claim(new(key), reuse=True, daily_budget_usd=None).result


def finished(vault, key="k", *, error=None, billed="yes", cost=0.009):
    result = opened(vault, key)
    if not error:
        vault.add_links(result.id, [Picture(0, ADDRESS, "a")])
        vault.add_file(result.id, 0, b"bytes", ADDRESS)
    vault.finish(result.id, billed=billed, cost_usd=cost, error=error, details={"warnings": ["w"]})
    return vault.result(result.id)


def test_nothing_is_made_before_the_first_call(vault):
    assert vault.results() == []
    assert vault.loadable(5) == []
    assert vault.spent() == (0.0, 0.0)
    with pytest.raises(GPT4oImageError, match="no paid result"):
        vault.result("latest")
    assert not vault.folder.exists()


def test_a_row_is_there_before_the_call(vault):
    result = opened(vault)
    kept = vault.result(result.id)
    assert (kept.status, kept.billed, kept.cost_usd, kept.prompt) == ("running", "unknown", 0.009, "a fox")
    assert kept.details == {"seed": 1}


def test_a_finished_row_holds_everything(vault):
    kept = finished(vault)
    assert (kept.status, kept.billed, kept.error) == ("ok", "yes", None)
    assert kept.details == {"seed": 1, "warnings": ["w"]}
    assert kept.pictures == (Picture(0, ADDRESS, "a"),)
    (file,) = kept.files
    assert (file.picture, file.sha256, file.url) == (0, SHA, ADDRESS)
    assert file.path == vault.path_of(SHA, None)
    assert file.path.read_bytes() == b"bytes"


def test_links_keep_their_order_and_place(vault):
    result = opened(vault)
    found = [Link("https://h/100.png", "100", 0), Picture(0, ADDRESS, "a"), Link("https://h/d.png", "get", 1)]
    vault.add_links(result.id, found[:2])
    vault.add_links(result.id, found[2:])
    kept = vault.result(result.id)
    assert kept.pictures == (found[1],)
    assert kept.links == (found[0], found[2])


def test_the_bytes_of_a_picture_in_the_answer_are_kept_once(vault):
    result = opened(vault)
    vault.add_links(result.id, [Picture(0, "data:image/png;base64,AAAA", "a")])
    vault.add_file(result.id, 0, b"bytes", None)
    assert vault.result(result.id).pictures[0].address == "data:"


@only_sqlite
def test_no_unfinished_file_stays(vault, monkeypatch):
    result = opened(vault)

    def broken(*_):
        raise OSError("no space")

    monkeypatch.setattr("gpt4o_image.vault.files.os.fsync", broken)
    with pytest.raises(OSError, match="no space"):
        vault.add_file(result.id, 0, b"bytes", None)
    assert list((vault.folder / "files").iterdir()) == []
    assert vault.result(result.id).files == ()


def test_the_newest_comes_first(vault):
    ids = [finished(vault, f"k{number}").id for number in range(3)]
    assert [result.id for result in vault.results()] == ids[::-1]
    assert [result.id for result in vault.results(1, 1)] == [ids[1]]
    assert vault.result("latest").id == ids[-1]


def test_what_can_be_loaded(vault):
    good = finished(vault, "a")
    finished(vault, "b", error={"kind": "refused", "message": "no"})
    assert vault.loadable(10) == [(good.id, "a fox")]


@pytest.mark.parametrize(
    ("billed", "cost", "spent"), [("yes", 0.009, 0.009), ("unknown", 0.009, 0.009), ("no", 0.0, 0)]
)
def test_what_is_spent(vault, billed, cost, spent):
    finished(vault, billed=billed, cost=cost)
    assert vault.spent() == (spent, spent)
    assert vault.spent_today() == spent


def test_yesterday_is_not_today(vault, monkeypatch):
    finished(vault)
    tomorrow = time.localtime(time.time() + 86400)
    monkeypatch.setattr(time, "localtime", lambda *_: tomorrow)
    assert vault.spent() == (0.0, 0.009)
    assert vault.spent_today() == 0.0


def test_many_threads_begin_a_vault_at_once(tmp_path):
    """SQLite refuses, instead of waiting, while another connection turns the journal to WAL."""
    refused = []
    for round_number in range(40):
        vault, ready = Vault(tmp_path / str(round_number)), threading.Barrier(8)

        def begin(vault=vault, ready=ready):
            ready.wait()
            try:
                opened(vault)
            except GPT4oImageError as error:
                refused.append(error)

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert refused == []


@only_sqlite
def test_a_broken_index_is_an_error_before_the_call(vault):
    vault.folder.mkdir(parents=True)
    (vault.folder / "vault.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(GPT4oImageError, match="cannot be written") as stopped:
        opened(vault)
    assert stopped.value.billed == "no"
    for read in (vault.results, vault.spent, lambda: vault.loadable(1), lambda: vault.result("latest")):
        with pytest.raises(GPT4oImageError, match="cannot be read"):
            read()


@only_sqlite
def test_a_locked_index_is_an_error_before_the_call(vault, monkeypatch):
    finished(vault)
    monkeypatch.setattr("gpt4o_image.vault.sqlite._BUSY_S", 0.1)
    other = sqlite3.connect(vault.folder / "vault.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(GPT4oImageError, match="locked"):
            opened(vault, "other")
        assert len(vault.results()) == 1  # reading goes on meanwhile
    finally:
        other.close()


# -- graphs -----------------------------------------------------------------------------------------------


def test_a_graph_is_given_back(vault):
    result = opened(vault)
    assert (vault.graph(result.id), result.has_graph) == (None, False)
    vault.add_graph(result.id, '{"a": 1}')
    assert vault.graph(result.id) == b'{"a": 1}'
    assert vault.result(result.id).has_graph
    assert [each.has_graph for each in vault.results()] == [True]


def test_a_graph_that_is_too_large_is_left_out(vault):
    result = opened(vault)
    vault.add_graph(result.id, "x" * (MAX_GRAPH_BYTES + 1))
    assert vault.graph(result.id) is None
    vault.add_graph(result.id, "x" * MAX_GRAPH_BYTES)
    assert len(vault.graph(result.id)) == MAX_GRAPH_BYTES


def test_a_damaged_graph_is_an_error(vault):
    result = opened(vault)
    vault.add_graph(result.id, "{}")
    with vault._database.writing() as db:
        db.execute("UPDATE graphs SET graph = ?", (b"\0",))
    with pytest.raises(GPT4oImageError, match="damaged"):
        vault.graph(result.id)
    assert vault.result(result.id).has_graph


@pytest.fixture
def shared():
    """A vault in a folder that every user of this machine may enter, which pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield Vault(folder / "vault")
    for inner in folder.rglob("*"):
        inner.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def as_somebody_else():
    """Who runs the tests as root may write anywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="permissions are set another way")
def test_a_home_that_cannot_be_written_is_read(shared):
    kept = finished(shared)
    shared.folder.chmod(0o555)
    with as_somebody_else():
        assert shared.results() == [kept]
        assert shared.spent() == (0.009, 0.009)
        assert shared.graph(kept.id) is None
        with pytest.raises(GPT4oImageError, match="cannot be written"):
            opened(shared, "other")
    shared.folder.chmod(0o755)
    assert not list(shared.folder.glob("*-wal"))


def test_a_file_is_always_one_of_the_vault(vault):
    kept = finished(vault)
    with vault._database.writing() as db:
        db.execute("UPDATE files SET name = '../../../etc/passwd'")
    assert vault.result(kept.id).files[0].path == vault.folder / "files" / "passwd"


def test_a_call_that_died_after_its_first_link_can_be_loaded(vault):
    result = opened(vault)
    vault.add_links(result.id, [Link("https://host.test/policy", "read", 0)])
    assert vault.loadable(1) == []
    vault.add_links(result.id, [Link(ADDRESS, "100", 0)])
    assert vault.loadable(1) == [(result.id, "a fox")]


@only_sqlite
@pytest.mark.parametrize(
    "damage",
    [
        "results SET machine = x'ff'",
        "links SET address = x'ff'",
        "files SET picture = x'ff'",
        "files SET name = x'ff00'",
    ],
)
def test_a_value_of_another_type_hides_no_result(vault, damage):
    one = finished(vault, "one")
    finished(vault, "two")
    column = "id" if damage.startswith("results") else "result_id"
    with closing(sqlite3.connect(vault.folder / "vault.sqlite3", isolation_level=None)) as db:
        db.execute(f"UPDATE {damage} WHERE {column} = ?", (one.id,))
    read = vault.results()
    assert len(read) == 2
    json.dumps([result_json(each) for each in read])


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX")
def test_a_pipe_in_place_of_a_picture_is_not_waited_for(vault):
    file = finished(vault).files[0]
    file.path.unlink()
    os.mkfifo(file.path)
    with suppress(FileNotFoundError):  # a shared vault has the bytes elsewhere too
        assert file.read() == b"bytes"
