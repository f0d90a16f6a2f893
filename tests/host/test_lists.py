"""Lists of prompts in a real ComfyUI: side by side, one call each, and what becomes of the others when one fails."""

import json
import uuid

import pytest

from gpt4o_image.errors import GPT4oImageError


def prompts(text="", file="text"):
    return {"class_type": "GPT4oImage_Prompts", "inputs": {"text": text, "file": file}}


def listed(generate, save, source, **inputs):
    """Generate for each prompt of `source`; SaveImage and the report for each picture."""
    linked = {"prompt": ["list", 0], "seed": ["list", 1], "count": "1", **inputs}
    return {
        "list": source,
        "1": generate("", **linked),
        "2": save("1"),
        "report": {"class_type": "PreviewAny", "inputs": {"source": ["1", 3]}},
    }


def posts_with(host, word):
    return [r for r in host.simulator.requests() if r["method"] == "POST" and word in json.dumps(r["body"])]


@pytest.fixture
def word():
    return uuid.uuid4().hex[:12]


@pytest.fixture
def sheet(host, word):
    """Writes a file into ComfyUI's input folder; gives its name."""
    folder = host.server.base_directory / "input"
    written = []

    def write(data, suffix="csv"):
        path = folder / f"{word}.{suffix}"
        path.write_bytes(data)
        written.append(path)
        return path.name

    yield write
    for path in written:
        path.unlink(missing_ok=True)


def test_each_line_is_one_call_and_all_run_side_by_side(host, generate, save, word):
    text = f"# three\na fox {word}\n\na cat {word}\na dog {word}\n"
    run = host.start(listed(generate, save, prompts(text)))
    run.wait_for("executing", "1")
    run.finish()
    assert run.failure is None
    records = posts_with(host, word)
    assert len(records) == 3
    assert max(r["time"] for r in records) - min(r["time"] for r in records) < 1.5  # the first takes longer than that
    assert len(run.images("2")) == 3
    assert [outcome["status"] for outcome in run.entry["outputs"]["1"]["gpt4o_image"]] == ["ok"] * 3
    assert run.texts("list") == ["3 prompts"]


def test_a_csv_gives_prompts_seeds_and_names(host, sheet, word):
    name = sheet(f'name,seed,prompt\nred,7,"a fox, {word}"\n,,a cat {word}\n'.encode())
    graph = {"list": prompts(file=name)}
    for number in range(3):
        graph[str(number)] = {"class_type": "PreviewAny", "inputs": {"source": ["list", number]}}
    run = host.run(graph)
    assert run.failure is None
    told = [run.entry["outputs"][str(number)]["text"] for number in range(3)]
    assert told == [[f"a fox, {word}", f"a cat {word}"], ["7", "0"], ["red", "002"]]


def test_a_file_is_chosen_by_name_and_read_again_when_it_changes(host, generate, save, sheet, word):
    name = sheet(f"a fox {word}\n".encode(), "txt")
    assert (
        name
        in host.server.object_info("GPT4oImage_Prompts")["GPT4oImage_Prompts"]["input"]["required"]["file"][1][
            "options"
        ]
    )
    graph = listed(generate, save, prompts("not this", name))
    assert host.run(graph).failure is None
    sheet(f"a fox {word}\na cat {word}\n".encode(), "txt")
    assert len(host.run(graph).images("2")) == 2
    assert len(posts_with(host, word)) == 2  # the fox came from the vault


@pytest.mark.parametrize("file", ["../secret.txt", "none.csv", "/etc/hostname"])
def test_only_files_of_the_input_folder_are_read(host, file):
    graph = {"list": prompts(file=file), "2": {"class_type": "PreviewAny", "inputs": {"source": ["list", 0]}}}
    with pytest.raises(GPT4oImageError, match="There is no"):
        host.run(graph)


@pytest.mark.parametrize(
    ("text", "data", "words"), [("# none\n", None, "There is no prompt"), ("", b"prompt\na, b\n", "line 2")]
)
def test_what_is_wrong_with_a_list_is_told_before_anything_is_sent(host, sheet, text, data, words):
    source = prompts(text, sheet(data) if data else "text")
    run = host.run({"list": source, "2": {"class_type": "PreviewAny", "inputs": {"source": ["list", 0]}}})
    assert words in run.error["exception_message"]


def eight(word):
    return "\n".join(f"{'[[fail_en]] ' if n in (2, 5) else ''}number {n} {word}" for n in range(8))


def test_skip_saves_the_others_and_reports_the_failures(host, generate, save, word):
    run = host.run(listed(generate, save, prompts(eight(word)), on_failure="skip"))
    assert run.failure is None
    assert len(run.images("2")) == 6
    reports = [json.loads(text) for text in run.entry["outputs"]["report"]["text"]]
    assert [report["status"] for report in reports] == ["ok", "ok", "error", "ok", "ok", "error", "ok", "ok"]
    assert reports[2]["error"]["kind"] == "moderation_input"
    assert len(posts_with(host, word)) == 8
    outcomes = run.entry["outputs"]["1"]["gpt4o_image"]
    assert [outcome["billed"] for outcome in outcomes] == ["yes"] * 8


def test_stop_ends_after_the_others_and_counts_what_is_in_the_vault(host, generate, save, word):
    graph = listed(generate, save, prompts(eight(word)))
    run = host.run(graph)
    message = run.error["exception_message"]
    assert "Of the 7 others of this list, 6 have their pictures in the vault" in message
    assert len(posts_with(host, word)) == 8
    assert not any(record["closed_by_client"] for record in posts_with(host, word))
    graph["1"]["inputs"]["on_failure"] = "skip"
    assert len(host.run(graph).images("2")) == 6
    assert len(posts_with(host, word)) == 10  # the two that failed are tried again, the six are not


def test_an_early_error_of_one_does_not_cut_the_others_off(host, generate, save, word):
    """It is known at once, when ComfyUI has started only the items before it."""
    text = f"a fox {word}\na picture in the style of Hayao Miyazaki {word}\na cat {word}\n"
    run = host.run(listed(generate, save, prompts(text)))
    message = run.error["exception_message"]
    assert "prompt_stopped" in message
    assert "Of the 2 others of this list, 2 have their pictures in the vault" in message
    records = posts_with(host, word)
    assert len(records) == 2
    assert not any(record["closed_by_client"] for record in records)


def test_a_skipped_node_is_tried_again_by_the_next_run(host, generate, save, word):
    graph = {"1": generate(f"[[fail_en]] {word}", on_failure="skip"), "2": save("1")}
    first = host.run(graph)
    assert first.failure is None
    assert "2" not in first.entry["outputs"]
    host.run(graph)
    assert len(posts_with(host, word)) == 2


def test_cancel_ends_a_list_that_skips(host, generate, save, word):
    graph = listed(generate, save, prompts(f"[[slow]] a {word}\n[[slow]] b {word}"), on_failure="skip")
    run = host.start(graph)
    run.wait_for("text", "1", text="11 %")
    host.server.interrupt()
    assert run.finish().failure == "interrupted"
