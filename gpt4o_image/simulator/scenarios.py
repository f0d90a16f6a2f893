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

    # The text: keys of wording.json
    dialect: str = "b"
    language: str = ""
    layout: tuple[str, ...] = DOCUMENTED
    tail: tuple[str, ...] = ("done", "pictures")
    preamble: str = "fenced"
    echo: bool = False
    text: str = ""
    reason: str = ""
    picture: str = "documented"
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
    # The answer as a whole, the time it takes, the routes around it
    answer: str = ""
    transport: str = ""
    pace: float = 0.0
    download: str = ""
    images: str = ""
    transparent: bool = False
    jpeg: bool = False


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
    "ok_jpeg_named_png": Scenario(jpeg=True),
    "ok_data_url": Scenario(picture="inline", count=1, plain_hundred=True),
    "ok_unfenced_bad_json": Scenario(preamble="unfenced"),
    "ok_prompt_echo": Scenario(echo=True),
    "ok_parens_in_url": Scenario(naming="parens"),
    "ok_percent_encoded": Scenario(naming="escaped"),
    "trailing_percent": Scenario(suffix="%"),
    "no_final_newline": Scenario(framing=("no_final_newline",)),
    "transparent": Scenario(transparent=True),
    "slow": Scenario(pace=3.0),
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
    "finish_length": Scenario(finish="length"),
    # Cuts
    "cut_after_progress": Scenario(cut="after_progress"),
    "cut_after_first_image": Scenario(cut="after_first_image"),
    "cut_inside_url": Scenario(cut="inside_url"),
    "end_without_done": Scenario(framing=("no_done",)),
    "tcp_reset_mid_chunk": Scenario(cut="reset"),
    "stall": Scenario(cut="stall"),
    # Failures told in the text
    "fail_input_moderation_zh": Scenario(
        language="zh", layout=EARLY_FAILURE, tail=("failure",), reason="input_moderation", framing=("usage",)
    ),
    "fail_output_moderation": Scenario(
        language="zh", layout=LATE_FAILURE, tail=("failure",), reason="output_moderation", plain_hundred=True
    ),
    "fail_en": Scenario(language="en", layout=EARLY_FAILURE, tail=("failure",), reason="input_moderation"),
    "fail_unknown_reason": Scenario(language="zh", layout=EARLY_FAILURE, tail=("failure",), reason="error"),
    "fail_after_images": Scenario(tail=("done", "pictures", "failure"), reason="error", count=1),
    "refusal_guardrails": Scenario(layout=("text",), text="guardrails"),
    "refusal_policy": Scenario(layout=("text",), text="policy"),
    "plan_limit_text": Scenario(layout=("text",), text="plan_limit"),
    "async_notify_text": Scenario(layout=("text",), text="async_notify"),
    # Failures told inside the stream
    "sse_error_object_before": Scenario(interruption="object", cut="before_progress"),
    "sse_error_object_after": Scenario(interruption="object", cut="after_progress"),
    "sse_error_string": Scenario(interruption="string", cut="before_progress"),
    "sse_event_error_flat": Scenario(interruption="event_flat", cut="before_progress"),
    "chunk_code_minus_1": Scenario(interruption="code_minus_1", cut="before_progress"),
    # Whole answers
    "http200_json_error": Scenario(answer="http200_json_error"),
    "http200_json_completion": Scenario(transport="no_stream"),
    "http200_html": Scenario(answer="http200_html"),
    "http200_empty": Scenario(answer="http200_empty"),
    "http_307": Scenario(answer="http_307"),
    "http_400": Scenario(answer="http_400"),
    "http_400_moderation": Scenario(answer="http_400_moderation"),
    "http_401": Scenario(answer="http_401"),
    "http_403": Scenario(answer="http_403"),
    "http_403_quota": Scenario(answer="http_403_quota"),
    "http_404": Scenario(answer="http_404"),
    "http_408": Scenario(answer="http_408"),
    "http_409": Scenario(answer="http_409"),
    "http_413": Scenario(answer="http_413"),
    "http_429": Scenario(answer="http_429"),
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
