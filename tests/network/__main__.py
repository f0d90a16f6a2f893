"""Every proxy x every trust x every resolver: `uv run --group test python tests/network [--some] [--json]`.

In network namespaces of its own, Linux only. There AiHubMix's real names lead to a gateway on this machine, and nothing
can leave. Each cell is one `check` and one `generate`. Ends with status 1 where a cell is not as it must be.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import place

sys.path.insert(1, str(Path(__file__).parents[1]))  # the tests' own gateway and proxies


def main():
    parser = argparse.ArgumentParser(prog="python tests/network", description=__doc__.splitlines()[0])
    parser.add_argument("--some", action="store_true", help="18 of the 108 cells: each proxy with each resolver")
    parser.add_argument("--json", action="store_true", help="one JSON object a line in the place of the table")
    arguments = parser.parse_args()
    place.enter()
    from cells import Tries, every_cell, some_cells
    from fake_gateway import OwnCa

    began, bad = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="gpt4o-image-network-") as name:
        folder = Path(name)
        cas = []
        for which in ("public", "private"):
            (folder / which).mkdir()
            cas.append(OwnCa(folder / which))
        place.furnish(folder, cas[0])
        tries = Tries(folder, place.Dns(), *cas)
        cells = some_cells() if arguments.some else every_cell()
        for cell in cells:
            seen = tries.run(cell)
            bad += bool(seen.wrong)
            print(json.dumps({**asdict(cell), **asdict(seen)}) if arguments.json else _line(cell, seen), flush=True)
    if not arguments.json:
        print(f"{len(cells) - bad} of {len(cells)} cells are as they must be, in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


def _line(cell, seen):
    told = f"{cell.proxy:8}{cell.trust:20}{cell.resolver:12}{seen.check:22}{seen.call:22}{seen.download:12}"
    return told.rstrip() + "".join(f"\n    WRONG: {wrong}" for wrong in seen.wrong)


if __name__ == "__main__":
    sys.exit(main())
