"""Whatever this machine does to a run: one error with kind and bill, an ended result, and no second POST."""

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest
from fake_gateway import HANG, event, picture, sse

from gpt4o_image.answer.reader import AnswerReader
from gpt4o_image.download.pool import Pool
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.vault.database import DatabaseError
from gpt4o_image.vault.recorder import Recorder
from gpt4o_image.vault.vault import Vault

NO_THREAD = RuntimeError("can't start new thread")


def raising(error, after=0):
    """A function that raises from its call number `after` on; before that it does what `real` does."""

    def patched(real):
        calls = []

        def maybe(*args, **kwargs):
            calls.append(1)
            if len(calls) > after:
                raise error
            return real(*args, **kwargs)

        return maybe

    return patched


def over(ask):
    """No result looks as if it were being made, and none is waited for."""
    assert [each.state for each in ask.vault.results() if each.state == "running"] == []
    assert not list((ask.home / "vault" / "running").iterdir())
    return True


@pytest.mark.parametrize(
    "error", [OSError(24, "Too many open files"), RuntimeError("no loop"), MemoryError(), ValueError("?")]
)
def test_what_breaks_before_anything_is_sent_costs_nothing(ask, fake_gateway, monkeypatch, error):
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.events, "new_event_loop", raising(error)(asyncio.events.new_event_loop))
        outcome = ask("a fox")
    assert (outcome.error.kind, outcome.error.billed, outcome.cost_usd) == ("config", "no", 0.0)
    assert type(error).__name__ in outcome.error.message
    assert (fake_gateway.posts(), ask.vault.spent()) == (0, (0.0, 0.0))
    assert over(ask)
    assert ask("a fox").pictures


@pytest.mark.parametrize(
    ("where", "name"), [(AnswerReader, "feed"), (AnswerReader, "finish"), (Pool, "settle"), (Recorder, "chunk")]
)
def test_what_breaks_after_the_post_is_billed_and_its_picture_comes_back_for_free(
    ask, fake_gateway, monkeypatch, where, name
):
    with monkeypatch.context() as patch:
        patch.setattr(where, name, raising(MemoryError("no room"))(getattr(where, name)))
        outcome = ask("a fox")
    assert (outcome.error.kind, outcome.error.billed, outcome.cost_usd) == ("truncated", "yes", 0.009)
    assert outcome.result_id in outcome.error.message
    assert over(ask)
    again = ask("a fox")
    if name != "chunk":  # else nothing of the answer is kept
        assert (again.reused, len(again.pictures), fake_gateway.posts()) == (True, 1, 1)


@pytest.mark.parametrize("after", range(8))
def test_no_more_threads_may_be_started(ask, fake_gateway, monkeypatch, after):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n![b](ROOT/cdn/b.png)\n"))
    ours = threading.get_ident()
    real, calls = threading.Thread.start, []

    def start(thread):
        if thread.name != "fake gateway" and not isinstance(thread, threading.Timer) and is_of_the_run(thread):
            calls.append(thread)
            if len(calls) > after:
                raise NO_THREAD
        real(thread)

    def is_of_the_run(thread):
        return "process_request" not in getattr(thread, "_target", start).__name__

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        outcome = ask("a fox")
    assert ours
    assert outcome.pictures or (outcome.error.kind and outcome.error.billed in ("yes", "no", "unknown"))
    assert over(ask)
    posts = fake_gateway.posts()
    again = ask("a fox")
    assert len(again.pictures) == 2
    assert fake_gateway.posts() == max(posts, 1)


@pytest.mark.parametrize("error", [DatabaseError("disk I/O error"), OSError(28, "No space left on device")])
@pytest.mark.parametrize("name", ["beat", "begin_answer", "add_links", "add_file", "finish"])
def test_no_disk_error_after_the_post_costs_a_picture(ask, fake_gateway, monkeypatch, name, error):
    monkeypatch.setattr("gpt4o_image.vault.recorder._PAUSE_S", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(Vault, name, raising(error)(getattr(Vault, name)))
        outcome = ask("a fox")
        assert len(outcome.pictures) == 1
        assert [str(error) in warning for warning in outcome.warnings] == ([] if name == "beat" else [True])
    assert fake_gateway.posts() == 1


def test_a_commit_that_fails_while_links_are_written_is_repeated(ask, fake_gateway, monkeypatch):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n", "![b](ROOT/cdn/b.png)\n"))
    failed = []
    add_links = Vault.add_links

    def once(vault, **arguments):
        if not failed:
            failed.append(1)
            raise DatabaseError("database is locked")
        add_links(vault, **arguments)

    monkeypatch.setattr(Vault, "add_links", once)
    outcome = ask("a fox")
    assert (len(outcome.pictures), outcome.warnings) == (2, ())
    assert len(ask.vault.result(outcome.result_id).pictures) == 2


def test_a_link_is_on_disk_before_it_is_asked_for(ask, fake_gateway, monkeypatch):
    """However slow the disk."""
    written, seen = [], []
    add_links = Vault.add_links

    def slowly(vault, **arguments):
        time.sleep(0.3)
        add_links(vault, **arguments)
        written.extend(each.address for each in arguments["found"])

    def get(exchange):
        seen.append([address.rpartition("/")[2] for address in written])
        exchange.answer(picture())

    monkeypatch.setattr(Vault, "add_links", slowly)
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n", "![b](ROOT/cdn/b.png)\n"))
    fake_gateway.get("*", get)
    assert len(ask("a fox").pictures) == 2
    assert all("a.png" in names for names in seen)
    assert any("b.png" in names for names in seen)


def test_the_answer_is_on_disk_before_it_is_read(ask, monkeypatch):
    kept = []
    feed = AnswerReader.feed

    def look(reader, chunk):
        (path,) = (ask.home / "vault" / "answers").iterdir()
        kept.append(path.read_bytes().endswith(chunk))
        return feed(reader, chunk)

    monkeypatch.setattr(AnswerReader, "feed", look)
    assert ask("a fox").pictures
    assert kept
    assert all(kept)


def test_a_run_that_waits_shows_that_it_lives(ask, fake_gateway, monkeypatch):
    """Its heartbeat comes several times within the time after which it would count as dead."""
    from gpt4o_image.vault import results

    assert results.HEARTBEAT_S * 5 <= results.SILENT_S
    monkeypatch.setattr("gpt4o_image.paid_call.HEARTBEAT_S", 0.1)
    beats = []
    beat = Vault.beat
    monkeypatch.setattr(Vault, "beat", lambda vault, **known: beats.append(known["billed"]) or beat(vault, **known))
    fake_gateway.post([b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", HANG])
    assert ask("a fox", timeout_s=1.5).error.kind == "timeout"
    assert len(beats) >= 5
    assert beats[-1] == "yes"


def test_it_lives_while_a_picture_is_being_fetched_too(ask, fake_gateway, monkeypatch):
    monkeypatch.setattr("gpt4o_image.paid_call.HEARTBEAT_S", 0.1)
    beats = []
    beat = Vault.beat
    monkeypatch.setattr(Vault, "beat", lambda vault, **known: beats.append(1) or beat(vault, **known))
    fake_gateway.get("*", [1.0, picture()])
    assert ask("a fox").pictures
    assert len(beats) >= 5


def test_a_caller_that_cannot_show_progress_does_not_end_a_run(ask):
    def closed(_):
        raise BrokenPipeError("the terminal is closed")

    ask.notices = type("", (), {"clear": lambda _: None, "append": staticmethod(closed)})()
    assert ask("a fox").pictures


def test_ctrl_c_in_python_leaves_no_result_running(ask, fake_gateway):
    fake_gateway.post([b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event("> Queuing"), HANG])

    def cancelled():
        if fake_gateway.posts():
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        ask("a fox", cancelled=cancelled)
    (result,) = ask.vault.results()
    assert (result.status, result.heartbeat) == ("error", None)
    assert over(ask)


@pytest.mark.parametrize("name", ["fsync", "open"])
def test_a_share_that_cannot_sync_folders_is_let_be(ask, monkeypatch, name):
    real = getattr(os, name)

    def refuses(what, *arguments, **more):
        path = Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else Path(what)
        if path.is_dir() and ask.home in [path, *path.parents]:
            raise OSError(22, "Invalid argument")
        return real(what, *arguments, **more)

    monkeypatch.setattr(os, name, refuses)
    outcome = ask("a fox")
    assert (len(outcome.pictures), outcome.warnings) == (1, ())
    assert ask.vault.result(outcome.result_id).files


def test_a_rename_that_is_refused_for_a_moment_is_tried_again(ask, monkeypatch):
    real, refused = Path.replace, []

    def scanned(path, target):
        if len(refused) < 3 and str(target).endswith(".png"):
            refused.append(1)
            raise PermissionError(13, "The process cannot access the file")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", scanned)
    outcome = ask("a fox")
    assert (len(outcome.pictures), outcome.warnings, len(refused)) == (1, (), 3)


def test_an_error_that_was_raised_stays_as_it_was(ask, fake_gateway):
    fake_gateway.post(sse({"error": {"message": "no channel"}}, x_request_id="req-7"))
    outcome = ask("a fox")
    assert outcome.error.request_id == "req-7"
    raised = GPT4oImageError("upstream", "no", request_id=None)
    assert raised.but(request_id="x").request_id == "x"
    assert raised.request_id is None
