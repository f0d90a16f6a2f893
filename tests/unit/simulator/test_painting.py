"""The simulator's pictures: same in, same out; true soft alpha; readable words without boxes; references visible."""

import io

import numpy as np
import pytest
from PIL import Image

from gpt4o_image.simulator.lettering import draw_block, fit, legible, load
from gpt4o_image.simulator.painting import paint

ENGLISH = 'A caf\u00e9 sign that reads "Open 24/7" \u2013 50% off, isn\u2019t it?'
JAPANESE = (
    "\u96e8\u306e\u6771\u4eac\u99c5\u524d\u3001\u30cd\u30aa\u30f3\u304c\u6ef2\u3080\u77f3\u7573\u3092\u3001"
    "\u8d64\u3044\u5098\u306e\u5973\u306e\u5b50\u304c\u300c\u30ab\u30d5\u30a7\u300d\u3078\u8d70\u3063\u3066\u3044\u304f\u3002"
)
SIMPLIFIED = (
    "\u4e00\u53ea\u6234\u7740\u5b87\u822a\u5458\u5934\u76d4\u7684\u67f4\u72ac\uff0c"
    "\u80cc\u666f\u662f\u68a6\u5e7b\u7684\u661f\u4e91\uff0c\u8d5b\u535a\u670b\u514b\u98ce\u683c"
)
TRADITIONAL = "\u53f0\u5317\u7684\u591c\u5e02\uff0c\u971c\u6dc7\u6dcb\u8207\u73cd\u73e0\u5976\u8336\uff01"
SAMPLES = [ENGLISH, JAPANESE, SIMPLIFIED, TRADITIONAL, f"Poster: {JAPANESE} {ENGLISH}"]
SIZES = [(160, 160), (160, 240), (240, 160), (64, 64)]
RED = (222, 30, 30)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def encoded(image, kind="PNG"):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def count(picture, color, tolerance=6):
    return int((np.abs(picture[..., :3].astype(int) - color).max(axis=-1) <= tolerance).sum())


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_size_mode_and_repeatability(size, transparent):
    first = paint(JAPANESE, size, transparent=transparent, variant=2)
    image = Image.open(io.BytesIO(first))
    assert (image.format, image.size, image.mode) == ("PNG", size, "RGBA" if transparent else "RGB")
    assert paint(JAPANESE, size, transparent=transparent, variant=2) == first


@pytest.mark.parametrize("size", [(1024, 1024), (1024, 1536)])
def test_full_sizes(size):
    assert pixels(paint(ENGLISH, size, transparent=True, variant=0)).shape == (size[1], size[0], 4)


@pytest.mark.parametrize("transparent", [False, True])
def test_variants_and_words_differ(transparent):
    words = [ENGLISH] * 9 + SAMPLES[1:] + ["", "a cat"]
    pictures = {paint(text, (96, 96), transparent=transparent, variant=n % 9) for n, text in enumerate(words)}
    assert len(pictures) == len(words)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", ["", ENGLISH, JAPANESE * 20])
def test_alpha_is_soft(words, size):
    references = [encoded(Image.new("RGB", (8, 8), RED))] * 16
    for variant in range(3):
        shown = references if variant == 0 else []
        alpha = pixels(paint(words, size, transparent=True, variant=variant, references=shown))[..., 3]
        border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert alpha[0, 0] == alpha[0, -1] == alpha[-1, 0] == alpha[-1, -1] == 0
        assert border.max() < 64  # nothing is cut off at the edge
        assert alpha[size[1] // 2, size[0] // 2] == 255
        partial = alpha[(alpha > 0) & (alpha < 255)]
        assert partial.size >= alpha.size * 0.01
        assert len(np.unique(partial)) >= 24


@pytest.mark.parametrize("words", SAMPLES)
def test_every_character_of_the_samples_has_a_glyph(words):
    assert legible(words) == words
    font = load(32)
    missing = bytes(font.getmask("\uffff"))  # .notdef
    assert [character for character in words if character != " " and bytes(font.getmask(character)) == missing] == []


def test_what_the_font_lacks_is_left_out():
    assert legible("sun \U0001f305 and\ufe0f \U0001f468\u200d\U0001f469 sea\n\n\tagain\x00") == "sun and sea again"
    assert legible("\U0001f305\u0e01\ue000") == ""
    assert load(40).getmask("\U0001f305").getbbox() is None  # even when asked, the font draws no box


def test_same_picture_with_and_without_unknown_characters_in_the_lettering():
    plain, odd = (
        fit(legible(words), 200, 200, largest=40, smallest=8, max_lines=5) for words in ("a b", "a \U0001f305 b")
    )
    assert plain == odd


@pytest.mark.parametrize("words", [*SAMPLES[:3], ENGLISH * 8, "x" * 900])
@pytest.mark.parametrize("room", [(400, 200), (12, 8)])
def test_lines_stay_in_their_room(words, room):
    block = fit(legible(words), *room, largest=60, smallest=6, max_lines=5)
    font = load(block.size_px)
    assert 1 <= len(block.lines) <= 5
    assert block.height <= room[1]
    if room[0] > 4 * block.size_px:
        assert max(font.getlength(line) for line in block.lines) <= room[0]


def test_line_breaks():
    block = fit(legible("The quick brown fox jumps over the lazy dog"), 160, 400, largest=20, smallest=20, max_lines=9)
    assert " ".join(block.lines) == "The quick brown fox jumps over the lazy dog"
    block = fit(JAPANESE, 120, 400, largest=20, smallest=20, max_lines=12)
    assert "".join(block.lines) == JAPANESE
    assert not any(line[0] in "\u3001\u3002\u300d\u3063\u30a7" or line[-1] == "\u300c" for line in block.lines)
    assert any("\u30cd\u30aa\u30f3" in line for line in block.lines)  # a loan word stays whole


def test_too_many_words_end_in_a_mark():
    block = fit(legible(ENGLISH * 9), 200, 60, largest=20, smallest=12, max_lines=3)
    assert block.lines[-1].endswith("...")
    assert len(block.lines) == 3
    assert legible("word " * 900).endswith("...")


def test_lettering_is_drawn():
    from PIL import ImageDraw

    image = Image.new("L", (200, 60))
    block = fit(JAPANESE[:6], 200, 60, largest=30, smallest=8, max_lines=2)
    draw_block(ImageDraw.Draw(image), block, 0, 0, (255,))
    assert np.asarray(image).mean() > 10


@pytest.mark.parametrize("transparent", [False, True])
def test_references_are_seen(transparent):
    red = encoded(Image.new("RGB", (40, 20), RED), "PNG")
    empty = encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))
    for variant in range(4):
        picture = pixels(paint("", (256, 256), transparent=transparent, variant=variant, references=[red, empty]))
        assert count(picture, RED) > 100
        assert count(picture, (204, 204, 204), 0) > 40  # the checker below a transparent reference
        without = pixels(paint("", (256, 256), transparent=transparent, variant=variant, references=[empty]))
        assert count(without, RED) == 0


def test_references_keep_their_order():
    colors = [(222, 30, 30), (30, 30, 222), (30, 160, 30)]
    tiles = [encoded(Image.new("RGB", (9, 9), color)) for color in colors]
    picture = pixels(paint(ENGLISH, (384, 256), transparent=False, variant=0, references=tiles)).astype(int)
    columns = [np.nonzero((np.abs(picture - color).max(axis=-1) <= 6).sum(axis=0) > 8)[0].mean() for color in colors]
    assert columns == sorted(columns)


@pytest.mark.parametrize("broken", [b"", b"not a picture", encoded(Image.new("RGB", (99, 99), RED))[:60]])
def test_unreadable_references_do_not_stop_it(broken):
    good = encoded(Image.new("RGB", (9, 9), RED), "JPEG")
    with_both = paint(ENGLISH, (256, 256), transparent=False, variant=1, references=[broken, good])
    assert count(pixels(with_both), RED) > 100
    assert with_both != paint(ENGLISH, (256, 256), transparent=False, variant=1, references=[good, good])


@pytest.mark.parametrize("size", [(1, 1), (9, 9), (40, 300), (300, 40)])
@pytest.mark.parametrize("transparent", [False, True])
def test_odd_sizes(size, transparent):
    references = [b"?"] * 20
    assert (
        Image.open(io.BytesIO(paint(ENGLISH, size, transparent=transparent, variant=3, references=references))).size
        == size
    )
