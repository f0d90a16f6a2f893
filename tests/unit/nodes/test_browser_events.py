"""The live event and the graph of a run, without ComfyUI: it is asked through nodes/host.py only."""

import importlib
import json
import sys
import types

import pytest


@pytest.fixture(scope="module")
def live(pack_root):
    """The module, loaded inside a package of its own, as its relative imports need."""
    package = types.ModuleType("pack_of_live")
    package.__path__ = [str(pack_root)]
    sys.modules["pack_of_live"] = package
    yield importlib.import_module("pack_of_live.nodes.browser_events")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack_of_live"]:
        del sys.modules[name]


@pytest.fixture
def run_events(live):
    """The loaded copy's own classes."""
    answer, run = (
        importlib.import_module(f"pack_of_live.gpt4o_image.{name}") for name in ("answer.events", "run_events")
    )
    return types.SimpleNamespace(Progress=answer.Progress, Queued=answer.Queued, Sending=run.Sending, Kept=run.Kept)


@pytest.fixture
def told(live, monkeypatch):
    """(percent, ended) of each event, in order; all are of one result."""
    events = []

    def send(result_id, percent, *, ended):
        assert result_id == "id"
        events.append((percent, ended))

    monkeypatch.setattr(live.host, "send_result_event", send)
    return events


class Vault:
    """Keeps graphs, or has the trouble that it is given."""

    def __init__(self, trouble=None):
        self.trouble = trouble
        self.graphs = {}

    def add_graph(self, result_id, graph):
        if self.trouble:
            raise self.trouble
        self.graphs[result_id] = graph


def test_a_run_is_told_from_its_row_to_its_end(live, run_events, told):
    vault = Vault()
    result = live.LiveResult(vault, lambda: "{}")
    assert live.RUNNING.percent("id") is None
    for event in (run_events.Sending("id"), run_events.Queued(), run_events.Progress(11), run_events.Progress(64)):
        result.notify(event)
    assert live.RUNNING.percent("id") == 64
    result.notify(run_events.Kept("id"))
    result.end()
    assert told == [(None, False), (11, False), (64, False), (None, True)]
    assert live.RUNNING.percent("id") is None
    assert vault.graphs == {"id": "{}"}


def test_a_run_that_ends_before_its_row_is_not_told(live, told):
    live.LiveResult(Vault(), lambda: "{}").end()
    assert told == []


def test_a_picture_that_comes_after_cancel_is_told(live, run_events, told):
    result = live.LiveResult(Vault(), lambda: None)
    result.notify(run_events.Sending("id"))
    result.end()
    result.notify(run_events.Kept("id"))
    assert told == [(None, False), (None, True), (None, True)]
    assert live.RUNNING.percent("id") is None


def test_what_the_vault_fetched_for_a_run_is_told(live, run_events, told):
    result = live.LiveResult(Vault(), lambda: None)
    result.notify(run_events.Kept("id"))
    result.end()
    assert told == [(None, True)]


@pytest.mark.parametrize("trouble", [OSError("no space"), OSError("locked")])
def test_trouble_with_the_graph_ends_no_run(live, run_events, told, trouble, caplog):
    live.LiveResult(Vault(trouble), lambda: "{}").notify(run_events.Sending("id"))
    assert str(trouble) in caplog.text


@pytest.mark.parametrize("metadata", [True, False])
def test_a_graph_is_kept_where_metadata_is(live, monkeypatch, metadata):
    monkeypatch.setattr(live.host, "keeps_metadata", lambda: metadata)
    workflow = {"nodes": [{"title": "\u732b \udc00"}]}
    graph = live.graph_of({"workflow": workflow, "other": object()})
    assert (graph is not None) == metadata
    if graph:
        assert json.loads(graph) == workflow
        assert graph.isascii()


LOOP = {}
LOOP["itself"] = LOOP


@pytest.mark.parametrize(
    "sent", [None, "text", [], {}, {"workflow": None}, {"workflow": "text"}, {"workflow": {"a": float("nan")}},
             {"workflow": {"a": object()}}, {"workflow": LOOP}],
)  # fmt: skip
def test_what_a_browser_could_not_read_back_is_no_graph(live, monkeypatch, sent):
    monkeypatch.setattr(live.host, "keeps_metadata", lambda: True)
    assert live.graph_of(sent) is None
