"""What is asked of a host that is there only in part."""

import sys
from types import SimpleNamespace

import pytest

from nodes import host


def app(**fields):
    return SimpleNamespace(app=SimpleNamespace(**fields))


@pytest.mark.parametrize(
    ("server", "serving"),
    [
        (None, True),
        (app(frozen=False), False),
        (app(frozen=True), True),
        (app(), True),
        (SimpleNamespace(), True),
    ],
    ids=["none", "starting", "serving", "another app", "no app"],
)
def test_only_a_server_that_starts_does_not_serve(monkeypatch, server, serving):
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=server)))
    assert host.is_serving() is serving
