"""What was paid for comes back for free: from disk, by its links, out of its answer. It is never paid for again."""

import json
from base64 import b64encode

import pytest
from fake_gateway import HANG, event, picture, png, reply, sse
from silence import silence

from gpt4o_image.answer.reader import AnswerReader
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.pictures.formats import PictureError

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(4000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What a download waits for is tested with the downloads."""
    monkeypatch.setattr("gpt4o_image.download.fetch._TRIES_S", 0.5)
    monkeypatch.setattr("gpt4o_image.download.fetch._PAUSES_S", (0.1,) * 5)
    monkeypatch.setattr("gpt4o_image.vault.claims.WATCH_S", 0.5)


def assert_not_paid_over(outcome, first, gateway, posts=1):
    assert (outcome.error.kind, outcome.error.billed) == ("download_failed", "yes")
    assert outcome.result_id == first.result_id
    for words in (first.result_id, "results fetch", "seed", "--no-reuse", "nothing was sent"):
        assert words in outcome.error.message
    assert (outcome.cost_usd, outcome.reused) == (0.0, True)
    assert gateway.posts() == posts


# -- links --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [reply("busy", 503), reply("gone", 410), reply("no", 403), reply("<html>", 200)])
def test_a_picture_that_cannot_be_fetched_is_not_paid_for_again(ask, fake_gateway, answer):
    fake_gateway.get("*", answer)
    first = ask("a fox", timeout_s=1)
    assert (first.error.kind, first.error.billed) == ("download_failed", "yes")
    assert_not_paid_over(ask("a fox", timeout_s=1), first, fake_gateway)
    fake_gateway.get("*", picture())
    back = ask("a fox")
    assert (back.reused, len(back.pictures)) == (True, 1)
    assert fake_gateway.posts() == 1
    assert not ask("a fox", reuse=False).reused


def test_cancel_while_an_earlier_picture_is_fetched_sends_nothing(ask, fake_gateway):
    fake_gateway.get("*", reply("busy", 503))
    first = ask("a fox", timeout_s=1)
    fake_gateway.get("*", [HANG])
    gets = len(fake_gateway.gets)
    outcome = ask("a fox", cancelled=lambda: len(fake_gateway.gets) > gets)
    assert (outcome.error.kind, outcome.error.billed) == ("cancelled", "yes")
    assert first.result_id in outcome.error.message
    assert fake_gateway.posts() == 1


# -- bytes that cannot be decoded -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [HEIC, png()[:40] + bytes(90), bytes(range(200))], ids=["HEIC", "PNG", "?"])
def test_bytes_that_cannot_be_decoded_are_kept_fetched_once_and_not_paid_for_again(ask, fake_gateway, data):
    fake_gateway.get("*", reply(data, content_type="image/png"))
    first = ask("a fox")
    (file,) = ask.vault.result(first.result_id).files
    assert file.read() == data
    assert (first.error.kind, ask.vault.result(first.result_id).state) == ("download_failed", "unread")
    assert str(file.path) in first.error.message
    assert_not_paid_over(ask("a fox"), first, fake_gateway)
    assert len(fake_gateway.gets) == 1


def test_what_could_not_be_decoded_can_be_by_a_later_version(ask, fake_gateway, monkeypatch):
    def cannot(*_):
        raise PictureError("This version cannot.")

    with monkeypatch.context() as patch:
        patch.setattr("gpt4o_image.download.pool.decode", cannot)
        first = ask("a fox")
    assert first.error.kind == "download_failed"
    later = ask("a fox")
    assert (later.reused, len(later.pictures)) == (True, 1)
    assert ask.vault.result(first.result_id).state == "saved"
    assert (fake_gateway.posts(), len(fake_gateway.gets)) == (1, 1)


def test_one_of_two_that_cannot_be_decoded_is_a_warning(ask, fake_gateway):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n![b](ROOT/cdn/b.png)\n"))
    fake_gateway.get("/cdn/b.png", reply(HEIC))
    for outcome in (ask("a fox"), ask("a fox")):
        assert len(outcome.pictures) == 1
        assert any("results export" in warning and "HEIC" in warning for warning in outcome.warnings)
    assert len(fake_gateway.gets) == 2


# -- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["flipped", "zeroed", "cut", "gone"])
def test_a_file_that_has_changed_is_fetched_anew_and_never_handed_out(ask, fake_gateway, harm):
    first = ask("a fox")
    path = ask.vault.result(first.result_id).files[0].path
    data = path.read_bytes()
    harmed = {"flipped": data[:-20] + b"\1" + data[-19:], "zeroed": bytes(len(data)), "cut": data[:40], "gone": None}
    path.unlink() if harm == "gone" else path.write_bytes(harmed[harm])
    outcome = ask("a fox")
    assert [each.data for each in outcome.pictures] == [data]
    assert path.read_bytes() == data
    assert fake_gateway.posts() == 1


def test_a_damaged_file_that_nothing_can_bring_back_is_refused_in_words(ask, fake_gateway):
    fake_gateway.post(reply({"created": 1, "data": [{"b64_json": b64encode(png()).decode()}]}))
    first = ask("a fox", endpoint="images")
    path = ask.vault.result(first.result_id).files[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    outcome = ask("a fox", endpoint="images")
    assert (outcome.error.kind, outcome.pictures) == ("download_failed", ())
    assert "damaged" in outcome.error.message
    assert str(path) in outcome.error.message
    assert fake_gateway.posts() == 1


# -- answers ----------------------------------------------------------------------------------------------------


class NoImages(AnswerReader):
    """A version that did not know Markdown images yet."""

    unread = True

    def feed(self, chunk):
        return super().feed(chunk.replace(b"![", b"[").replace(b"http://", b"sftp://"))


def test_an_answer_that_an_older_version_did_not_understand_gives_its_picture_today(ask, fake_gateway, monkeypatch):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n"))
    with monkeypatch.context() as patch:
        patch.setattr("gpt4o_image.paid_call.AnswerReader", NoImages)
        patch.setattr("gpt4o_image.reload.AnswerReader", NoImages)
        first = ask("a fox")
        assert ask.vault.result(first.result_id).state == "unread"
        assert "results read" in first.error.message
        assert_not_paid_over(ask("a fox"), first, fake_gateway)
    assert fake_gateway.gets == []
    today = ask("a fox")
    assert (today.reused, len(today.pictures)) == (True, 1)
    assert ask.vault.result(first.result_id).state == "saved"
    assert fake_gateway.posts() == 1


def test_an_answer_that_an_older_version_called_empty_is_read_again_before_anything_is_paid(
    ask, fake_gateway, monkeypatch
):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n"))
    with monkeypatch.context() as patch:
        patch.setattr(NoImages, "unread", False)
        patch.setattr("gpt4o_image.paid_call.AnswerReader", NoImages)
        patch.setattr("gpt4o_image.paid_call.revision", lambda: "an older one")
        first = ask("a fox")
    assert ask.vault.result(first.result_id).state == "failed"
    today = ask("a fox")
    assert (today.reused, today.result_id, len(today.pictures)) == (True, first.result_id, 1)
    assert fake_gateway.posts() == 1


def test_an_answer_that_was_read_and_is_empty_is_paid_for_again(ask, fake_gateway):
    fake_gateway.post(sse("I would rather talk about foxes."))
    assert ask("a fox").error.kind == "no_image"
    assert ask("a fox").error.kind == "no_image"
    assert fake_gateway.posts() == 2


def test_an_event_that_cannot_be_read_is_told_and_not_paid_for_again(ask, fake_gateway):
    body = event("> Generating.....\n") + b'data: {"choices":[{"delta":{"content":"![x](ht"}\n\n' + b"data: [DONE]\n\n"
    fake_gateway.post(reply(body, content_type="text/event-stream"))
    first = ask("a fox")
    assert "could not be read" in first.error.message
    assert "holds no picture" not in first.error.message
    assert ask.vault.answer(first.result_id).read() == body
    assert_not_paid_over(ask("a fox"), first, fake_gateway)


def test_the_links_of_a_failed_answer_are_never_taken(ask, fake_gateway):
    text = "> Generation failed \u274c\n> Failure reason: input_moderation\n\nSee [our guide](ROOT/cdn/help.png)\n"
    fake_gateway.post(sse(text))
    first = ask("a fox")
    assert (first.error.kind, ask.vault.result(first.result_id).state) == ("moderation_input", "failed")
    assert ask("a fox").error.kind == "moderation_input"
    assert fake_gateway.gets == []


def test_the_links_of_a_failed_answer_are_not_taken_where_the_process_died_before_its_end(ask, fake_gateway):
    text = "See [our guide](ROOT/cdn/help.png)\n> Generation failed \u274c\n> Failure reason: input_moderation\n"
    fake_gateway.post(sse(text))
    first = ask("a fox")
    with ask.vault._database.writing() as db:  # as a kill right behind the link leaves it
        db.execute("UPDATE results SET heartbeat = 1, holds = 'links', verdict = 'unread', error = NULL")
    silence(ask.vault, first.result_id)
    outcome = ask("a fox", cancelled=lambda: fake_gateway.posts() > 1)
    assert outcome.pictures == ()
    assert fake_gateway.gets == []


# -- warnings ---------------------------------------------------------------------------------------------------


def test_a_partial_result_tells_how_many_were_asked_for_each_time(ask, fake_gateway):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n", "\n> Something else happened\n"))
    for reused in (False, True):
        outcome = ask("a fox", count="4")
        assert (outcome.reused, len(outcome.pictures)) == (reused, 1)
        assert "4 pictures were asked for, 1 came." in outcome.warnings


def test_after_cancel_the_next_run_tells_what_happened(ask, fake_gateway):
    fake_gateway.post(
        [
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            + event("![a](ROOT/cdn/a.png)\n").replace(b"ROOT", fake_gateway.origin.encode()),
            HANG,
        ]
    )
    first = ask("a fox", count="4", cancelled=lambda: any(each.files for each in ask.vault.results()))
    assert first.error.kind == "cancelled"
    outcome = ask("a fox", count="4")
    assert (outcome.reused, len(outcome.pictures), fake_gateway.posts()) == (True, 1, 1)
    assert any("4 pictures were asked for" in warning for warning in outcome.warnings)
    assert any("cancelled" in warning.lower() for warning in outcome.warnings)


def test_the_warnings_of_a_result_survive_its_reuse(ask, fake_gateway):
    fake_gateway.post(
        reply(
            event("![a](ROOT/cdn/a.png)\n") + event("", "length") + b"data: [DONE]\n\n",
            content_type="text/event-stream",
        )
    )
    first, second = ask("a fox"), ask("a fox")
    assert any("length" in warning for warning in first.warnings)
    assert second.warnings == first.warnings


def test_of_an_answer_that_names_hundreds_the_first_32_are_fetched(ask, fake_gateway):
    fake_gateway.post(sse("".join(f"![{n}](ROOT/cdn/{n}.png)\n" for n in range(100))))
    first, second = ask("a fox"), ask("a fox")
    for outcome in (first, second):
        assert len(outcome.pictures) == 32
        assert any("100" in warning and "68" in warning for warning in outcome.warnings)
    assert len(fake_gateway.gets) == 32
    assert fake_gateway.most_at_once <= 8
    assert len(ask.vault.result(first.result_id).pictures) == 100


# -- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def results(ask, monkeypatch, capsys):
    """`gpt4o-image results ...` against the same vault: (exit status, stdout, stderr)."""
    from gpt4o_image.command.main import main

    for name, value in {**ask.environ, "GPT4O_IMAGE_HOME": str(ask.home)}.items():
        monkeypatch.setenv(name, value)

    def command(*arguments):
        status = main(["results", *arguments])
        return status, *capsys.readouterr()

    return command


def test_export_gives_whatever_bytes_came(ask, fake_gateway, results, tmp_path):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n![b](ROOT/cdn/b.png)\n"))
    fake_gateway.get("/cdn/b.png", reply(HEIC))
    ask("a fox")
    status, out, _ = results("export", "latest", str(tmp_path / "out"), "--json")
    report = json.loads(out)
    assert (status, report["status"]) == (0, "ok")
    assert [image["mime"] for image in report["images"]] == ["image/png", "image/heic"]
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".heic", ".png"]
    assert (tmp_path / "out" / "gpt4o-image-0002.heic").read_bytes() == HEIC


def test_the_answer_is_printed_as_it_came_and_redacted(ask, fake_gateway, results):
    fake_gateway.post(sse("A blue fox for you: ![a](ROOT/cdn/a.png?sig=SECRET)\n", x_request_id="req-9"))
    first = ask("a blue fox")
    assert first.request_id == "req-9"
    status, out, err = results("answer", first.result_id)
    assert (status, out.strip()) == (
        0,
        ask.vault.answer(first.result_id).read().decode().replace("\n\n", "\n\n").strip(),
    )
    assert "req-9" in err
    _, out, _ = results("answer", first.result_id, "--redacted")
    assert "SECRET" not in out
    assert "blue fox" not in out
    _, out, _ = results("answer", first.result_id, "--redacted", "--with-prompt")
    assert "blue fox" in out
    _, out, _ = results("answer", first.result_id, "--json")
    assert json.loads(out)["request_id"] == "req-9"


def test_there_may_be_no_answer(ask, fake_gateway, results):
    fake_gateway.post(reply({"error": {"message": "no channel"}}, 503))
    first = ask("a fox")
    status, _, err = results("answer", first.result_id)
    assert status == 1
    assert "no answer" in err


def test_read_reads_any_answer_again(ask, fake_gateway, results, monkeypatch):
    fake_gateway.post(sse("![a](ROOT/cdn/a.png)\n"))
    with monkeypatch.context() as patch:
        patch.setattr(NoImages, "unread", False)
        patch.setattr("gpt4o_image.paid_call.AnswerReader", NoImages)
        first = ask("a fox")
    assert isinstance(first.error, GPT4oImageError)
    status, out, _ = results("read", first.result_id)
    assert status == 0
    assert out.strip() == str(ask.vault.result(first.result_id).files[0].path)
    assert fake_gateway.posts() == 1


def test_prune_tells_first_and_moves_then(ask, results):
    first = ask("a fox")
    status, out, err = results("prune", "--older-than", "0")
    assert (status, first.result_id in out, "--apply" in err) == (0, True, True)
    assert ask.vault.find(first.result_id)
    status, _, err = results("prune", "--older-than", "0", "--apply")
    assert (status, "trash" in err) == (0, True)
    assert ask.vault.find(first.result_id) is None
