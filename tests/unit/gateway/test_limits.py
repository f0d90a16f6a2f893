"""How long a rate-limited gateway asks to wait."""

import time
from email.utils import format_datetime, formatdate

import pytest

from gpt4o_image.gateway.limits import wait_s


@pytest.mark.parametrize(
    ("header", "said", "seconds"),
    [
        ("3", "", 3.0),
        (" 2.5 ", "Please try again in 40s.", 2.5),
        ("0", "", 0.0),
        ("", "Rate limit reached. Please try again in 20s.", 20.0),
        ("", "retry after 1.5 seconds", 1.5),
        ("", "Please try again in 2m0s", 120.0),
        ("", "try again in 3 minutes", 180.0),
        ("", "try again in 250ms", 0.25),
        ("", "try again in 2 months", 10.0),
        ("", "Too many requests", 10.0),
        ("soon", "", 10.0),
        ("-5", "", 10.0),
        (formatdate(0, usegmt=True), "", 0.0),
    ],
)
def test_the_header_then_the_words_then_ten_seconds(header, said, seconds):
    assert wait_s(header, said) == pytest.approx(seconds)


def test_a_date_in_the_header(monkeypatch):
    from datetime import datetime, timezone

    now = datetime(2026, 11, 28, tzinfo=timezone.utc)
    monkeypatch.setattr(time, "time", now.timestamp)
    assert wait_s(format_datetime(now.replace(second=42), usegmt=True), "") == 42.0
