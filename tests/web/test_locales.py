"""The browser side in Japanese and Chinese, and light and dark: no key shows, every text is readable."""

import json
import re

import pytest
from playwright.sync_api import expect
from web.seeds import emptied, seed
from web.sidebar import Sidebar
from web.test_sidebar import EACH_STATE

LANGUAGES = ("en", "ja", "zh")
FILES = ("main", "commands", "settings")
TEXTS = """() => [...document.querySelectorAll(".g4i-panel *")].flatMap((each) => [
  ...[...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()),
  each.ariaLabel, each.title, each.placeholder]).filter(Boolean)"""

# The ratio of WCAG 2 between each text and what is behind it, worst first.
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    const color = rgba(getComputedStyle(element).backgroundColor);
    return color[3] > 0.99 || !element.parentElement ? color : behind(element.parentElement);
  };
  const hasText = (each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const ratio = (each) => {
    const [less, more] = [light(rgba(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => a - b);
    return [(more + 0.05) / (less + 0.05), each.className || each.tagName, each.textContent.slice(0, 30)];
  };
  return [...document.querySelectorAll(".g4i-panel *")].filter((each) => each.checkVisibility() && hasText(each))
    .map(ratio).sort((a, b) => a[0] - b[0]);
}"""


@pytest.fixture
def vault(gateway_home):
    vault = emptied(gateway_home)
    seed(vault, EACH_STATE)
    return vault


def words(pack_root, language, file="main"):
    return json.loads((pack_root / "locales" / language / f"{file}.json").read_text("utf-8"))


def flat(tree, path=""):
    for key, value in tree.items():
        yield from flat(value, f"{path}{key}.") if isinstance(value, dict) else [(path + key, value)]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_language_has_every_text_of_english(pack_root, language, file):
    english, other = dict(flat(words(pack_root, "en", file))), dict(flat(words(pack_root, language, file)))
    single = {key for key in english if key.endswith("_one")}  # neither Japanese nor Chinese has a singular
    assert set(other) == set(english) - single
    for key, text in other.items():
        assert set(re.findall(r"<\w+>", text)) == set(re.findall(r"<\w+>", english[key])), key


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_a_sign_that_vue_i18n_reads(pack_root, language, file):
    assert {key: text for key, text in flat(words(pack_root, language, file)) if re.search(r"[@{}|$%]", text)} == {}


def test_every_text_that_the_scripts_ask_for_is_there(pack_root):
    known = words(pack_root, "en")["gpt4oImage"]
    asked = set()
    for script in (pack_root / "web").glob("*.mjs"):
        asked |= set(re.findall(r'\bword\("(\w+)"', script.read_text("utf-8")))
    assert len(asked) > 30
    assert asked - set(known) == set()


@pytest.mark.parametrize(
    ("settings", "language"), [({"Comfy.Locale": each}, each) for each in LANGUAGES[1:]], ids=LANGUAGES[1:]
)
def test_the_side_bar_is_in_the_language(screen, vault, pack_root, language, screenshots):
    own = words(pack_root, language)["gpt4oImage"]
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(5)
    expect(bar.card("fox").locator(".g4i-state")).to_have_text(own["state_saved"])
    expect(bar.panel.get_by_role("searchbox")).to_have_attribute("placeholder", own["search"])
    expect(bar.panel.get_by_role("button", name=own["check"])).to_be_visible()
    expect(bar.panel.locator(".g4i-key")).to_have_text(own["keySet"])
    texts = screen.page.evaluate(TEXTS)
    english = words(pack_root, "en")["gpt4oImage"]
    unwanted = ({*english, *english.values()} | {"gpt4oImage"}) - set(own.values())
    assert [text for text in texts if text in unwanted or re.search(r"<(?!/?b>)\w+>", text)] == []
    screen.page.screenshot(path=screenshots / f"{language}.png")


@pytest.mark.parametrize(
    ("settings", "language"), [({"Comfy.Locale": each}, each) for each in LANGUAGES], ids=LANGUAGES
)
def test_the_settings_are_in_the_language(screen, pack_root, language, screenshots):
    screen.command("Comfy.ShowSettingsDialog")
    dialog = screen.page.get_by_role("dialog")
    dialog.get_by_text("GPT-4o Image", exact=True).first.click()
    for setting in words(pack_root, language, "settings").values():
        expect(dialog.get_by_text(setting["name"], exact=True)).to_be_visible()
    screen.page.screenshot(path=screenshots / f"settings-{language}.png")


def test_a_change_of_language_is_followed_at_the_next_opening(screen, vault, pack_root):
    bar = Sidebar.open(screen)
    screen.page.evaluate("app.extensionManager.setting.set('Comfy.Locale', 'ja')")
    tab = screen.page.get_by_role("navigation").get_by_role("button", name="GPT-4o Image", exact=True)
    tab.click()
    expect(bar.panel).to_have_count(0)
    tab.click()
    expect(bar.card("fox").locator(".g4i-state")).to_have_text(words(pack_root, "ja")["gpt4oImage"]["state_saved"])


@pytest.mark.parametrize("settings", [{"Comfy.Locale": "ko"}])
def test_a_language_that_the_pack_does_not_speak_gets_english(screen, vault):
    bar = Sidebar.open(screen)
    expect(bar.card("fox").locator(".g4i-state")).to_have_text("Saved")


@pytest.mark.parametrize(
    ("settings", "theme"), [({"Comfy.ColorPalette": each}, each) for each in ("dark", "light")], ids=("dark", "light")
)
def test_every_text_stands_out_from_what_is_behind_it(screen, vault, theme, screenshots):
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(5)
    screen.command("GPT4oImage.Check")
    expect(bar.panel.locator(".g4i-findings")).to_be_visible(timeout=30_000)
    bar.cards.first.focus()
    screen.page.screenshot(path=screenshots / f"{theme}.png")
    ratios = screen.page.evaluate(CONTRAST)
    assert len(ratios) > 20
    assert ratios[0][0] >= 4.5, ratios[:5]
