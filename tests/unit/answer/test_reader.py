"""The answer's bytes -> events, an error or none, warnings: what a call gets in the end."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt4o_image.answer import reader as reader_module
from gpt4o_image.answer.events import Progress
from gpt4o_image.answer.reader import AnswerReader
from gpt4o_image.urls import Link, Picture

A, B = "https://x.test/a.png", "https://x.test/b.png"
DONE = b"[DONE]"
GUIDE = "[Guide](https://x.test/cdn/help.png)"


def chunk(content=None, **rest):
    delta = {} if content is None else {"content": content}
    return {"choices": [{"index": 0, "delta": delta, **rest}]}


def sse(*values):
    return b"".join(b"data: " + (v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n\n" for v in values)


def read(wire, size=None, *, broke_off=False, prompt=""):
    reader = AnswerReader("https://x.test/v1", prompt)
    size = size or max(1, len(wire))
    events = [event for start in range(0, len(wire), size) for event in reader.feed(wire[start : start + size])]
    return events + reader.finish(broke_off=broke_off), reader


def of(text, **more):
    return read(sse(chunk(text), chunk(finish_reason="stop"), DONE), **more)[1]


def shown(reader):
    return [picture.address for picture in reader.transcript.pictures]


# The text


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(
    ("values", "prose"),
    [
        ([chunk("a"), chunk("b"), chunk(finish_reason="stop"), DONE], ["ab"]),
        ([chunk("a"), chunk(message={"content": "ab"}, finish_reason="stop"), DONE], ["ab"]),
        ([chunk("a"), chunk(message={"content": "a"}), chunk(message={"content": "a"}), DONE], ["a"]),
        ([chunk("long enough"), chunk(message={"content": "other"}), DONE], ["long enough", "other"]),
        ([chunk(message={"content": "a"}), chunk(message={"content": "ab"}), DONE], ["ab"]),
        ([chunk(message={"content": "abc"}), chunk(message={"content": "de"}), DONE], ["abcde"]),
        ([chunk([{"type": "text", "text": "a"}, "b", None, 3, {"type": "image_url"}]), DONE], ["ab"]),
        ([chunk("a\ud83d"), chunk("\udd50"), DONE], ["a\U0001f550"]),
        ([chunk("\ud83d"), chunk("x"), DONE], ["\ufffdx"]),
        ([chunk("x\udd50"), chunk("\ud83d"), DONE], ["x\ufffd"]),
        ([{"choices": []}, {"choices": [], "usage": {}}, chunk("a"), DONE], ["a"]),
        ([{"choices": None}, {}, {"choices": [None]}, {"choices": [{"delta": None}]}, chunk("a"), DONE], ["a"]),
        ([{"choices": [{"delta": {"content": None, "reasoning_content": "![x](y)"}}]}, chunk("a"), DONE], ["a"]),
        ([{"choices": [{"index": 1, "delta": {"content": "b"}}]}, chunk("a"), DONE], ["b", "a"]),
        ([chunk("a"), DONE, chunk("b")], ["a"]),
    ],
)  # fmt: skip
def test_text(values, prose, size):
    _, reader = read(sse(*values), size)
    assert sorted(reader.transcript.prose) == sorted(prose)
    assert reader.complete
    assert reader.warnings == []


def test_a_repeated_message_repeats_no_picture():
    text = f"> 14%\n![a]({A})\n"
    for last in (text, f"{text}more", f"other {text}"):
        events, _ = read(sse(chunk(text), chunk(message={"content": last}), DONE))
        assert events == [Progress(14), Picture(0, A, "a")]


def test_choices_finish_one_by_one():
    reader = AnswerReader()
    reader.feed(sse(chunk("a"), {"choices": [{"index": 1, "delta": {"content": "b"}}]}, chunk(finish_reason="stop")))
    assert not reader.ending
    reader.feed(sse({"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}))
    assert reader.ending
    assert not reader.closed
    reader.feed(sse({"choices": [{"index": 2, "delta": {"content": "c"}}]}))
    assert not reader.ending
    reader.feed(b"data: [DONE]\n")
    assert reader.closed


def test_the_choices_share_one_progress():
    events, _ = read(sse(chunk("> 50%\n"), {"choices": [{"index": 1, "delta": {"content": "> 14%\n> 60%\n"}}]}, DONE))
    assert events == [Progress(50), Progress(60)]


# How it ended


def test_how_it_ended():
    assert read(sse(chunk("a", finish_reason="length")))[1].finish_reason == "length"
    assert read(sse(chunk("a", finish_reason="stop")))[1].complete
    assert not read(sse(chunk("a", finish_reason="stop")))[1].closed
    assert read(sse(chunk("a"), DONE))[1].closed
    reader = read(sse(chunk("a")))[1]
    assert not reader.complete
    assert reader.error.kind == "truncated"


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n", b"data: [DONE]"])
def test_only_the_end_mark_is_missing(end):
    wire = sse(chunk("> 14%\n"), chunk(f"![a]({A})\n"))[:-2] + (b"\n\n" + end if end else b"")
    _, reader = read(wire)
    assert (shown(reader), reader.error, reader.warnings, reader.complete) == ([A], None, [], True)
    _, reader = read(wire, broke_off=not end)
    assert reader.complete == bool(end)


@pytest.mark.parametrize(
    ("wire", "pictures", "kind"),
    [
        (sse(chunk("> 14%\n")), [], "truncated"),
        (sse(chunk("> 14%\n")) + b'data: {"choi', [], "truncated"),
        (sse(chunk(f"![a]({A})\n![b](https://x.te")), [A], "truncated"),
        (sse(chunk(f"![a]({A})\n"), chunk(finish_reason="stop")), [A], None),
        (b'{"data": [{"url": "https://x.test/a.png"}, {"url": "https://x.t', [A], "truncated"),
        (json.dumps(chunk(f"![a]({A})", finish_reason="stop"))[:-1].encode() + b', "us', [A], "truncated"),
        (b'{"error": {"mess', [], "truncated"),
        (b'{"error": {"message": "m"}}', [], "upstream"),
        (b"", [], "truncated"),
        (f"Here: ![a]({A})\n".encode(), [A], "truncated"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [None, 1])
def test_what_broke_off(wire, pictures, kind, size):
    _, reader = read(wire, size, broke_off=True)
    assert shown(reader) == pictures
    assert (reader.error and reader.error.kind) == kind


def test_an_array_that_broke_off():
    _, reader = read(b'[{"data": [{"url": "/raw?id=1"}]}, {"data": [{"url": "/raw?id=2"}]}, {"usa', broke_off=True)
    assert shown(reader) == ["https://x.test/raw?id=1", "https://x.test/raw?id=2"]


def test_cut_pictures_are_counted():
    _, reader = read(b'{"data": [{"b64_json": "AA"}, {"b64_json": "BB', broke_off=True)
    assert shown(reader) == ["data:image/png;base64,AA"]
    assert reader.warnings == ["1 picture broke off inside the answer."]


# Errors


@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize(
    ("wire", "kind", "words"),
    [
        (
            sse({"error": {"message": "Internal server error (tid: 2025)", "type": "internal_error"}}, DONE),
            "upstream",
            "Int",
        ),
        (sse({"error": "text"}), "upstream", "text"),
        (sse({"choices": [], "error": {"message": "Rate limit reached"}}), "rate_limited", "Rate"),
        (sse({"code": -1, "msg": "insufficient credits"}), "quota", "insufficient"),
        (b'event: error\ndata: {"message": "m", "type": "internal_error"}\n\n', "upstream", "m"),
        (b'{"error": {"message": "m (tid: 7)", "type": "x"}}', "upstream", "m"),
        (b'\n {"code": -1, "msg": "insufficient credits"}', "quota", "insufficient"),
        (b'[{"error": {"message": "m"}}]', "upstream", "m"),
        (b'{"unknown": 1}', "upstream", '{"unknown": 1}'),
        (b"upstream connect error", "upstream", "upstream connect"),
        (b"Your request was rejected: content policy", "refused", "Your"),
        (b"", "upstream", "(an empty answer)"),
        (b" \r\n", "upstream", "(an empty answer)"),
        (b"\xff\xfe", "upstream", "\ufffd"),
        (b'{"id": "task_1", "object": "generation.task", "status": "queued"}', "pending", ""),
        (sse({"id": "task_1", "status": "queued"}, DONE), "pending", ""),
        (sse({"choices": [{"delta": {"refusal": "I can't."}}]}, DONE), "refused", "I can't."),
        (sse({"candidates": [{"finishReason": "SAFETY", "content": {}}]}, DONE), "refused", ""),
        (b'{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}', "refused", ""),
        (b"event: error\ndata: insufficient credits\n\n", "quota", "insufficient"),
        (sse(b"insufficient credits", DONE), "quota", "insufficient"),
    ],
)
def test_errors(wire, kind, words, size):
    _, reader = read(wire, size)
    assert reader.transcript.pictures == []
    assert (reader.error.kind, reader.error.billed) == (kind, "yes")
    assert (reader.error.gateway_text or "").startswith(words)


def test_a_task_is_named():
    error = read(b'{"id": "task_1", "status": "queued"}')[1].error
    assert error.request_id == "task_1"
    assert "task_1" in error.message


def test_a_web_page_is_no_gateway():
    _, reader = read(b"<!doctype html><img src='/logo.png'><title>Console</title>")
    assert (reader.error.kind, reader.error.billed) == ("config", "unknown")
    assert "https://x.test/v1" in reader.error.message
    assert reader.transcript.pictures == reader.transcript.links == []


def test_an_error_beside_pictures():
    _, reader = read(sse(chunk(f"![a]({A})\n"), {"error": "x"}, chunk(f"![b]({B})\n"), {"error": "y"}))
    assert shown(reader) == [A, B]
    assert reader.error.gateway_text == "x"


@pytest.mark.parametrize("text", [f"![a]({A})", f"[a]({A})", "Here."])
def test_a_filter_without_a_picture_refuses(text):
    _, reader = read(sse(chunk(text), chunk(finish_reason="content_filter"), DONE))
    assert (reader.error is None) == text.startswith("!")
    assert reader.error is None or (reader.error.kind == "refused" and not reader.transcript.pictures)


# What cannot be read


def test_what_could_not_be_read_is_never_no_image():
    _, reader = read(sse(b'{"choices": [{"delta": {"content": 7', chunk("Hello."), DONE))
    assert "could not be read" in reader.error.message
    assert reader.unread
    assert not reader.failed
    assert reader.warnings == ["1 event of the answer could not be read, and may hold more."]


@pytest.mark.parametrize("data", [None, [], [{"b64_json": None, "url": None}] * 2, [{"url": ""}]])
def test_an_images_object_without_pictures_is_read_and_empty(data):
    _, reader = read(json.dumps({"created": 1, "data": data}).encode())
    assert (reader.error.kind, reader.error.billed, reader.unread) == ("no_image", "yes", False)


@pytest.mark.parametrize("more", [{"picture": "somewhere"}, {"data": [{"picture": "somewhere"}]}])
def test_what_an_images_object_does_not_have_is_unread(more):
    _, reader = read(json.dumps({"created": 1, "data": None, **more}).encode())
    assert reader.unread


def test_what_is_unread_and_what_failed():
    """A later version may read what is unread; the links of what failed are never taken."""
    for wire, unread, failed in (
        (sse(chunk("Hello."), DONE), False, False),
        (b'{"unknown": 1}', True, False),
        (b"", False, False),
        (b'{"error": "x"}', False, True),
        (b"<!doctype html>", False, True),
        (sse(chunk("> Generation failed"), DONE), False, True),
        (sse(chunk(finish_reason="content_filter"), DONE), False, True),
        (sse(chunk(f"> Generation failed\n![a]({A})"), DONE), False, False),
        (sse(b"{", DONE), True, False),
    ):
        reader = read(wire)[1]
        assert (reader.unread, reader.failed) == (unread, failed), wire
    cut = read(sse(chunk("Hello."))[:-9], broke_off=True)[1]
    assert (cut.unread, cut.warnings, cut.error.kind) == (False, [], "truncated")


def test_a_half_address_does_not_go_on_in_the_next_event():
    broken = b'{"choices": [{"delta": {"content": "![a](https://x.test/a'
    _, reader = read(sse(broken, chunk("b.png)"), chunk(f"\n![c]({B})\n"), DONE))
    assert shown(reader) == [B]


def test_a_surrogate_in_an_address():
    _, reader = read(b'{"data": [{"url": "https://x.test/a.png"}, {"url": "https://x.test/b\\ud800.png"}]}')
    assert shown(reader) == [A]
    assert reader.warnings == ["A picture address was found but not used: https://x.test/b\ufffd.png"]


def test_no_half_character_anywhere():
    wire = json.dumps({"error": {"message": "m\ud800"}, "data": [{"revised_prompt": "p\ud800", "url": A}]}).encode()
    _, reader = read(wire)
    assert (reader.transcript.revised_prompt, reader.error.gateway_text) == ("p\ufffd", "m\ufffd")


def test_bounds(monkeypatch):
    monkeypatch.setattr(reader_module, "MAX_BODY_BYTES", 300)
    body = json.dumps({"data": [{"b64_json": "A" * 100}] * 9}).encode()
    _, reader = read(body, 7)
    assert len(reader.transcript.pictures) == 1
    assert any("larger than" in warning for warning in reader.warnings)


def test_more_addresses_than_any_answer_has():
    _, reader = read(json.dumps({"data": [{"url": f"https://x.test/{n}.png"} for n in range(1100)]}).encode())
    assert len(reader.transcript.pictures) == 1000
    assert reader.warnings == ["100 addresses of the answer were left out: there were too many."]


# The last resort


LINK_TAKEN = ["The answer shows no picture; a link in it was taken as one."]
ADDRESS_TAKEN = ["The answer shows no picture; an address elsewhere in it was taken as one."]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"[Download]({A})", A),
        (f"Here: {A}", A),
        ("[Download](https://x.test/files/1?sig=a)", "https://x.test/files/1?sig=a"),
        ("Your picture: https://x.test/files/1", "https://x.test/files/1"),
        ("[Download](/files/1)", "https://x.test/files/1"),
        ("> [100](https://x.test/files/1)", "https://x.test/files/1"),
        (f"```\n{A}\n```", A),
        (f'```json\n{{"result": {{"files": [{{"link": "{A}"}}]}}}}\n```', A),
        (f"Here: `{A}`", A),
        (f"`![a]({A})`", A),
        ("Here: `https://x.test/files/1`", "https://x.test/files/1"),
        ("Here: /files/image/1.png", "https://x.test/files/image/1.png"),
        ("```\n/files/image/1.png\n```", "https://x.test/files/image/1.png"),
        (f'```json\n{{"files": [{{"link": "{A}"}}]}}', A),
        (f'{{"files": [{{"link": "{A}"}}', A),
        (f"The sign says: Generation failed.\n\n[picture]({A})", A),
        (f"The sign says: Sorry, we can't open.\n\n[picture]({A})", A),
    ],
)
def test_what_is_taken_where_no_picture_is_shown(text, address):
    reader = of(text)
    assert (shown(reader), reader.error) == ([address], None)
    assert reader.warnings in (LINK_TAKEN, ADDRESS_TAKEN)
    assert (reader.warnings == LINK_TAKEN) == (bool(reader.transcript.links) or text.endswith("files/1`"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"> Generation failed \u274c\n> Reason: input_moderation\n\n{GUIDE}", "moderation_input"),
        (f"\u751f\u6210\u5931\u8d25\n{GUIDE}", "upstream"),
        ('```json\n{"type": "terminal", "help": "https://x.test/cdn/help.png"}\n```', "upstream"),
        (f"I'm sorry, I can't draw that. {GUIDE}", "refused"),
        ("We\u2019re so sorry, but the prompt may violate our content policies. See https://x.test/policy", "refused"),
        ("You've hit the Plus plan limit. [Upgrade](https://x.test/cdn/plus.png)", "rate_limited"),
        ("Something went wrong, see https://x.test/status", "upstream"),
    ],
)  # fmt: skip
def test_links_of_a_failed_answer_are_never_taken(text, kind):
    reader = of(text)
    assert (shown(reader), reader.error.kind) == ([], kind)


def test_a_block_that_never_ends_echoes_the_prompt():
    reader = of(f'```json\n{{"prompt": "like {A}", "n": 1')
    assert (shown(reader), reader.error.kind) == ([], "no_image")


def test_a_failed_moderation_beside_a_link():
    _, reader = read(sse(chunk(f"See [guide]({A})"), {"error": {"code": "moderation_blocked", "message": "m"}}, DONE))
    assert (shown(reader), reader.error.kind) == ([], "moderation_input")


def test_a_link_before_an_error_was_paid_for():
    _, reader = read(sse(chunk(f"> Progress 11....[100]({A})"), {"error": "upstream"}, DONE))
    assert (shown(reader), reader.error.kind) == ([A], "upstream")


@pytest.mark.parametrize(
    "text",
    [
        f"You asked for: a fox like {A}\n",
        f"> a fox like ![x]({A})\n",
        f"```\na fox like {A}\n```",
        f'{{"request": "a fox like {A}"}}',
        f"a fox like {A}?b=1&amp;c=2",
    ],
)
def test_what_the_prompt_named_is_no_answer(text):
    reader = of(text, prompt=f"a fox like {A} and {A}?b=1&c=2")
    assert (shown(reader), reader.transcript.links, reader.error.kind) == ([], [], "no_image")


def test_leftovers_are_told():
    reader = of(f"![a]({A})\nand https://x.test/z.png\n```\n![b]({B})\n```\n")
    assert shown(reader) == [A]
    assert reader.warnings == [
        "A picture address was found but not used: https://x.test/z.png",
        f"A picture address was found but not used: {B}",
    ]
    assert of("![a](sandbox:/mnt/a.png)").warnings == ["A picture address was found but not used: sandbox:/mnt/a.png"]


def test_mirrors_are_no_leftovers():
    reader = of(f"![a]({A})\n[Download](https://y.test/other.png)\nhttps://y.test/a.png\n")
    assert reader.warnings == []
    assert [link.address for link in reader.transcript.links] == ["https://y.test/other.png", "https://y.test/a.png"]


@pytest.mark.parametrize(
    "text", [f"[![](https://y.test/small.png)]({A})", f'<a href="{A}"><img src="https://y.test/small.png"></a>']
)
def test_a_thumbnail_without_a_label_is_no_leftover(text):
    reader = of(text)
    assert (shown(reader), reader.warnings) == ([A], [])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("![a](https:\\/\\/x.test\\/a.png?b=1)", "https://x.test/a.png?b=1"),
        ("![a](https:&#47;&#47;x.test/a.png)", A),
        ("![a](https://x.test/a\\_b.png)", "https://x.test/a_b.png"),
        ("![a](https://x.test/a.png?b=1&amp;amp;c=2)", "https://x.test/a.png?b=1&c=2"),
        ("https://x.test/a.png?b=1&amp;c=2", "https://x.test/a.png?b=1&c=2"),
    ],
)
def test_escaped_addresses(text, plain):
    """The address as it stands comes first, where it is one; then what it means."""
    said = of(text).transcript
    assert len(said.pictures) == 1
    assert plain in [said.pictures[0].address, *(link.address for link in said.links)]


def test_newlines_that_were_escaped_twice():
    assert shown(of(f"{A}\\n{B}\\n")) == [A, B]


# Any bytes


@given(st.binary(max_size=300), st.integers(1, 9), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_bytes(wire, size, broke_off):
    whole = read(wire, broke_off=broke_off)
    again = read(wire, size, broke_off=broke_off)
    assert again[0] == whole[0]
    assert again[1].transcript == whole[1].transcript
    assert str(again[1].error) == str(whole[1].error)
    assert all(isinstance(event, Link) or event in whole[0] for event in again[0])
