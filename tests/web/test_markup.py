"""Text that comes from outside is text on every front end: 0.10.0's puts node text and menu entries into innerHTML."""

import pytest
from playwright.sync_api import expect

from gpt4o_image.vault.sqlite import SqliteDatabase
from web.seeds import FAILED, emptied, seed
from web.sidebar import Sidebar
from web.test_outcomes import RUN, new

EVIL = "<img src=x onerror=pwned=1>"
LINK = f"https://example.com/{EVIL}"
ADD = """() => {
  const node = LiteGraph.createNode("GPT4oImage_LoadResult");
  node.pos = [300, 200];
  app.graph.add(node);
  app.canvas.setDirty(true, true);
}"""
# Where the classic canvas has drawn the first widget of the graph's only node, in the window.
WIDGET = """() => {
  const [node] = app.graph.nodes, [widget] = node.widgets;
  const y = widget.last_y ?? widget.y;
  return y && app.canvasPosToClientPos([node.pos[0] + node.size[0] / 2, node.pos[1] + y + 10]);
}"""
REPORT = """() => {
  const [node] = app.graph.nodes, shown = LiteGraph.createNode("PreviewAny");
  app.graph.add(shown);
  node.connect(3, shown, 0);
  app.queuePrompt(0, 1);
}"""


@pytest.fixture
def vault(gateway_home):
    """A result that is made of markup as far as one can be."""
    vault = emptied(gateway_home)
    seed(vault, [{"id": "evil", "prompt": EVIL, "stored": 1, "links": [LINK], "error": FAILED | {"message": EVIL}}])
    with SqliteDatabase(vault.folder / "vault.sqlite3").writing() as db:
        db.execute("UPDATE results SET model = ?, gateway = ?", (EVIL, EVIL))
    return vault


@pytest.fixture
def harmless(screen):
    """At its end no markup has become an element, and none of it ran."""
    yield
    screen.page.wait_for_timeout(300)
    assert screen.page.evaluate("window.pwned") is None
    assert screen.page.locator("img[src='x']").count() == 0


@pytest.mark.usefixtures("harmless")
def test_in_the_menu_of_paid_results(screen, vault):
    """Names of models and gateways are never markup: config.toml may not hold any."""
    screen.command("Comfy.RefreshNodeDefinitions")
    offered = "LiteGraph.createNode('GPT4oImage_LoadResult').widgets[0].options.values"
    screen.page.wait_for_function(f"{offered}.some(each => each.includes('onerror'))")
    screen.page.evaluate(ADD)
    screen.page.mouse.click(*screen.page.wait_for_function(WIDGET).json_value())
    entry = screen.page.locator(".litecontextmenu .litemenu-entry").filter(has_text="onerror")
    entry.hover()
    screen.page.keyboard.press("Escape")


@pytest.mark.usefixtures("harmless")
def test_on_the_nodes_and_in_the_notice(screen, vault):
    screen.page.evaluate(RUN, ["GPT4oImage_Generate", {"prompt": new(f"[[fail_en]] {EVIL}"), "gateway": "aihubmix"}])
    expect(screen.page.locator(".g4i-notice")).to_be_visible()
    screen.command("Comfy.NewBlankWorkflow")
    screen.page.evaluate(ADD)
    screen.page.evaluate(REPORT)
    expect(screen.page.locator(".g4i-outcome").filter(visible=True)).to_contain_text("from the vault")


@pytest.mark.usefixtures("harmless")
def test_in_the_side_bar_and_the_viewer(screen, vault):
    bar = Sidebar.open(screen)
    expect(bar.card("onerror")).to_be_visible()
    bar.cards.first.get_by_role("button", name="Open full size").click()
    expect(screen.page.locator(".g4i-details")).to_contain_text("onerror")
