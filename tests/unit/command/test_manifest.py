"""The record of a batch: what a kill leaves of it, and what the next run makes of that."""

import json

import pytest

from gpt4o_image.command.manifest import JOURNAL, MANIFEST, Manifest


def line(row, status="ok", cost_usd=0.009, paths=()):
    return {
        "row": row, "name": None, "prompt": f"p{row}", "status": status, "paths": list(paths), "result_id": f"r{row}",
        "cost_usd": cost_usd, "reused": False, "error": None,
    }  # fmt: skip


def manifest_lines(folder):
    return [json.loads(text) for text in (folder / MANIFEST).read_text().splitlines()]


@pytest.fixture(autouse=True)
def boot(monkeypatch):
    """Starts the machine anew, as far as the manifest sees."""
    monkeypatch.setattr("gpt4o_image.command.manifest._boot", lambda: "1")
    return lambda: monkeypatch.setattr("gpt4o_image.command.manifest._boot", lambda: "2")


@pytest.fixture
def manifest(tmp_path):
    made = Manifest(tmp_path, "list.csv")
    made.rewrite({"a": 1, "b": 2, "c": 3})
    with made:
        yield made


def test_nothing_is_known_of_a_new_folder(tmp_path):
    state = Manifest(tmp_path / "new", "list.csv").state("a")
    assert (state.line, state.sent, state.failed, state.saved, state.cost_usd) == (None, None, False, False, 0.0)


def test_a_row_that_was_sent_and_one_that_ended(manifest, tmp_path):
    manifest.note_sent("a", "r1")
    manifest.note_sent("b", "r2")
    manifest.note_ended("b", line(2, "error"))
    for known in (manifest, Manifest(tmp_path, "list.csv")):
        assert (known.state("a").sent, known.state("a").failed) == ("r1", False)
        assert (known.state("b").sent, known.state("b").failed, known.state("b").cost_usd) == (None, True, 0.009)
    assert manifest_lines(tmp_path) == [line(2, "error")]


def test_a_power_cut_may_hide_that_a_call_was_sent(manifest, tmp_path, boot):
    """After a kill what was written counts: it was not sent. After a power cut nobody knows, so it counts as sent."""
    manifest.note_sending("a", "r1")
    assert Manifest(tmp_path, "list.csv").state("a").sent is None
    boot()
    assert Manifest(tmp_path, "list.csv").state("a").sent == "r1"
    manifest.note_ended("a", line(1))
    assert Manifest(tmp_path, "list.csv").state("a").sent is None


def test_a_call_that_was_turned_away_at_a_limit_was_not_sent(manifest, tmp_path):
    """A kill while it waits to ask again loses nothing: the next run asks."""
    manifest.note_sent("a", "r1")
    manifest.note_sending("a", "r1")
    assert Manifest(tmp_path, "list.csv").state("a").sent is None
    manifest.note_sent("a", "r1")
    manifest.note_sending("a", "r2")  # of another run, which pays again: the first one may be billed all the same
    assert Manifest(tmp_path, "list.csv").state("a").sent == "r1"


def test_saved_means_that_the_pictures_are_there(manifest, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    manifest.note_ended("a", line(1, paths=[str(picture)]))
    assert manifest.state("a").saved
    picture.unlink()
    assert not manifest.state("a").saved
    assert not manifest.state("a").failed


def test_half_a_line_is_left_out_and_written_behind(manifest, tmp_path):
    manifest.note_sent("a", "r1")
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"id": "b", "sent": "r')
    again = Manifest(tmp_path, "list.csv")
    assert again.state("b").sent is None
    with again:
        again.note_sent("c", "r3")
    assert Manifest(tmp_path, "list.csv").state("c").sent == "r3"
    assert Manifest(tmp_path, "list.csv").state("a").sent == "r1"


@pytest.mark.parametrize("damage", [b"null\n", b"[1]\n", b"\xff\xfe\n", b'{"id": "a"}\n', b'{"ended": 5, "id": "a"}\n'])
def test_lines_that_mean_nothing_do_no_harm(manifest, tmp_path, damage):
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(damage)
    assert Manifest(tmp_path, "list.csv").state("a").line is None


def test_the_manifest_is_made_anew_by_todays_rows(manifest, tmp_path):
    """In the order of the sheet, without rows that it no longer has and those that are to be done again."""
    for row_id, row in (("c", 3), ("a", 1), ("b", 2)):
        manifest.note_ended(row_id, line(row))
    (tmp_path / MANIFEST).write_text("half a li")
    manifest.rewrite({"b": 1, "c": 2}, without={"c"})
    assert [(each["row"], each["prompt"]) for each in manifest_lines(tmp_path)] == [(1, "p2")]
    manifest.rewrite({"b": 1, "c": 2})
    assert [(each["row"], each["prompt"]) for each in manifest_lines(tmp_path)] == [(1, "p2"), (2, "p3")]


def test_lines_of_another_sheet_stay(manifest, tmp_path):
    manifest.note_ended("a", line(1))
    other = Manifest(tmp_path, "other.csv")
    other.rewrite({"x": 1})
    with other:
        other.note_ended("x", line(1))
    assert len(manifest_lines(tmp_path)) == 2
    Manifest(tmp_path, "other.csv").rewrite({})
    assert [each["prompt"] for each in manifest_lines(tmp_path)] == ["p1"]
