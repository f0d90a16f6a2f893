"""Every shape in which a 200 may hold pictures, as bytes, with the addresses of its pictures in their order.

Used by tests/unit/answer/test_shapes.py, for example. `python tests/answer_shapes.py` prints, for each shape whole and
cut at 20 places, how many pictures that were complete were found, and how many were lost.
"""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib
from dataclasses import dataclass

ORIGIN = "https://gateway.test"
BASE_URL = f"{ORIGIN}/v1"
PROMPT = "a fox like https://example.test/echo.png in snow"
CUTS = 20

A, B = f"{ORIGIN}/cdn/20250424/a.png", f"{ORIGIN}/cdn/20250424/b.png"
PREAMBLE = f'```json\n{{"prompt": "{PROMPT}", "n": 2}}\n```\n\n>\U0001f550 Queuing.\n\n>\u26a1 Generating..\n\n'
DONE = "> \u2705 Generation complete\n\n"


@dataclass(frozen=True)
class Shape:
    """`shown`: for each picture (its address, as it must be read; where in `body` it is complete)."""

    body: bytes
    shown: tuple[tuple[str, int], ...]

    @property
    def pictures(self) -> list[str]:
        return [address for address, _ in self.shown]

    def complete_in(self, size: int) -> list[str]:
        """The pictures that are whole in the first `size` bytes."""
        return [address for address, end in self.shown if end <= size]


def png(seed: int) -> bytes:
    """A small PNG with pixels of its own."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + random.Random(seed * 100 + row).randbytes(36) for row in range(12))
    head = struct.pack(">IIBBBBB", 12, 12, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


B1, B2 = (base64.b64encode(png(seed)).decode() for seed in (1, 2))
U1 = base64.urlsafe_b64encode(png(1)).decode()
D1, D2, DU1 = (f"data:image/png;base64,{data}" for data in (B1, B2, U1))


def sse(*values: object, done: bool = True) -> bytes:
    """Events; a str is a delta's content, a dict the event."""
    events = [{"choices": [{"index": 0, "delta": {"content": one}}]} if isinstance(one, str) else one for one in values]
    ending = (
        'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n' if done else ""
    )
    return ("".join(f"data: {json.dumps(event)}\n\n" for event in events) + ending).encode()


def delta(index: int = 0, **fields: object) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": fields}]}


def completion(content: object, **message: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
    return as_json({"id": "chatcmpl-1", "choices": [choice], "usage": {"total_tokens": 1}})


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def found(body: bytes, *pictures: str | tuple[str, str]) -> Shape:
    """Where each picture is complete: behind its address as written, or behind the text given beside it."""
    shown: list[tuple[str, int]] = []
    for picture in pictures:
        address, written = (picture, picture) if isinstance(picture, str) else picture
        inner = json.dumps(written)[1:-1].encode()
        shown.append((address, body.index(inner) + len(inner) + 1))
    return Shape(body, tuple(shown))


def text(content: str, *pictures: str | tuple[str, str]) -> Shape:
    return found(sse(content), *pictures)


def b64(data: str) -> tuple[str, str]:
    return f"data:image/png;base64,{data}", data


MARKDOWN = f"{PREAMBLE}{DONE}![a]({A})\n\n[Download]({A})\n\n![b]({B})\n"
IMAGES = {"created": 1, "data": [{"url": A}, {"url": B}]}
IMAGES_B64 = {"created": 1, "data": [{"b64_json": B1}, {"b64_json": B2}]}
THUMBNAIL = f"{ORIGIN}/t/a.png"
RELATIVE = "/v1/files/image/1.png"
NO_ENDING = f"{ORIGIN}/files/5f/raw?se=1&sig=ab"

SHAPES: dict[str, Shape] = {
    "markdown, streamed in one event": text(MARKDOWN, A, B),
    "markdown, streamed line by line": found(sse(*MARKDOWN.splitlines(keepends=True)), A, B),
    "markdown in a whole completion": found(completion(MARKDOWN), A, B),
    "markdown as plain text": found(MARKDOWN.encode(), A, B),
    "an event without a blank line behind it": found(sse("> ok\n", f"![a]({A})\n", done=False)[:-2], A),
    "events without blank lines": found(sse(f"![a]({A})\n", f"![b]({B})\n").replace(b"\n\n", b"\n"), A, B),
    "[DONE] with one newline": found(sse(f"![a]({A})\n", done=False) + b"data: [DONE]\n", A),
    "a byte that is no UTF-8": found(sse(f"\u2705 ![a]({A})\n").replace(b"\\u2705", b"\xe2\x9c"), A),
    "an event that lost its end": found(
        sse(f"![a]({A})\n", done=False) + sse(f"![b]({B})\nwords", done=False)[:-8] + b"\n\n" + sse(""), A, B
    ),
    "raw newlines in a JSON string": found(completion(f"one\ntwo\n\n![a]({A})\n").replace(b"\\n", b"\n"), A),
    "raw newlines in an event": found(sse(f"one\n\n![a]({A})\n").replace(b"\\n", b"\n"), A),
    "two choices": found(
        as_json({"choices": [{"index": i, "message": {"content": f"![x]({u})"}} for i, u in enumerate((A, B))]}), A, B
    ),
    "two choices, interleaved": found(
        sse(
            delta(content=f"![a]({A[:20]}"), delta(1, content=f"![b]({B[:30]}"),
            delta(content=f"{A[20:]})"), delta(1, content=f"{B[30:]})"),
        ),
        (A, f"{A[20:]})"), (B, f"{B[30:]})"),
    ),
    "content as parts": found(
        completion([{"type": "text", "text": "here"}, {"type": "image_url", "image_url": {"url": A}}]), A
    ),
    "content parts in a delta": found(sse(delta(content=[{"type": "image_url", "image_url": {"url": D1}}])), D1),
    "images beside content": found(completion("", images=[{"image_url": {"url": A}}, {"url": B}]), A, B),
    "images as base64 strings": found(sse(delta(content="", images=[B1, B2])), b64(B1), b64(B2)),
    "multi_mod_content": found(
        sse(delta(multi_mod_content=[{"text": "a"}, {"inline_data": {"data": B1, "mime_type": "image/png"}}])), b64(B1)
    ),
    "inlineData in candidates": found(
        as_json({"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": B1}}]}}]}),
        b64(B1),
    ),
    "source with base64": found(
        completion([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B1}}]), b64(B1)
    ),
    "Images object with url": found(as_json(IMAGES), A, B),
    "Images object with b64_json": found(as_json(IMAGES_B64), b64(B1), b64(B2)),
    "Images object as an event": found(sse(IMAGES), A, B),
    "Images object with an error beside it": found(as_json({**IMAGES, "error": {"message": "usage unknown"}}), A, B),
    "Images object behind a byte order mark": found(b"\xef\xbb\xbf" + as_json(IMAGES_B64), b64(B1), b64(B2)),
    "Images object with escaped slashes": Shape(
        as_json({"url": A}).replace(b"/", b"\\/"), ((A, len('{"url": "') + len(A) + A.count("/") + 1),)
    ),
    "output with url": found(as_json({"output": [{"url": A}, {"url": B}]}), A, B),
    "output as an address": found(as_json({"status": "succeeded", "output": [A, B]}), A, B),
    "result with base64": found(as_json({"output": [{"type": "image_generation_call", "result": B1}]}), b64(B1)),
    "result in result": found(as_json({"code": 0, "result": {"data": [{"url": A}]}}), A),
    "relative address in markdown": text(f"![a]({RELATIVE})", (ORIGIN + RELATIVE, RELATIVE)),
    "relative address in JSON": found(as_json({"data": [{"url": RELATIVE}]}), (ORIGIN + RELATIVE, RELATIVE)),
    "data: in markdown": text(f"![a]({D1})\n![b]({D2})\n", D1, D2),
    "data: in many events": found(
        sse("![a](", *(D1[at : at + 40] for at in range(0, len(D1), 40)), ") end"), (D1, ") end")
    ),
    "data: in the URL-safe alphabet": text(f"![a]({DU1})", DU1),
    "linked thumbnail": text(f"{DONE}[![small]({THUMBNAIL})]({A})\n", A),
    "HTML thumbnail over lines": text(f'<a href="{A}">\n<img src="{THUMBNAIL}">\n</a>\n', (A, f'"{THUMBNAIL}">')),
    "HTML image": text(f'Here: <img src="{A}" width=100>\n', (A, f'{A}"')),
    "label over two lines": text(f"![gen_1]({A})\n\n![a cat\nin a hat]({B})\n", A, B),
    "escaped ampersand": text(f"![a]({A}?se=1&amp;sig=b)\n", f"{A}?se=1&amp;sig=b"),
    "bare link with a full-width mark": text(f"\u56fe\u7247\uff1a{A}\uff1b\u8bf7\u4fdd\u5b58\n", (A, f"{A}\uff1b")),
    "bare link in full-width brackets": text(f"\u3010{A}\u3011\n", (A, f"{A}\u3011")),
    "link without an ending": text(f"Here is your picture: [Download]({NO_ENDING})\n", NO_ENDING),
    "only [100](...)": text(f"> Progress 11....64....[100]({NO_ENDING})\n", NO_ENDING),
    "picture in a fence": text(f"Here:\n```markdown\n![a]({A})\n```\n", (A, f"![a]({A})\n```\n")),
    "Images object in a fence": text(
        f"```json\n{json.dumps(IMAGES)}\n```\n", *((one, f"{json.dumps(IMAGES)}\n```\n") for one in (A, B))
    ),
    "base64 with nothing around it": text(f"Here:\n{B1}\n", (D1, f"{B1}\n")),
    "a sign that reads like a failure": text(f"The sign says: Generation failed.\n\n[picture]({A})\n", A),
}  # fmt: skip


def main() -> None:
    """Prints the table."""
    from gpt4o_image.answer.reader import AnswerReader

    def read(body: bytes, *, cut: bool) -> list[str]:
        reader = AnswerReader(BASE_URL, PROMPT)
        reader.feed(body)
        reader.finish(broke_off=cut)
        return [picture.address for picture in reader.transcript.pictures]

    lost_in_all = 0
    print(f"{'shape':44} {'whole':>7} {'cut: complete':>14} {'found':>6} {'lost':>5}")
    for name, shape in SHAPES.items():
        whole = read(shape.body, cut=False)
        complete = lost = 0
        for size in cuts(shape):
            expected, seen = shape.complete_in(size), read(shape.body[:size], cut=True)
            complete += len(expected)
            lost += len(set(expected) - set(seen))
        lost_in_all += lost + len(set(shape.pictures) - set(whole))
        print(f"{name:44} {len(whole)}/{len(shape.pictures):<5} {complete:>14} {complete - lost:>6} {lost:>5}")
    print(f"{len(SHAPES)} shapes, {CUTS} cuts each: {lost_in_all} pictures lost")


def cuts(shape: Shape) -> list[int]:
    """20 places all over the answer, and those around the end of each picture."""
    even = [len(shape.body) * place // (CUTS + 1) for place in range(1, CUTS + 1)]
    return sorted({*even, *(end + step for _, end in shape.shown for step in (-2, -1, 0, 1))})


if __name__ == "__main__":
    main()
