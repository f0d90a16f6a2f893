"""Several results as one zip: the bytes as they came, and a note of what could not be put in."""

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest

from gpt4o_image.sidebar.zipped import LEFT_OUT, zipped
from gpt4o_image.vault.results import File, Result

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def stored(tmp_path):
    def make(number, data):
        path = tmp_path / f"{number}.bytes"
        path.write_bytes(data)
        return File(number, hashlib.sha256(data).hexdigest(), path, None)

    return make


def result(name, *files):
    made = Result(name, 1.7e9, "saved", "aihubmix", "m", "a fox", 0.009, "yes", None, {}, number=1, has_graph=False)
    return replace(made, files=files)


def opened(results):
    return zipfile.ZipFile(io.BytesIO(b"".join(zipped(results))))


def test_every_picture_is_in_it_as_it_came(stored):
    first, second = PNG + bytes(range(256)) * 50, b"\xff\xd8\xff and more"
    archive = opened([result("a", stored(0, first), stored(1, second)), result("b", stored(2, first))])
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "a-0.png": first,
        "a-1.jpg": second,
        "b-2.png": first,
    }


def test_what_is_gone_or_damaged_is_named(stored):
    damaged, gone, good = stored(0, PNG + b"1"), stored(1, PNG + b"2"), stored(2, PNG + b"3")
    damaged.path.write_bytes(PNG + b"x")
    gone.path.unlink()
    archive = opened([result("a", damaged, gone, good)])
    assert archive.namelist() == ["a-2.png", LEFT_OUT]
    assert archive.read(LEFT_OUT).decode().split("\n")[:2] == [
        "a, picture 1: its file is gone or damaged.",
        "a, picture 2: its file is gone or damaged.",
    ]


def test_one_piece_holds_one_picture_at_most(stored):
    files = [stored(number, PNG + bytes([number]) * 100_000) for number in range(8)]
    assert max(map(len, zipped([result("a", *files)]))) < 110_000


def test_nothing_is_a_zip_too():
    assert opened([]).namelist() == []
