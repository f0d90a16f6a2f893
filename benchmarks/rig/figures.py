"""Figures and their goals, medians of what runs in turns, and how they are printed.

A benchmark is a module beside this folder with `GOALS` and `measure(quick=False) -> Report`.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import time
from collections.abc import Callable, Mapping
from statistics import median

# A figure's name ends in its unit; one without is a ratio or a count. A string says why there is no figure.
Report = dict[str, float | str]
# name: (the largest or the smallest that is good, whether it is the largest)
Goals = Mapping[str, tuple[float, bool]]


def in_turns(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each action; they take turns, so that a busy machine slows all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(values) for name, values in seconds.items()}


def percentile(values: list[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def machine() -> str:
    """What the figures depend on, in general words: no name and no path."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "pillow", "openai"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, {python}, {packages}"


def verdict(name: str, report: Report, goals: Goals) -> str:
    """`at most 3: kept`, `at least 10: MISSED`; empty where the figure has no goal."""
    if name not in goals:
        return ""
    limit, most = goals[name]
    words = f"{'at most' if most else 'at least'} {limit:g}"
    value = report.get(name)
    if not isinstance(value, (int, float)):
        return f"{words}: not measured"
    return f"{words}: {'kept' if (value <= limit if most else value >= limit) else 'MISSED'}"


def rows(report: Report, goals: Goals) -> list[tuple[str, str, str]]:
    """(figure, value, goal) of all figures, those too that have a goal and were not measured."""
    names = [*report, *(name for name in goals if name not in report)]
    return [(name, _shown(report.get(name, "-")), verdict(name, report, goals)) for name in names]


def table(report: Report, goals: Goals) -> str:
    """For a terminal."""
    cells = rows(report, goals)
    width = max(len(name) for name, _, _ in cells)
    lines = [f"{'':{width}}{'measured':>12}   goal"]
    lines += [f"{name:{width}}{value:>12}   {goal}".rstrip() for name, value, goal in cells]
    return "\n".join(lines)


def markdown(report: Report, goals: Goals) -> str:
    """For docs/benchmarks.md."""
    lines = ["| figure | measured | goal |", "|---|---:|---|"]
    return "\n".join(lines + [f"| `{name}` | {value} | {goal} |" for name, value, goal in rows(report, goals)])


def _shown(value: float | str) -> str:
    if isinstance(value, str) or value == int(value):
        return str(value if isinstance(value, str) else int(value))
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
