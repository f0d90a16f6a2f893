"""The list of paid results: what it shows, how it is searched, how it grows, how it is reached and read out."""

import re

import pytest
from playwright.sync_api import expect

from web.screen import idle
from web.seeds import EACH_STATE, emptied, saved, seed
from web.sidebar import Sidebar, forgive, run

WATCH = """() => {
  window.seen = [];
  const look = () => {
    const running = document.querySelectorAll(".g4i-state[data-state='running']");
    window.seen.push(...[...running].map((each) => each.textContent));
  };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.querySelector(".g4i-feed"), all);
}"""


def test_every_state_is_told_with_price_and_reason(screen, vault, screenshots):
    seed(vault, EACH_STATE)
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(5)
    assert bar.prompts() == [each["prompt"] for each in reversed(EACH_STATE)]
    facts = {
        "castle": ("Failed: The model declined.", "not billed"),
        "boat": ("Links only: The model declined.", "$0.009"),
        "cats": ("1 of 2 pictures saved", "$0.009"),
        "tree": ("Running", "$0.009"),
        "fox": ("Saved", "$0.009"),
    }
    for words, (state, price) in facts.items():
        expect(bar.card(words).locator(".g4i-state")).to_have_text(state)
        expect(bar.card(words).locator(".g4i-facts")).to_contain_text(price)
        expect(bar.card(words).locator(".g4i-facts")).to_contain_text("gpt-4o-image-vip")
    expect(bar.card("tree").get_by_role("progressbar")).to_be_visible()
    expect(bar.card("fox").locator("img")).to_have_js_property("naturalWidth", 48)
    screen.page.screenshot(path=screenshots / "states.png")


def test_a_card_offers_only_what_can_be_done(screen, vault):
    seed(vault, EACH_STATE)
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(5)

    def offered(words):
        return [
            each.get_attribute("aria-label")
            for each in bar.card(words).get_by_role("button").all()
            if each.is_enabled()
        ]

    add, fetch, links = "Add a Load Paid Result node", "Fetch what is missing", "Copy the links"
    assert offered("castle") == ["Copy the prompt"]
    assert offered("boat") == [add, fetch, "Copy the prompt", links]
    assert offered("cats") == ["Open full size", add, fetch, "Download", "Copy the prompt", links]
    assert offered("fox") == ["Open full size", add, "Download", "Copy the prompt", links]


def test_words_and_state_filter_and_the_number_is_announced(screen, vault):
    seed(vault, EACH_STATE)
    bar = Sidebar.open(screen)
    bar.search("a boat")
    expect(bar.cards).to_have_count(1)
    expect(bar.card("boat")).to_be_visible()
    expect(bar.spoken).to_have_text("1 result")
    bar.search("")
    for state, words in (("failed", "castle"), ("links", "boat"), ("running", "tree")):
        bar.state(state)
        expect(bar.cards).to_have_count(1)
        expect(bar.card(words)).to_be_visible()
    bar.state("saved")
    expect(bar.cards).to_have_count(2)
    expect(bar.spoken).to_have_text("2 results")


def test_typing_asks_once_it_pauses(screen, vault):
    seed(vault, EACH_STATE)
    bar = Sidebar.open(screen)
    asked = []
    screen.page.on("request", lambda request: asked.append(request.url) if "text=" in request.url else None)
    bar.panel.get_by_role("searchbox").press_sequentially("a red fox", delay=20)
    expect(bar.cards).to_have_count(1)
    assert [re.search(r"text=([^&]+)", url)[1] for url in asked] == ["a+red+fox"]


def test_each_empty_state_says_what_to_do(screen, vault, gateway_home):
    bar = Sidebar.open(screen)
    expect(bar.note).to_contain_text("Run the node GPT-4o Image")
    bar.search("nothing like it")
    expect(bar.note).to_contain_text("Change the words or the state")
    (gateway_home / "vault" / "vault.sqlite3").unlink(missing_ok=True)
    (gateway_home / "vault" / "vault.sqlite3").write_bytes(b"no database " * 500)
    bar.search("")
    expect(bar.note).to_contain_text("The results cannot be read")
    expect(bar.note).not_to_contain_text(str(gateway_home))
    forgive(screen, "HTTP 503")
    emptied(gateway_home)
    bar.note.get_by_role("button", name="Try again").click()
    expect(bar.note).to_contain_text("No results yet")


@pytest.mark.parametrize(("how", "words"), [("missing", "Restart ComfyUI"), ("network", "ComfyUI does not answer")])
def test_without_its_server_side_the_tab_says_so(screen, vault, how, words):
    def answer(route):
        route.abort() if how == "network" else route.fulfill(status=404, body="404: Not Found")

    screen.page.route("**/gpt4o_image/**", answer)
    bar = Sidebar.open(screen)
    expect(bar.note).to_contain_text(words)
    screen.page.unroute_all()
    bar.note.get_by_role("button", name="Try again").click()
    expect(bar.note).to_contain_text("No results yet")
    forgive(screen, "HTTP 404")


def test_a_run_appears_moves_and_ends_without_a_reload(screen, vault, screenshots):
    bar = Sidebar.open(screen)
    idle(screen.page, screen.server.origin)
    screen.page.evaluate(WATCH)
    asked = []
    screen.page.on(
        "request", lambda request: asked.append(request.url) if "/gpt4o_image/results?" in request.url else None
    )
    prompt = run(screen, "a lighthouse made of glass")
    expect(bar.card("lighthouse")).to_be_visible()
    expect(bar.card("lighthouse").locator(".g4i-state")).to_have_text("Saved", timeout=60_000)
    screen.page.wait_for_function("document.querySelector('.g4i-thumbnail img')?.naturalWidth > 0")
    expect(bar.spoken).to_have_text(f"Finished: {prompt}")
    expect(bar.panel.locator(".g4i-money")).to_contain_text("Today $0.009")
    percents = [int(found[1]) for text in screen.page.evaluate("window.seen") if (found := re.search(r"(\d+)%", text))]
    assert len(set(percents)) > 3
    assert percents == sorted(percents)
    assert asked == []  # neither polled nor loaded anew
    screen.page.screenshot(path=screenshots / "finished.png")


def test_a_run_that_the_filter_hides_stays_hidden(screen, vault):
    seed(vault, EACH_STATE)
    bar = Sidebar.open(screen)
    bar.search("cats")
    expect(bar.cards).to_have_count(1)
    run(screen, "a whale in the clouds")
    shown = run(screen, "seven cats on a wall")
    expect(bar.card("seven cats").locator(".g4i-state")).to_have_text("Saved", timeout=60_000)
    assert bar.prompts() == [shown, "four cats"]


def test_a_failed_run_says_why_and_is_announced(screen, vault):
    bar = Sidebar.open(screen)
    prompt = run(screen, "a wall [[fail_en]]")
    expect(bar.card("a wall").locator(".g4i-state")).to_have_attribute("data-state", "failed", timeout=60_000)
    expect(bar.spoken).to_have_text(f"Failed: {prompt}")
    assert re.match(r"Failed: \w+", bar.card("a wall").locator(".g4i-state").inner_text())


def test_after_a_reconnect_the_list_is_loaded_anew(screen, vault):
    bar = Sidebar.open(screen)
    expect(bar.note).to_be_visible()
    seed(vault, EACH_STATE)
    screen.page.evaluate("window.comfyAPI.api.api.dispatchEvent(new CustomEvent('reconnected'))")
    expect(bar.cards).to_have_count(5)


def test_keys_walk_the_list_open_a_picture_and_come_back(screen, vault, screenshots):
    seed(vault, saved(80))
    bar = Sidebar.open(screen)
    keys = screen.page.keyboard

    def place():
        return screen.page.evaluate("document.activeElement.getAttribute('aria-posinset')")

    bar.panel.get_by_role("searchbox").focus()
    keys.press("Tab")
    keys.press("Tab")
    assert place() == "1"
    for key, reached in (("ArrowDown", "2"), ("ArrowDown", "3"), ("ArrowUp", "2"), ("Home", "1")):
        keys.press(key)
        assert place() == reached
    keys.press("PageDown")
    assert int(place()) > 3
    keys.press("PageUp")
    assert place() == "1"
    keys.press("End")  # of what is loaded, which brings more
    assert int(place()) == 60
    expect(bar.feed).to_have_js_property("scrollHeight", 80 * 132)
    keys.press("End")
    assert place() == "80"
    screen.page.screenshot(path=screenshots / "focus.png")
    keys.press("Enter")
    dialog = screen.page.get_by_role("dialog", name="picture number 0")
    expect(dialog.locator("img")).to_have_js_property("naturalWidth", 48)
    for _ in range(6):  # the focus does not leave the dialog for the page behind it
        keys.press("Tab")
        assert screen.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    assert place() == "80"
    keys.press("Tab")
    expect(bar.card("picture number 0").get_by_role("button", name="Open full size")).to_be_focused()
    keys.press("Tab")
    expect(bar.card("picture number 0").get_by_role("checkbox", name="Select")).to_be_focused()
    keys.press("Tab")
    expect(bar.card("picture number 0").get_by_role("button", name="Add a Load")).to_be_focused()


def test_the_viewer_turns_through_the_pictures(screen, vault):
    seed(vault, [{"id": "many", "prompt": "three moons", "stored": 3}])
    bar = Sidebar.open(screen)
    bar.card("moons").get_by_role("button", name="Open full size").click()
    dialog = screen.page.get_by_role("dialog", name="three moons")
    image = dialog.locator("img")
    expect(dialog).to_contain_text("1 of 3")
    first = image.get_attribute("src")
    screen.page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("2 of 3")
    assert image.get_attribute("src") != first
    screen.page.keyboard.press("ArrowLeft")
    screen.page.keyboard.press("ArrowLeft")
    expect(dialog).to_contain_text("3 of 3")
    assert dialog.get_by_role("link", name="Open in a new tab").get_attribute("href") == image.get_attribute("src")


def test_delete_on_a_card_leaves_the_graph_alone(screen, vault):
    seed(vault, saved(2))
    bar = Sidebar.open(screen)
    screen.page.evaluate(
        "() => { const node = LiteGraph.createNode('SaveImage'); app.graph.add(node); app.canvas.selectNodes([node]); }"
    )
    bar.cards.first.focus()
    screen.page.keyboard.press("Delete")
    screen.page.keyboard.press("Backspace")
    assert screen.page.evaluate("app.graph.nodes.length") == 1


def test_roles_and_places_are_there_for_a_screen_reader(screen, vault):
    seed(vault, saved(3))
    bar = Sidebar.open(screen)
    expect(bar.panel.get_by_role("feed", name="Paid results")).to_have_attribute("aria-busy", "false")
    expect(bar.cards).to_have_count(3)
    for place, card in enumerate(bar.cards.all(), 1):
        assert card.get_attribute("aria-posinset") == str(place)
        assert card.get_attribute("aria-setsize") == "3"
    expect(bar.panel.get_by_role("article", name="picture number 2. Saved. $0.009")).to_be_visible()
    expect(bar.panel.get_by_role("combobox", name="Gateway")).to_be_visible()
    expect(bar.panel.get_by_role("searchbox", name="Search prompts")).to_be_visible()
    unnamed = (
        "[...document.querySelectorAll('.g4i-panel button')].filter((b) => !(b.ariaLabel || b.textContent.trim()))"
    )
    assert screen.page.evaluate(f"{unnamed}.length") == 0
