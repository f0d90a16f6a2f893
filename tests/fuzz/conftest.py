"""Says below all else when the fuzzers did not run."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter):
    result = yield
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "fuzz/test_" in report.nodeid]
    for reason in sorted({str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped}):
        terminalreporter.write_line(reason, yellow=True, bold=True)
    return result
