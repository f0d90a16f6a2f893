"""Who may pay: what an earlier result answers, who waits, and when a run counts as dead."""

import itertools
import os
import threading
import time

import pytest
from only_sqlite import only_sqlite

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.answers import AnswerEnd, AnswerHead
from gpt4o_image.vault.claims import Busy, Claimed, Earlier, Full, Unpaid
from gpt4o_image.vault.leases import is_abandoned
from gpt4o_image.vault.vault import NewResult

ADDRESS = "https://host.test/cdn/a.png"
REFUSED = {"kind": "refused", "message": "no"}
HEAD = AnswerHead(200, "text/event-stream", "req-1", "https://host.test/v1")


def new(key="k", price=0.009, reader="today"):
    return NewResult(key, "aihubmix", "gpt-4o-image-vip", "a fox", price, {}, reader)


def claim(vault, key="k", *, reuse=True, budget=None, most=None, **more):
    return vault.claim(new(key, **more), reuse=reuse, daily_budget_usd=budget, max_parallel_all=most)


def ended(vault, *, found=(), file=False, error=None, answer=None, reuse=True):
    """A call that is over, its id. `answer` is the verdict on one that was kept."""
    claimed = claim(vault, reuse=reuse)
    result_id = claimed.result.id
    vault.add_links(result_id, found)
    if file:
        vault.add_file(result_id, 0, b"bytes", ADDRESS)
    if answer:
        vault.begin_answer(result_id, HEAD)
    end = AnswerEnd("whole", 5, answer, "today") if answer else None
    vault.finish(result_id, billed="yes", cost_usd=0.009, error=error, details={}, answer=end)
    claimed.lease.release(ended=True)
    return result_id


def die(claimed, *, lease=True):
    """As after kill -9; without `lease` on a file system that knows no locks."""
    claimed.lease.release(ended=not lease)


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        ({"file": True}, "saved"),
        ({"file": True, "error": REFUSED}, "saved"),
        ({"found": [Picture(0, ADDRESS, "a")], "error": {"kind": "download_failed"}}, "links"),
        ({"found": [Link(ADDRESS, "100", 0)], "error": {"kind": "truncated"}}, "links"),
        ({"answer": "unread", "error": {"kind": "no_image"}}, "unread"),
    ],
)
def test_whatever_still_holds_something_is_never_paid_over(vault, kept, state):
    first = ended(vault, **kept)
    found = claim(vault)
    assert isinstance(found, Earlier)
    assert (found.result.id, found.result.state) == (first, state)
    assert vault.settle_earlier(new()) == found
    assert isinstance(claim(vault, "other"), Claimed)
    assert isinstance(claim(vault, reuse=False), Claimed)


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"answer": "read"},
        {"answer": "failed"},
        {"found": [Link(ADDRESS, "our guide", 0)], "answer": "failed"},
        {"found": [Link("https://host.test/policy", "read", 0)]},
    ],
)
def test_a_call_of_which_nothing_is_left_does_not_answer(vault, kept):
    ended(vault, **kept, error=REFUSED)
    assert vault.settle_earlier(new()) == Unpaid()
    assert isinstance(claim(vault), Claimed)


def test_an_answer_that_another_reader_called_empty_is_read_again_before_anything_is_paid(vault):
    first = ended(vault, answer="read", error=REFUSED)
    assert claim(vault, reader="tomorrow").result.id == first
    assert isinstance(claim(vault, reader="today"), Claimed)


def test_however_many_failures_came_after_it_a_success_is_found(vault):
    first = ended(vault, file=True)
    for _ in range(40):
        ended(vault, error=REFUSED, reuse=False)
    assert claim(vault).result.id == first


def test_what_is_on_disk_is_better_than_what_must_be_fetched_or_read(vault):
    saved = ended(vault, file=True)
    links = ended(vault, found=[Picture(0, ADDRESS, "a")], reuse=False)
    unread = ended(vault, answer="unread", reuse=False)
    assert claim(vault).result.id == saved
    vault.forget_file(saved, 0)
    assert claim(vault).result.id == links
    assert unread != links


def test_a_busy_request_is_waited_for(vault):
    first = claim(vault)
    found = claim(vault)
    assert isinstance(found, Busy)
    assert found.result.id == first.result.id
    assert isinstance(claim(vault, reuse=False), Claimed)


def test_pictures_on_disk_are_not_kept_waiting_by_a_run_that_pays_anew(vault):
    saved = ended(vault, file=True)
    claim(vault, reuse=False)
    assert claim(vault).result.id == saved


# -- runs that died -----------------------------------------------------------------------------------------


def test_a_run_whose_process_died_is_found_at_once(vault):
    dead = claim(vault)
    vault.begin_answer(dead.result.id, HEAD)
    die(dead)
    found = claim(vault)
    assert isinstance(found, Earlier)
    assert (found.result.id, found.result.state, found.result.error["kind"]) == (dead.result.id, "unread", "truncated")
    assert found.result.heartbeat is None
    assert list((vault.folder / "running").iterdir()) == []


def test_a_run_that_died_before_its_answer_is_paid_for_again_at_once(vault):
    die(claim(vault))
    assert isinstance(claim(vault), Claimed)


def test_a_lease_of_another_machine_decides_nothing(vault):
    dead = claim(vault)
    die(dead)
    (vault.folder / "running" / dead.result.id).write_text("another machine")
    assert isinstance(claim(vault), Busy)


def test_a_lease_is_held_against_threads_of_the_same_process_too(vault):
    claimed = claim(vault)
    path = vault.folder / "running" / claimed.result.id
    assert not is_abandoned(path)
    claimed.lease.release(ended=False)
    assert is_abandoned(path)
    assert not is_abandoned(path.with_name("never there"))


def test_where_there_are_no_locks_the_heartbeat_decides(vault, clocks):
    dead = claim(vault)
    die(dead, lease=False)
    clocks.wait(61)
    kept = vault.result(dead.result.id)
    assert (kept.status, kept.error["kind"], kept.error["billed"]) == ("error", "truncated", "unknown")
    assert isinstance(claim(vault), Busy)  # the clock may be wrong: it is watched first
    clocks.wait(21)
    fresh = claim(vault)
    assert isinstance(fresh, Claimed)
    vault.beat(fresh.result.id, "yes")
    assert vault.result(fresh.result.id).billed == "yes"


class Clocks:
    """The clock on the wall, which may jump, and the steady one."""

    def __init__(self, monkeypatch):
        self.wall, self.steady = time.time(), time.monotonic()
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic", lambda: self.steady)

    def wait(self, seconds):
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch, own_clock):
    return Clocks(monkeypatch)


@pytest.mark.parametrize("hours", [3, -3])
def test_to_another_clock_a_living_run_is_not_dead(vault, clocks, hours):
    living = claim(vault)
    for _ in range(6):
        clocks.wall += 3600 * hours
        assert isinstance(claim(vault), Busy)
        clocks.wall -= 3600 * hours
        clocks.wait(10)
        vault.beat(living.result.id, "unknown")


def test_a_new_call_runs_though_the_clock_jumps_while_it_is_claimed(vault, monkeypatch, own_clock):
    claim(vault, "another, so that the vault is there")
    times = itertools.count(time.time(), 3600)
    monkeypatch.setattr(time, "time", lambda: next(times))
    result = claim(vault).result
    assert (result.status, result.error) == ("running", None)


@pytest.mark.parametrize("hours", [3, -3])
def test_a_run_that_died_is_not_waited_for_for_ever_by_another_clock(vault, clocks, hours):
    die(claim(vault), lease=False)
    clocks.wall += 3600 * hours
    assert isinstance(claim(vault), Busy)
    clocks.wait(25)
    assert isinstance(claim(vault), Claimed)


def test_a_run_that_dies_right_after_a_heartbeat_may_have_been_billed(vault):
    """The request leaves between two heartbeats, the first of which knows nothing of it."""
    dying = claim(vault)
    vault.beat(dying.result.id, "no")
    assert vault.result(dying.result.id).billed == "unknown"
    assert vault.spent_today() == 0.009


def test_a_heartbeat_after_the_end_does_not_bring_a_run_back(vault):
    over = ended(vault, error=REFUSED)
    vault.beat(over, "unknown")
    kept = vault.result(over)
    assert (kept.state, kept.billed, kept.heartbeat) == ("failed", "yes", None)


@only_sqlite
def test_a_claim_whose_last_step_fails_leaves_no_lease(vault, monkeypatch):
    other = claim(vault, "other, so that the vault is there").result
    monkeypatch.setattr("gpt4o_image.vault.sqlite._COMMIT", "no SQL")
    with pytest.raises(GPT4oImageError, match="cannot be written"):
        claim(vault)
    assert [path.name for path in (vault.folder / "running").iterdir()] == [other.id]


# -- budget -------------------------------------------------------------------------------------------------


def test_a_running_call_counts_against_the_budget(vault):
    claim(vault, "a")
    with pytest.raises(GPT4oImageError, match=r"0\.009 are spent") as stopped:
        claim(vault, "b", budget=0.017)
    assert (stopped.value.kind, stopped.value.billed) == ("budget", "no")
    assert isinstance(claim(vault, "b", budget=0.018), Claimed)


def test_a_budget_needs_a_price(vault):
    with pytest.raises(GPT4oImageError, match=r'prices = \{ "gpt-4o-image-vip" = ') as stopped:
        claim(vault, price=None, budget=1.0)
    assert (stopped.value.kind, stopped.value.billed) == ("config", "no")
    assert vault.results() == []
    assert isinstance(claim(vault, price=None), Claimed)


def test_what_is_in_the_vault_needs_no_budget(vault):
    first = ended(vault, file=True)
    assert claim(vault, price=None, budget=0.001).result.id == first


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_calls_are_made_at_once_than_all_may(vault, most):
    running = [claim(vault, str(number), most=most) for number in range(most)]
    assert all(isinstance(each, Claimed) for each in running)
    assert claim(vault, "one more", most=most) == Full()
    assert isinstance(claim(vault, "0", most=most), Busy)
    vault.finish(running[0].result.id, billed="yes", cost_usd=0.009, error=REFUSED, details={})
    assert isinstance(claim(vault, "one more", most=most), Claimed)


def test_a_call_that_died_takes_no_place(vault, clocks):
    die(claim(vault), lease=False)
    assert claim(vault, "other", most=1) == Full()
    clocks.wait(61)
    assert isinstance(claim(vault, "other", most=1), Claimed)


# -- at once ------------------------------------------------------------------------------------------------


def test_many_threads_claim_one_request_once(vault):
    found = []
    ready = threading.Barrier(8)

    def one():
        ready.wait()
        found.append(claim(vault))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(each).__name__ for each in found) == ["Busy"] * 7 + ["Claimed"]


def test_many_threads_keep_to_the_budget_exactly(vault):
    found, ready = [], threading.Barrier(8)

    def one(number):
        ready.wait()
        try:
            found.append(claim(vault, str(number), budget=0.027))
        except GPT4oImageError as error:
            found.append(error.kind)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count("budget") == 5
    assert vault.spent_today() == pytest.approx(0.027)


def test_a_vault_in_a_folder_without_locks_works(vault, monkeypatch):
    if os.name == "posix":
        monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError("no locks here")))
    claimed = claim(vault)
    assert isinstance(claim(vault), Busy)
    vault.finish(claimed.result.id, billed="no", cost_usd=0.0, error=REFUSED, details={})
    claimed.lease.release(ended=True)
    assert isinstance(claim(vault), Claimed)


def test_what_was_spent_on_each_day(vault):
    ids = [ended(vault, reuse=False) for _ in range(4)]
    noon = time.mktime((*time.localtime()[:3], 12, 0, 0, 0, 0, -1))
    with vault._database.writing() as db:
        for result_id, days in zip(ids, (0, 1, 1, 40), strict=True):
            db.execute("UPDATE results SET created = ? WHERE id = ?", (noon - days * 86400, result_id))
    assert vault.spent_by_day(3) == pytest.approx([0.0, 0.018, 0.009])
    assert sum(vault.spent_by_day(30)) == pytest.approx(0.027)


def test_an_empty_vault_has_spent_nothing_on_any_day(vault):
    assert vault.spent_by_day(3) == [0.0] * 3
