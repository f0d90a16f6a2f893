"""Every scenario of the simulator: the right pictures or the right error, one POST, and whether it was billed."""

import hashlib
import urllib.request
from urllib.parse import urlsplit

import pytest

from gpt4o_image.simulator import scenario_names

DOCUMENTED = [11, 19, 27, 34, 42, 50, 57, 64, 100]

# scenario: number of pictures
PICTURES = dict.fromkeys(
    [
        "as_event",
        "bad_json_chunk",
        "bad_utf8_chunk",
        "bom",
        "choices_empty_usage",
        "content_null",
        "crlf",
        "cut_after_event",
        "cut_json",
        "delta_null",
        "download_202",
        "download_403_then_200",
        "download_403_then_alt",
        "download_flaky",
        "download_slow",
        "end_without_done",
        "error_beside_data",
        "file_animation",
        "file_bmp",
        "file_jpeg_no_end",
        "file_large_metadata",
        "file_tiff",
        "finish_length",
        "full_message_chunk",
        "http200_json_completion",
        "long_queue",
        "missing_last_blank_line",
        "no_blank_lines",
        "no_final_newline",
        "ok_b_en_two",
        "ok_b_ja",
        "ok_b_zh",
        "ok_b_zwj",
        "ok_bare_link",
        "ok_c_asyncdata",
        "ok_entities_in_link",
        "ok_fenced_picture",
        "ok_full_width_mark",
        "ok_jpeg_named_png",
        "ok_label_two_lines",
        "ok_link_without_ending",
        "ok_linked_thumbnail",
        "ok_parens_in_url",
        "ok_percent_encoded",
        "ok_prompt_echo",
        "ok_quoted_picture",
        "ok_relative_link",
        "ok_unfenced_bad_json",
        "one_chunk",
        "role_only",
        "split_digits",
        "split_every_char",
        "split_every_utf8_byte",
        "trailing_percent",
        "transparent",
        "utf8_cut",
        *(name for name in scenario_names() if name.startswith("shape_")),
    ],
    2,
) | {
    "cut_after_first_image": 1,
    "cut_event": 1,
    "cut_inside_url": 1,
    "download_one_fails": 1,
    "fail_after_images": 1,
    "ok_a_en": 1,
    "ok_a_percent_sas_only": 1,
    "ok_data_url": 1,
    "ok_dup_markdown": 1,
    "ok_n1": 1,
    "ok_n4": 4,
    "ok_only_100": 1,
    "ok_only_download_link": 1,
    "ok_url_safe_base64": 1,
    "partial_n": 3,
}

# scenario: (error.kind, billed)
ERRORS = {
    "async_notify_ja": ("pending", "yes"),
    "async_notify_text": ("pending", "yes"),
    "async_notify_zh": ("pending", "yes"),
    "busy_zh": ("rate_limited", "yes"),
    "chunk_code_minus_1": ("quota", "yes"),
    "cut_after_progress": ("truncated", "yes"),
    "download_all_fail": ("download_failed", "yes"),
    "download_down": ("download_failed", "yes"),
    "download_html_200": ("download_failed", "yes"),
    "download_too_big": ("download_failed", "yes"),
    "download_zero": ("download_failed", "yes"),
    "drop_after_headers": ("truncated", "yes"),
    "drop_before_headers": ("upstream", "unknown"),
    "fail_content_filter": ("refused", "yes"),
    "fail_en": ("moderation_input", "yes"),
    "fail_input_moderation_zh": ("moderation_input", "yes"),
    "fail_output_moderation": ("moderation_output", "yes"),
    "fail_review_zh": ("moderation_input", "yes"),
    "fail_unknown_reason": ("upstream", "yes"),
    "file_heic": ("download_failed", "yes"),
    "hang_before_headers": ("timeout", "unknown"),
    "http200_empty": ("upstream", "yes"),
    "http200_html": ("config", "unknown"),
    "http200_json_error": ("upstream", "yes"),
    "http200_task": ("pending", "yes"),
    "http_307": ("upstream", "no"),
    "http_400": ("bad_request", "no"),
    "http_400_moderation": ("moderation_input", "unknown"),
    "http_400_key_echoed": ("bad_request", "no"),
    "http_400_sensitive": ("moderation_input", "unknown"),
    "http_401": ("auth", "no"),
    "http_403": ("auth", "no"),
    "http_403_challenge": ("upstream", "no"),
    "http_403_precharge": ("quota", "no"),
    "http_403_quota": ("quota", "no"),
    "http_404": ("config", "no"),
    "http_408": ("timeout", "unknown"),
    "http_409": ("upstream", "unknown"),
    "http_413": ("reference", "no"),
    "http_429": ("rate_limited", "no"),
    "http_429_once": ("rate_limited", "no"),
    "http_500": ("upstream", "unknown"),
    "http_502_html": ("upstream", "unknown"),
    "http_503_model": ("bad_model", "unknown"),
    "http_503_rate": ("rate_limited", "unknown"),
    "plan_limit_es": ("rate_limited", "yes"),
    "plan_limit_ja": ("rate_limited", "yes"),
    "plan_limit_ko": ("rate_limited", "yes"),
    "plan_limit_zh": ("rate_limited", "yes"),
    "plan_limit_text": ("rate_limited", "yes"),
    "redirect_to_private_ip": ("download_failed", "yes"),
    "refusal_guardrails": ("refused", "yes"),
    "refusal_policy": ("refused", "yes"),
    "sse_error_key_echoed": ("upstream", "yes"),
    "sse_error_object_after": ("upstream", "yes"),
    "sse_error_object_before": ("upstream", "yes"),
    "sse_error_string": ("upstream", "yes"),
    "sse_event_error_flat": ("upstream", "yes"),
    "stall": ("timeout", "yes"),
    "timed_out_zh": ("timeout", "yes"),
    "tcp_reset_mid_chunk": ("truncated", "yes"),
}

# scenario: a part of the warning that is owed
WARNINGS = {
    "bad_json_chunk": "",
    "cut_after_event": "",
    "cut_after_first_image": "ended early",
    "cut_event": "",
    "cut_inside_url": "a link in it was taken",
    "cut_json": "",
    "download_one_fails": "Could not be downloaded: http",
    "error_beside_data": "",
    "fail_after_images": "the gateway said",
    "file_animation": "",
    "file_jpeg_no_end": "",
    "file_large_metadata": "",
    "finish_length": "finish_reason: length",
    "ok_bare_link": "a link in it was taken",
    "ok_fenced_picture": "",
    "ok_full_width_mark": "a link in it was taken",
    "ok_only_100": "a link in it was taken",
    "ok_only_download_link": "a link in it was taken",
    "partial_n": "4 pictures were asked for, 3 came",
}
# Whether these are worth a warning is left open.
OPEN = {"bad_utf8_chunk", "no_blank_lines", "utf8_cut", "cut_after_event"}

# scenario: a part of the gateway's own words
WORDS = {
    "async_notify_text": "We'll notify you",
    "chunk_code_minus_1": "insufficient credits",
    "fail_en": "Failure reason: input_moderation",
    "fail_input_moderation_zh": "input_moderation",
    "http_400_moderation": "safety system",
    "http_401": "no key provided",
    "http_403_quota": "balance is insufficient",
    "http_429": "Too many requests",
    "http_503_model": "Incorrect model ID",
    "http_503_rate": "Rate limited by provider",
    "plan_limit_text": "Plus plan limit",
    "refusal_guardrails": "guardrails",
    "refusal_policy": "content policies",
    "sse_error_object_after": "Internal server error",
    "sse_event_error_flat": "Internal server error",
}

# Other endpoints and cancels have their own tests.
ELSEWHERE = {"slow", "cancel_before_headers", "cancel_mid_stream"} | {
    name for name in scenario_names() if name.startswith("images_")
}


def test_every_scenario_has_an_expectation():
    assert PICTURES.keys() | ERRORS.keys() | ELSEWHERE == set(scenario_names())


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pictures(name, run, simulator):
    outcome = run(f"a red fox [[{name}]]")
    assert outcome.error is None
    assert len(outcome.pictures) == PICTURES[name]
    assert simulator.posts() == 1
    assert (WARNINGS.get(name) or "") in " ".join(outcome.warnings)
    assert bool(outcome.warnings) == (name in WARNINGS) or name in OPEN
    if not name.startswith(("shape_", "error_beside")):
        assert outcome.progress[-1] == (83 if name.startswith("ok_a_") else 100)
    assert list(outcome.progress) == sorted(outcome.progress)
    if name.startswith(("ok_b", "split_every", "one_chunk")):
        assert list(outcome.progress) == DOCUMENTED
    kept = run.vault.result(outcome.result_id)
    assert (kept.status, kept.billed, kept.cost_usd) == ("ok", "yes", 0.009)
    assert [file.path.read_bytes() for file in kept.files] == [picture.data for picture in outcome.pictures]


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_errors(name, run, simulator):
    outcome = run(f"a red fox [[{name}]]", timeout_s=2.0 if name in ("stall", "hang_before_headers") else 20.0)
    error = outcome.error
    assert error
    assert (error.kind, error.billed) == ERRORS[name]
    assert outcome.pictures == ()
    assert simulator.posts() == 1
    assert WORDS.get(name, "") in (error.gateway_text or "")
    kept = run.vault.result(outcome.result_id)
    assert kept.status == "error"
    assert kept.error == error.as_json()
    assert kept.cost_usd == (0.0 if error.billed == "no" else 0.009)


@pytest.mark.parametrize("name", ["http_401", "http_429", "http_500", "sse_error_object_after", "http200_json_error"])
def test_the_id_that_support_asks_for_is_kept(name, run):
    error = run(f"a red fox [[{name}]]").error
    assert error.request_id.isdigit()
    assert len(error.request_id) == 31
    assert error.request_id in str(error)


def test_pictures_come_in_the_order_of_the_answer(run):
    outcome = run("a red fox [[ok_n4]]")
    for picture in outcome.pictures:
        with urllib.request.urlopen(picture.url) as served:
            assert hashlib.sha256(served.read()).hexdigest() == picture.sha256
    shown = run.vault.result(outcome.result_id).pictures
    assert [picture.url for picture in outcome.pictures] == [picture.address for picture in shown]


def test_status_pages_and_half_addresses_are_never_fetched(run, simulator):
    whole = run("a red fox [[ok_c_asyncdata]]")
    cut = run("a red fox [[cut_inside_url]]")
    fetched = [record["path"] for record in simulator.requests() if record["method"] == "GET"]
    assert sorted(fetched) == sorted(urlsplit(picture.url).path for picture in (*whole.pictures, *cut.pictures))
    assert sorted(path.split("/")[1] for path in fetched) == ["cdn", "cdn", "vg-assets"]


def test_a_failed_download_names_every_link(run):
    error = run("a red fox [[download_all_fail]]").error
    assert error.message.count("http://127.0.0.1") >= 5


def test_a_failure_carries_the_id_of_its_request_and_its_task(run, simulator):
    outcome = run("a red fox [[fail_input_moderation_zh]]")
    assert outcome.error.request_id == outcome.request_id == run.vault.answer(outcome.result_id).head.request_id
    assert run.vault.result(outcome.result_id).details["task_id"].startswith("task_")
