"""The ground of every test: the pack's package loaded by path, and nothing of this machine's user."""

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
MANY = {HERE, HERE / "unit", HERE / "client"}
START_AND_RUN_S = 300  # the first test waits for ComfyUI's start


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

from fake_gateway import FakeGateway, OwnCa  # noqa: E402
from postgres_server import HOW_TO_ADD as HOW_TO_ADD_POSTGRES  # noqa: E402
from postgres_server import own_server  # noqa: E402

from gpt4o_image.command.comfyui import HOW_TO_ADD, find_comfyui  # noqa: E402 (the package is loaded just above)
from gpt4o_image.command.headless import how_to_install, missing_modules  # noqa: E402


def forget_keys(monkeypatch):
    """No key, address or setting of the user who runs the tests reaches one."""
    ours = {"AIHUBMIX_API_KEY", "GPT4O_IMAGE_BASE_URL", "GPT4O_IMAGE_VAULT"}
    for name in [name for name in os.environ if name in ours or name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_user(monkeypatch, tmp_path):
    forget_keys(monkeypatch)
    monkeypatch.setenv("GPT4O_IMAGE_HOME", str(tmp_path / "gpt4o_image_home"))


def pytest_addoption(parser):
    parser.getgroup("answers").addoption(
        "--every-cut",
        action="store_true",
        help="tests/client/test_every_shape.py cuts each answer at 20 places and more",
    )
    parser.getgroup("batch").addoption(
        "--rows", type=int, default=30, metavar="N", help="rows of the sheet whose batch is killed twice"
    )
    group = parser.getgroup("browser tests")
    group.addoption(
        "--every-view", action="store_true", help="each test on both front ends, and on both canvases where it matters"
    )
    group.addoption(
        "--front-end", metavar="VERSION", default="own", help="another front end from PyPI in place of ComfyUI's own"
    )
    group.addoption("--screenshots", metavar="DIR", help="keep the browser tests' screenshots in this folder")
    group.addoption("--update-screenshots", action="store_true", help="make the pictures of the README again, in docs/")


def pytest_generate_tests(metafunc):
    """COMFYUI_PATHS: the tests that need a ComfyUI run on each of these folders in turn, its version in their names."""
    folders = [folder for folder in os.environ.get("COMFYUI_PATHS", "").split(os.pathsep) if folder]
    if folders and "comfyui" in metafunc.fixturenames:
        # Without COMFYUI_PYTHON, which cannot be the interpreter of them all: each has its own.
        each = [find_comfyui(ROOT, {"COMFYUI_PATH": folder}) for folder in folders]
        metafunc.parametrize("comfyui", each, indirect=True, ids=[found.version for found in each], scope="session")


def pytest_xdist_auto_num_workers(config):
    """One for ComfyUI, one for the browser, one for the rest; a few tests are not worth a second process."""
    return 3 if MANY & {Path(argument).resolve() for argument in config.args} else 0


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.relative_to(HERE).parts[0] in ("host", "web"):
            item.add_marker(pytest.mark.timeout(START_AND_RUN_S))
            item.add_marker(pytest.mark.xdist_group(the_comfyui_of(item)))


def the_comfyui_of(item):
    """Tests for which this is the same run in one process, with the ComfyUI that it started."""
    if "window" in item.fixturenames:
        return f"web {item.callspec.params['front_end']}"
    return "host" if "host" in item.fixturenames else item.path.stem


@pytest.fixture(autouse=True)
def on_which_comfyui(request, record_property):
    """Kept with each result, for the summary and JUnit files."""
    if "comfyui" in request.fixturenames:
        record_property("comfyui", request.getfixturevalue("comfyui").version)


@pytest.fixture(scope="session")
def comfyui(request, pack_root):
    """The ComfyUI that host and browser tests start."""
    named = getattr(request, "param", None)
    found = named or find_comfyui(pack_root, os.environ)
    if found is None:
        pytest.skip(f"no ComfyUI on this machine; {HOW_TO_ADD}")
    missing = missing_modules(found)
    if missing:
        words = f"ComfyUI's Python lacks {', '.join(missing)}; {how_to_install(found)}"
        # A ComfyUI that was named is meant to be used; one that was merely found is not.
        pytest.fail(words) if named or os.environ.get("COMFYUI_PATH") else pytest.skip(words)
    return found


@pytest.fixture(scope="session")
def make_upscaler(comfyui):
    """Writes a small real upscale model to a file: an ESRGAN that enlarges smoothly, two or four times."""

    def make(file, scale):
        file.parent.mkdir(parents=True, exist_ok=True)
        command = [comfyui.python, ROOT / "tests" / "host" / "make_upscaler.py", file, str(scale)]
        subprocess.run(command, check=True, capture_output=True, cwd=comfyui.path)

    return make


@pytest.fixture(scope="session")
def fringe(pack_root):
    """benchmarks/fringe.py. The root is on sys.path only while it is imported: see tests/pytest.ini."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [*sys.path, str(pack_root)])
        from benchmarks import fringe
    return fringe


@pytest.fixture(scope="session")
def pack_root():
    return ROOT


@pytest.fixture
def fake_gateway():
    """A gateway that answers whatever the test scripts; tests/fake_gateway.py describes how."""
    with FakeGateway() as running:
        yield running


@pytest.fixture(scope="session")
def own_ca(tmp_path_factory):
    """A certificate authority of our own: `own_ca.pem` is the path of its certificate, `own_ca.server(name)` an
    ssl.SSLContext for `FakeGateway(tls=...)` that answers for this host name or address.
    """
    return OwnCa(tmp_path_factory.mktemp("own_ca"))


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server, started by the first test that needs one; see tests/postgres_server.py."""
    server = own_server()
    if server is None:
        pytest.skip(HOW_TO_ADD_POSTGRES)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def clean_environment():
    """For fixtures that outlive a test and start a process of their own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_keys(monkeypatch)
        yield


@pytest.fixture(scope="session")
def simulator(clean_environment):
    """The gateway of the ComfyUIs that tests start."""
    from gpt4o_image.simulator import Simulator

    # A percentage each 50 ms: half of them would be lost in ComfyUI's ProgressBar, which sends every 100 ms.
    with Simulator(speed=10.0) as running:
        yield running


LEFT_OUT = pytest.StashKey[int]()


def pytest_deselected(items):
    for item in items:
        if item.get_closest_marker("slow"):
            item.config.stash[LEFT_OUT] = item.config.stash.get(LEFT_OUT, 0) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Each worker collects all tests, and its pytest_deselected is not called in the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter):
    """What was not run, and on which ComfyUIs the rest; pytest's own closing line comes last."""
    for line in outcomes_by_comfyui(terminalreporter.stats):
        terminalreporter.write_line(line)
    for folder, name in (("host", "HOST"), ("web", "BROWSER"), ("fuzz", "FUZZING"), ("network", "NETWORK")):
        skipped = [r for r in terminalreporter.stats.get("skipped", []) if f"{folder}/test_" in r.nodeid]
        if skipped:
            reasons = {str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped}
            warn(terminalreporter, f"{len(skipped)} {name} TESTS WERE SKIPPED: {'; '.join(sorted(reasons))}")
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if HOW_TO_ADD_POSTGRES in str(r.longrepr)]
    if skipped:
        warn(terminalreporter, f"{len(skipped)} POSTGRESQL TESTS WERE SKIPPED: {HOW_TO_ADD_POSTGRES}")
    slow = terminalreporter.config.stash.get(LEFT_OUT, 0)
    if slow:
        warn(terminalreporter, f'{slow} SLOW TESTS WERE LEFT OUT: `-m slow` runs them, `-m ""` runs all')


def warn(terminalreporter, line):
    terminalreporter.write_line(line, yellow=True, bold=True)


def outcomes_by_comfyui(stats):
    """How many tests ended how on which ComfyUI, one line each."""
    versions = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in stats.get(outcome, []):
            version = dict(report.user_properties).get("comfyui")
            if version:
                versions.setdefault(version, Counter())[outcome] += 1
    for version, counts in versions.items():
        yield f"ComfyUI {version}: {', '.join(f'{n} {outcome}' for outcome, n in counts.items())}"
