"""The error for a base_url that does not lead to a gateway."""

import pytest

from gpt4o_image.gateway.misaddressed import base_url_advice, misaddressed


@pytest.mark.parametrize(
    ("status", "billed", "said"),
    [
        (301, "no", "redirects to https://new.example (HTTP 301)"),
        (302, "no", "redirects to https://new.example (HTTP 302)"),
        (303, "no", "redirects to"),
        (308, "no", "redirects to"),
        (404, "no", "has no such endpoint (HTTP 404)"),
        (405, "unknown", "has no such endpoint (HTTP 405)"),
    ],
)
def test_statuses(status, billed, said):
    error = misaddressed("aihubmix", "https://a.example/v1", status, "https://me:hunter2@new.example/x?key=1")
    assert (error.kind, error.billed) == ("config", billed)
    assert said in error.message
    for words in ("https://a.example/v1", "base_url", "GPT4O_IMAGE_BASE_URL"):
        assert words in error.message
    assert "hunter2" not in error.message


@pytest.mark.parametrize("status", [307, 400, 401, 403, 408, 409, 410, 413, 418, 429, 500, 502])
def test_other_statuses_are_the_gateway_s_own(status):
    assert misaddressed("aihubmix", "https://a.example/v1", status) is None


@pytest.mark.parametrize(
    ("base_url", "hint"),
    [
        ("https://a.example", "Perhaps /v1 is missing at its end: https://a.example/v1."),
        ("https://a.example/", "Perhaps /v1 is missing at its end: https://a.example/v1."),
        ("https://a.example/v1/chat/completions", "It must not end in /chat/completions: use https://a.example/v1."),
        ("https://a.example/v1/images/generations/", ": use https://a.example/v1."),
        ("https://a.example/v1/models", ": use https://a.example/v1."),
        ("https://a.example/console", "At most gateways it ends in /v1."),
    ],
)  # fmt: skip
def test_what_is_probably_wrong(base_url, hint):
    assert hint in base_url_advice("aihubmix", base_url)
