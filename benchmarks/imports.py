"""What the pack adds to ComfyUI's start: ComfyUI's own loader on this pack, and on an empty one in the same server.

Measured inside, at the moment when ComfyUI loads packs, in a new server each time; the two take turns in coming first.
The first start of all, which may have to compile the pack to bytecode, stands for itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

from .rig.figures import Report
from .rig.host import ROOT, NoComfyUI, host

EMPTY = Path(__file__).parent / "rig" / "empty_pack"
ROUNDS = 9
GOALS = {"added_ms": (30.0, True)}


def measure(*, quick: bool = False) -> Report:
    loads: list[dict[str, dict[str, float]]] = []
    try:
        for number in range(1 + (1 if quick else ROUNDS)):
            packs = [str(ROOT), str(EMPTY)][:: 1 if number % 2 else -1]
            with host(packs={}, BENCHMARK_PACKS=os.pathsep.join(packs)) as running:
                version = running.version
                loads.append(running.probe("loads")["packs"])
    except NoComfyUI as why:
        return {"comfyui": str(why)}
    report: Report = {"comfyui": version, "first_start_ms": loads[0][ROOT.name]["seconds"] * 1e3}
    for figure, name in (("ms", "seconds"), ("cpu_ms", "cpu_seconds")):
        ours = [load[ROOT.name][name] * 1e3 for load in loads[1:]]
        empty = [load[EMPTY.name][name] * 1e3 for load in loads[1:]]
        report[f"pack_{figure}"] = median(ours)
        report[f"empty_pack_{figure}"] = median(empty)
        report[f"added_{figure}"] = median(one - other for one, other in zip(ours, empty, strict=True))
    return report
