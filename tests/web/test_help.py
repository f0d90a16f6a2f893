"""Each language in the real front end: the help panel of every node, and the nodes themselves."""

import re

import pytest

from web.languages import ROOT, each_language, words

NODES = ("GPT4oImage_Generate", "GPT4oImage_ImagesAPI", "GPT4oImage_References", "GPT4oImage_LoadResult")
# Removed one by one, not cleared: a node that gets the id of an earlier one is not drawn anew by front end 1.36.
REPLACE = """type => {
    [...window.app.graph.nodes].forEach(each => window.app.graph.remove(each));
    const node = window.LiteGraph.createNode(type);
    node.pos = [300, 200];
    window.app.graph.add(node);
    window.app.canvas.selectNode(node);
    window.app.canvas.setDirty(true, true);
    return String(node.id);
}"""
SHOWN = """node => {
    const help = document.querySelector(".node-help-content");
    const pictures = [...help?.querySelectorAll("img") ?? []];
    return pictures.length && pictures.every(each => each.complete && each.src.includes(node));
}"""
# What a page that is not rendered, or a key without a text, would leave on the screen.
RAW = re.compile(r"\*\*|`|\]\(|\|---|<br>|nodeDefs|\.(name|tooltip|display_name)\b")
LABELS = """() => {
    const {inputs, widgets} = window.app.graph.nodes[0];
    const sockets = inputs.filter(each => !each.widget);
    return Object.fromEntries([...sockets, ...widgets].map(each => [each.name, each.label || each.localized_name]));
}"""


@pytest.fixture
def language(settings):
    return settings["Comfy.Locale"]


@pytest.fixture
def missing(screen):
    """Help pages and pictures that were asked for and are not there."""
    lines = []

    def note(response):
        if response.status >= 400 and "/docs/" in response.url:
            lines.append(response.url)

    screen.page.on("response", note)
    yield lines
    screen.page.remove_listener("response", note)


@pytest.mark.parametrize("node", NODES)
@each_language
def test_the_help_of_a_node_is_in_the_language(screen, missing, screenshots, language, node):
    page = screen.page
    page.evaluate(REPLACE, node)
    page.get_by_test_id("info-button").click()
    page.wait_for_function(SHOWN, arg=node)
    help_panel = page.locator(".node-help-content")
    page.screenshot(path=screenshots / "help.png")
    text = (ROOT / "web" / "docs" / node / f"{language}.md").read_text("utf-8")

    assert help_panel.locator("h1").inner_text() == words(language, "nodeDefs")[node]["display_name"]
    widths = help_panel.locator("img").evaluate_all("pictures => pictures.map(each => each.naturalWidth)")
    assert widths == [520] * text.count("![")
    assert help_panel.locator("table").count() == text.count("|---|\n")
    assert help_panel.locator("h2").count() == text.count("\n## ")
    assert not RAW.search(help_panel.inner_text())
    assert missing == []


@pytest.mark.parametrize("node", NODES)
@each_language
def test_a_node_shows_its_names_in_the_language(screen, screenshots, language, node):
    page, said = screen.page, words(language, "nodeDefs")[node]
    card = page.locator(f'[data-node-id="{page.evaluate(REPLACE, node)}"]')
    card.get_by_text(said["outputs"]["0"]["name"], exact=True).first.wait_for()
    page.screenshot(path=screenshots / "node.png")
    shown = card.inner_text()

    assert said["display_name"] in shown
    for output in said["outputs"].values():
        assert output["name"] in shown
    labels = page.evaluate(LABELS)
    names = {id_: entry["name"] for id_, entry in said["inputs"].items() if id_ in labels and "name" in entry}
    assert names
    assert {id_: labels[id_] for id_ in names} == names
    assert not RAW.search(shown)
