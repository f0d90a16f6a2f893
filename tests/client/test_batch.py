"""`gpt4o-image batch`: a sheet side by side, resumed after a kill, never paid twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from fake_gateway import RESET, reply, sse

from gpt4o_image.command.manifest import JOURNAL

PRICE = 0.009
KEYS = {"row", "name", "prompt", "status", "paths", "result_id", "cost_usd", "reused", "error"}
# What a row of the sheet gets, by a word in its prompt: one picture, or a fault. What of it the gateway bills.
FAULTS = {
    "moderated": (sse("> Generation failed\n> Failure reason: input_moderation"), True),
    "server": (reply({"error": {"message": "upstream error"}}, 500), True),
    "busy": (reply({"error": {"message": "too many requests"}}, 429), False),
    "cut": ([b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", RESET], True),
    "empty": (sse("> Done"), True),
}


@pytest.fixture
def gateway(fake_gateway, monkeypatch):
    """Answers each prompt by its own words, after `gateway.pause_s`; counts what it would bill."""
    fake_gateway.pause_s = 0.0
    fake_gateway.prompts = []

    def answer(exchange):
        prompt = exchange.request.json()["messages"][0]["content"][0]["text"]
        fake_gateway.prompts.append(prompt)
        exchange.wait(fake_gateway.pause_s)
        fault = next((fault for word, (fault, _) in FAULTS.items() if word in prompt), None)
        name = "".join(c for c in prompt if c.isalnum())
        exchange.answer(fault or sse(f"![a](ROOT/cdn/{name}.png)"))

    fake_gateway.post(answer)
    free = [word for word, (_, billed) in FAULTS.items() if not billed]
    fake_gateway.billed = lambda: [p for p in fake_gateway.prompts if not any(word in p for word in free)]
    monkeypatch.setenv("GPT4O_IMAGE_BASE_URL", fake_gateway.base_url)
    return fake_gateway


@pytest.fixture
def batch(shell, gateway, tmp_path):
    """Runs it over rows of text: (exit status, the JSON object, stderr)."""

    def run(text, *options, name="list.csv"):
        (tmp_path / name).write_text(text, "utf-8")
        status, out, err = shell("batch", name, "--out", "out", "--json", *options)
        return status, json.loads(out), err

    return run


def manifest(tmp_path):
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    for line in lines:
        assert line.keys() == KEYS
        assert all(Path(path).is_file() for path in line["paths"])
    return {line["row"]: line for line in lines}


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").glob("*.png"))


def calls(tmp_path):
    """How many calls the journal names that left."""
    lines = (tmp_path / "out" / JOURNAL).read_bytes().split(b"\n")[:-1]
    return len({json.loads(line)["sent"] for line in lines if b'"sent"' in line})


def test_each_row_becomes_a_picture_under_its_name(batch, tmp_path, gateway):
    text = "prompt,name,seed\na fox,red fox,1\na cat,../cat.png,2\na dog,,\n"
    status, summary, err = batch(text, "--parallel", "3")
    assert (status, err) == (0, "")
    assert summary == {
        "status": "ok", "rows": 3, "done": 3, "failed": 0, "left": 0, "spent_usd": 0.027,
        "manifest": str(tmp_path / "out" / "manifest.jsonl"), "error": None,
    }  # fmt: skip
    assert files(tmp_path) == ["_cat.png", "red fox.png", "row-0003.png"]
    lines = manifest(tmp_path)
    assert [(n, lines[n]["name"], lines[n]["prompt"], lines[n]["status"]) for n in lines] == [
        (1, "red fox", "a fox", "ok"),
        (2, "../cat.png", "a cat", "ok"),
        (3, None, "a dog", "ok"),
    ]
    assert lines[1]["paths"] == [str(tmp_path / "out" / "red fox.png")]
    assert gateway.posts() == 3
    assert batch(text)[:2] == (0, summary)
    assert (gateway.posts(), len(files(tmp_path))) == (3, 3)


def test_lines_of_text_and_stdin(shell, gateway, tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("# comment\n\na fox, red\n  a cat \n")
    status, out, err = shell("batch", "list.txt", "--out", "out")
    assert (status, sorted(out.split())) == (0, [str(tmp_path / "out" / f"row-000{n}.png") for n in (1, 2)])
    assert "2 of 2 rows are done, 0 failed, 0 are left. This run cost $0.018" in err
    for number, given in enumerate((b"a dog\n", b'\xef\xbb\xbf"Prompt";name\r\n"a dog, brown";dog\r\n'), 1):
        with (tmp_path / "given").open("wb") as file:
            file.write(given)
        monkeypatch.setattr(sys, "stdin", (tmp_path / "given").open())
        with sys.stdin:
            assert shell("batch", "-", "--out", f"out{number}")[0] == 0
    assert (tmp_path / "out2" / "dog.png").exists()
    assert gateway.prompts[-2:] == ["a dog", "a dog, brown"]


def test_other_peoples_files_stay(batch, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "fox.png").write_bytes(b"mine")
    assert batch("prompt,name\na fox,fox\na cat,fox\n")[0] == 0
    assert files(tmp_path) == ["fox-2.png", "fox-3.png", "fox.png"]
    assert (tmp_path / "out" / "fox.png").read_bytes() == b"mine"


def test_failed_rows_are_skipped_told_and_left_alone(batch, tmp_path, gateway):
    text = "prompt\na fox\na server fox\na busy fox\na cat\n"
    status, summary, err = batch(text)
    assert (status, summary["done"], summary["failed"], summary["spent_usd"]) == (1, 2, 2, 0.027)
    assert "row 2 failed" in err
    lines = manifest(tmp_path)
    assert (lines[2]["status"], lines[2]["error"]["kind"], lines[2]["cost_usd"]) == ("error", "upstream", 0.009)
    assert (lines[3]["error"]["kind"], lines[3]["cost_usd"]) == ("rate_limited", 0.0)
    assert batch(text)[1] == summary
    assert gateway.posts() == 4

    status, quoted, _ = batch(text, "--retry", "failed", "--quote")
    assert (status, quoted["calls"], quoted["cost_usd"]) == (0, 2, 0.018)
    status, summary, err = batch(text, "--retry", "failed")
    assert "may cost $0.018 for 2 calls" in err
    assert (gateway.posts(), summary["spent_usd"], summary["failed"]) == (6, 0.036, 2)
    assert len(manifest(tmp_path)) == 4
    assert manifest(tmp_path)[2]["cost_usd"] == 0.018


def test_the_first_failure_can_end_it(batch, gateway):
    status, summary, _ = batch("prompt\na fox\na server fox\na cat\n", "--on-failure", "stop", "--parallel", "1")
    assert (status, summary["done"], summary["failed"], summary["left"], gateway.posts()) == (1, 1, 1, 1, 2)
    assert summary["error"]["kind"] == "upstream"


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_limit_is_kept_to_the_cent(batch, gateway, parallel):
    text = "prompt\n" + "".join(f"fox {number}\n" for number in range(12))
    options = ["--max-usd", "0.045", "--parallel", str(parallel)]
    status, summary, _ = batch(text, *options)
    assert (status, gateway.posts(), summary["left"], summary["spent_usd"]) == (1, 5, 7, 0.045)
    assert summary["error"]["kind"] == "budget"
    assert batch(text, *options)[1]["spent_usd"] == 0.045
    assert gateway.posts() == 5
    assert batch(text, "--max-usd", "0.108")[0] == 0
    assert gateway.posts() == 12


def test_a_limit_needs_a_price_before_anything_is_sent(batch, gateway, tmp_path):
    (tmp_path / "home").mkdir()
    config = tmp_path / "home" / "config.toml"
    config.write_text('[profiles.aihubmix]\nmodels = ["new-model"]\n')
    config.chmod(0o600)
    text = "prompt,model\na fox,\na cat,new-model\n"
    assert batch(text, "--quote")[1]["cost_usd"] is None
    status, summary, _ = batch(text, "--max-usd", "1")
    assert (status, summary["error"]["kind"], gateway.posts()) == (1, "config", 0)
    assert "new-model has no price" in summary["error"]["message"]
    assert batch(text)[0] == 0


def test_a_quote_is_what_it_costs(batch, gateway):
    text = "prompt,model,seed\na fox,,1\na fox,,1\na fox,,2\na fox,gpt-4o-image,1\na Studio Ghibli fox,,\n"
    status, quoted, _ = batch(text, "--quote")
    assert (status, quoted["calls"], quoted["cost_usd"], gateway.posts()) == (0, 4, 0.032, 0)
    batch(text)
    assert (gateway.posts(), batch(text, "--quote")[1]["cost_usd"]) == (4, 0.0)
    again = batch(text.replace("a fox,,2", "a fox,,3"), "--quote")[1]
    assert (again["calls"], again["cost_usd"], again["done"]) == (1, 0.009, 4)


def test_what_the_vault_has_is_free(shell, batch, tmp_path, gateway):
    shell("generate", "a fox", "--out", "elsewhere")
    text = "prompt\na fox\na cat\n"
    assert batch(text, "--quote")[1]["cost_usd"] == 0.009
    assert batch(text, "--max-usd", "0.009")[1]["spent_usd"] == 0.009
    assert (manifest(tmp_path)[1]["reused"], manifest(tmp_path)[1]["cost_usd"]) == (True, 0.0)
    assert gateway.posts() == 2


def test_pictures_that_were_deleted_come_back_for_free(batch, tmp_path, gateway):
    text = "prompt\na fox\na cat\n"
    batch(text)
    (tmp_path / "out" / "row-0001.png").unlink()
    assert batch(text, "--quote")[1]["cost_usd"] == 0.0
    status, summary, _ = batch(text)
    assert (status, summary["spent_usd"], gateway.posts()) == (0, 0.018, 2)
    assert files(tmp_path) == ["row-0001.png", "row-0002.png"]
    assert (manifest(tmp_path)[1]["cost_usd"], manifest(tmp_path)[1]["reused"]) == (0.009, False)


def test_a_changed_sheet_pays_for_what_changed(batch, tmp_path, gateway):
    batch("prompt,name\na fox,one\na cat,two\n")
    status, _, _ = batch("prompt,name\na dog,new\na fox,one\na lynx,two\n")
    assert (status, gateway.posts()) == (0, 4)
    assert {row: line["prompt"] for row, line in manifest(tmp_path).items()} == {1: "a dog", 2: "a fox", 3: "a lynx"}
    assert files(tmp_path) == ["new.png", "one.png", "two-2.png", "two.png"]


def test_references_are_sent_from_the_sheets_folder(batch, tmp_path, gateway):
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    assert batch("prompt,references\na fox,a.png\na cat,a.png; a.png\n")[0] == 0
    contents = [request.json()["messages"][0]["content"] for request in gateway.requests if request.body]
    assert sorted(len(content) for content in contents) == [2, 3]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("promt\na fox\n", "bad_request", "one of them must be prompt"),
        ("prompt,seed\na fox,1\na cat,one\n", "bad_request", "row 2"),
        ("prompt,ratio\na fox,1:1\na cat,16:9\n", "bad_request", "Row 2"),
        ("prompt,model\na fox,nope\n", "bad_model", "Row 1"),
        ("prompt,references\na fox,\na cat,missing.png\n", "reference", "Row 2"),
        ("prompt\n", "bad_request", "no prompt"),
    ],
)
def test_a_bad_sheet_is_told_before_anything_is_paid(batch, gateway, text, kind, words):
    status, summary, _ = batch(text)
    assert (status, summary["status"], summary["error"]["kind"], summary["error"]["billed"]) == (1, "error", kind, "no")
    assert words in summary["error"]["message"]
    assert gateway.posts() == 0


def test_a_sheet_that_is_not_there(shell):
    status, _, err = shell("batch", "nowhere.csv")
    assert (status, err) == (1, "error: The sheet nowhere.csv cannot be read: No such file or directory.\n")


@pytest.mark.parametrize(
    "options", [["--max-usd", "nan"], ["--max-usd", "-1"], ["--parallel", "0"], ["--retry", "all"]]
)
def test_wrong_options(shell, options):
    assert shell("batch", "x.csv", *options)[0] == 2


def test_a_limit_of_the_gateway_can_be_waited_for(batch, gateway, tmp_path):
    limited = reply({"error": {"message": "too many requests"}}, 429, retry_after="0.1")
    gateway.post(limited, limited, sse("![a](ROOT/cdn/a.png)"))
    assert batch("prompt\na fox\n", "--wait")[0] == 0
    assert gateway.posts() == 3
    lines = (tmp_path / "out" / JOURNAL).read_text().splitlines()
    steps = [step for line in lines for step in ("sending", "sent", "ended") if step in json.loads(line)]
    assert steps == [*["sending", "sent"] * 3, "ended"]


def test_what_holds_for_every_row_ends_it_before_any(shell, batch, gateway, tmp_path):
    (tmp_path / "home").mkdir()
    config = tmp_path / "home" / "config.toml"
    config.write_text("daily_budget_usd = 0.018\n")
    config.chmod(0o600)
    status, summary, _ = batch("prompt\na\nb\nc\nd\n", "--parallel", "1")
    assert (status, summary["done"], summary["failed"], summary["left"], summary["error"]["kind"]) == (
        1,
        2,
        0,
        2,
        "budget",
    )
    assert shell("batch", "list.csv", "--out", "list.csv")[0] == 1
    assert shell("batch", "list.csv", "--gateway", "nowhere")[0] == 1
    assert gateway.posts() == 2


class Process:
    """The command as a process that can be ended."""

    def __init__(self, environ, tmp_path, gateway, *options):
        command = [sys.executable, "-m", "gpt4o_image", "batch", "list.csv", "--out", "out", *options]
        url = {"GPT4O_IMAGE_BASE_URL": gateway.base_url}
        self.process = subprocess.Popen(
            command, env=environ | url, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.gateway = gateway

    def after(self, posts):
        while self.gateway.posts() < posts and self.process.poll() is None:
            time.sleep(0.01)
        return self

    def kill(self, calls):
        """At any moment but those between a call's line in the journal and its body; `calls` counts the lines."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            until = time.monotonic() + 0.5
            while calls() != self.gateway.posts() and time.monotonic() < until:
                time.sleep(0.01)  # what has left is still on its way
            if calls() == self.gateway.posts():
                self.process.kill()
            self.process.send_signal(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)
        self.process.communicate()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self):
        out, err = self.process.communicate(timeout=60)
        assert b"Traceback" not in err
        return self.process.returncode, out.decode(), err.decode()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_killed_twice_it_pays_for_each_row_once(command_environment, tmp_path, gateway, batch, pytestconfig):
    """One row in ten fails; each gets one call, whenever the batch is killed, and the sum is what was billed."""
    rows = pytestconfig.getoption("rows")
    faults = random.Random(4).sample(range(rows), rows // 10)
    kinds = list(FAULTS)
    text = "prompt,name\n" + "".join(
        f"{kinds[n % len(kinds)] if n in faults else 'plain'} fox {n},n{n}\n" for n in range(rows)
    )
    assert batch(text, "--quote")[1]["cost_usd"] == pytest.approx(rows * PRICE)
    gateway.pause_s = 0.2
    for posts in (rows // 4, rows // 2):
        Process(command_environment, tmp_path, gateway, "--parallel", "12").after(posts).kill(lambda: calls(tmp_path))
    # Those that were running each time: sent, and nothing of their answers had come.
    lost = 2 * 12
    status, out, _ = Process(command_environment, tmp_path, gateway, "--parallel", "12", "--json").end()
    summary = json.loads(out)
    assert (status, summary["left"]) == (1, 0)
    assert len(set(gateway.prompts)) == gateway.posts() == rows
    lines = manifest(tmp_path)
    assert sorted(lines) == list(range(1, rows + 1))
    assert sum(line["cost_usd"] for line in lines.values()) == pytest.approx(summary["spent_usd"])
    assert summary["spent_usd"] == pytest.approx(PRICE * len(gateway.billed()), abs=lost * PRICE)
    assert summary["spent_usd"] >= PRICE * len(gateway.billed()) - 1e-9
    assert len(faults) <= summary["failed"] <= len(faults) + lost
    assert len(files(tmp_path)) == summary["done"] == rows - summary["failed"]
    assert batch(text, "--quote")[1]["cost_usd"] == 0.0

    status, _, _ = Process(command_environment, tmp_path, gateway, "--retry", "failed", "--parallel", "12").end()
    assert gateway.posts() == rows + summary["failed"]
    assert len(files(tmp_path)) == rows - len(faults)
    assert len(manifest(tmp_path)) == rows


def test_a_call_that_may_have_left_is_not_sent_again_unasked(batch, tmp_path, gateway):
    """As a kill between a call's line in the journal and its body leaves it: nobody can know more than that."""
    text = "prompt\na fox\n"
    batch(text)
    journal = tmp_path / "out" / JOURNAL
    journal.write_bytes(b"".join(line for line in journal.read_bytes().splitlines(True) if b'"ended"' not in line))
    shutil.rmtree(tmp_path / "home")
    assert batch(text, "--quote")[1]["calls"] == 0
    assert batch(text)[1]["failed"] == 1
    error = manifest(tmp_path)[1]["error"]
    assert (error["kind"], error["billed"], gateway.posts()) == ("truncated", "unknown", 1)
    assert batch(text, "--retry", "failed")[1]["done"] == 1
    assert gateway.posts() == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_only_one_batch_at_a_time_uses_a_folder(command_environment, batch, tmp_path, gateway):
    text = "prompt\nfox 1\n"
    (tmp_path / "list.csv").write_text(text)
    gateway.pause_s = 30
    running = Process(command_environment, tmp_path, gateway).after(1)
    status, summary, _ = batch(text)
    assert (status, summary["error"]["kind"], gateway.posts()) == (1, "config", 1)
    assert "Another batch is running in the folder out" in summary["error"]["message"]
    assert batch(text, "--quote")[0] == 0  # it only reads
    running.process.kill()
    running.end()
    gateway.pause_s = 0
    assert batch("prompt\nfox 2\n")[1]["done"] == 1


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_waits_for_what_is_paid(command_environment, tmp_path, gateway):
    (tmp_path / "list.csv").write_text("prompt\n" + "".join(f"fox {n}\n" for n in range(9)))
    gateway.pause_s = 0.5
    status, _, err = Process(command_environment, tmp_path, gateway, "--parallel", "3").after(3).interrupt()
    assert status == 130
    assert "Ctrl+C again cancels" in err
    assert "3 of 9 rows are done, 0 failed, 6 are left" in err
    assert gateway.posts() == len(files(tmp_path)) == 3


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_twice_cancels_it(command_environment, tmp_path, gateway):
    (tmp_path / "list.csv").write_text("prompt\nfox 1\nfox 2\nfox 3\n")
    gateway.pause_s = 30
    running = Process(command_environment, tmp_path, gateway, "--parallel", "2")
    while gateway.posts() < 2:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    status, _, err = running.interrupt()
    assert status == 130
    assert "0 of 3 rows are done, 2 failed, 1 are left" in err
    assert [line["error"]["kind"] for line in manifest(tmp_path).values()] == ["cancelled"] * 2
    assert gateway.gone.is_set()
