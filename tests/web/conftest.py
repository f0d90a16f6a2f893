"""A real ComfyUI with this pack, opened in a real Chromium; the simulator is its gateway.

GPT4O_IMAGE_FRONT_END_ROOT names another front end than ComfyUI's own: the `static` folder of a
comfyui-frontend-package, installed anywhere with `pip install --target`.
"""

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from web.screen import SIZE, Screen, Trouble, idle, new_user

from gpt4o_image.command.headless import HeadlessComfyUI

KEY = "sk-test-0123456789abcdef"
WAIT_MS = 60_000  # a busy machine with two cores; what is there is found at once
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ALONE = "--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", *ALONE.split()]


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if is_second_canvas(item)]
    if left_out and not config.getoption("both_canvases"):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def is_second_canvas(item):
    """Half of the browser's minutes: by hand and before a release, not with each change."""
    return hasattr(item, "callspec") and item.callspec.params.get("canvas") == "nodes2"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test leaves a picture of what was on the screen."""
    report = yield
    screen = item.funcargs.get("screen")
    if report.when == "call" and report.failed and screen and "screenshots" in item.funcargs:
        screen.page.screenshot(path=item.funcargs["screenshots"] / "failed.png")
    return report


@pytest.fixture(scope="session")
def browser():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def gateway_home(tmp_path_factory):
    """GPT4O_IMAGE_HOME of the server: its vault lies in it."""
    return tmp_path_factory.mktemp("gpt4o_image_home")


@pytest.fixture(scope="session")
def server(browser, comfyui, simulator, gateway_home, pack_root):
    """ComfyUI; the profile `aihubmix` is the simulator at ten times its speed."""
    env = {"GPT4O_IMAGE_HOME": str(gateway_home), "GPT4O_IMAGE_BASE_URL": simulator.base_url, "AIHUBMIX_API_KEY": KEY}
    named = os.environ.get("GPT4O_IMAGE_FRONT_END_ROOT")
    arguments = ["--front-end-root", named] if named else []
    with HeadlessComfyUI(comfyui, {"gpt4o-image": pack_root}, env=env, arguments=arguments) as running:
        yield running


@pytest.fixture(params=["classic", "nodes2"])
def canvas(request):
    """How the graph is drawn. A test that asks for it runs twice; others run on the classic canvas."""
    return request.param


@pytest.fixture
def settings():
    """ComfyUI's settings; a test may parametrize it."""
    return {}


@pytest.fixture(scope="session")
def opened(browser, server):
    """`with opened(settings) as screen`: ComfyUI as a new user with these settings sees it, an empty graph before them.

    Fails at its end when the page has shown trouble.
    """

    @contextmanager
    def opened(settings):
        new_user(server, settings)
        with browser.new_context(viewport=SIZE) as context:
            context.set_default_timeout(WAIT_MS)
            page = context.new_page()
            screen = Screen(page, server, Trouble(server.origin))
            screen.trouble.watch(page)
            screen.open_again()
            yield screen
            idle(page, server.origin)
            assert not screen.trouble.lines, "\n".join(screen.trouble.lines)

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
