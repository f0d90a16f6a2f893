"""Every shape of a 200, whole and cut anywhere: nothing that was complete is lost, and nothing else is found."""

import pytest
from answer_shapes import BASE_URL, PROMPT, SHAPES, THUMBNAIL, cuts

from gpt4o_image.answer.json_text import CutText
from gpt4o_image.answer.reader import AnswerReader
from gpt4o_image.answer.shapes import Possible, Revised, Said, Shown, pieces, possible_addresses

DATA = "data:image/png;base64,"
PNG = "iVBORw0KGgo" + "A" * 100


def read(body, *, size=None, broke_off=False):
    reader = AnswerReader(BASE_URL, PROMPT)
    step = size or max(1, len(body))
    events = [event for start in range(0, len(body), step) for event in reader.feed(body[start : start + step])]
    return events + reader.finish(broke_off=broke_off), reader


@pytest.mark.parametrize("name", SHAPES)
def test_whole(name):
    shape = SHAPES[name]
    _, reader = read(shape.body)
    assert [picture.address for picture in reader.transcript.pictures] == shape.pictures
    assert reader.complete
    assert reader.error is None or "error beside" in name


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("name", SHAPES)
def test_chunked_anyhow(name, size):
    events, whole = read(SHAPES[name].body)
    again, reader = read(SHAPES[name].body, size=size)
    assert again == events
    assert (reader.transcript, reader.warnings) == (whole.transcript, whole.warnings)


@pytest.mark.parametrize("name", SHAPES)
def test_cut_anywhere(name):
    shape = SHAPES[name]
    for size in cuts(shape):
        _, reader = read(shape.body[:size], broke_off=True)
        found = [picture.address for picture in reader.transcript.pictures]
        assert set(shape.complete_in(size)) <= set(found), size
        # A link or a thumbnail may be all there is before the picture that it leads to.
        links = [link.address for link in reader.transcript.links]
        assert set(found) <= {*shape.pictures, *links, THUMBNAIL}, size
        assert found or reader.error, size


# Single values


def shown(value):
    return [piece.address for piece in pieces(value) if isinstance(piece, Shown) and not piece.cut]


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ({"data": [{"b64_json": "AA"}]}, [f"{DATA}AA"]),
        ({"data": [{"b64_json": f"{DATA}AA"}]}, [f"{DATA}AA"]),
        ({"data": [{"b64_json": "AA\nBB"}]}, [f"{DATA}AA\nBB"]),
        ({"data": {"url": "https://x.test/a"}}, ["https://x.test/a"]),
        ({"data": ["https://x.test/a"]}, ["https://x.test/a"]),
        ({"url": "https://x.test/a"}, ["https://x.test/a"]),
        ({"image": PNG}, [DATA + PNG]),
        ({"anything": PNG}, [DATA + PNG]),
        ({"images": {"0": PNG}}, [DATA + PNG]),
        ({"predictions": [{"bytesBase64Encoded": "AA", "mimeType": "image/webp"}]}, ["data:image/webp;base64,AA"]),
        ({"inline_data": {"data": "AA", "mime_type": "audio/mp3"}}, []),
        ({"data": [{"url": ""}, {"url": None}, None, 7]}, []),
        ({"prompt": "https://x.test/a.png", "input": {"image": PNG}, "messages": [{"content": "x"}]}, []),
        ({"error": {"url": "https://x.test/a.png"}, "reasoning_content": f"![a]({PNG})"}, []),
        ({"type": "image_generation.partial_image", "b64_json": PNG}, []),
        ({"b64_json": PNG, "partial_image_index": 0}, []),
        ({"role": "user", "content": [{"image_url": "https://x.test/a.png"}]}, []),
        ({"choices": [{"message": {"annotations": [{"url": "https://x.test/a.png"}]}}]}, []),
        ({"data": [{"url": "a word"}, {"url": "word"}]}, []),
        ({"url": CutText("https://x.test/a")}, []),
    ],
)
def test_pictures_of_a_value(value, addresses):
    assert shown(value) == addresses


def test_one_object_is_one_picture():
    item = {"url": "https://x.test/a", "b64_json": "AA", "thumb": "https://x.test/s.png", "page": "https://x.test/p"}
    assert list(pieces({"data": [item]})) == [Shown(0, f"{DATA}AA", ("https://x.test/a", "https://x.test/s.png"))]


def test_texts_of_a_value():
    value = {"choices": [{"delta": {"content": "a"}}, {"index": 1, "message": {"content": [{"text": "b"}, "c"]}}]}
    assert list(pieces(value)) == [Said(0, "a"), Said(1, "b", True), Said(1, "c", True)]
    assert list(pieces({"output": "![a](u)"})) == [Said(0, "![a](u)")]
    assert list(pieces({"type": "response.output_text.delta", "delta": "a"})) == [Said(0, "a")]
    assert list(pieces({"content": [{"type": "thinking", "text": "a"}, {"thought": True, "text": "b"}]})) == []
    assert list(pieces({"data": [{"revised_prompt": "p"}]})) == [Revised("p")]


def test_addresses_that_are_only_possible():
    assert list(pieces({"link": "https://x.test/a.png"})) == [Possible("https://x.test/a.png")]
    assert list(pieces({"citations": ["https://x.test/a.png"]})) == [Possible("https://x.test/a.png")]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://x.test/a.png, or https://x.test/page.", ["https://x.test/a.png"]),
        (r'"https:\/\/x.test\/a.png?a=1\u0026b=2"', ["https://x.test/a.png?a=1&b=2"]),
        (f'src="/files/a.png?x=1" and {"words " * 20}', ["/files/a.png?x=1"]),
        (f"x {PNG * 3} y", [DATA + PNG * 3]),
        (f"({DATA}AAAA)", [f"{DATA}AAAA"]),
        ("\u56fe\u7247\uff1a/v1/files/1.png", ["/v1/files/1.png"]),
        ("saved as /mnt/data/fox.png and/or.png </b.png", []),
        ("nothing here", []),
    ],
)  # fmt: skip
def test_addresses_in_any_text(text, addresses):
    assert list(possible_addresses(text)) == addresses


def test_half_an_address_in_any_text_is_none():
    assert list(possible_addresses("see https://x.test/a.png", cut=True)) == []


def test_deep_nesting_ends():
    value = {"url": "https://x.test/a"}
    for _ in range(500):
        value = {"data": [value]}
    assert list(pieces(value)) == []
