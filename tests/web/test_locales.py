"""The browser side in each language: no key shows, and none of the English words."""

import re

import pytest
from playwright.sync_api import expect

from web.languages import each_language, words
from web.sidebar import Sidebar

TEXTS = """() => [...document.querySelectorAll(".g4i-panel *")].flatMap((each) => [
  ...[...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()),
  each.ariaLabel, each.title, each.placeholder]).filter(Boolean)"""


@pytest.fixture
def language(settings):
    return settings["Comfy.Locale"]


def test_every_text_that_the_scripts_ask_for_is_there(pack_root):
    known = words("en")["gpt4oImage"]
    asked = set()
    for script in (pack_root / "web").glob("*.mjs"):
        asked |= set(re.findall(r'\bword\("(\w+)"', script.read_text("utf-8")))
    assert len(asked) > 30
    assert asked - set(known) == set()


@each_language
def test_the_side_bar_is_in_the_language(screen, each_state, language, screenshots):
    own = words(language)["gpt4oImage"]
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(5)
    expect(bar.card("fox").locator(".g4i-state")).to_have_text(own["state_saved"])
    expect(bar.panel.get_by_role("searchbox")).to_have_attribute("placeholder", own["search"])
    expect(bar.panel.get_by_role("button", name=own["check"])).to_be_visible()
    expect(bar.panel.locator(".g4i-key")).to_have_text(own["keySet"])
    texts = screen.page.evaluate(TEXTS)
    english = words("en")["gpt4oImage"]
    unwanted = {"gpt4oImage", *english, *english.values()} - set(own.values())
    assert [text for text in texts if text in unwanted or re.search(r"<(?!/?b>)\w+>", text)] == []
    screen.page.screenshot(path=screenshots / f"{language}.png")


@each_language
def test_the_settings_are_in_the_language(screen, language, screenshots):
    screen.command("Comfy.ShowSettingsDialog")
    dialog = screen.page.get_by_role("dialog")
    dialog.get_by_text("GPT-4o Image", exact=True).first.click()
    for setting in words(language, "settings").values():
        expect(dialog.get_by_text(setting["name"], exact=True)).to_be_visible()
    screen.page.screenshot(path=screenshots / f"settings-{language}.png")


def test_a_change_of_language_is_followed_at_the_next_opening(screen, each_state):
    screen.spoiled = True
    bar = Sidebar.open(screen)
    screen.page.evaluate("app.extensionManager.setting.set('Comfy.Locale', 'ja')")
    tab = screen.page.get_by_role("navigation").get_by_role("button", name="GPT-4o Image", exact=True)
    tab.click()
    expect(bar.panel).to_have_count(0)
    tab.click()
    expect(bar.card("fox").locator(".g4i-state")).to_have_text(words("ja")["gpt4oImage"]["state_saved"])


@pytest.mark.parametrize("settings", [{"Comfy.Locale": "fr"}])
def test_a_language_that_the_pack_does_not_speak_gets_english(screen, each_state):
    bar = Sidebar.open(screen)
    expect(bar.card("fox").locator(".g4i-state")).to_have_text("Saved")
