"""The benchmarks' runner and its arithmetic. What they measure is asserted nowhere: machines are noisy."""

import importlib
import json
import math
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def load(pack_root):
    """A module of benchmarks/. The root is on sys.path only while it is imported: see tests/pytest.ini."""

    def module(name):
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(sys, "path", [*sys.path, str(pack_root)])
            return importlib.import_module(f"benchmarks.{name}")

    return module


@pytest.fixture
def runner(load):
    return load("__main__")


class Fake:
    def __init__(self, **report):
        self.GOALS = {"speed_mb_s": (20.0, False), "wait_ms": (10.0, True), "never": (1.0, True)}
        self.report = report

    def measure(self, *, quick):
        if not self.report:
            raise RuntimeError("it broke")
        return {**self.report, "quick": "yes" if quick else "no"}


def test_every_file_is_a_benchmark(runner, pack_root):
    files = {path.stem for path in (pack_root / "benchmarks").glob("*.py") if not path.stem.startswith("_")}
    assert {"overhead", "imports", "firstbyte", "parallel", "parser", "vault", "references"} <= files
    assert set(runner.find()) == files


@pytest.mark.slow
@pytest.mark.parametrize("name", ["parser", "vault"])
def test_the_quick_ones_measure(load, name):
    report = load(name).measure(quick=True)
    assert len(report) > 5
    assert all(value > 0 and math.isfinite(value) for value in report.values())


def test_a_missed_goal_is_told_and_no_failure(runner, monkeypatch, capsys):
    monkeypatch.setattr(runner, "find", lambda: {"one": Fake(speed_mb_s=19.9, wait_ms=10.0)})
    assert runner.main(["one", "--quick"]) == 0
    told = capsys.readouterr().out
    assert "at least 20: MISSED" in told
    assert "at most 10: kept" in told
    assert "at most 1: not measured" in told


def test_a_benchmark_that_breaks_is_a_failure_and_stops_no_other(runner, monkeypatch, capsys):
    monkeypatch.setattr(runner, "find", lambda: {"bad": Fake(), "good": Fake(wait_ms=1.5)})
    assert runner.main(["--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["figures"] == {"good": {"wait_ms": 1.5, "quick": "no"}}
    assert "it broke" in told.err


def test_an_unknown_name_is_wrong_usage(runner, capsys):
    with pytest.raises(SystemExit, match="2"):
        runner.main(["nothing"])
    assert "no benchmark nothing" in capsys.readouterr().err


def test_the_document_gets_the_tables_of_what_ran(runner, monkeypatch, tmp_path, capsys):
    document = tmp_path / "benchmarks.md"
    old = "Measured on a day: a machine.\n\n| figure |\n|---|\n| old |\n"
    document.write_text(f"# All\n\n## one\nWhat it is.\n\n{old}\n## two\nAnother.\n\n{old}")
    monkeypatch.setattr(runner, "DOCUMENT", document)
    monkeypatch.setattr(runner, "find", lambda: {"one": Fake(speed_mb_s=1234.5, wait_ms=0.12345)})
    assert runner.main(["--document"]) == 0
    text = document.read_text()
    one, two = text.split("## two")
    assert one.startswith("# All\n\n## one\nWhat it is.\n\nMeasured on 2")
    assert "| `speed_mb_s` | 1234 | at least 20: kept |\n| `wait_ms` | 0.123 | at most 10: kept |\n" in one
    assert "old" not in one
    assert two == f"\nAnother.\n\n{old}"


def test_every_benchmark_is_in_the_document(runner):
    text = runner.DOCUMENT.read_text("utf-8")
    assert [name for name in runner.find() if f"\n## {name}\n" not in text] == []


def test_the_head_line_names_no_machine(load):
    line = load("rig.figures").machine()
    assert "cores" in line
    assert Path.home().name not in line.split()
    assert "/" not in line


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)]
)  # fmt: skip
def test_percentiles(load, percent, value):
    assert load("rig.figures").percentile(list(range(100, 0, -1)), percent) == value


def test_waits_are_between_the_right_notes(load):
    note, waits = load("rig.gateway").Note, load("firstbyte").waits
    told = [(10.5, [note(10.0, "link"), note(10.004, "get"), note(10.1, "sent")])]
    assert waits("core", told) == pytest.approx(
        {"core.link_to_request_ms": 4, "core.link_to_request_p95_ms": 4, "core.last_byte_to_result_ms": 400}
    )


def test_wall_time_ends_with_the_last_picture_and_not_with_the_prompt(load):
    step, wall_s = load("rig.host").Step, load("parallel")._wall_s
    steps = [step(0, "start"), step(1, "g0"), step(1, "g1"), step(1, "Watch"), step(11, "s1"), step(12, "s0")]
    assert wall_s([*steps, step(13, "Watch_shown"), step(20, None)]) == 12


def test_a_node_runs_until_the_next_begins(load):
    host = load("rig.host")
    assert host.ran_s([host.Step(0, "start"), host.Step(1, "1"), host.Step(3.5, "2"), host.Step(4, None)], "1") == 2.5
