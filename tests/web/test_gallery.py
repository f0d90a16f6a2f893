"""The sidebar as a gallery: what is known of a result, its pictures out of the page, what was spent, the first one."""

import json
import time
import zipfile

import pytest
from playwright.sync_api import expect

from gpt4o_image.vault.sqlite import SqliteDatabase
from web.seeds import FAILED, picture, saved, seed
from web.sidebar import Sidebar

# What a drag of a card's picture offers to wherever it is dropped; then it is dropped on the canvas.
DRAG = """() => {
  const image = document.querySelector(".g4i-thumbnail img"), data = new DataTransfer();
  image.dispatchEvent(new DragEvent("dragstart", { bubbles: true, dataTransfer: data }));
  const offered = Object.fromEntries([...data.types].map((type) => [type, data.getData(type)]));
  app.canvas.canvas.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
  return offered;
}"""


def with_details(vault, result_id, created=None, **details):
    with SqliteDatabase(vault.folder / "vault.sqlite3").writing() as db:
        db.execute("UPDATE results SET details = ? WHERE id = ?", (json.dumps(details), result_id))
        if created:
            db.execute("UPDATE results SET created = ? WHERE id = ?", (created, result_id))


def opened(screen, count):
    bar = Sidebar.open(screen)
    expect(bar.cards).to_have_count(count)
    return bar


def test_the_viewer_tells_all_that_is_known(screen, vault, screenshots):
    seed(vault, [{"id": "two", "prompt": "a quiet <i>harbour</i>\nat dusk", "stored": 2}])
    warnings = ["4 pictures were asked for, 2 came."]
    with_details(vault, "two", warnings=warnings, revised_prompt="A harbour, golden", timings={"ended_s": 41.2})
    opened(screen, 1).cards.first.get_by_role("button", name="Open full size").click()
    dialog = screen.page.get_by_role("dialog")
    details = dialog.locator(".g4i-details")
    for words in ("a quiet <i>harbour</i>", "A harbour, golden", "gpt-4o-image-vip (aihubmix)", "$0.009", "41"):
        expect(details).to_contain_text(words)
    expect(details).to_contain_text(warnings[0])
    expect(details).to_contain_text("48 \u00d7 32")
    screen.page.screenshot(path=screenshots / "viewer.png")
    dialog.get_by_role("button", name="Next picture").click()
    with screen.page.expect_download() as download:
        dialog.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "two-1.png"
    assert download.value.path().read_bytes() == picture(1)


def test_a_card_downloads_its_picture_or_a_zip_of_several(screen, vault):
    seed(vault, [{"id": "three", "prompt": "three", "stored": 3}, {"id": "one", "prompt": "one", "stored": 1}])
    bar = opened(screen, 2)
    with screen.page.expect_download() as download:
        bar.cards.first.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "one-0.png"
    with screen.page.expect_download() as download:
        bar.cards.last.get_by_role("button", name="Download").click()
    assert zipfile.ZipFile(download.value.path()).namelist() == ["three-0.png", "three-1.png", "three-2.png"]


def test_several_results_are_ticked_and_downloaded_as_one_zip(screen, vault):
    seed(vault, [*saved(4), {"id": "failed", "prompt": "a castle", "error": FAILED}])
    bar = opened(screen, 5)
    assert bar.card("castle").get_by_role("checkbox").count() == 0
    bar.card("number 3").focus()
    screen.page.keyboard.press("Space")
    bar.card("number 1").get_by_role("checkbox", name="Select").check()
    line = bar.panel.locator(".g4i-selection")
    expect(line).to_contain_text("2 selected")
    bar.search("number 1")
    expect(bar.cards).to_have_count(1)
    expect(bar.cards.first.get_by_role("checkbox")).to_be_checked()
    with screen.page.expect_download() as download:
        line.get_by_role("button", name="Download as a zip").click()
    assert sorted(zipfile.ZipFile(download.value.path()).namelist()) == ["seed-00001-0.png", "seed-00003-0.png"]
    line.get_by_role("button", name="Clear the selection").click()
    expect(line).to_be_hidden()
    expect(bar.cards.first.get_by_role("checkbox")).not_to_be_checked()


def test_a_picture_is_dragged_out_as_a_picture(screen, vault):
    seed(vault, saved(1))
    opened(screen, 1)
    screen.page.wait_for_function("document.querySelector('.g4i-thumbnail img')?.complete")
    offered = screen.page.evaluate(DRAG)
    whole = f"{screen.server.origin}/api/gpt4o_image/results/seed-00000/pictures/0"
    assert offered == {"text/uri-list": whole, "downloadurl": f"image/png:seed-00000-0.png:{whole}"}
    assert screen.page.evaluate("app.graph.nodes.map((each) => each.type)") == ["GPT4oImage_LoadResult"]
    assert screen.notices() == []


def test_a_kept_answer_is_offered_to_be_read_again(screen, vault):
    seed(vault, [{"id": "unread", "prompt": "a sealed letter", "error": FAILED}])
    with SqliteDatabase(vault.folder / "vault.sqlite3").writing() as db:
        db.execute("UPDATE results SET holds = 'unread', verdict = 'unread'")
    bar = opened(screen, 1)
    expect(bar.cards.first.locator(".g4i-state")).to_have_text("Answer kept: The model declined.")
    expect(bar.cards.first.get_by_role("button", name="Read the kept answer again")).to_be_visible()
    bar.state("unread")
    expect(bar.cards).to_have_count(1)


def test_the_last_thirty_days_are_a_chart(screen, vault):
    seed(vault, saved(3))
    with_details(vault, "seed-00000", created=time.time() - 5 * 86400)
    with_details(vault, "seed-00001", created=time.time() - 60 * 86400)
    bar = opened(screen, 3)
    chart = bar.panel.get_by_role("img", name="Last 30 days: $0.018")
    expect(chart).to_be_visible()
    assert chart.locator("span").count() == 30
    assert chart.locator("span:not([data-none])").count() == 2


@pytest.mark.every_view
def test_the_first_picture_is_one_click_away(screen, canvas, vault, screenshots):
    bar = Sidebar.open(screen)
    screen.page.screenshot(path=screenshots / "empty.png")
    bar.note.get_by_role("button", name="Make a free test sticker").click()
    state = bar.cards.first.locator(".g4i-state")
    expect(state).to_have_text("Saved")
    expect(bar.cards.first.locator(".g4i-facts")).to_contain_text("not billed")
    [result] = vault.results()
    assert (result.gateway, result.billed) == ("simulator", "no")
    expect(screen.page.locator(".g4i-outcome").filter(visible=True)).to_contain_text("saved")
    screen.page.screenshot(path=screenshots / "made.png")
