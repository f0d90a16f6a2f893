"""The key in one minute, and what the graph costs: on the nodes, and in the sidebar's head."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from web.sidebar import Sidebar
from web.test_outcomes import AGAIN, RUN

WITHOUT_KEY = '[profiles.mine]\nbase_url = "http://127.0.0.1:9/v1"\n'
CHOICES = "LiteGraph.createNode('GPT4oImage_Generate').widgets.find(each => each.name === 'gateway').options.values"
NEW = "type => app.graph.add(LiteGraph.createNode(type))"
SET = """values => { for (const widget of app.graph.nodes[0].widgets) if (widget.name in values) {
  widget.value = values[widget.name];
  widget.callback?.(widget.value);
} }"""
BADGE = "app.graph.nodes[0].badges.map((each) => (typeof each === 'function' ? each() : each).text).at(-1)"


@pytest.fixture(autouse=True)  # gone only after the page, which would ask for its gateway again
def config(gateway_home):
    path = gateway_home / "config.toml"

    def write(text):
        path.write_text(text)
        path.chmod(0o600)

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture
def keyless(screen, vault, config):
    """The open sidebar, with a gateway that has no key."""
    config(WITHOUT_KEY)
    screen.page.evaluate("app.extensionManager.setting.set('GPT4oImage.Gateway', 'mine')")
    return Sidebar.open(screen)


def setup(bar):
    return bar.panel.get_by_role("region", name="How to set the key")


@pytest.mark.every_view
def test_without_a_key_a_run_leads_to_the_way_to_set_it(screen, canvas, server, vault, config, screenshots):
    config(WITHOUT_KEY)
    screen.page.evaluate("app.extensionManager.setting.set('GPT4oImage.Gateway', 'mine')")
    screen.command("Comfy.RefreshNodeDefinitions")
    screen.page.wait_for_function(f"{CHOICES}.includes('mine')")
    screen.page.evaluate(RUN, ["GPT4oImage_Generate", {"prompt": "a fox", "gateway": "mine"}])
    expect(screen.page.locator(".g4i-outcome").filter(visible=True)).to_contain_text("not billed: A key is missing")
    screen.page.screenshot(path=screenshots / "no_key.png")
    screen.page.locator(".g4i-notice").get_by_role("button", name="Open the sidebar").click()
    bar = Sidebar(screen)
    expect(setup(bar)).to_contain_text("There is no key for mine yet")
    command = setup(bar).locator("pre").first
    expect(command).to_contain_text(str(server.comfyui.python))
    expect(command).to_contain_text("key set --gateway mine")
    screen.page.locator(".g4i-notice").get_by_role("button", name="Close").click()
    screen.page.screenshot(path=screenshots / "how_to_set_it.png")
    config(f'{WITHOUT_KEY}api_key = "sk-there"\n')
    expect(setup(bar)).to_have_count(0)
    expect(bar.spoken).to_have_text("The key is set")
    expect(bar.panel.locator(".g4i-key")).to_have_text("key set")


@pytest.mark.parametrize("which", ["Copy the command", "Copy the path", "Copy the lines"])
def test_each_way_has_a_copy_button(screen, keyless, which):
    screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    setup(keyless).get_by_role("button", name=which).click()
    screen.page.get_by_text("Copied", exact=True).first.wait_for()
    copied = screen.page.evaluate("navigator.clipboard.readText()")
    shown = setup(keyless).locator("pre").all_inner_texts()
    assert copied.strip() in [each.strip() for each in shown]


def test_another_computer_is_shown_no_folder(screen, vault, config, gateway_home):
    screen.page.route(
        "**/key_setup?*",
        lambda route: route.fulfill(status=403, json={"error": {"kind": "other_machine", "message": "x"}}),
    )
    config(WITHOUT_KEY)
    screen.page.evaluate("app.extensionManager.setting.set('GPT4oImage.Gateway', 'mine')")
    bar = Sidebar.open(screen)
    expect(setup(bar)).to_contain_text("gpt4o-image key set --gateway mine")
    assert str(gateway_home) not in bar.panel.inner_text()
    screen.trouble.lines.clear()


def test_findings_do_not_repeat_the_way_and_can_be_closed(screen, keyless):
    screen.command("GPT4oImage.Check")
    findings = keyless.panel.locator(".g4i-findings")
    expect(findings.get_by_role("img", name="problem").first).to_be_visible()
    assert "key set" not in findings.inner_text()
    findings.get_by_role("button", name="Close").click()
    expect(findings).to_have_count(0) if findings.count() == 0 else expect(findings).to_be_hidden()


def badge(screen, text):
    """On the classic canvas it is drawn, in Nodes 2.0 it is an element."""
    screen.page.wait_for_function(f"text => ({BADGE}) === text", arg=text)
    if screen.page.evaluate("LiteGraph.vueNodesMode"):
        expect(screen.page.locator("[data-node-id]").first.get_by_text(text, exact=True)).to_be_visible()


def test_the_badge_follows_model_and_gateway_and_knows_the_vault(screen, canvas, vault, screenshots):
    prompt = f"a fox {uuid.uuid4().hex[:8]}"
    screen.page.evaluate(RUN.replace("app.queuePrompt(0, 1);", ""), ["GPT4oImage_Generate", {"prompt": prompt}])
    badge(screen, "$0.009")
    screen.page.evaluate(SET, {"model": "gpt-4o-image"})
    badge(screen, "$0.005")
    screen.page.evaluate(SET, {"gateway": "simulator"})
    badge(screen, "$0")
    screen.page.evaluate(SET, {"gateway": "aihubmix"})
    badge(screen, "$0.005")
    screen.page.evaluate(AGAIN, {})
    badge(screen, "$0 again")
    screen.page.screenshot(path=screenshots / "again.png")
    screen.page.evaluate(SET, {"seed": 7})
    badge(screen, "$0.005")


def test_the_head_says_what_a_run_of_the_graph_costs(screen, vault):
    bar = Sidebar.open(screen)
    head = bar.panel.locator(".g4i-graph-price")
    expect(head).to_be_hidden()
    for _ in range(2):
        screen.page.evaluate(NEW, "GPT4oImage_Generate")
    for number in range(2):
        screen.page.evaluate(
            """number => { const widget = app.graph.nodes[number].widgets.find((each) => each.name === "prompt");
            widget.value = `a fox ${number}`; widget.callback?.(widget.value); }""",
            number,
        )
    expect(head).to_have_text("This graph: 2 paid nodes, $0.018 a run")
    screen.page.evaluate("app.graph.nodes[1].mode = 4; app.graph.nodes[0].widgets[0].callback('a fox 0')")
    expect(head).to_have_text("This graph: 1 paid node, $0.009 a run")
    screen.page.evaluate("app.graph.clear(); app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    expect(head).to_be_hidden()


def test_a_graph_whose_price_is_not_known_whole_is_told_as_such(screen, vault):
    bar = Sidebar.open(screen)
    screen.page.evaluate(
        """() => {
          const node = LiteGraph.createNode("GPT4oImage_Generate"), picture = LiteGraph.createNode("EmptyImage");
          app.graph.add(node);
          app.graph.add(picture);
          picture.connect(0, node, 0);
        }"""
    )
    head = bar.panel.locator(".g4i-graph-price")
    expect(head).to_have_text(re.compile(r"This graph: 1 paid node, about \$0\.009 a run"))
