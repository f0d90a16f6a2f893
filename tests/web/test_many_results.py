"""Five thousand results: the tab opens at once, scrolls smoothly and holds only the cards in sight.

Times are printed, not asserted: machines are noisy. Run with `-s` on an idle machine to read them.
"""

import pytest
from playwright.sync_api import expect

from web.seeds import emptied, saved, seed
from web.sidebar import Sidebar

COUNT = 5000
TAB = ".side-bar-button[aria-label^='GPT-4o Image']"

OPEN = """(tab) => new Promise((done) => {
  const began = performance.now();
  document.querySelector(tab).click();
  const painted = () => done(performance.now() - began);
  const look = () => requestAnimationFrame(document.querySelector(".g4i-card") ? painted : look);
  look();
})"""

# A wheel that never rests: 400 px a frame, through what is loaded and what comes meanwhile.
SCROLL = """(seconds) => new Promise((done) => {
  const box = document.querySelector(".g4i-scroll"), began = performance.now();
  const frames = []; let last = began, most = 0;
  const step = (now) => {
    frames.push(now - last); last = now;
    box.scrollTop += 400;
    most = Math.max(most, document.querySelectorAll(".g4i-card").length);
    if (now - began < seconds * 1000) requestAnimationFrame(step);
    else done({ frames: frames.slice(2).sort((a, b) => b - a), most, top: box.scrollTop, height: box.scrollHeight });
  };
  requestAnimationFrame(step);
})"""


@pytest.fixture
def vault(gateway_home):
    vault = emptied(gateway_home)
    seed(vault, saved(COUNT))
    yield vault
    emptied(gateway_home)  # five thousand are for these tests only


def test_the_tab_opens_and_scrolls_with_five_thousand_results(vault, screen, screenshots):
    opened = screen.page.evaluate(OPEN, TAB)
    bar = Sidebar.open(screen)
    expect(bar.cards.first).to_have_attribute("aria-setsize", str(COUNT))
    scrolled = screen.page.evaluate(SCROLL, 5)
    frames = scrolled["frames"]
    print(
        f"\n{COUNT} results: first cards {opened:.0f} ms after the click; {len(frames)} frames while scrolling "
        f"{scrolled['top']} px: longest {frames[0]:.0f} ms, median {frames[len(frames) // 2]:.1f} ms; "
        f"at most {scrolled['most']} cards in the page"
    )
    assert scrolled["height"] > 200 * 132  # it has grown over several pages
    assert scrolled["most"] < 40
    screen.page.screenshot(path=screenshots / "scrolled.png")


def test_the_end_is_reached_page_by_page_without_a_gap(vault, screen):
    bar = Sidebar.open(screen)
    bar.search("12")  # 12, 112, 120 to 129, 1200 to 1299 and so on
    wanted = [f"picture number {n}" for n in range(COUNT - 1, -1, -1) if "12" in str(n)]
    expect(bar.cards.first).to_have_attribute("aria-setsize", str(len(wanted)))
    seen = screen.page.evaluate(
        """async () => {
          const box = document.querySelector(".g4i-scroll"), seen = new Map();
          const total = Number(document.querySelector(".g4i-card").getAttribute("aria-setsize"));
          while (seen.size < total) {
            for (const card of document.querySelectorAll(".g4i-card"))
              seen.set(Number(card.getAttribute("aria-posinset")), card.querySelector(".g4i-prompt").textContent);
            box.scrollTop += 500;
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          }
          return [...seen].sort((a, b) => a[0] - b[0]).map(([, prompt]) => prompt);
        }"""
    )
    assert seen == wanted


def test_a_new_result_does_not_move_what_is_being_looked_at(vault, screen):
    bar = Sidebar.open(screen)
    screen.page.evaluate("document.querySelector('.g4i-scroll').scrollTop = 2000")
    card = bar.card("picture number 4980")
    before = card.bounding_box()["y"]
    seed(vault, [{"id": "newcomer", "prompt": "a newcomer", "stored": 1}])
    screen.page.evaluate(
        "detail => window.comfyAPI.api.api.dispatchCustomEvent('gpt4o_image.result', detail)",
        {"id": "newcomer", "percent": None, "ended": True},
    )
    expect(bar.cards.first).to_have_attribute("aria-setsize", str(COUNT + 1))
    assert card.bounding_box()["y"] == pytest.approx(before, abs=1)
