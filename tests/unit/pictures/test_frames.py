"""Picture files as frames to send: read as they look, named in errors, and nothing left out in silence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.pictures import opening
from gpt4o_image.pictures.decode import decode
from gpt4o_image.pictures.frames import read_file
from gpt4o_image.pictures.references import Policy, prepare

RNG = np.random.default_rng(20261101)
PNG = Policy(format="png")


def never():
    return False


def noise(side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def shown(part):
    return decode(part.data).pixels


def save(path, image, **options):
    image.save(path, **options)
    return path


def secret_exif():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "SECRETMAKER"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    return exif


def test_metadata_stays_here(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(noise(40)[:30])
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", "SECRETPROMPT")
    paths = [
        save(tmp_path / "a.jpg", picture, exif=secret_exif(), icc_profile=profile, comment=b"SECRETCOMMENT"),
        save(tmp_path / "b.png", picture, exif=secret_exif(), icc_profile=profile, pnginfo=text),
        save(tmp_path / "c.webp", picture, exif=secret_exif(), icc_profile=profile, xmp=b"SECRETXMP"),
    ]
    assert all(b"SECRET" in path.read_bytes() for path in paths)
    for form in ("jpeg", "webp", "png"):
        for part in prepare([read_file(path) for path in paths], Policy(format=form), cancelled=never):
            assert not any(
                word in part.data for word in (b"SECRET", b"Exif", b"EXIF", b"ICC", b"iCCP", b"tEXt", b"XMP")
            )
            with Image.open(io.BytesIO(part.data)) as image:
                assert (image.width, image.height) == (30, 40)  # upright
                assert not image.getexif()
                assert not {"exif", "icc_profile", "comment", "xmp", "prompt"} & set(image.info)


def test_files_are_read_as_they_look(tmp_path):
    rgb = noise(30)
    grey16 = RNG.integers(0, 65536, (20, 30), np.uint16)
    palette = Image.fromarray(rgb).quantize(16)
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("red", "blue")]
    expected = {
        save(tmp_path / "rgb.png", Image.fromarray(rgb)): rgb,
        save(tmp_path / "deep.png", Image.fromarray(grey16)): np.dstack([(grey16 / 257).round()] * 3),
        save(tmp_path / "palette.png", palette): np.asarray(palette.convert("RGB")),
        save(tmp_path / "two.gif", frames[0], save_all=True, append_images=frames[1:]): np.asarray(frames[0]),
    }
    parts = prepare([read_file(str(path)) for path in expected], PNG, cancelled=never)
    for part, (path, pixels) in zip(parts, expected.items(), strict=True):
        assert part.name == str(path)
        assert np.array_equal(shown(part), pixels)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no picture", "ascii")
    empty = tmp_path / "empty.png"
    empty.touch()
    cases = {
        tmp_path / "missing.png": "There is no file",
        tmp_path: "is a folder",
        text: "is not a picture. Use a PNG",
        empty: "is empty",
        text / "below.png": "cannot be read",
        "nul\0byte.png": "cannot be read",
    }
    for path, words in cases.items():
        with pytest.raises(GPT4oImageError, match=words) as caught:
            read_file(path)
        assert caught.value.kind == "reference"
        assert str(path) in caught.value.message


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(range(200))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("IMG_1.jpg", HEIC, "a picture in HEIC format, though its name ends in .jpg"),
        ("IMG_1.HEIC", HEIC, "a picture in HEIC format. Save it as JPEG or PNG"),
        ("a.png", b"\xff\x0a" + bytes(99), "JPEG XL format, though its name ends in .png"),
        ("a.psd", b"8BPS\0\1" + bytes(99), "PSD format"),
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG format"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "JPEG 2000 format"),
    ],
)
def test_a_format_that_is_not_read_is_named(name, data, words, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(GPT4oImageError, match=words) as caught:
        read_file(tmp_path / name)
    assert (caught.value.kind, caught.value.billed) == ("reference", "no")
    assert name in caught.value.message


@pytest.mark.parametrize("name", ["a.bmp", "a.tif", "a.tiff", "a.webp", "a.avif", "misnamed.gif"])
def test_formats_that_are_read(name, tmp_path):
    if name == "a.avif" and "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow has no AVIF")
    pixels = noise(40)
    options = {"format": "TIFF"} if name.startswith("misnamed") else {"lossless": True, "quality": 100}
    save(tmp_path / name, Image.fromarray(pixels), **options)
    (part,) = prepare([read_file(tmp_path / name)], PNG, cancelled=never)
    assert name == "a.avif" or np.array_equal(shown(part), pixels)
    assert part.steps == ()


def test_too_many_pixels_are_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "MAX_PIXELS", 2_000_000)
    save(tmp_path / "map.png", Image.new("RGB", (2000, 1001)))
    with pytest.raises(GPT4oImageError, match="2000 x 1001 pixels; at most 2 megapixels") as caught:
        prepare([read_file(tmp_path / "map.png")], Policy(), cancelled=never)
    assert (caught.value.kind, caught.value.billed) == ("reference", "no")
    assert "Make it smaller" in caught.value.message
    assert "map.png" in caught.value.message


def test_a_large_photograph_is_read_smaller(tmp_path, monkeypatch):
    """A JPEG can be: both keep at least as many pixels as are sent."""
    monkeypatch.setattr(opening, "MAX_PIXELS", 6_000_000)
    rows, columns = np.mgrid[:2100, :4200]
    save(tmp_path / "phone.jpg", Image.fromarray(np.dstack([rows // 10, columns // 20, rows % 2]).astype(np.uint8)))
    (part,) = prepare([read_file(tmp_path / "phone.jpg")], Policy(), cancelled=never)
    assert (part.source, part.width, part.height) == ((2100, 1050), 1536, 768)
    wanted = np.dstack([np.mgrid[:768, :1536][0] * 2100 / 7680, np.mgrid[:768, :1536][1] * 4200 / 30720])
    assert np.abs(shown(part)[..., :2] - wanted).mean() < 2


def test_repairs_are_said(tmp_path):
    frames = [Image.fromarray(noise(30, seed)) for seed in range(2)]
    save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    photo = save(tmp_path / "b.jpg", frames[0])
    photo.write_bytes(photo.read_bytes()[:-2])
    parts = prepare([read_file(tmp_path / name) for name in ("a.gif", "b.jpg")], Policy(), cancelled=never)
    assert "first frame" in parts[0].remarks[0]
    assert "end mark" in parts[1].as_report()["steps"][0]


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "half.png"
    Image.fromarray(noise(30)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(GPT4oImageError, match=r"half\.png cannot be used.*cut off.*Save it again") as caught:
        prepare([read_file(path)], PNG, cancelled=never)
    assert caught.value.kind == "reference"
