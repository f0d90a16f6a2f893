"""An empty ComfyUI with this pack, and that the tests' own eyes are open."""

import re
import time

OUR_SCRIPT = "/extensions/gpt4o-image/of_a_test.mjs"


def workflow(*types):
    """Nodes that stand there, unconnected."""
    nodes = [
        {"id": number, "type": kind, "pos": [300 * number, 300], "size": [200, 100], "mode": 0, "order": number}
        | {"flags": {}, "properties": {}, "inputs": [], "outputs": [], "widgets_values": []}
        for number, kind in enumerate(types, 1)
    ]
    return {"version": 0.4, "nodes": nodes, "links": [], "last_node_id": len(nodes), "last_link_id": 0}


def test_comfyui_opens_without_a_complaint(screen, canvas, screenshots):
    screen.page.screenshot(path=screenshots / "opened.png")
    assert screen.page.evaluate("!!window.LiteGraph.registered_node_types.GPT4oImage_Generate")
    assert screen.notices() == []


def test_a_missing_node_is_noticed(screen, canvas):
    screen.load(workflow("GPT4oImage_Generate", "NobodyHasThisNode"))
    screen.page.get_by_text("NobodyHasThisNode").first.wait_for()
    assert any("NobodyHasThisNode" in text for text in screen.notices())
    screen.trouble.taken()


TROUBLE = {
    "console.error('broken')": "console error: broken",
    "setTimeout(() => nobody.has.this)": "uncaught: ReferenceError",
    "fetch('/gpt4o_image/nothing')": "HTTP 404: .*/gpt4o_image/nothing",
    "fetch('https://example.com/').catch(() => 0)": "(security error|foreign host): .*example.com",
    f"import('{OUR_SCRIPT}')": f"console warning: input.link is deprecated .*{OUR_SCRIPT}",
}


def test_trouble_is_noticed(screen):
    script = "console.warn('input.link is deprecated')"  # forgiven only where the front end does it itself
    screen.page.route(f"**{OUR_SCRIPT}", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    for does, said in TROUBLE.items():
        screen.page.evaluate(f"() => {{ {does} }}")
        deadline = time.monotonic() + 30
        while not screen.trouble.lines and time.monotonic() < deadline:
            screen.page.wait_for_timeout(20)
        assert any(re.match(said, line) for line in screen.trouble.taken())
