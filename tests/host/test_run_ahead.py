"""Paid calls of the queue, sent before their turn, in a real ComfyUI. Every POST is counted by the simulator."""

import json
import time

import pytest

from gpt4o_image.command.headless import HeadlessComfyUI
from gpt4o_image.vault.vault import Vault

STALL = "[[stall]] held"  # runs until it is interrupted


@pytest.fixture
def ahead(host):
    """Sets how many calls are sent ahead. Afterwards nothing runs or waits any more, and it is off again."""

    def limit(calls):
        host.server.request("/gpt4o_image/queue/run_ahead", {"calls": calls})

    yield limit
    limit(0)
    host.server.request("/queue", {"clear": True})
    while any(json.loads(host.server.request("/queue")).values()):
        host.server.interrupt()
        time.sleep(0.1)


@pytest.fixture
def graph(generate, all_outputs):
    return lambda words, **inputs: all_outputs(generate(words, count="1", **inputs))


@pytest.fixture
def held(host, generate, save):
    """A running prompt whose paid node is busy until it is interrupted."""

    def start():
        graph = {"1": generate(STALL), "2": save("1")}
        run = host.start(graph)
        run.wait_for("text", "1", text="11 %")
        return run

    return start


def summary(host):
    return json.loads(host.server.request("/gpt4o_image/queue"))


def report_of(run):
    return json.loads(run.text_output("report"))


def settled(host, graph):
    """The POSTs of a graph once the last of them has ended, and some looks at the queue later."""
    host.wait_for_posts(graph)
    deadline = time.monotonic() + 30
    while not all(record["finished"] or record["closed_by_client"] for record in host.posts(graph)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return host.posts(graph)


def unsent_for(host, graphs, seconds=1.5):
    """Several looks at the queue later none of them has been sent."""
    time.sleep(seconds)
    return not any(host.posts(graph) for graph in graphs)


def test_queued_calls_are_sent_while_a_paid_node_is_busy_and_taken_over(host, ahead, graph, held):
    ahead(12)
    graphs = [graph(f"queued {number}") for number in range(11)]
    first = held()
    runs = [host.start(each) for each in graphs]
    for each in graphs:
        settled(host, each)
    assert summary(host)["sent"] == 11
    host.server.interrupt()
    assert first.finish().failure == "interrupted"
    for run, each in zip(runs, graphs, strict=True):
        run.finish()
        report = report_of(run)
        (picture,) = run.images("save_image")
        assert len(host.posts(each)) == 1
        assert (report["status"], report["reused"], report["cost_usd"]) == ("ok", False, 0.009)
        assert report["progress"][-1] == 100
        assert picture.size == (report["images"][0]["width"], report["images"][0]["height"])
        assert run.percents("1")[-1] == 100
        assert run.previews("1")
        assert "saved" in run.texts("1")[-1].lower()
    assert summary(host)["sent"] == 0


def test_no_more_than_the_limit_are_sent_and_not_yet_taken_over(host, ahead, graph, held):
    ahead(2)
    graphs = [graph(f"one of five {number}") for number in range(5)]
    held()
    runs = [host.start(each) for each in graphs]
    for each in graphs[:2]:
        settled(host, each)
    assert unsent_for(host, graphs[2:])
    host.server.interrupt()
    assert [run.finish().failure for run in runs] == [None] * 5
    assert [len(host.posts(each)) for each in graphs] == [1] * 5


def test_off_means_nothing_is_sent_ahead(host, ahead, graph, held):
    graphs = [graph("off")]
    held()
    host.start(graphs[0])
    assert unsent_for(host, graphs)
    assert summary(host)["waiting"] == 1


def test_send_them_now_sends_what_waits_whatever_runs(host, ahead, graph, save):
    inputs = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
    empty = {"class_type": "EmptyImage", "inputs": inputs}
    block = {"image": ["empty", 0], "seconds": 60.0, "polls": True, "seed": time.time_ns() % 2**31}
    local = {
        "empty": empty,
        "block": {"class_type": "GPT4oImageTest_Block", "inputs": block},
        "save": save("block"),
    }
    host.start(local).wait_for("executing", "block")
    graphs = [graph(f"sent now {number}") for number in range(3)]
    runs = [host.start(each) for each in graphs]
    told = summary(host)
    assert (told["waiting"], told["at_most_usd"], told["sent"]) == (3, 0.027, 0)
    assert json.loads(host.server.request("/gpt4o_image/queue/send", {})) == {"calls": 3}
    for each in graphs:
        settled(host, each)
    told = summary(host)
    assert (told["waiting"], told["at_most_usd"], told["sent"]) == (0, 0, 3)
    host.server.interrupt()
    assert [run.finish().failure for run in runs] == [None] * 3
    assert [len(host.posts(each)) for each in graphs] == [1] * 3


def test_progress_goes_on_where_the_node_takes_over(host, ahead, graph, held):
    ahead(1)
    slow = graph("[[slow]] in the middle")
    held()
    run = host.start(slow)
    host.wait_for_posts(slow)
    host.server.interrupt()
    run.finish()
    shown = [percent for percent in run.percents("1") if percent]
    progress = report_of(run)["progress"]
    assert shown == progress[-len(shown) :]
    assert len(shown) > 1
    assert len(host.posts(slow)) == 1


def test_cancel_closes_a_call_that_was_taken_over(host, ahead, graph, held):
    ahead(2)
    graphs = [graph("[[stall]] to be cancelled"), graph("after it")]
    held()
    runs = [host.start(each) for each in graphs]
    for each in graphs:
        host.wait_for_posts(each)
    host.server.interrupt()
    runs[0].wait_for("text", "1", text="%")
    (record,) = host.posts(graphs[0])
    assert not record["closed_by_client"]
    asked_at = time.time()
    host.server.interrupt()
    assert runs[0].finish().failure == "interrupted"
    (record,) = settled(host, graphs[0])
    assert record["time"] + record["closed_after_s"] - asked_at < 1.0
    assert runs[1].finish().failure is None
    assert len(host.posts(graphs[1])) == 1


def test_a_failure_ahead_is_the_nodes_failure(host, ahead, graph, held):
    ahead(2)
    graphs = [graph("[[fail_en]] ahead"), graph("beside it")]
    held()
    runs = [host.start(each) for each in graphs]
    settled(host, graphs[0])
    host.server.interrupt()
    assert "GPT4oImage_Generate" in runs[0].finish().failure
    assert runs[0].error["node_id"] == "1"
    assert runs[1].finish().failure is None
    assert [len(settled(host, each)) for each in graphs] == [1, 1]


def test_what_is_removed_before_it_was_sent_costs_nothing(host, ahead, graph, held):
    ahead(1)
    graphs = [graph(f"removed {number}") for number in range(4)]
    first = held()
    runs = [host.start(each) for each in graphs]
    settled(host, graphs[0])
    host.server.request("/queue", {"delete": [run.prompt_id for run in runs[1:]]})
    ahead(12)
    assert unsent_for(host, graphs[1:])
    host.server.interrupt()
    first.finish()
    assert runs[0].finish().failure is None
    assert unsent_for(host, graphs[1:], 0.5)


def test_what_is_sent_and_then_removed_stays_in_the_vault_and_is_told(host, ahead, graph, held):
    ahead(1)
    removed, again = graph("sent, then removed"), graph("something else")
    first = held()
    run = host.start(removed)
    host.wait_for_posts(removed)
    host.server.request("/queue", {"clear": True})
    event = first.browser.wait_for(lambda event: event.type == "gpt4o_image.queue" and event.data["left"])
    assert summary(host)["left"][-1] == event.data["left"]
    assert settled(host, removed)[0]["finished"]
    detail = json.loads(host.server.request(f"/gpt4o_image/results/{event.data['left']}"))
    assert detail["state"] in ("saved", "running")
    host.server.interrupt()
    first.finish()
    run = host.run(removed)
    assert report_of(run)["reused"]
    assert len(host.posts(removed)) == 1
    assert host.run(again).failure is None


def test_equal_prompts_are_paid_for_once(host, ahead, graph, held):
    ahead(12)
    same = graph("twice")
    held()
    runs = [host.start(same) for _ in range(3)]
    settled(host, same)
    host.server.interrupt()
    assert [run.finish().failure for run in runs] == [None] * 3
    assert len(host.posts(same)) == 1
    host.run(same)
    assert len(host.posts(same)) == 1


def test_values_may_come_from_primitives_and_nothing_else(host, ahead, graph, held):
    ahead(12)
    linked, drawn, by_report = graph("linked"), graph("drawn from a picture"), graph("from a report")
    linked["text"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": linked["1"]["inputs"]["prompt"]}}
    linked["seed"] = {"class_type": "PrimitiveInt", "inputs": {"value": 7}}
    words = linked["1"]["inputs"]["prompt"]
    linked["1"]["inputs"] |= {"prompt": ["text", 0], "seed": ["seed", 0]}
    inputs = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
    drawn["empty"] = {"class_type": "EmptyImage", "inputs": inputs}
    drawn["1"]["inputs"]["references.image_01"] = ["empty", 0]
    by_report["first"] = {**by_report["1"], "inputs": {**by_report["1"]["inputs"], "prompt": f"{words}, first"}}
    by_report["1"]["inputs"]["prompt"] = ["first", 3]
    held()
    runs = [host.start(each) for each in (linked, drawn, by_report)]
    sent = {"1": {"inputs": {"prompt": words}}}
    settled(host, sent)
    first = {"1": {"inputs": {"prompt": f"{words}, first"}}}
    settled(host, first)
    assert unsent_for(host, [drawn], 0.5)
    host.server.interrupt()
    assert [run.finish().failure for run in runs] == [None] * 3
    assert len(host.posts(drawn)) == 1
    # The report names the prompt's own words: the third call is sent by its node, with the first one's words in it.
    assert len([r for r in host.posts(sent) if "result_id" not in json.dumps(r["body"])]) == 2


def test_each_item_of_a_list_is_taken_over_by_its_own_run(host, ahead, graph, held):
    ahead(12)
    listed = graph("")
    lines = [f"{word} {time.time_ns()}" for word in ("first", "second", "third")]
    listed["list"] = {"class_type": "GPT4oImage_Prompts", "inputs": {"text": "\n".join(lines), "file": "text"}}
    listed["1"]["inputs"] |= {"prompt": ["list", 0], "seed": ["list", 1]}
    sent = [{"1": {"inputs": {"prompt": line}}} for line in lines]
    held()
    run = host.start(listed)
    for each in sent:
        settled(host, each)
    host.server.interrupt()
    assert len(run.finish().images("save_image")) == 3
    told = run.entry["outputs"]["1"]["gpt4o_image"]
    assert [(each["status"], each["reused"], each["cost_usd"]) for each in told] == [("ok", False, 0.009)] * 3
    assert [len(host.posts(each)) for each in sent] == [1, 1, 1]


@pytest.fixture
def another(host, comfyui, simulator, gateway_home, key, pack_root):
    """Starts a server of its own on the same vault."""
    env = {"GPT4O_IMAGE_HOME": str(gateway_home), "GPT4O_IMAGE_BASE_URL": simulator.base_url, "AIHUBMIX_API_KEY": key}
    started = []

    def start():
        server = HeadlessComfyUI(comfyui, {"gpt4o-image": pack_root}, env=env)
        started.append(type(host)(server.__enter__(), simulator))
        return started[-1]

    yield start
    for each in started:
        each.server.stop()
        for browser in each.browsers:
            browser.close()


@pytest.mark.timeout(600)  # it starts two servers
def test_what_a_killed_server_had_sent_is_found_by_the_next(another, graph, generate, save):
    graphs = [graph(f"before the kill {number}") for number in range(3)]
    first = another()
    first.server.request("/gpt4o_image/queue/run_ahead", {"calls": 2})
    first.start({"1": generate(STALL), "2": save("1")}).wait_for("text", "1", text="11 %")
    for each in graphs:
        first.start(each)
    assert all(record["finished"] for each in graphs[:2] for record in settled(first, each))
    first.server._process.kill()
    first.server._process.wait()

    second = another()
    second.server.request("/gpt4o_image/queue/run_ahead", {"calls": 2})
    runs = [second.start(each) for each in graphs]
    assert [run.finish().failure for run in runs] == [None] * 3
    assert [report_of(run)["reused"] for run in runs] == [True, True, False]
    assert [len(second.posts(each)) for each in graphs] == [1, 1, 1]


@pytest.mark.timeout(600)
def test_whatever_happens_to_twelve_queued_runs_no_call_is_paid_for_twice(another, graph, generate, save, gateway_home):
    """Three are removed while they wait, one is cancelled, one fails, and the server is killed under the last four."""
    words = [f"of twelve {number}" for number in range(12)]
    words[1], words[2] = f"[[stall]] {words[1]}", f"[[fail_en]] {words[2]}"
    graphs = [graph(each) for each in words]
    first = another()
    first.server.request("/gpt4o_image/queue/run_ahead", {"calls": 4})
    held = first.start({"1": generate(STALL), "2": save("1")})
    held.wait_for("text", "1", text="11 %")
    runs = [first.start(each) for each in graphs]
    for each in graphs[:4]:
        first.wait_for_posts(each)
    first.server.request("/queue", {"delete": [run.prompt_id for run in runs[9:]]})
    first.server.interrupt()
    assert runs[0].finish().failure is None
    runs[1].wait_for("text", "1", text="%")
    first.server.interrupt()
    assert runs[1].finish().failure == "interrupted"
    assert "GPT4oImage_Generate" in runs[2].finish().failure
    assert [run.finish().failure for run in runs[3:5]] == [None, None]
    first.wait_for_posts(graphs[6])
    first.server._process.kill()
    first.server._process.wait()
    assert [len(first.posts(each)) for each in graphs[:5]] == [1] * 5
    assert not any(first.posts(each) for each in graphs[9:])
    vault = Vault(gateway_home / "vault")
    paid = {result.prompt for result in vault.results() if result.pictures or result.files}

    second = another()
    second.server.request("/gpt4o_image/queue/run_ahead", {"calls": 4})
    again = [second.start(each) for each in graphs[5:9]]
    for run, each in zip(again, graphs[5:9], strict=True):
        assert run.finish(timeout_s=200).failure is None
        assert len(second.posts(each)) <= (1 if each["1"]["inputs"]["prompt"] in paid else 2)
    results = {result.prompt: result for result in reversed(vault.results())}
    for each in (*graphs[:1], *graphs[3:9]):
        result = results[each["1"]["inputs"]["prompt"]]
        assert result.state == "saved"
        assert all(file.path.is_file() for file in result.files)
