"""A real ComfyUI with this pack, opened in a real Chromium; the simulator is its gateway.

A *view* is a front end and a canvas. Most tests have one, the classic canvas of ComfyUI's own front end; those marked
`every_view` have four, and with --every-view all do that ask for a canvas.
"""

import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from gpt4o_image.command.headless import HeadlessComfyUI
from web.front_ends import NEWEST, arguments
from web.screen import idle
from web.seeds import EACH_STATE, emptied, seed
from web.window import WAIT_MS, Window

HERE = Path(__file__).parent
KEY = "sk-test-0123456789abcdef"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ALONE = "--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", *ALONE.split()]


def pytest_configure(config):
    config.addinivalue_line("markers", "every_view: run on both front ends and both canvases with each change")


def pytest_generate_tests(metafunc):
    every = metafunc.config.getoption("every_view") or metafunc.definition.get_closest_marker("every_view")
    own = metafunc.config.getoption("front_end")
    for name, one, all_ in (("front_end", own, [own, NEWEST]), ("canvas", "classic", ["classic", "nodes2"])):
        if name in metafunc.fixturenames and not is_chosen(metafunc, name):
            metafunc.parametrize(name, all_ if every else [one], indirect=True, scope="package")


def is_chosen(metafunc, name):
    """By the test itself."""
    return any(name in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Tests with the same settings follow each other: for others the page is loaded anew."""
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    ours = sorted((items[place] for place in places), key=server_and_settings)
    for place, item in zip(places, ours, strict=True):
        items[place] = item


def server_and_settings(item):
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return [str(params.get(name, "")) for name in ("comfyui", "front_end", "canvas", "settings")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test leaves a picture of what was on the screen, and its page to nobody."""
    report = yield
    screen = item.funcargs.get("screen")
    if report.failed and screen:
        screen.spoiled = True
        if report.when == "call" and "screenshots" in item.funcargs:
            screen.page.screenshot(path=item.funcargs["screenshots"] / "failed.png")
    return report


@pytest.fixture(scope="package")
def browser():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def gateway_home(tmp_path_factory):
    """GPT4O_IMAGE_HOME of the server: its vault lies in it."""
    return tmp_path_factory.mktemp("gpt4o_image_home")


@pytest.fixture
def vault(gateway_home):
    """The server's vault, without a result."""
    return emptied(gateway_home)


@pytest.fixture
def each_state(vault):
    """The server's vault with a result in each state."""
    seed(vault, EACH_STATE)
    return vault


@pytest.fixture(scope="package")
def front_end(request):
    """ComfyUI's arguments for it."""
    try:
        return arguments(request.param)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"front end {request.param} cannot be installed: {error}")


@pytest.fixture(scope="package")
def server(browser, comfyui, front_end, simulator, gateway_home, pack_root):
    """ComfyUI; the profile `aihubmix` is the simulator at ten times its speed."""
    env = {"GPT4O_IMAGE_HOME": str(gateway_home), "GPT4O_IMAGE_BASE_URL": simulator.base_url, "AIHUBMIX_API_KEY": KEY}
    with HeadlessComfyUI(comfyui, {"gpt4o-image": pack_root}, env=env, arguments=front_end) as running:
        yield running


@pytest.fixture(scope="package")
def canvas(request):
    """How the graph is drawn: `classic`, or `nodes2` for Nodes 2.0. Tests that do not ask for it have the classic."""
    return request.param


@pytest.fixture
def settings():
    """ComfyUI's settings; a test may parametrize it."""
    return {}


@pytest.fixture(scope="package")
def window(browser, server):
    window = Window(browser, server)
    yield window
    window.close()


@pytest.fixture(scope="package")
def opened(window):
    """`with opened(settings) as screen`: ComfyUI as a new user with these settings sees it, an empty graph before them.

    Fails at its end when the page has shown trouble.
    """

    @contextmanager
    def opened(settings):
        screen = window.show(settings)
        yield screen
        idle(screen.page, screen.server.origin)
        trouble = screen.trouble.taken()
        assert not trouble, "\n".join(trouble)

    return opened


@pytest.fixture
def screen(request, opened, settings):
    canvas = request.getfixturevalue("canvas") if "canvas" in request.fixturenames else "classic"
    with opened({"Comfy.VueNodes.Enabled": canvas == "nodes2"} | settings) as screen:
        yield screen


@pytest.fixture
def page(screen):
    """Playwright's page of `screen`."""
    return screen.page


@pytest.fixture
def screenshots(request, tmp_path_factory):
    """A folder for this test's pictures: in --screenshots if that is given, else among pytest's temporary folders."""
    named = request.config.getoption("screenshots")
    root = Path(named) if named else tmp_path_factory.getbasetemp() / "screenshots"
    folder = root / re.sub(r"[^\w.-]+", "_", f"{request.node.path.stem}-{request.node.name}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
