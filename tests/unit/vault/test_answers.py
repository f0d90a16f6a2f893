"""Kept answers: byte for byte, whatever happens meanwhile, and without the pictures that are files of their own."""

import base64
import json
import random

import pytest
from only_sqlite import only_sqlite

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.urls import Picture
from gpt4o_image.vault.answers import MAX_BYTES, AnswerEnd, AnswerFile, AnswerHead
from gpt4o_image.vault.database import DatabaseError
from gpt4o_image.vault.vault import NewResult, Vault

HEAD = AnswerHead(200, "text/event-stream; charset=utf-8", "req-1", "https://host.test/v1")
DATA = random.Random(3).randbytes(3000)
BASE64 = base64.b64encode(DATA)


@pytest.fixture
def result_id(vault):
    new = NewResult("k", "aihubmix", "m", "a fox", 0.009)
    return vault.claim(new, reuse=True, daily_budget_usd=None).result.id


def receive(vault, result_id, *chunks, end=None):
    vault.begin_answer(result_id, HEAD)
    file = vault.answer_file(result_id)
    for chunk in chunks:
        file.write(chunk)
    file.close()
    if end:
        vault.end_answer(result_id, AnswerEnd(end, sum(map(len, chunks)), "read", "today"))


def folder(vault):
    return sorted(path.suffix for path in (vault.folder / "answers").iterdir())


def test_nothing_is_kept_where_no_answer_came(vault, result_id):
    assert vault.answer(result_id) is None
    assert vault.answer("unknown") is None


def test_an_answer_is_kept_as_it_came(vault, result_id):
    receive(vault, result_id, b"data: \xff\x00", b"\r\n\r\n", end="whole")
    kept = vault.answer(result_id)
    assert (kept.head, kept.ending, kept.received, kept.whole) == (HEAD, "whole", 12, True)
    assert kept.read() == b"data: \xff\x00\r\n\r\n"


def test_an_answer_of_a_run_that_was_killed_is_kept_as_far_as_it_came(vault, result_id):
    receive(vault, result_id, b"data: half an")
    kept = vault.answer(result_id)
    assert (kept.ending, kept.received, kept.whole, kept.read()) == ("killed", 13, False, b"data: half an")
    assert vault.result(result_id).verdict == "unread"


def test_at_most_64_mib_are_kept(vault, result_id):
    receive(vault, result_id, bytes(MAX_BYTES - 1), b"ab", b"c", end="whole")
    kept = vault.answer(result_id)
    assert (kept.received, kept.whole) == (MAX_BYTES + 2, False)
    assert len(kept.read()) == MAX_BYTES
    assert kept.read()[-1:] == b"a"


def test_what_a_full_disk_refuses_is_written_with_what_follows(tmp_path):
    class Full:
        def __init__(self, file):
            self.file, self.left = file, 3

        def write(self, data):
            if not self.left:
                raise OSError(28, "No space left on device")
            taken = self.file.write(bytes(data[: self.left]))
            self.left -= taken
            return taken

        def close(self):
            self.file.close()

    answer = AnswerFile(tmp_path / "answers" / "a.raw")
    answer.write(b"1")
    answer._file = Full(answer._file)
    with pytest.raises(OSError, match="No space"):
        answer.write(b"23456")
    answer._file.left = 100
    answer.write(b"78")
    answer.close()
    assert (tmp_path / "answers" / "a.raw").read_bytes() == b"12345678"
    assert answer.received == 8


def pieces(text, size):
    return b"".join(b'data: {"content":"' + text[i : i + size] + b'"}\n\n' for i in range(0, len(text), size))


ANSWERS = {
    "one piece": b'{"b64_json":"' + BASE64 + b'"}',
    "a data URL": b"![a](data:image/png;base64," + BASE64 + b")\\n rest",
    "an escape right behind it": b'"' + BASE64 + b'\\n"',
    "many events": pieces(BASE64, 300),
    "events that end in a short one": pieces(BASE64, 399),
    "without padding": b'"' + base64.b64encode(DATA[:-1]).rstrip(b"=") + b'"',
    "URL-safe": b'"' + base64.urlsafe_b64encode(DATA) + b'"',
    "escaped slashes": b'"' + BASE64.replace(b"/", b"\\/") + b'"',
    "twice": BASE64 + b" " + BASE64,
    "another picture's": BASE64 + b" " + base64.b64encode(DATA[::-1]),
    "its name beside it": b"sha256:" + b"a" * 64 + b" " + BASE64,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_once_its_pictures_are_stored_an_answer_is_packed_without_them(vault, result_id, name):
    answer = ANSWERS[name]
    vault.add_links(result_id, [Picture(0, "data:image/png;base64,", "")])
    data = DATA[:-1] if name == "without padding" else DATA
    file = vault.add_file(result_id, 0, data, None)
    receive(vault, result_id, answer, end="whole")
    assert folder(vault) == [".gz"]
    kept = vault.answer(result_id)
    assert kept.read() == answer
    short = kept.read(pictures=False)
    assert b"sha256:" + file.sha256.encode() in short
    assert BASE64[100:200] not in short
    assert len(short) < 3000 or name in ("another picture's", "many events")


def test_an_answer_of_which_a_picture_is_missing_stays_as_it_is(vault, result_id):
    vault.add_links(result_id, [Picture(0, "https://host.test/a.png", ""), Picture(1, "https://host.test/b.png", "")])
    vault.add_file(result_id, 0, DATA, None)
    receive(vault, result_id, BASE64, end="whole")
    assert folder(vault) == [".raw"]
    assert vault.answer(result_id).read() == BASE64


def test_a_kill_between_packing_and_its_note_loses_nothing(vault, result_id, monkeypatch):
    def killed(*_):
        raise DatabaseError("killed")

    vault.add_file(result_id, 0, DATA, None)
    receive(vault, result_id, BASE64)
    end = AnswerEnd("whole", len(BASE64), "read", "today")
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "_end_answer", killed)
        with pytest.raises(DatabaseError, match="killed"):
            vault.end_answer(result_id, end)
    assert folder(vault) == [".gz", ".raw"]
    assert vault.answer(result_id).read() == BASE64
    vault.end_answer(result_id, end)
    assert folder(vault) == [".gz"]
    assert vault.answer(result_id).read() == BASE64


@only_sqlite
@pytest.mark.parametrize("lost", ["gone", "changed"])
def test_a_packed_answer_says_where_its_picture_is_lost(vault, result_id, lost):
    file = vault.add_file(result_id, 0, DATA, None)
    receive(vault, result_id, BASE64, end="whole")
    file.path.unlink() if lost == "gone" else file.path.write_bytes(DATA[::-1])
    kept = vault.answer(result_id)
    with pytest.raises(OSError, match="damaged" if lost == "changed" else "No such file"):
        kept.read()
    assert kept.read(pictures=False) == b"sha256:" + file.sha256.encode()


def test_a_damaged_packed_answer_is_an_os_error(vault, result_id):
    vault.add_file(result_id, 0, DATA, None)
    receive(vault, result_id, b"data: hello", end="whole")
    (packed,) = (vault.folder / "answers").iterdir()
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(OSError, match="damaged"):
        vault.answer(result_id).read()


@only_sqlite
def test_an_answer_whose_file_was_deleted_is_none(vault, result_id):
    receive(vault, result_id, b"x", end="whole")
    (vault.folder / "answers" / f"{result_id}.raw").unlink()
    assert vault.answer(result_id) is None


def test_what_is_replaced_is_in_the_index(vault, result_id):
    """What else holds `sha256:` is not touched, since the places are known."""
    file = vault.add_file(result_id, 0, DATA, None)
    answer = b'{"digest":"sha256:' + file.sha256.encode() + b'","b64_json":"' + BASE64 + b'"}'
    receive(vault, result_id, answer, end="whole")
    assert json.loads(vault.answer(result_id).read())["digest"] == f"sha256:{file.sha256}"
    assert vault.answer(result_id).read() == answer


@only_sqlite
def test_an_answer_in_a_vault_that_cannot_be_read_is_an_error(vault, result_id):
    (vault.folder / "vault.sqlite3").write_bytes(b"garbage" * 1000)
    with pytest.raises(GPT4oImageError, match="cannot be read"):
        vault.answer(result_id)
