"""One vault into another: all that it holds, once."""

import time

import pytest

from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.answers import AnswerEnd, AnswerHead
from gpt4o_image.vault.importing import Imported
from gpt4o_image.vault.postgres import PostgresDatabase
from gpt4o_image.vault.recorder import Recorder
from gpt4o_image.vault.vault import NewResult, Vault

pytestmark = pytest.mark.usefixtures("own_clock")
ADDRESS = "https://host.test/cdn/a.png"
HEAD = AnswerHead(200, "text/event-stream", "req-1", "https://host.test/v1")
REFUSED = {"kind": "refused", "message": "no"}
DATA = bytes(range(256)) * 40


@pytest.fixture
def another(tmp_path, postgres):
    """Further vaults: `another("sqlite")` or `another("postgresql")`."""
    opened = []

    def another(kind):
        folder = tmp_path / f"another {len(opened)}"
        opened.append(PostgresDatabase(postgres.url()) if kind == "postgresql" else None)
        return Vault(folder, opened[-1])

    yield another
    for each in filter(None, opened):
        each.close_idle()


def made(vault, number=0, *, file=None, error=None, ended=True, found=None):
    claimed = vault.claim(NewResult(f"k{number}", "g", "m", f"fox {number}", 0.25), reuse=True, daily_budget_usd=None)
    recorder = Recorder(vault, claimed.result.id, lease=claimed.lease)
    recorder.begin_answer(HEAD)
    recorder.chunk(b"data: hello\n\n")
    recorder.links(found or [Picture(0, ADDRESS, "a")])
    if file:
        recorder.picture(0, file, ADDRESS)
    vault.add_graph(recorder.id, '{"nodes": []}')
    if ended:
        end = AnswerEnd("whole", 13, "read", "today")
        recorder.finish(billed="yes", cost_usd=0.25, error=error, details={"warnings": ["w"]}, answer=end)
    else:
        recorder._answer.close()
    return recorder.id


def rows(vault):
    """All that a vault holds, but where its files are on this machine."""
    with vault.snapshot() as db:
        kept = {
            table: sorted(
                tuple((name, row[name]) for name in row.keys())  # noqa: SIM118
                for row in db.execute(f"SELECT * FROM {table}").fetchall()
            )
            for table in ("results", "links", "files", "answers", "graphs", "pruned")
        }
    files = {result.id: [file.read() for file in result.files] for result in vault.results()}
    return kept, files, {result_id: vault.answer(result_id).read() for result_id in files}


def filled(vault):
    for number in range(3):
        made(vault, number, file=DATA + bytes([number]))
    made(vault, 3, found=(Link(ADDRESS, "100", 0),))
    made(vault, 4, error=REFUSED)
    vault.finish(made(vault, 5, file=b"free"), billed="no", cost_usd=0.0, error=None, details={})
    return vault


@pytest.mark.parametrize("between", ["sqlite", "postgresql"])
def test_a_vault_is_the_same_after_it_moved_there_and_back(vault, another, between):
    filled(vault)
    middle, back = another(between), another("sqlite")
    assert middle.import_from(vault).new == back.import_from(middle).new == 6
    assert rows(vault) == rows(middle) == rows(back)
    assert vault.spent() == middle.spent() == back.spent()


def test_it_may_be_imported_again(vault, another):
    target = filled(another("sqlite"))
    assert vault.import_from(target) == Imported(new=6)
    before = rows(vault)
    assert vault.import_from(target) == Imported(known=6)
    assert rows(vault) == before


def test_what_came_meanwhile_completes_a_result(vault, another):
    source = another("sqlite")
    result_id = made(source)
    assert vault.import_from(source).new == 1
    assert vault.result(result_id).state == "links"
    source.add_file(result_id, 0, DATA, ADDRESS)
    assert vault.import_from(source) == Imported(completed=1)
    assert vault.result(result_id).state == "saved"
    assert vault.result(result_id).files[0].read() == DATA


def test_the_newest_is_still_the_newest_afterwards(vault, another, monkeypatch):
    source = another("sqlite")
    with monkeypatch.context() as patch:
        then = time.time() - 86_400
        patch.setattr(time, "time", lambda: then)
        old = [made(source, number) for number in range(2)]
    new = [made(vault, number) for number in range(2)]
    vault.import_from(source)
    assert [each.id for each in vault.results()] == [*new[::-1], *old[::-1]]
    third = made(vault, 3)
    assert vault.result("latest").id == third


def test_what_is_being_made_is_left_and_what_died_comes_as_dead(vault, another, monkeypatch):
    source = another("sqlite")
    running = made(source, 0, ended=False)
    assert vault.import_from(source) == Imported(running=1)
    assert vault.find(running) is None
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)
    assert vault.import_from(source) == Imported(new=1)
    kept = vault.result(running)
    assert (kept.state, kept.heartbeat, kept.error["kind"]) == ("links", None, "truncated")


def test_what_was_pruned_here_stays_away_and_is_counted_once(vault, another):
    source = filled(another("sqlite"))
    vault.import_from(source)
    spent = vault.spent()
    assert len(vault.prune(-1, apply=True)) == 4
    assert vault.spent() == spent
    assert vault.import_from(source) == Imported(new=1, known=5)  # one was free, so that nothing of it is remembered
    assert vault.spent() == spent


def test_a_picture_that_is_gone_is_named(vault, another):
    source = another("sqlite")
    (file,) = source.result(made(source, file=DATA)).files
    file.path.unlink()
    assert vault.import_from(source).gone == (file.path.name,)
