"""Draws the pictures of the help pages with the simulator's brush and the pack's own code; the same each time.

usage, at the root: uv run --group test python -m tests.unit.make_help_pictures
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from gpt4o_image.pictures.batch import preview
from gpt4o_image.pictures.bleed import bleed
from gpt4o_image.pictures.decode import decode
from gpt4o_image.pictures.frames import Frame
from gpt4o_image.pictures.references import Policy, prepare
from gpt4o_image.simulator.drawing.lettering import load
from gpt4o_image.simulator.drawing.painting import paint

DOCS = Path(__file__).parents[2] / "web" / "docs"
PAPER, INK = (38, 40, 46), (226, 229, 235)  # dark, as most themes are; on a light one it is a card
# ComfyUI's panel is about 260 px wide: a picture of twice that is sharp there, and its words can be read.
WIDTH, GAP, LETTERS = 520, 12, 24
LINE = LETTERS + 10
FOX = "A sticker of a fox with a book"


def sticker(words, side=768):
    return decode(paint(words, (side, side), transparent=True, seed=0)).pixels


def poster(words, size, references=()):
    return decode(paint(words, size, transparent=False, seed=0, references=references)).pixels


def scaled(pixels, width):
    """On a checker board where it is transparent."""
    shown = preview(Image.fromarray(pixels), max(pixels.shape[:2]))
    return shown.resize((width, round(shown.height * width / shown.width)), Image.Resampling.LANCZOS)


def shelf(*cells):
    """(caption, picture) side by side, captions above."""
    height = max(picture.height for _, picture in cells) + LINE
    card = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(card)
    left = GAP
    for caption, picture in cells:
        draw.text((left, 0), caption, INK, load(LETTERS))
        card.paste(picture, (left, LINE))
        left += picture.width + GAP
    return card


def entry(picture, *lines):
    """A picture with lines of text at its right."""
    card = Image.new("RGB", (WIDTH, picture.height), PAPER)
    card.paste(picture, (GAP, 0))
    top = (picture.height - LINE * len(lines)) // 2
    for number, line in enumerate(lines):
        ImageDraw.Draw(card).text((picture.width + 2 * GAP, top + number * LINE), line, INK, load(LETTERS))
    return card


def keep(name, *rows):
    card = Image.new("RGB", (WIDTH, sum(row.height + GAP for row in rows) + GAP), PAPER)
    top = GAP
    for row in rows:
        card.paste(row, (0, top))
        top += row.height + GAP
    path = DOCS / name
    path.parent.mkdir(exist_ok=True)
    card.save(path, "JPEG", quality=86, optimize=True)
    print(f"{name}: {card.width} x {card.height}, {path.stat().st_size / 1024:.0f} KiB")


def never():
    return False


def example():
    keep("GPT4oImage_Generate/example.jpg", shelf(("background = transparent", scaled(sticker(FOX), WIDTH - 2 * GAP))))


def outputs():
    fox = sticker(FOX)
    mask = np.repeat(255 - fox[..., 3:], 3, axis=2)
    cells = [("image", fox), ("rgb", bleed(fox)), ("mask", mask)]
    keep("GPT4oImage_Generate/outputs.jpg", shelf(*((name, scaled(pixels, 157)) for name, pixels in cells)))


def references():
    who, where = sticker("A sticker of a penguin"), poster("A quiet forest lake", (768, 512))
    frames = [Frame("image_01", who), Frame("image_02", where)]
    sent = [part.data for part in prepare(frames, Policy(), cancelled=never)]
    scene = poster("The penguin of image 1 at the lake of image 2", (768, 512), sent)
    given = shelf(("image_01", scaled(who, 190)), ("image_02", scaled(where, 285)))
    keep("GPT4oImage_Generate/references.jpg", given, shelf(("image", scaled(scene, WIDTH - 2 * GAP))))


def sizes():
    cells = []
    for name, size, width in (
        ("1536x1024", (768, 512), 192),
        ("1024x1024", (512, 512), 140),
        ("1024x1536", (512, 768), 140),
    ):
        cells.append((name, scaled(poster("A 3D cartoon film poster", size), width)))
    keep("GPT4oImage_ImagesAPI/sizes.jpg", shelf(*cells))


def forms():
    """One picture in three settings, each as the gateway would see it."""
    big = sticker("A sticker of a frog with an umbrella", 1536)
    rows = []
    for name, policy in (
        ("format = auto", Policy()),
        ("format = jpeg", Policy(format="jpeg")),
        ("budget_kib = 16", Policy(budget_bytes=16 << 10)),
    ):
        (part,) = prepare([Frame("image_01", big)], policy, cancelled=never)
        facts = f"{part.width} x {part.height}", f"{part.mime}, {len(part.data) / 1024:.0f} KiB"
        rows.append(entry(scaled(decode(part.data).pixels, 210), name, *facts))
    keep("GPT4oImage_References/forms.jpg", *rows)


def results():
    """What the list of the node offers: an id and the prompt, the newest first."""
    boat, penguin, lake = "A paper boat at night", "A sticker of a penguin", "A quiet forest lake"
    rows = [
        entry(scaled(poster(boat, (512, 512)), 120), "latest"),
        entry(scaled(sticker(penguin, 512), 120), "20261122-225026-ea160a", f"| {penguin}"),
        entry(scaled(poster(lake, (512, 512)), 120), "20261121-180402-7fd8ac", f"| {lake}"),
    ]
    keep("GPT4oImage_LoadResult/results.jpg", *rows)


if __name__ == "__main__":
    for draw in (example, outputs, references, sizes, forms, results):
        draw()
