"""axe-core finds nothing against what the pack puts on the screen, dark and light."""

from importlib.resources import files

import pytest
from playwright.sync_api import expect

from web.seeds import emptied
from web.sidebar import Sidebar
from web.test_outcomes import run

AXE = files("axe_playwright_python").joinpath("axe.min.js")
# Of each fault its rule, and where it is.
FAULTS = """async where => (await axe.run({ include: [where] })).violations
  .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))"""
THEMES = [{"Comfy.ColorPalette": theme} for theme in ("dark", "light")]
each_theme = pytest.mark.parametrize("settings", THEMES, ids=["dark", "light"])


@pytest.fixture
def faults(screen):
    """What is wrong in the part of the page that a selector names, which must be there."""

    def look(where):
        if not screen.page.evaluate("!!window.axe"):
            screen.page.evaluate(AXE.read_text("utf-8"))
        expect(screen.page.locator(where).first).to_be_visible()
        return screen.page.evaluate(FAULTS, where)

    return look


@each_theme
def test_the_side_bar_with_gallery_chart_and_findings(screen, each_state, faults, screenshots):
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(5)
    screen.command("GPT4oImage.Check")
    expect(bar.panel.locator(".g4i-findings")).to_be_visible()
    bar.card("fox").get_by_role("checkbox", name="Select").check()
    screen.page.screenshot(path=screenshots / "panel.png")
    assert faults(".g4i-panel") == []
    bar.card("fox").get_by_role("button", name="Open full size").click()
    screen.page.screenshot(path=screenshots / "viewer.png")
    assert faults("dialog.g4i-viewer, dialog") == []


@each_theme
def test_the_key_panel_and_the_empty_list(screen, gateway_home, faults, screenshots):
    emptied(gateway_home)
    config = gateway_home / "config.toml"
    config.write_text('[profiles.mine]\nbase_url = "http://127.0.0.1:9/v1"\n')
    config.chmod(0o600)
    try:
        screen.page.evaluate("app.extensionManager.setting.set('GPT4oImage.Gateway', 'mine')")
        Sidebar.open(screen)
        expect(screen.page.get_by_role("region", name="How to set the key")).to_be_visible()
        screen.page.screenshot(path=screenshots / "key.png")
        assert faults(".g4i-panel") == []
    finally:
        config.unlink()


@each_theme
def test_a_failure_on_the_node_and_over_the_page(screen, each_state, faults, screenshots):
    run(screen, "[[fail_en]] a film")
    expect(screen.page.locator(".g4i-notice")).to_be_visible()
    screen.page.screenshot(path=screenshots / "failure.png")
    assert faults(".g4i-notices") == []
    assert faults(".g4i-outcome") == []
