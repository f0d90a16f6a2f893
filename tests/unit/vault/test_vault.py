"""The vault's rows and files, without any gateway."""

import itertools
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.vault import MAX_GRAPH_BYTES, NewResult, Vault

SHA = "ab" * 32
ADDRESS = "https://host.test/cdn/a.png"


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "vault")


def new(key="k", price=0.009, prompt="a fox"):
    return NewResult(key, "aihubmix", "gpt-4o-image-vip", prompt, price, {"seed": 1})


def opened(vault, key="k", *, reuse=True, budget=None):
    return vault.open(new(key), reuse=reuse, daily_budget_usd=budget)


def finished(vault, key="k", *, error=None, billed="yes", cost=0.009):
    entry = opened(vault, key)
    if not error:
        vault.add_links(entry.id, [Picture(0, ADDRESS, "a")])
        vault.add_file(entry.id, 0, b"bytes", SHA, "image/png", ADDRESS)
    vault.finish(entry.id, billed=billed, cost_usd=cost, error=error, details={"warnings": ["w"]})
    return vault.entry(entry.id)


def test_nothing_is_made_before_the_first_call(vault):
    assert vault.entries() == []
    assert vault.headlines(5) == []
    assert vault.spent() == (0.0, 0.0)
    with pytest.raises(GPT4oImageError, match="no paid result"):
        vault.entry("latest")
    assert not vault.folder.exists()


def test_a_row_is_there_before_the_call(vault):
    entry = opened(vault)
    kept = vault.entry(entry.id)
    assert (kept.status, kept.billed, kept.cost_usd, kept.prompt) == ("running", "unknown", 0.009, "a fox")
    assert kept.details == {"seed": 1}


def test_a_finished_row_holds_everything(vault):
    kept = finished(vault)
    assert (kept.status, kept.billed, kept.error) == ("ok", "yes", None)
    assert kept.details == {"seed": 1, "warnings": ["w"]}
    assert kept.pictures == (Picture(0, ADDRESS, "a"),)
    (file,) = kept.files
    assert (file.picture, file.sha256, file.url) == (0, SHA, ADDRESS)
    assert file.path == vault.path_of(SHA, "image/png")
    assert file.path.read_bytes() == b"bytes"


def test_links_keep_their_order_and_place(vault):
    entry = opened(vault)
    found = [Link("https://h/100.png", "100", 0), Picture(0, ADDRESS, "a"), Link("https://h/d.png", "get", 1)]
    vault.add_links(entry.id, found[:2])
    vault.add_links(entry.id, found[2:])
    kept = vault.entry(entry.id)
    assert kept.pictures == (found[1],)
    assert kept.links == (found[0], found[2])


def test_the_bytes_of_a_picture_in_the_answer_are_kept_once(vault):
    entry = opened(vault)
    vault.add_links(entry.id, [Picture(0, "data:image/png;base64,AAAA", "a")])
    vault.add_file(entry.id, 0, b"bytes", SHA, "image/png", None)
    assert vault.entry(entry.id).pictures[0].address == "data:"


def test_no_unfinished_file_stays(vault, monkeypatch):
    entry = opened(vault)

    def broken(*_):
        raise OSError("no space")

    monkeypatch.setattr("gpt4o_image.vault.files.os.fsync", broken)
    with pytest.raises(OSError, match="no space"):
        vault.add_file(entry.id, 0, b"bytes", SHA, "image/png", None)
    assert list((vault.folder / "files").iterdir()) == []
    assert vault.entry(entry.id).files == ()


def test_the_newest_comes_first(vault):
    ids = [finished(vault, f"k{number}").id for number in range(3)]
    assert [entry.id for entry in vault.entries()] == ids[::-1]
    assert [entry.id for entry in vault.entries(1, 1)] == [ids[1]]
    assert vault.entry("latest").id == ids[-1]


def test_headlines_are_of_what_can_be_loaded(vault):
    good = finished(vault, "a")
    finished(vault, "b", error={"kind": "refused", "message": "no"})
    assert vault.headlines(10) == [(good.id, "a fox")]


def test_an_earlier_result_answers(vault):
    first = finished(vault)
    assert opened(vault).id == first.id
    assert opened(vault, reuse=False).id != first.id
    assert opened(vault, "other").id != first.id


def test_a_failed_call_does_not_answer(vault):
    failed = finished(vault, error={"kind": "refused", "message": "no"})
    assert opened(vault).id != failed.id


def test_links_that_were_never_fetched_answer(vault):
    entry = opened(vault)
    vault.add_links(entry.id, [Picture(0, ADDRESS, "a")])
    error = {"kind": "download_failed", "message": "no"}
    vault.finish(entry.id, billed="yes", cost_usd=0.009, error=error, details={})
    assert opened(vault).id == entry.id


def test_a_busy_request_is_waited_for(vault):
    opened(vault)
    assert opened(vault) is None
    assert opened(vault, reuse=False).status == "running"


def test_a_dead_run_is_not_waited_for(vault, monkeypatch):
    dead = opened(vault)
    later = time.time() + 120
    monkeypatch.setattr("gpt4o_image.vault.vault.time.time", lambda: later)
    kept = vault.entry(dead.id)
    assert (kept.status, kept.error["kind"], kept.error["billed"]) == ("error", "truncated", "unknown")
    assert opened(vault) is None  # the clock may be wrong: it is watched first
    monkeypatch.setattr("gpt4o_image.vault.vault.WATCH_S", 0)
    fresh = opened(vault)
    assert fresh.id != dead.id
    vault.alive(fresh.id, "yes")
    assert vault.entry(fresh.id).billed == "yes"


class Clocks:
    """The clock on the wall, which may jump, and the steady one."""

    def __init__(self, monkeypatch):
        self.wall, self.steady = time.time(), time.monotonic()
        monkeypatch.setattr("gpt4o_image.vault.vault.time.time", lambda: self.wall)
        monkeypatch.setattr("gpt4o_image.vault.vault.time.monotonic", lambda: self.steady)

    def wait(self, seconds):
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


@pytest.mark.parametrize("hours", [3, -3])
def test_to_another_clock_a_living_run_is_not_dead(vault, clocks, hours):
    living = opened(vault)
    for _ in range(6):
        clocks.wall += 3600 * hours
        assert opened(vault) is None
        clocks.wall -= 3600 * hours
        clocks.wait(10)
        vault.alive(living.id, "unknown")


def test_a_new_call_runs_though_the_clock_jumps_while_it_is_recorded(vault, monkeypatch):
    opened(vault, "another, so that the vault is there")
    times = itertools.count(time.time(), 3600)
    monkeypatch.setattr("gpt4o_image.vault.vault.time.time", lambda: next(times))
    entry = opened(vault)
    assert (entry.status, entry.error) == ("running", None)


@pytest.mark.parametrize("hours", [3, -3])
def test_a_run_that_died_is_not_waited_for_for_ever_by_another_clock(vault, clocks, hours):
    opened(vault)
    clocks.wall += 3600 * hours
    assert opened(vault) is None
    clocks.wait(25)
    assert opened(vault).status == "running"


@pytest.mark.parametrize(
    ("billed", "cost", "spent"), [("yes", 0.009, 0.009), ("unknown", 0.009, 0.009), ("no", 0.0, 0)]
)
def test_what_is_spent(vault, billed, cost, spent):
    finished(vault, billed=billed, cost=cost)
    assert vault.spent() == (spent, spent)
    assert vault.spent_today() == spent


def test_a_running_call_counts_against_the_budget(vault):
    opened(vault, "a")
    with pytest.raises(GPT4oImageError, match=r"0\.009 are spent") as stopped:
        opened(vault, "b", budget=0.017)
    assert (stopped.value.kind, stopped.value.billed) == ("budget", "no")
    assert opened(vault, "b", budget=0.018)


def test_yesterday_is_not_today(vault, monkeypatch):
    finished(vault)
    tomorrow = time.localtime(time.time() + 86400)
    monkeypatch.setattr("gpt4o_image.vault.vault.time.localtime", lambda *_: tomorrow)
    assert vault.spent() == (0.0, 0.009)
    assert vault.spent_today() == 0.0


def test_many_threads_claim_one_request_once(vault):
    claimed = []
    ready = threading.Barrier(8)

    def claim():
        ready.wait()
        claimed.append(opened(vault))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(entry is not None for entry in claimed) == 1


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


def test_a_broken_index_is_an_error_before_the_call(vault):
    vault.folder.mkdir(parents=True)
    (vault.folder / "vault.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(GPT4oImageError, match="cannot be written") as stopped:
        opened(vault)
    assert stopped.value.billed == "no"
    for read in (vault.entries, vault.spent, lambda: vault.headlines(1), lambda: vault.entry("latest")):
        with pytest.raises(GPT4oImageError, match="cannot be read"):
            read()


def test_a_locked_index_is_an_error_before_the_call(vault, monkeypatch):
    finished(vault)
    monkeypatch.setattr("gpt4o_image.vault.schema._BUSY_S", 0.1)
    other = sqlite3.connect(vault.folder / "vault.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(GPT4oImageError, match="locked"):
            opened(vault, "other")
        assert len(vault.entries()) == 1  # reading goes on meanwhile
    finally:
        other.close()


# -- graphs, and vaults of before there were any ----------------------------------------------------------


def index_of(vault):
    return closing(sqlite3.connect(vault.folder / "vault.sqlite3"))


def forget_graphs(vault):
    """The vault as the first version made it."""
    with index_of(vault) as db:
        db.execute("DROP TABLE graphs")


def test_a_graph_is_given_back(vault):
    entry = opened(vault)
    assert (vault.graph(entry.id), entry.has_graph) == (None, False)
    vault.add_graph(entry.id, '{"a": 1}')
    assert vault.graph(entry.id) == b'{"a": 1}'
    assert vault.entry(entry.id).has_graph
    assert [each.has_graph for each in vault.entries()] == [True]


def test_a_graph_that_is_too_large_is_left_out(vault):
    entry = opened(vault)
    vault.add_graph(entry.id, "x" * (MAX_GRAPH_BYTES + 1))
    assert vault.graph(entry.id) is None
    vault.add_graph(entry.id, "x" * MAX_GRAPH_BYTES)
    assert len(vault.graph(entry.id)) == MAX_GRAPH_BYTES


def test_a_damaged_graph_is_an_error(vault):
    entry = opened(vault)
    vault.add_graph(entry.id, "{}")
    with index_of(vault) as db:
        db.execute("UPDATE graphs SET graph = x'00'")
        db.commit()
    with pytest.raises(GPT4oImageError, match="damaged"):
        vault.graph(entry.id)
    assert vault.entry(entry.id).has_graph


def test_an_older_vault_is_read_as_it_is(vault):
    kept = finished(vault)
    forget_graphs(vault)
    assert vault.entry(kept.id) == kept
    assert vault.graph(kept.id) is None
    assert vault.headlines(1) == [(kept.id, "a fox")]
    with index_of(vault) as db:
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'graphs'").fetchone() is None


def test_an_older_vault_keeps_graphs_from_its_next_call_on(vault):
    kept = finished(vault)
    forget_graphs(vault)
    fresh = opened(vault, "other")
    vault.add_graph(fresh.id, "{}")
    assert vault.graph(fresh.id) == b"{}"
    assert vault.entry(kept.id) == kept


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
@pytest.mark.parametrize("older", [False, True])
def test_a_home_that_cannot_be_written_is_read(shared, older):
    kept = finished(shared)
    if older:
        forget_graphs(shared)
    shared.folder.chmod(0o555)
    with as_somebody_else():
        assert shared.entries() == [kept]
        assert shared.spent() == (0.009, 0.009)
        assert shared.graph(kept.id) is None
        with pytest.raises(GPT4oImageError, match="cannot be written"):
            opened(shared, "other")
    shared.folder.chmod(0o755)
    assert not list(shared.folder.glob("*-wal"))


def test_a_file_is_always_one_of_the_vault(vault):
    kept = finished(vault)
    with index_of(vault) as db:
        db.execute("UPDATE files SET name = '../../../etc/passwd'")
        db.commit()
    assert vault.entry(kept.id).files[0].path == vault.folder / "files" / "passwd"


def test_a_call_that_died_after_its_first_link_can_be_loaded(vault):
    entry = opened(vault)
    vault.add_links(entry.id, [Link("https://host.test/policy", "read", 0)])
    assert vault.headlines(1) == []
    vault.add_links(entry.id, [Link(ADDRESS, "100", 0)])
    assert vault.headlines(1) == [(entry.id, "a fox")]
