"""Thumbnails: size, transparency, and what is kept of them in memory."""

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from gpt4o_image.pictures.formats import PictureError
from gpt4o_image.sidebar.thumbnails import LONGEST_SIDE_PX, Thumbnails, size_of, thumbnail
from gpt4o_image.vault.results import File


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def small(data):
    image = Image.open(io.BytesIO(thumbnail(data)))
    image.load()
    assert image.format == "WEBP"
    return image


@pytest.mark.parametrize(("width", "height"), [(1024, 1536), (1536, 1024), (3000, 200), (300, 300)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_longest_side_is_as_long_as_asked_for(kind, width, height):
    image = small(encoded(Image.new("RGB", (width, height), (200, 30, 30)), kind))
    assert max(image.size) == LONGEST_SIDE_PX
    assert image.width / image.height == pytest.approx(width / height, rel=0.05)
    assert image.mode == "RGB"
    assert all(abs(a - b) < 12 for a, b in zip(image.getpixel((1, 1)), (200, 30, 30), strict=True))


def test_a_small_picture_is_not_enlarged():
    assert small(encoded(Image.new("RGB", (40, 30)))).size == (40, 30)


def test_transparency_is_kept_without_a_dark_edge():
    """Under alpha 0 lies black; a red disc over it must stay red to its edge."""
    picture = Image.new("RGBA", (1024, 1024), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (256, 256, 768, 768))
    image = small(encoded(picture))
    assert image.mode == "RGBA"
    assert image.getpixel((4, 4))[3] == 0
    assert image.getpixel((128, 128))[3] == 255
    assert all(image.getpixel((x, 128))[0] > 200 for x in range(256) if image.getpixel((x, 128))[3] > 128)


def test_a_picture_lies_as_its_metadata_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert small(encoded(Image.new("RGB", (800, 400)), "JPEG", exif=exif)).size == (128, 256)


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_has_no_thumbnail(data):
    with pytest.raises(PictureError):
        thumbnail(data)


def stored(folder, data, number=0):
    path = folder / str(number)
    path.write_bytes(data)
    return File(number, hashlib.sha256(data).hexdigest(), path, None)


def test_a_picture_is_drawn_once_and_the_longest_unseen_makes_room(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("gpt4o_image.sidebar.thumbnails.thumbnail", lambda data: drawn.append(data) or b"x" * 40)
    files = [stored(tmp_path, str(n).encode(), n) for n in range(3)]
    thumbnails = Thumbnails(max_bytes=100)
    for number in (0, 1, 0, 2, 0, 1):
        thumbnails.of(files[number])
    assert drawn == [b"0", b"1", b"2", b"1"]


def test_one_that_is_larger_than_the_memory_is_still_given(tmp_path, monkeypatch):
    monkeypatch.setattr("gpt4o_image.sidebar.thumbnails.thumbnail", lambda _: b"x" * 40)
    thumbnails = Thumbnails(max_bytes=10)
    assert thumbnails.of(stored(tmp_path, b"a")) == b"x" * 40


def test_a_damaged_file_is_not_shown(tmp_path):
    file = stored(tmp_path, encoded(Image.new("RGB", (30, 20))))
    file.path.write_bytes(encoded(Image.new("RGB", (30, 20), "red")))
    with pytest.raises(OSError, match="damaged"):
        Thumbnails().of(file)


def test_a_file_that_is_gone_raises(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Thumbnails().of(File(0, "a", tmp_path / "a", None))


def test_the_size_of_a_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.new("RGB", (30, 20))))
    assert size_of(path) == (30, 20)
    path.write_bytes(b"no picture")
    assert size_of(path) is None
    assert size_of(Path(tmp_path / "none")) is None
