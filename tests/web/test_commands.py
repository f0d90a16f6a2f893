"""Commands, settings, and what new nodes start with."""

import pytest
from playwright.sync_api import expect

from web.sidebar import Sidebar, forgive

PAID = ("GPT4oImage_Generate", "GPT4oImage_ImagesAPI")
NEW = "(type) => { const node = LiteGraph.createNode(type); app.graph.add(node); }"
VALUE = "(name) => app.graph.nodes[0].widgets.find((widget) => widget.name === name).value"
FIRST = "(({ id, type, pos, widgets_values }) => [id, type, [...pos], widgets_values])(app.graph.nodes[0].serialize())"
SET = "([id, value]) => app.extensionManager.setting.set(id, value)"
COMMANDS = "app.extensionManager.command.commands.map(({ id, source }) => ({ id, source }))"
TAB = "GPT-4o Image"


def change(screen, setting, value):
    screen.page.evaluate(SET, [f"GPT4oImage.{setting}", value])


def tab_button(screen):
    return screen.page.get_by_role("navigation").get_by_role("button", name=TAB, exact=True)


def test_open_paid_results_opens_and_leaves_open(screen, vault):
    bar = Sidebar.open(screen)
    screen.command("GPT4oImage.OpenResults")
    expect(bar.panel).to_be_visible()
    tab_button(screen).click()
    expect(bar.panel).to_have_count(0)
    tab_button(screen).click()
    expect(bar.panel).to_be_visible()


def test_the_free_check_opens_the_tab_and_tells_each_finding(screen, vault, simulator, screenshots):
    before = len(simulator.requests())
    screen.command("GPT4oImage.Check")
    bar = Sidebar(screen)
    findings = bar.panel.get_by_role("list", name="What the check found").get_by_role("listitem")
    expect(findings.first).to_be_visible(timeout=30_000)
    assert findings.count() > 2
    expect(findings.first.get_by_role("img", name="OK", exact=True)).to_be_visible()
    expect(bar.spoken).to_have_text("Check done: all is well")
    assert "sk-test" not in bar.panel.inner_text()
    assert {record["method"] for record in simulator.requests()[before:]} == {"GET"}
    screen.page.screenshot(path=screenshots / "checked.png")


def test_a_check_that_finds_something_says_how_much(screen, vault, gateway_home, screenshots):
    (gateway_home / "config.toml").write_text('[profiles.mine]\nbase_url = "http://127.0.0.1:9/v1"\n')
    (gateway_home / "config.toml").chmod(0o600)
    try:
        change(screen, "Gateway", "mine")
        screen.command("GPT4oImage.Check")
        bar = Sidebar(screen)
        expect(bar.panel.get_by_role("img", name="problem").first).to_be_visible(timeout=30_000)
        expect(bar.spoken).to_contain_text("to look at")
        expect(bar.panel.locator(".g4i-key")).to_have_text("no key")
        expect(bar.panel).to_contain_text("gpt4o-image key set --gateway mine")
        screen.page.screenshot(path=screenshots / "no-key.png")
    finally:
        (gateway_home / "config.toml").unlink()


def test_a_gateway_that_is_gone_from_the_config_gives_way_to_the_default(screen, vault):
    change(screen, "Gateway", "no longer there")
    bar = Sidebar.open(screen)
    expect(bar.panel.get_by_role("combobox", name="Gateway")).to_have_value("default")
    forgive(screen, "HTTP 400")


def test_the_head_tells_the_budget_and_a_broken_config(screen, vault, gateway_home):
    config = gateway_home / "config.toml"
    try:
        config.write_text("daily_budget_usd = 1.5\n")
        config.chmod(0o600)
        bar = Sidebar.open(screen)
        expect(bar.panel.locator(".g4i-money")).to_have_text("Today $0 of $1.50 \u00b7 $0 in total")
        config.write_text("this is no toml [")
        bar.panel.get_by_role("combobox", name="Gateway").select_option("simulator")
        expect(bar.panel.get_by_role("alert")).to_be_visible()
        assert str(gateway_home) not in bar.panel.inner_text()
    finally:
        config.unlink()


def test_the_gateway_of_the_head_is_the_setting(screen, vault):
    bar = Sidebar.open(screen)
    bar.panel.get_by_role("combobox", name="Gateway").select_option("simulator")
    expect(bar.panel.locator(".g4i-key")).to_have_text("needs no key")
    assert screen.page.evaluate("app.extensionManager.setting.get('GPT4oImage.Gateway')") == "simulator"
    change(screen, "Gateway", "aihubmix")
    expect(bar.panel.locator(".g4i-key")).to_have_text("key set")


def test_the_tab_goes_and_comes_back_with_its_setting(screen, vault):
    bar = Sidebar.open(screen)
    change(screen, "Sidebar", False)
    expect(bar.panel).to_have_count(0)
    expect(tab_button(screen)).to_have_count(0)
    screen.command("GPT4oImage.OpenResults")
    expect(screen.page.get_by_text("The sidebar tab is switched off", exact=True)).to_be_visible()
    change(screen, "Sidebar", True)
    tab_button(screen).click()
    expect(bar.panel).to_be_visible()
    forgive(screen, "Workspace.ToggleSidebarTab.gpt4o-image already registered")


@pytest.mark.parametrize("settings", [{"GPT4oImage.Sidebar": False}])
def test_switched_off_the_tab_is_not_there_from_the_start(screen):
    expect(screen.page.get_by_role("navigation").get_by_role("button").first).to_be_visible()
    expect(tab_button(screen)).to_have_count(0)


def test_the_sticker_graph_is_added_beside_what_is_there_selected_and_in_sight(screen, canvas, vault, screenshots):
    screen.page.evaluate(NEW, "SaveImage")
    before = screen.page.evaluate(FIRST)
    screen.command("GPT4oImage.InsertSticker")
    screen.page.wait_for_function("app.graph.nodes.length === 5")
    assert screen.page.evaluate(FIRST) == before
    state = screen.page.evaluate(
        """() => { const [there, ...added] = app.graph.nodes;
        return { selected: app.canvas.selectedItems.size, right: there.pos[0] + there.size[0],
          left: Math.min(...added.map((n) => n.pos[0])) }; }"""
    )
    assert state["selected"] == 4
    assert state["left"] > state["right"]
    screen.page.wait_for_function(
        """() => { const { scale, offset } = app.canvas.ds, box = app.canvas.canvas.getBoundingClientRect();
        return app.graph.nodes.slice(1).every((n) => (n.pos[0] + offset[0]) * scale >= 0
          && (n.pos[0] + n.size[0] + offset[0]) * scale <= box.width
          && (n.pos[1] + offset[1]) * scale >= 0 && (n.pos[1] + n.size[1] + offset[1]) * scale <= box.height); }"""
    )
    screen.page.screenshot(path=screenshots / "inserted.png")
    sent = {
        node["class_type"]: node["inputs"] for node in screen.prompt().values() if node["class_type"] != "SaveImage"
    }
    assert sent["GPT4oImage_Generate"]["background"] == "transparent"
    assert sent["MaskPreview"]["mask"][1] == 2


@pytest.mark.parametrize("node", PAID)
def test_a_new_paid_node_does_not_buy_again_by_itself(screen, canvas, node):
    screen.page.evaluate(NEW, node)
    assert screen.page.evaluate(VALUE, "control_after_generate") == "fixed"
    assert screen.page.evaluate(VALUE, "artist_names") == "stop"


@pytest.mark.parametrize("node", PAID)
@pytest.mark.parametrize("settings", [{"GPT4oImage.ArtistNames": "warn"}])
def test_only_new_nodes_take_the_setting(screen, canvas, node):
    screen.page.evaluate(NEW, node)
    assert screen.page.evaluate(VALUE, "artist_names") == "warn"
    graph = screen.page.evaluate("JSON.parse(JSON.stringify(app.graph.serialize()))")
    values = graph["nodes"][0]["widgets_values"]
    values[values.index("warn")] = "allow"
    values[values.index("fixed")] = "randomize"
    screen.load(graph)
    assert screen.page.evaluate(VALUE, "artist_names") == "allow"
    assert screen.page.evaluate(VALUE, "control_after_generate") == "randomize"


def test_the_commands_are_there_under_the_name_of_the_extension(screen):
    ours = [command for command in screen.page.evaluate(COMMANDS) if command["source"] == "gpt4oimage.results"]
    assert [command["id"] for command in ours] == [
        "GPT4oImage.OpenResults",
        "GPT4oImage.InsertSticker",
        "GPT4oImage.Check",
    ]


def test_the_page_fetches_every_module_anew_after_an_update(pack_root):
    """ComfyUI lets browsers keep .mjs for days: the entry asks for each by name, so none may be forgotten."""
    entry = (pack_root / "web" / "gpt4o_image.js").read_text("utf-8")
    for module in (pack_root / "web").glob("*.mjs"):
        assert f'"{module.stem}"' in entry
    assert [script.name for script in (pack_root / "web").rglob("*.js")] == ["gpt4o_image.js"]
