"""The command, in this process and as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from gpt4o_image.simulator import Simulator

KEYS = {
    "status", "images", "error", "warnings", "progress", "revised_prompt", "gen_ids", "model", "cost_usd",
    "spent_today_usd", "references", "reused", "request_id", "result_id",
}  # fmt: skip


def generated(shell, *arguments):
    status, out, _ = shell("generate", *arguments, "--json")
    return status, json.loads(out)


def test_pictures_are_saved_with_the_gateways_bytes(shell, tmp_path):
    status, report = generated(shell, "a fox, transparent background", "--out", "pictures")
    assert status == 0
    assert report.keys() == KEYS
    assert report["progress"] == [11, 19, 27, 34, 42, 50, 57, 64, 100]
    for number, image in enumerate(report["images"], 1):
        path = tmp_path / "pictures" / f"gpt4o-image-{number:04d}.png"
        assert image["path"] == str(path)
        with Image.open(path) as picture:
            assert (picture.mode, picture.size) == ("RGBA", (image["width"], image["height"]))
        assert image["mode"] == "RGBA"


def test_saving_never_overwrites(shell, tmp_path):
    (tmp_path / "gpt4o-image-0001.jpg").write_bytes(b"mine")
    generated(shell, "a fox", "--count", "1")
    generated(shell, "a fox", "--count", "1")
    assert sorted(path.name for path in tmp_path.glob("gpt4o-image-*")) == [
        "gpt4o-image-0001.jpg",
        "gpt4o-image-0002.png",
        "gpt4o-image-0003.png",
    ]
    assert (tmp_path / "gpt4o-image-0001.jpg").read_bytes() == b"mine"


def test_the_extension_follows_the_bytes(shell):
    _, report = generated(shell, "a fox [[ok_jpeg_named_png]]")
    assert [image["path"].rpartition(".")[2] for image in report["images"]] == ["jpg", "jpg"]
    assert [image["mime"] for image in report["images"]] == ["image/jpeg"] * 2


def test_plain_output_is_one_path_a_line(shell):
    status, out, err = shell("generate", "a fox", "--ratio", "1:1")
    assert status == 0
    assert len(out.splitlines()) == 2
    assert err == ""
    _, out, err = shell("generate", "a fox", "--ratio", "1:1")
    assert "nothing was sent" in err


def test_a_failure_is_told_in_json_and_by_status(shell):
    status, report = generated(shell, "a fox [[fail_input_moderation_zh]]")
    assert (status, report["status"], report["images"]) == (1, "error", [])
    assert report["error"]["kind"] == "moderation_input"
    assert report["error"]["billed"] == "yes"
    assert report["cost_usd"] == 0.009


def test_a_failure_is_told_in_words(shell):
    status, out, err = shell("generate", "a fox [[http_401]]")
    assert (status, out) == (1, "")
    assert "The gateway said: no key provided" in err
    assert "Nothing was billed" in err


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["", "--json"], "bad_request"),
        (["x", "--model", "nope", "--json"], "bad_model"),
        (["x", "--seed", str(2**64), "--json"], "bad_request"),
        (["x", "--api", "images", "--ratio", "1:1", "--json"], "bad_request"),
        (["x", "--reference", "missing.png", "--json"], "reference"),
        (["x", "--gateway", "nope", "--json"], "config"),
    ],
)
def test_bad_input(arguments, kind, shell, simulator):
    status, out, _ = shell("generate", *arguments)
    assert status == 1
    assert json.loads(out)["error"]["kind"] == kind
    assert simulator.posts() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["generate"],
        ["nonsense"],
        ["results", "show"],
        ["results", "export", "x"],
        ["generate", "x", "--ratio", "16:9"],
        ["generate", "x", "--count", "3"],
        ["generate", "x", "--n", "0"],
        ["generate", "x", "--artist-names", "ask"],
        ["generate", "x", "--size", "512x512"],
        ["generate", "x", "--seed", "one"],
        ["generate", "x", "--ref", "x.png"],
        ["simulate", "--port", "65536"],
        ["simulate", "--speed", "nan"],
        ["key", "sell"],
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, shell, simulator):
    status, out, err = shell(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: gpt4o-image")
    assert err.endswith("--help.\n")
    assert err.count("\n") == 1
    status, out, err = shell(*arguments, "--json")
    assert (status, err) == (2, "")
    assert json.loads(out)["error"]["kind"] == "bad_request"
    assert simulator.posts() == 0


def test_a_missing_key_names_the_ways_to_set_one(shell, monkeypatch, tmp_path, simulator):
    monkeypatch.delenv("AIHUBMIX_API_KEY")
    status, out, err = shell("generate", "x", "--gateway", "aihubmix")
    assert (status, out) == (1, "")
    for named in ("AIHUBMIX_API_KEY", str(tmp_path / "home" / "config.toml"), "gpt4o-image key set"):
        assert named in err
    assert simulator.posts() == 0


@pytest.mark.slow
def test_without_a_key_the_simulator_is_used_and_named(shell, monkeypatch, simulator):
    monkeypatch.delenv("AIHUBMIX_API_KEY")
    status, out, err = shell("generate", "x [[one_chunk]]", "--json")
    report = json.loads(out)
    assert (status, report["cost_usd"]) == (0, 0.0)
    assert "simulator" in err
    assert simulator.posts() == 0


def test_a_broken_config_is_not_a_missing_key(shell, monkeypatch, tmp_path):
    monkeypatch.delenv("AIHUBMIX_API_KEY")
    (tmp_path / "home").mkdir()
    config = tmp_path / "home" / "config.toml"
    config.write_text("timeout_s = \n")
    config.chmod(0o600)
    status, report = generated(shell, "x")
    assert (status, report["error"]["kind"]) == (1, "config")
    assert "line 1" in report["error"]["message"]


def test_results_from_list_to_export(shell, tmp_path):
    generated(shell, "one")
    _, second = generated(shell, "two [[fail_en]]")
    status, out, _ = shell("results", "list", "--json")
    newest, oldest = json.loads(out)
    assert status == 0
    assert (newest["id"], newest["status"], newest["error"]["kind"]) == (
        second["result_id"],
        "error",
        "moderation_input",
    )
    assert (oldest["prompt"], oldest["cost_usd"], oldest["billed"]) == ("one", 0.009, "yes")
    known = {"id", "created", "machine", "status", "model", "prompt", "cost_usd", "billed", "error", "images"}
    assert oldest.keys() == known
    assert all(image["path"] and image["links"] for image in oldest["images"])
    assert json.loads(shell("results", "show", oldest["id"], "--json")[1]) == oldest

    os.unlink(oldest["images"][0]["path"])  # noqa: PTH108
    status, out, _ = shell("results", "fetch", oldest["id"])
    assert (status, out.split()) == (0, [image["path"] for image in oldest["images"]])

    status, out, _ = shell("results", "export", oldest["id"], "exported")
    assert status == 0
    assert [os.path.dirname(path) for path in out.split()] == [str(tmp_path / "exported")] * 2  # noqa: PTH120

    _, out, err = shell("results")
    assert len(out.splitlines()) == 2
    assert "$0.018 today" in err
    assert "moderation_input" in shell("results", "show", newest["id"])[1]


def test_what_the_output_cannot_spell_ends_nothing(command_environment, tmp_path):
    """A pipe on Windows is cp1252: a path or a prompt outside of it must not cost a paid run its end."""
    (tmp_path / "\u7d75").mkdir()

    def run(*arguments):
        command = [sys.executable, "-m", "gpt4o_image", *arguments]
        env = command_environment | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, check=True).stdout

    assert b"\\u7d75" in run("generate", "a \u72d0", "--count", "1", "--out", "\u7d75")
    assert b"a \\u72d0" in run("results", "list")


def test_results_of_nothing(shell):
    assert shell("results", "list", "--json")[:2] == (0, "[]\n")
    assert "Nothing was paid for yet" in shell("results")[2]
    status, _, err = shell("results", "show", "latest")
    assert status == 1
    assert "no paid result" in err


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_with_130_and_a_report(command_environment, tmp_path):
    with Simulator(speed=1) as simulator:
        process = subprocess.Popen(
            [sys.executable, "-m", "gpt4o_image", "generate", "a fox", "--json"],
            env=command_environment | {"GPT4O_IMAGE_BASE_URL": simulator.base_url},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        while not simulator.posts():
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    report = json.loads(out)
    assert process.returncode == 130
    assert (report["error"]["kind"], err) == ("cancelled", b"")
