"""Two ComfyUI servers, and the command beside them, on one GPT4O_IMAGE_HOME. The last test kills the second server."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from gpt4o_image.command.headless import HeadlessComfyUI
from gpt4o_image.vault.vault import Vault

RUN_S = 60.0


@pytest.fixture(scope="module")
def server_environment(host, simulator, gateway_home, key):
    return {
        "GPT4O_IMAGE_HOME": str(gateway_home),
        "GPT4O_IMAGE_BASE_URL": simulator.base_url,
        "AIHUBMIX_API_KEY": key,
    }


@pytest.fixture(scope="module")
def other(host, comfyui, pack_root, server_environment):
    """A second server beside the session's own. Entries up to number `began` are other tests', broken on purpose."""
    entries = Vault(Path(server_environment["GPT4O_IMAGE_HOME"]) / "vault").results(1)
    with HeadlessComfyUI(comfyui, {"gpt4o-image": pack_root}, env=server_environment) as server:
        running = type(host)(server, host.simulator)
        running.began = entries[0].number if entries else 0
        yield running
        for browser in running.browsers:
            browser.close()


@pytest.fixture
def vault(gateway_home):
    return Vault(gateway_home / "vault")


def with_report(node, save):
    return {"1": node, "2": save("1"), "report": {"class_type": "PreviewAny", "inputs": {"source": ["1", 3]}}}


def report_of(run):
    assert run.failure is None, run.failure
    return json.loads(run.text_output("report"))


def pictures_of(report):
    return [image["sha256"] for image in report["images"]]


def entries_of(vault, graph):
    return [entry for entry in vault.results() if entry.prompt == graph["1"]["inputs"]["prompt"]]


def test_the_same_request_at_both_is_paid_for_once(host, other, generate, save, vault):
    graph = with_report(generate("twins"), save)
    runs = [server.start(graph) for server in (host, other)]
    reports = [report_of(run.finish(RUN_S)) for run in runs]
    assert len(host.posts(graph)) == 1
    assert sorted(report["reused"] for report in reports) == [False, True]
    assert pictures_of(reports[0]) == pictures_of(reports[1])
    assert {report["result_id"] for report in reports} == {entry.id for entry in entries_of(vault, graph)}
    assert sum(report["cost_usd"] for report in reports) == pytest.approx(0.009)


def test_different_requests_do_not_wait_for_each_other(host, other, generate, save):
    graphs = [with_report(generate(f"[[slow]] {place}", count="1"), save) for place in ("here", "there")]
    runs = [server.start(graph) for server, graph in zip((host, other), graphs, strict=True)]
    records = [host.wait_for_posts(graph)[0] for graph in graphs]
    assert not any(record["finished"] for record in records)
    for server, run in zip((host, other), runs, strict=True):
        server.server.interrupt()
        assert run.finish(RUN_S).failure == "interrupted"


def test_the_command_beside_a_server_waits_and_reuses(host, generate, save, server_environment, tmp_path):
    graph = with_report(generate("command"), save)
    run = host.start(graph)
    host.wait_for_posts(graph)
    arguments = [graph["1"]["inputs"]["prompt"], "--gateway", "aihubmix", "--out", str(tmp_path), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "gpt4o_image", "generate", *arguments],
        check=False,
        env=os.environ | server_environment,
        capture_output=True,
        text=True,
        timeout=RUN_S,
    )
    report = report_of(run.finish(RUN_S))
    told = json.loads(done.stdout)
    assert (told["status"], told["reused"], told["cost_usd"]) == ("ok", True, 0)
    assert told["result_id"] == report["result_id"]
    assert pictures_of(told) == pictures_of(report)
    assert len(host.posts(graph)) == 1


def test_a_server_that_dies_while_it_pays_is_not_waited_for_for_ever(host, other, generate, save, vault):
    graph = with_report(generate("dies [[long_queue]]"), save)
    other.start(graph)
    host.wait_for_posts(graph)
    other.server._process.kill()
    other.server._process.wait()
    (dead,) = entries_of(vault, graph)
    assert (dead.status, dead.links) == ("running", ())

    run = host.start(graph)
    host.wait_for_posts(graph, 2, timeout_s=40)  # its lease went with its process; what had come names no picture
    host.server.interrupt()
    assert run.finish(RUN_S).failure == "interrupted"
    (mine, kept) = entries_of(vault, graph)
    assert (kept.id, kept.status, kept.error["kind"]) == (dead.id, "error", "truncated")
    assert (mine.error["kind"], mine.billed) == ("cancelled", "yes")


def test_nothing_is_damaged(host, other, vault):
    with closing(sqlite3.connect(vault.folder / "vault.sqlite3")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    files = [file for entry in vault.results() if entry.number > other.began for file in entry.files]
    assert files
    for file in files:
        with Image.open(file.path) as picture:
            picture.load()
