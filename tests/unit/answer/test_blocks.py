"""Where a block ends, whatever the echoed prompt in it looks like."""

import pytest

from gpt4o_image.answer.blocks import Block, open_block


def read(*lines, quoted=False):
    """(the lines that are left, the value)."""
    block = open_block(lines[0], quoted=quoted)
    if block is None:
        return None
    for number, line in enumerate(lines):
        rest = block.add(line)
        if rest is not None:
            return [rest, *lines[number + 1 :]], block.value()
    return None, block.value()


@pytest.mark.parametrize("line", ["{curly}", "{", "{ ", '{"', "{'", "{}", "[{", "[ {"])
def test_what_opens_json(line):
    assert isinstance(open_block(line), Block) == (line != "{curly}")


@pytest.mark.parametrize("line", ["text", "`code`", "```code```", "~~", "<b>", "[a](b)", "> {"])
def test_what_opens_nothing(line):
    assert open_block(line) is None


@pytest.mark.parametrize("line", ["```", "```json", "````", "~~~", '```json {"a": 1}'])
def test_what_opens_a_fence(line):
    assert read(line, "{", "text ![a](u)", line[:4].strip("json {"))[0] == [""]


def test_json_ends_with_its_bracket():
    assert read('{"a": {"b": [1]}} rest', "next") == ([" rest", "next"], {"a": {"b": [1]}})
    assert read("{", '"a": "}"', "}", "next") == (["", "next"], {"a": "}"})
    assert read('[{"a": 1}, {"b": 2}]') == ([""], {"a": 1})


def test_strings_may_hold_anything():
    value = 'x\n> 9%\n```\n![e](http://10.0.0.1)\n{ \\" } \\\\'
    assert read('{"a":', *f'"{value}"'.split("\n"), "}", "next")[0] == ["", "next"]


def test_broken_json_ends_before_a_status_line():
    assert read('{"a": 1', "> x") == (["> x"], None)
    assert read('{"a": "5" b"', "}", "", "> x") == (["", "> x"], None)
    assert read('{"a": "5" b"}', "![x](y)") == (["![x](y)"], None)
    assert read('{"a": "5" b} ![e](f)", "c": 1}', "![e](f)", "", "next") == (["", "next"], None)


def test_a_fence_ends_with_its_like():
    assert read("```json", '{"a": 1}', "```", "next") == (["", "next"], {"a": 1})
    assert read("````", "```", "````") == ([""], None)
    assert read("```", "~~~", "  ```  ") == ([""], None)
    assert read("```", "text ```", '{"error": 1}', "```") == ([""], None)
    assert read('```json {"a": 1}', "```") == ([""], {"a": 1})


def test_a_fence_inside_a_string_is_the_prompts():
    assert read("```json", '{"a": "x', "```", 'y"}', "```", "next") == (["", "next"], {"a": "x\n```\ny"})
    assert read("```json", '{"a": "5" b"}', "```", "next") == (["", "next"], None)


def test_quoted_blocks_end_with_their_quote():
    assert read("```json", '> {"a": 1}', "> ```", "next", quoted=True) == (["", "next"], {"a": 1})
    assert read("{", '> "a": 1', "next", quoted=True) == (["next"], None)


def test_thinking():
    assert read("<think>a</think>b") == (["b"], None)
    assert read("<thinking>", "<think></think>", "</thinking >b") == (["b"], None)


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        (["```json", '{"a": 1}', "", "> x"], "\n\n> x"),
        (["```json", '{"a": "x', "> y"], "> y"),
        (["```json", '{"a": "x'], ""),
        (["```", "x", "![a](b)"], "x\n![a](b)"),
        (['{"a": "x', "y", "> z", "w"], "> z\nw"),
        (['{"a": "x', "y"], ""),
        (["<think>", "![a](b)", "> x"], "> x"),
    ],
)
def test_what_counts_of_a_block_that_never_ends(lines, rest):
    block = open_block(lines[0])
    assert block.value() is None
    assert [block.add(line) for line in lines] == [None] * len(lines)
    assert block.remainder() == rest


def test_deep_nesting_is_no_crash():
    assert read("[{" * 100_000) == (None, None)
    assert read('{"a":' + "[" * 100_000 + "]" * 100_000 + "}") == ([""], None)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["```markdown", "![a](u)", "```"], "![a](u)\n"),
        (["```json", '{"a": "5" b"}', "```"], '{"a": "5" b"}\n'),
        (["```json", '{"prompt": "5" b"}', "```"], ""),
        (["<think>", "![a](u)", "</think>"], ""),
    ],
)
def test_what_may_count_where_nothing_else_does(lines, text):
    block = open_block(lines[0])
    for line in lines:
        block.add(line)
    assert block.text() == text
