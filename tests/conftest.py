"""What every test stands on: the pack's package loaded by path, and no trace of this machine's user."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def load_package(name="gpt4o_image"):
    """The root stays off sys.path, where our nodes/ would hide ComfyUI's nodes.py (tests/pytest.ini)."""
    folder = ROOT / name
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


if "gpt4o_image" not in sys.modules:
    load_package()


def forget_keys(monkeypatch):
    """No key, address or setting of whoever runs the tests reaches one."""
    ours = {"AIHUBMIX_API_KEY", "GPT4O_IMAGE_BASE_URL"}
    for name in [name for name in os.environ if name in ours or name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_user(monkeypatch, tmp_path):
    forget_keys(monkeypatch)
    monkeypatch.setenv("GPT4O_IMAGE_HOME", str(tmp_path / "gpt4o_image_home"))


@pytest.fixture(scope="session")
def pack_root():
    return ROOT


@pytest.fixture(scope="session")
def clean_environment():
    """For fixtures that outlive a test and start a process of their own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_keys(monkeypatch)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """The last thing said, below all that pytest itself has to say."""
    result = yield
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "host/test_" in r.nodeid]
    if skipped:
        reasons = {str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped}
        terminalreporter.write_line(
            f"{len(skipped)} HOST TESTS WERE SKIPPED: {'; '.join(sorted(reasons))}", yellow=True, bold=True
        )
    return result
