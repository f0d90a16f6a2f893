"""The table of scenarios: [[name]] in a prompt to how the gateway behaves. Data; does nothing itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

DOCUMENTED = ("preamble", "queue", "generate", "progress", "tail")
WITH_ID = ("preamble", "id", "queue", "generate", "progress", "tail")
EARLY_FAILURE = ("preamble", "queue", "tail")
LATE_FAILURE = ("preamble", "queue", "generate", "progress", "tail")


class ScenarioError(ValueError):
    """A name that is not in the table, or two scenarios that want different things."""


@dataclass(frozen=True)
class Scenario:
    """How one answer differs from the documented one; a default means "as documented"."""

    # The text: keys of wording.json; `shape` of shapes.py where the pictures are not in it, or "choices"
    dialect: str = "b"
    language: str = ""
    layout: tuple[str, ...] = DOCUMENTED
    tail: tuple[str, ...] = ("done", "pictures")
    preamble: str = "fenced"
    echo: bool = False
    text: str = ""
    reason: str = ""
    picture: str = "documented"
    shape: str = ""
    naming: str = ""
    count: int = 0
    stated_count: int = 0
    queue_dots: int = 0
    plain_hundred: bool = False
    plain_runner: bool = False
    suffix: str = ""
    # The stream: any number of framings, one cut, one interruption
    framing: tuple[str, ...] = ()
    finish: str = "stop"
    cut: str = ""
    interruption: str = ""
    # The answer as a whole, the time it takes, the routes around it; `file` of files.py
    answer: str = ""
    first_only: bool = False
    transport: str = ""
    pace: float = 0.0
    download: str = ""
    beside: str = ""
    images: str = ""
    transparent: bool = False
    file: str = ""


SCENARIOS: dict[str, Scenario] = {
    # Success and dialects
    "ok_b_en_two": Scenario(language="en", count=2, plain_runner=True),
    "ok_b_zwj": Scenario(language="en", count=2),
    "ok_b_zh": Scenario(language="zh"),
    "ok_b_ja": Scenario(language="ja"),
    "ok_a_percent_sas_only": Scenario(
        dialect="a", language="zh", layout=WITH_ID, preamble="compact", picture="signed", count=1
    ),
    "ok_a_en": Scenario(dialect="a", language="en", layout=WITH_ID, preamble="compact", picture="signed", count=1),
    "ok_c_asyncdata": Scenario(language="zh", layout=WITH_ID, naming="hex"),
    "ok_only_100": Scenario(tail=("done",), count=1),
    "ok_only_download_link": Scenario(picture="link_only", count=1, plain_hundred=True),
    "ok_n1": Scenario(count=1, stated_count=1),
    "ok_n4": Scenario(count=4, stated_count=4),
    "partial_n": Scenario(count=3, stated_count=4),
    "ok_dup_markdown": Scenario(picture="twice", count=1),
    "ok_jpeg_named_png": Scenario(file="jpeg"),
    "ok_data_url": Scenario(picture="inline", count=1, plain_hundred=True),
    "ok_unfenced_bad_json": Scenario(preamble="unfenced"),
    "ok_prompt_echo": Scenario(echo=True),
    "ok_parens_in_url": Scenario(naming="parens"),
    "ok_percent_encoded": Scenario(naming="escaped"),
    "ok_relative_link": Scenario(naming="relative"),
    "ok_link_without_ending": Scenario(naming="no_ending"),
    "ok_linked_thumbnail": Scenario(picture="thumbnail"),
    "ok_label_two_lines": Scenario(picture="two_lines"),
    "ok_entities_in_link": Scenario(picture="entities", naming="escaped", plain_hundred=True),
    "ok_full_width_mark": Scenario(picture="full_width", plain_hundred=True),
    "ok_bare_link": Scenario(picture="bare", plain_hundred=True),
    "ok_quoted_picture": Scenario(picture="quoted"),
    "ok_fenced_picture": Scenario(picture="fenced", plain_hundred=True),
    "ok_url_safe_base64": Scenario(picture="inline_url_safe", count=1, plain_hundred=True),
    "trailing_percent": Scenario(suffix="%"),
    "no_final_newline": Scenario(framing=("no_final_newline",)),
    "transparent": Scenario(transparent=True),
    "slow": Scenario(pace=3.0),
    # Where the pictures are, on either route
    "shape_multi_mod_content": Scenario(shape="multi_mod_content", tail=("done",), plain_hundred=True),
    "shape_inline_data": Scenario(shape="inline_data", tail=("done",), plain_hundred=True),
    "shape_images": Scenario(shape="images", tail=("done",), plain_hundred=True),
    "shape_image_urls": Scenario(shape="image_urls", tail=("done",), plain_hundred=True),
    "shape_source": Scenario(shape="source", tail=("done",), plain_hundred=True),
    "shape_parts": Scenario(shape="parts", tail=("done",), plain_hundred=True),
    "shape_choices": Scenario(shape="choices", plain_hundred=True),
    "shape_completion": Scenario(shape="completion"),
    "shape_data_b64": Scenario(shape="data_b64"),
    "shape_data_url": Scenario(shape="data_url"),
    "shape_output": Scenario(shape="output"),
    "shape_result": Scenario(shape="result"),
    "as_event": Scenario(framing=("as_event",)),
    "error_beside_data": Scenario(shape="data_b64", beside="error"),
    # What a link leads to
    "file_bmp": Scenario(file="bmp"),
    "file_tiff": Scenario(file="tiff"),
    "file_heic": Scenario(file="heic"),
    "file_large_metadata": Scenario(file="metadata"),
    "file_jpeg_no_end": Scenario(file="jpeg_no_end"),
    "file_animation": Scenario(file="animation"),
    # Framing
    "crlf": Scenario(framing=("crlf",)),
    "split_digits": Scenario(framing=("split_digits",)),
    "split_every_char": Scenario(framing=("chars",)),
    "split_every_utf8_byte": Scenario(framing=("bytes",)),
    "one_chunk": Scenario(framing=("one_chunk",)),
    "long_queue": Scenario(queue_dots=300, framing=("keep_alive",)),
    "choices_empty_usage": Scenario(framing=("choices_empty",)),
    "delta_null": Scenario(framing=("delta_null",)),
    "content_null": Scenario(framing=("content_null",)),
    "role_only": Scenario(framing=("role_only",)),
    "full_message_chunk": Scenario(framing=("full_message",)),
    "bad_json_chunk": Scenario(framing=("bad_json",)),
    "bad_utf8_chunk": Scenario(framing=("bad_utf8",)),
    "missing_last_blank_line": Scenario(framing=("no_last_blank_line",)),
    "no_blank_lines": Scenario(framing=("no_blank_lines",)),
    "utf8_cut": Scenario(framing=("utf8_cut",)),
    "bom": Scenario(framing=("bom",)),
    "finish_length": Scenario(finish="length"),
    # Cuts
    "cut_after_progress": Scenario(cut="after_progress"),
    "cut_after_first_image": Scenario(cut="after_first_image"),
    "cut_inside_url": Scenario(cut="inside_url"),
    "cut_event": Scenario(cut="event"),
    "cut_after_event": Scenario(cut="after_pictures", framing=("no_last_blank_line",)),
    "cut_json": Scenario(cut="json", transport="no_stream"),
    "end_without_done": Scenario(framing=("no_done",)),
    "tcp_reset_mid_chunk": Scenario(cut="reset"),
    "stall": Scenario(cut="stall"),
    # Failures in the text
    "fail_input_moderation_zh": Scenario(
        language="zh", layout=EARLY_FAILURE, tail=("failure",), reason="input_moderation", framing=("usage",)
    ),
    "fail_output_moderation": Scenario(
        language="zh", layout=LATE_FAILURE, tail=("failure",), reason="output_moderation", plain_hundred=True
    ),
    "fail_en": Scenario(language="en", layout=EARLY_FAILURE, tail=("failure",), reason="input_moderation"),
    "fail_unknown_reason": Scenario(language="zh", layout=EARLY_FAILURE, tail=("failure",), reason="error"),
    "fail_review_zh": Scenario(
        language="zh", layout=EARLY_FAILURE, tail=("failure",), reason="\u5185\u5bb9\u5ba1\u6838\u672a\u901a\u8fc7"
    ),
    "fail_content_filter": Scenario(layout=EARLY_FAILURE, tail=(), finish="content_filter"),
    "fail_after_images": Scenario(tail=("done", "pictures", "failure"), reason="error", count=1),
    "refusal_guardrails": Scenario(layout=("text",), text="guardrails"),
    "refusal_policy": Scenario(layout=("text",), text="policy"),
    "plan_limit_text": Scenario(layout=("text",), text="plan_limit"),
    "plan_limit_zh": Scenario(layout=("text",), text="plan_limit_zh"),
    "plan_limit_ja": Scenario(layout=("text",), text="plan_limit_ja"),
    "plan_limit_ko": Scenario(layout=("text",), text="plan_limit_ko"),
    "plan_limit_es": Scenario(layout=("text",), text="plan_limit_es"),
    "busy_zh": Scenario(layout=("text",), text="busy_zh"),
    "timed_out_zh": Scenario(layout=("text",), text="timed_out_zh"),
    "async_notify_text": Scenario(layout=("text",), text="async_notify"),
    "async_notify_zh": Scenario(layout=("text",), text="async_notify_zh"),
    "async_notify_ja": Scenario(layout=("text",), text="async_notify_ja"),
    # Failures inside the stream
    "sse_error_object_before": Scenario(interruption="object", cut="before_progress"),
    "sse_error_object_after": Scenario(interruption="object", cut="after_progress"),
    "sse_error_string": Scenario(interruption="string", cut="before_progress"),
    "sse_event_error_flat": Scenario(interruption="event_flat", cut="before_progress"),
    "chunk_code_minus_1": Scenario(interruption="code_minus_1", cut="before_progress"),
    "sse_error_key_echoed": Scenario(interruption="key_echoed", cut="before_progress"),
    # Whole answers
    "http200_task": Scenario(answer="http200_task"),
    "http200_json_error": Scenario(answer="http200_json_error"),
    "http200_json_completion": Scenario(transport="no_stream"),
    "http200_html": Scenario(answer="http200_html"),
    "http200_empty": Scenario(answer="http200_empty"),
    "http_307": Scenario(answer="http_307"),
    "http_400": Scenario(answer="http_400"),
    "http_400_sensitive": Scenario(answer="http_400_sensitive"),
    "http_400_key_echoed": Scenario(answer="http_400_key_echoed"),
    "http_400_moderation": Scenario(answer="http_400_moderation"),
    "http_401": Scenario(answer="http_401"),
    "http_403": Scenario(answer="http_403"),
    "http_403_quota": Scenario(answer="http_403_quota"),
    "http_403_precharge": Scenario(answer="http_403_precharge"),
    "http_403_challenge": Scenario(answer="http_403_challenge"),
    "http_404": Scenario(answer="http_404"),
    "http_408": Scenario(answer="http_408"),
    "http_409": Scenario(answer="http_409"),
    "http_413": Scenario(answer="http_413"),
    "http_429": Scenario(answer="http_429"),
    "http_429_once": Scenario(answer="http_429_once", first_only=True),
    "http_500": Scenario(answer="http_500"),
    "http_502_html": Scenario(answer="http_502_html"),
    "http_503_model": Scenario(answer="http_503_model"),
    "http_503_rate": Scenario(answer="http_503_rate"),
    "drop_before_headers": Scenario(transport="drop_before_headers"),
    "drop_after_headers": Scenario(transport="drop_after_headers"),
    "hang_before_headers": Scenario(transport="hang_before_headers"),
    "cancel_before_headers": Scenario(transport="hang_before_headers"),
    "cancel_mid_stream": Scenario(pace=3.0),
    # Downloads
    "download_403_then_alt": Scenario(download="403_then_alt"),
    "download_403_then_200": Scenario(download="403_then_200"),
    "download_202": Scenario(download="202"),
    "download_down": Scenario(download="drop"),
    "download_all_fail": Scenario(download="all_fail"),
    "download_one_fails": Scenario(download="one_fails"),
    "download_html_200": Scenario(download="html"),
    "download_zero": Scenario(download="zero"),
    "download_too_big": Scenario(download="too_big"),
    "download_slow": Scenario(download="slow"),
    "download_flaky": Scenario(download="flaky"),
    "redirect_to_private_ip": Scenario(download="redirect"),
    # The images route
    "images_b64": Scenario(images="b64"),
    "images_url": Scenario(images="url"),
    "images_both_null": Scenario(images="both_null"),
    "images_fewer_than_n": Scenario(images="fewer"),
    "images_data_null": Scenario(images="data_null"),
}


def scenario_names() -> list[str]:
    """Every name that may stand between double brackets in a prompt."""
    return sorted(SCENARIOS)


def combine(names: Iterable[str]) -> Scenario:
    """One behaviour of several names; raises ScenarioError for an unknown name or a contradiction."""
    wanted: dict[str, Any] = {}
    for name in names:
        if name not in SCENARIOS:
            raise ScenarioError(f"[[{name}]] is not a scenario.")
        for key, value in _differences(SCENARIOS[name]).items():
            if key == "framing":
                wanted[key] = (*wanted.get(key, ()), *value)
            elif wanted.setdefault(key, value) != value:
                raise ScenarioError(f"[[{name}]] contradicts another scenario in the prompt ({key}).")
    return Scenario(**wanted)


def _differences(scenario: Scenario) -> dict[str, Any]:
    pairs = ((field, getattr(scenario, field.name)) for field in fields(scenario))
    return {field.name: value for field, value in pairs if value != field.default}
