"""Old results go to the trash; what still holds something stays."""

import json
import time

import pytest

from gpt4o_image.urls import Picture
from gpt4o_image.vault.answers import AnswerEnd, AnswerHead
from gpt4o_image.vault.vault import NewResult

pytestmark = pytest.mark.usefixtures("own_clock")
ADDRESS = "https://host.test/cdn/a.png"
REFUSED = {"kind": "refused", "message": "no"}
DAY_S = 86_400


def add(vault, monkeypatch, *, found=(), days=40, file=None, verdict=None, ended=True, billed="yes"):
    with monkeypatch.context() as patch:
        then = time.time() - days * DAY_S
        patch.setattr(time, "time", lambda: then)
        new = NewResult("k", "aihubmix", "m", "a fox", 0.25)
        claimed = vault.claim(new, reuse=False, daily_budget_usd=None)
        result_id = claimed.result.id
        vault.add_links(result_id, found)
        if file:
            vault.add_file(result_id, 0, file, ADDRESS)
        if verdict:
            vault.begin_answer(result_id, AnswerHead(200, "", None, ""))
            answer = vault.answer_file(result_id)
            answer.write(b"data: hello\n\n")
            answer.close()
        if ended:
            end = AnswerEnd("whole", 13, verdict, "today") if verdict else None
            vault.finish(result_id, billed=billed, cost_usd=0.25, error=REFUSED, details={}, answer=end)
            claimed.lease.release(ended=True)
    return result_id


def test_old_results_go_to_the_trash_with_all_that_is_theirs(vault, monkeypatch):
    old = add(vault, monkeypatch, found=[Picture(0, ADDRESS, "")], file=b"bytes", verdict="read")
    young = add(vault, monkeypatch, file=b"other bytes", days=1)
    vault.add_graph(old, "{}")
    path = vault.result(old).files[0].path
    assert [each.id for each in vault.prune(30, apply=False)] == [old]
    assert path.exists()
    assert [each.id for each in vault.prune(30, apply=True)] == [old]
    assert [each.id for each in vault.results()] == [young]
    (folder,) = (vault.folder / "trash").iterdir()
    assert (folder / "files" / path.name).read_bytes() == b"bytes"
    assert [each.name for each in (folder / "answers").iterdir()] == [f"{old}.gz"]
    (line,) = (folder / "results.jsonl").read_text().splitlines()
    kept = json.loads(line)
    assert (kept["results"][0]["id"], kept["links"][0]["address"]) == (old, ADDRESS)
    assert [len(kept[table]) for table in ("files", "answers", "graphs")] == [1, 1, 1]
    assert not path.exists()
    assert vault.prune(30, apply=True) == []


@pytest.mark.parametrize(
    "kept",
    [
        {"found": [Picture(0, ADDRESS, "")]},
        {"found": [Picture(0, ADDRESS, ""), Picture(1, ADDRESS + "1", "")], "file": b"bytes"},
        {"verdict": "unread"},
        {"verdict": "unread", "file": b"bytes"},
        {"ended": False},
    ],
    ids=["not fetched", "fetched in part", "unread", "read in part", "running"],
)
def test_what_holds_more_stays(vault, monkeypatch, kept):
    result_id = add(vault, monkeypatch, **kept)
    assert vault.prune(0, apply=True) == []
    assert vault.result(result_id)


def test_bytes_that_nothing_decodes_stay(vault, monkeypatch):
    result_id = add(vault, monkeypatch, file=b"bytes")
    vault.mark_unreadable(result_id, 0)
    assert vault.prune(0, apply=True) == []


def test_a_file_that_a_younger_result_holds_too_stays_where_it_is(vault, monkeypatch):
    add(vault, monkeypatch, file=b"bytes")
    young = add(vault, monkeypatch, file=b"bytes", days=1)
    assert len(vault.prune(30, apply=True)) == 1
    assert vault.result(young).files[0].read() == b"bytes"


def test_what_was_spent_stays_true(vault, monkeypatch):
    add(vault, monkeypatch, file=b"bytes")
    add(vault, monkeypatch, file=b"bytes", billed="no")
    before = vault.spent()
    assert before == (0.0, 0.25)
    assert len(vault.prune(30, apply=True)) == 2
    assert vault.spent() == before


def test_nothing_is_made_where_there_is_nothing(vault):
    assert vault.prune(0, apply=True) == []
    assert not vault.folder.exists()
