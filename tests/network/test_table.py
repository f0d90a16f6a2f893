"""Some cells of the table of proxies, trusts and resolvers. All of them by hand: `python tests/network`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def seen():
    """What came of each cell, as `python tests/network --some --json` prints it."""
    # Not imported: whoever is inside a namespace does not come back.
    ended = subprocess.run(
        [sys.executable, HERE, "--some", "--json"], check=False, capture_output=True, text=True, timeout=280
    )
    if "No network namespace can be made here" in ended.stderr:
        pytest.skip(ended.stderr.strip())
    cells = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(cells) == 18, ended.stderr[-2000:]
    return cells


@pytest.mark.parametrize("proxy", ["none", "HTTP", "HTTPS", "SOCKS5", "SOCKS5h", "SOCKS4"])
@pytest.mark.parametrize("resolver", ["normal", "fake-ip", "proxy only"])
def test_a_cell(seen, proxy, resolver):
    (cell,) = (cell for cell in seen if (cell["proxy"], cell["resolver"]) == (proxy, resolver))
    assert cell["wrong"] == []


def test_cells_that_work_and_cells_that_must_not(seen):
    """So that a table in which nothing was tried is not taken for a good one."""
    calls = [cell["call"] for cell in seen]
    assert calls.count("ok, 1 POST") == 14
    assert calls.count("upstream, billed no") == 4
    assert len({cell["trust"] for cell in seen}) == 6
