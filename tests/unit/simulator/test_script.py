"""The composition of a stream: its text, its events, where it is cut."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gpt4o_image.simulator.asked import read_prompt
from gpt4o_image.simulator.dialect import Call, compose
from gpt4o_image.simulator.links import make_links
from gpt4o_image.simulator.scenarios import combine
from gpt4o_image.simulator.script import as_event, completion, stream

TASK = "task_01jsccq77nfcsab7dn8bx7z230"
DOCUMENTED = re.compile(
    r'```json\n\{\n  "prompt": "a fox\\nRendered [^"]+",\n  "ratio": "2:3"\n\}\n```'
    "\n\n>\U0001f550 Queuing\\."
    "\n\n>\u26a1 Generating\\.{5}"
    "\n\n>\U0001f3c3\u200d Progress 11\\.{4}19\\.{4}27\\.{3}34\\.{4}42\\.{4}50\\.{4}57\\.{3}64\\.{4}"
    r"\[100\]\(http://gw/vg-assets/assets%2Ftask_01[a-z0-9]{24}%2Fsrc_1\.png\?st=\S+&sig=\S+%3D&az=oaivgprodscus\)"
    "\n\n> \u2705 Generation complete\n\n"
    r"(\n\n?!\[gen_[a-z0-9]{26}\]\(http://gw/cdn/20250421/(\w{30})\.png\)"
    r"\n\n\[Click to download\]\(http://gw/cdn/download/20250421/\2\.png\)){2}"
)


def call_of(prompt: str) -> Call:
    asked = read_prompt(prompt)
    scenario = combine(asked.tags)
    count = scenario.count or asked.count or 2
    links = [
        make_links("http://gw", "seed", index, task=TASK, day="20250421", naming=scenario.naming)
        for index in range(count)
    ]
    return Call("seed", "gpt-4o-image-vip", 1745193600, asked, scenario, links, asked.ratio or "2:3", TASK)


def body_of(prompt: str) -> bytes:
    return b"".join(step.data for step in stream(call_of(prompt)).steps)


def chunks_of(prompt: str) -> list[dict[str, Any]]:
    lines = body_of(prompt).decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def contents_of(prompt: str) -> list[str]:
    choices = [choice for chunk in chunks_of(prompt) for choice in chunk.get("choices") or []]
    return [(choice["delta"] or {}).get("content") or "" for choice in choices]


def text_of(prompt: str) -> str:
    return "".join(contents_of(prompt))


def test_the_default_text_is_the_documented_one():
    assert DOCUMENTED.fullmatch(text_of("a fox"))
    assert "".join(delta.text for delta in compose(call_of("a fox"))) == text_of("a fox")


def test_the_default_events_are_the_documented_ones():
    chunks = chunks_of("a fox")
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-1]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert {} in [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]  # after the preamble
    assert body_of("a fox").endswith(b"\n\ndata: [DONE]\n\n")


def test_the_default_deltas_come_one_by_one():
    contents = [content for content in contents_of("a fox") if content]
    assert contents[:3] == ["```", "json", "\n"]
    queue = contents.index("\n\n>\U0001f550 Queuing")
    assert contents[queue + 1 : queue + 8] == [".", "\n\n>\u26a1 Generating", ".", ".", ".", ".", "."]
    assert contents[queue + 9 : queue + 12] == ["19....", "27...", "34...."]
    assert contents[-2].startswith("[100](")
    assert contents[-1].count("![gen_") == 2


def test_a_default_stream_takes_eight_to_ten_seconds():
    assert 8 <= sum(delta.pause_s for delta in compose(call_of("a fox"))) <= 10
    assert 8 <= sum(delta.pause_s for delta in compose(call_of("a fox " * 2000))) <= 10


@pytest.mark.parametrize(
    "name",
    [
        "split_every_char",
        "split_every_utf8_byte",
        "one_chunk",
        "choices_empty_usage",
        "delta_null",
        "content_null",
        "role_only",
        "full_message_chunk",
        "no_final_newline",
        "slow",
        "end_without_done",
        "missing_last_blank_line",
        "finish_length",
        "ok_b_zwj",
    ],
)
def test_framings_do_not_change_the_text(name: str):
    assert text_of(f"a fox [[{name}]]") == text_of("a fox")


def test_every_step_of_the_byte_framing_is_one_byte():
    steps = stream(call_of("a fox [[split_every_utf8_byte]]")).steps
    assert {len(step.data) for step in steps} == {1}
    assert b"".join(step.data for step in steps) == body_of("a fox")


def test_characters_come_singly_and_all_at_once():
    assert {len(content) for content in contents_of("a fox [[split_every_char]]")} <= {0, 1}
    assert len([content for content in contents_of("a fox [[one_chunk]]") if content]) == 1


def test_split_digits():
    contents = contents_of("a fox [[split_digits]]")
    start = contents.index("\n\n>\U0001f3c3\u200d Progress 1")
    assert contents[start + 1 : start + 3] == ["1....", "[10"]
    assert contents[start + 3].startswith("0](http://gw/vg-assets/")


def test_crlf_is_in_the_lines_and_in_the_text():
    body = body_of("a fox [[crlf]]")
    assert body.count(b"\n") == body.count(b"\r\n")
    assert text_of("a fox [[crlf]]").replace("\r\n", "\n") == text_of("a fox")


def test_odd_chunks_are_there():
    assert any(chunk["choices"] == [] and "usage" in chunk for chunk in chunks_of("a [[choices_empty_usage]]"))
    assert any(chunk["choices"][0]["delta"] is None for chunk in chunks_of("a [[delta_null]]"))
    assert {"content": None} in [chunk["choices"][0]["delta"] for chunk in chunks_of("a [[content_null]]")]
    assert chunks_of("a [[role_only]]")[0]["choices"][0]["delta"] == {"role": "assistant"}
    assert chunks_of("a [[full_message_chunk]]")[-1]["choices"][0]["message"]["content"] == text_of("a")
    assert chunks_of("a [[finish_length]]")[-1]["choices"][0]["finish_reason"] == "length"


def test_broken_chunks_are_broken_and_lose_no_text():
    frames = body_of("a fox [[bad_json_chunk]]").split(b"\n\n")
    broken = [frame for frame in frames if frame.startswith(b"data: {") and not is_json(frame[6:])]
    assert len(broken) == 1
    assert b"\n\n".join(frame for frame in frames if frame not in broken) == body_of("a fox")
    assert b"\xf0\x9f\xff\xfe" in body_of("a fox [[bad_utf8_chunk]]")


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def test_the_last_blank_line_can_be_missing():
    assert body_of("a fox [[missing_last_blank_line]]").endswith(b"}\n\ndata: [DONE]\n")
    assert body_of("a fox [[end_without_done]] [[missing_last_blank_line]]").endswith(b'"stop"}]}\n')


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("cut_after_progress", r"57\.\.\.64\.\.\.\."),
        ("cut_after_first_image", r"!\[gen_\w{26}\]\(http://gw/cdn/20250421/\w{30}\.png\)"),
        ("cut_inside_url", r"!\[gen_\w{26}\]\(http://gw/cdn/20250421/\w{1,29}"),
        ("stall", r"11\.\.\.\.19\.\.\.\.27\.\.\."),
    ],
)
def test_cuts_end_where_they_say(name: str, end: str):
    assert re.search(f"{end}$", text_of(f"a fox [[{name}]]"))
    assert b"[DONE]" not in body_of(f"a fox [[{name}]]")
    assert b'"stop"' not in body_of(f"a fox [[{name}]]")


def test_a_reset_ends_in_half_an_event():
    script = stream(call_of("a fox [[tcp_reset_mid_chunk]]"))
    assert script.ending == "reset"
    assert b"\n" not in script.steps[-1].data


@pytest.mark.parametrize(
    ("name", "event", "last_text"),
    [
        ("sse_error_object_before", {"error": {"type": "internal_error"}}, "....."),
        ("sse_error_object_after", {"error": {"type": "internal_error"}}, "64...."),
        ("sse_error_string", {"error": "upstream connect error"}, "....."),
        ("sse_event_error_flat", {"type": "internal_error"}, "....."),
        ("chunk_code_minus_1", {"code": -1, "msg": "insufficient credits"}, "....."),
    ],
)
def test_errors_inside_the_stream(name: str, event: dict[str, Any], last_text: str):
    prompt = f"a fox [[{name}]]"
    told = chunks_of(prompt)[-1]
    assert set(event) <= set(told)
    assert name == "chunk_code_minus_1" or re.search(r"\(tid: \d{31}\)", json.dumps(told))
    assert (b"event: error\ndata: " in body_of(prompt)) == (name == "sse_event_error_flat")
    assert text_of(prompt).endswith(last_text)


def test_the_count_is_told_when_asked_for():
    assert '"n": 4' in text_of("a fox, 4 images")
    assert text_of("a fox, 4 images").count("![gen_") == 4
    assert '"n": 1' in text_of("a fox [[ok_n1]]")
    assert text_of("a fox [[partial_n]]").count("![gen_") == 3
    assert '"n": 4' in text_of("a fox [[partial_n]]")


def test_one_picture_is_src_0():
    assert "src_0.png" in text_of("a fox [[ok_n1]]")


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a fox [[ok_b_zh]]", ">\U0001f550 \u6392\u961f\u4e2d."),
        ("\u72d0\u72f8", ">\U0001f3c3 \u8fdb\u5ea6 11...."),
        ("\u30ad\u30c4\u30cd", ">\U0001f3c3\u200d \u9032\u6357 11...."),
        ("\u30ad\u30c4\u30cd [[ok_b_en_two]]", ">\U0001f3c3 Progress 11...."),
        ("a fox [[ok_a_percent_sas_only]]", "\n> \u8fdb\u5ea6 14%.\n> \u8fdb\u5ea6 27%....\n> \u8fdb\u5ea6 83%\n"),
        ("a fox [[ok_a_en]]", "\n> Generation complete \u2705\n> gen_id: `gen_01"),
        ("a fox [[ok_c_asyncdata]]", "](https://pro.asyncdata.net/source/"),
        ("a fox [[fail_en]]", "> Generation failed \u274c\n> Failure reason: input_moderation"),
        ("a fox [[fail_unknown_reason]]", "\n> \u5931\u8d25\u539f\u56e0\uff1aerror\n"),
        ("a fox [[fail_input_moderation_zh]]", '{"type":"terminal","results_by_frame_index":{},"code":"other"'),
        ("a fox [[fail_output_moderation]]", '"is_output_rejection":true'),
        ("a fox [[fail_after_images]]", "![gen_"),
        ("a fox [[refusal_guardrails]]", "We\u2019re so sorry, but the image we created may violate our guardrails"),
        ("a fox [[plan_limit_text]]", "You've hit the Plus plan limit for image generation requests."),
        ("a fox [[async_notify_text]]", "Processing image\n\nLots of people are creating images right now"),
        ("a fox [[ok_prompt_echo]]", "![gen_echo](http://192.168.0.1/private.png)"),
        ("a fox [[ok_unfenced_bad_json]]", '"prompt": "a fox\nRendered'),
        ("a fox [[ok_percent_encoded]]", "%2F"),
        ("a fox [[ok_parens_in_url]]", "(1)_(1(a))"),
        ("a fox [[ok_dup_markdown]]", "](http://gw/cdn/download/"),
    ],
)
def test_dialects_say_their_words(prompt: str, words: str):
    assert words in text_of(prompt)


def test_fallback_dialects_have_no_markdown_picture():
    assert "![" not in text_of("a fox [[ok_only_100]]")
    assert "/cdn/" not in text_of("a fox [[ok_only_100]]")
    only_link = text_of("a fox [[ok_only_download_link]]")
    assert ("![" in only_link, "vg-assets" in only_link, "/cdn/download/" in only_link) == (False, False, True)


def test_trailing_percent():
    assert text_of("a fox [[trailing_percent]]") == text_of("a fox") + "%"


def test_a_long_queue_has_dots_and_keep_alives():
    body = body_of("a fox [[long_queue]]")
    assert f">\U0001f550 Queuing{'.' * 300}\n\n>" in text_of("a fox [[long_queue]]")
    assert body.count(b": keep-alive\n\n") >= 50


def test_half_a_surrogate_pair_in_a_prompt_breaks_nothing():
    assert "a ? fox" in text_of("a \ud83d fox")


def test_a_completion_holds_the_same_text():
    call = call_of("a fox")
    answer = completion(call)
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == text_of("a fox")


# Where the pictures are


def test_shapes_are_events_of_their_own():
    for shape, field in (("multi_mod_content", "multi_mod_content"), ("images", "images"), ("source", "content")):
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks_of(f"a fox [[shape_{shape}]]")]
        carrying = [delta for delta in deltas if isinstance(delta.get(field), list)]
        assert [len(delta[field]) for delta in carrying] == [1, 1]
        assert not any("![" in str(delta.get("content")) for delta in deltas)


def test_choices_have_a_picture_each():
    choices = [choice for chunk in chunks_of("a fox [[shape_choices]]") for choice in chunk["choices"]]
    shown = [choice["index"] for choice in choices if "![" in (choice["delta"].get("content") or "")]
    assert shown == [0, 1]
    answer = completion(call_of("a fox [[shape_choices]]"))
    assert ["![gen_" in choice["message"]["content"] for choice in answer["choices"]] == [True, True]


def test_a_whole_body_can_be_the_only_event():
    call = call_of("a fox")
    steps = as_event({"data": []}, call).steps
    assert [step.data for step in steps] == [b'data: {"data":[]}\n\n', b"data: [DONE]\n\n"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ok_relative_link", "](/cdn/20250421/"),
        ("ok_linked_thumbnail", "](http://gw/cdn/thumb/20250421/"),
        ("ok_label_two_lines", "![a picture of the task\ngen_"),
        ("ok_entities_in_link", "%3D&amp;az=oaivgprodscus)"),
        ("ok_full_width_mark", ".png\uff1b"),
        ("ok_quoted_picture", "\n> ![gen_"),
        ("ok_fenced_picture", "```\n![gen_"),
    ],
)
def test_odd_ways_to_show_a_picture(name: str, words: str):
    assert words in text_of(f"a fox [[{name}]]")


def test_url_safe_base64_has_no_padding():
    assert re.search(r"\]\(data:image/png;base64,[\w-]*\)", text_of("a fox [[ok_url_safe_base64]]"))


def test_no_blank_lines():
    body = body_of("a fox [[no_blank_lines]]")
    assert b"\n\n" not in body
    assert body.endswith(b"\ndata: [DONE]\n")


def test_a_byte_order_mark_comes_first():
    assert body_of("a fox [[bom]]") == b"\xef\xbb\xbf" + body_of("a fox")


def test_a_character_can_be_cut_by_the_end_of_an_event():
    body = body_of("a fox [[utf8_cut]]")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    whole = body.replace(b'\xf0"', b"\xf0@").split(b"@")
    assert len(whole) == 2


def test_an_event_can_break_off_behind_its_first_picture():
    body = body_of("a fox [[cut_event]]")
    last = body.rpartition(b"\n\n")[2]
    assert re.search(rb"!\[gen_\w+\]\(http://gw/cdn/20250421/\w{30}\.png\)$", last)
    assert not is_json(last.removeprefix(b"data: "))


def test_the_last_event_can_lack_its_blank_line_with_the_pictures_in_it():
    body = body_of("a fox [[cut_after_event]]")
    last = body.rpartition(b"\n\n")[2]
    assert is_json(last.removeprefix(b"data: "))
    assert last.count(b"![gen_") == 2
    assert last.endswith(b"}\n")
