"""Runs the benchmarks, all or by name: `uv run --group test python -m benchmarks [name ...] [--json | --document]`.

The exit status is 0 where a goal is missed, 1 where a benchmark could not be run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import benchmarks

from .rig.figures import Goals, Report, machine, markdown, table

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"


def find() -> dict[str, ModuleType]:
    """Every benchmark of this folder by its name."""
    names = [each.name for each in pkgutil.iter_modules(benchmarks.__path__) if not each.ispkg and each.name[0] != "_"]
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "measure")}


def main(arguments: Sequence[str] | None = None) -> int:
    found = find()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(found)}; all without one")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--document", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="few rounds and small sizes: to see that it runs")
    options: Any = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in found]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(found)}")
    reports: dict[str, Report] = {}
    for name in options.names or found:
        sys.stderr.write(f"{name} ...\n")
        try:
            reports[name] = found[name].measure(quick=options.quick)
        except Exception:  # noqa: BLE001 - the others are still of interest
            traceback.print_exc()
    sys.stdout.write(_told(reports, found, options) + "\n")
    if options.document:
        text = DOCUMENT.read_text("utf-8")
        for name, report in reports.items():
            text = documented(text, name, report, found[name].GOALS)
        DOCUMENT.write_text(text, "utf-8")
    return 0 if len(reports) == len(options.names or found) else 1


def documented(text: str, name: str, report: Report, goals: Goals) -> str:
    """The document with the figures of one benchmark: from the line of its section that begins "Measured" on."""
    head, heading, section = text.partition(f"\n## {name}\n")
    if not heading:
        raise ValueError(f"the document has no section {name}")
    section, following, rest = section.partition("\n## ")
    words, _, _ = section.partition("\nMeasured ")
    measured = f"Measured on {time.strftime('%Y-%m-%d')}: {machine()}.\n\n{markdown(report, goals)}\n"
    return f"{head}{heading}{words.rstrip()}\n\n{measured}{following}{rest}"


def _told(reports: dict[str, Report], found: dict[str, ModuleType], options: Any) -> str:
    goals = {name: found[name].GOALS for name in reports}
    if options.json:
        return json.dumps({"machine": machine(), "figures": reports, "goals": goals})
    return "\n\n".join([machine(), *(f"{name}\n{table(report, goals[name])}" for name, report in reports.items())])


if __name__ == "__main__":
    sys.exit(main())
