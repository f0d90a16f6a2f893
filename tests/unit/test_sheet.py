"""Lists of prompts: CSV as spreadsheets write it, plain lines, and what is wrong with a file in one sentence."""

import codecs

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.request import MAX_SEED, MIN_SEED
from gpt4o_image.sheet import MAX_BYTES, Row, read_lines, read_sheet


def refusal(data, name="list.csv"):
    with pytest.raises(GPT4oImageError) as raised:
        read_sheet(data, name)
    assert (raised.value.kind, raised.value.billed) == ("bad_request", "no")
    return raised.value.message


def test_lines_without_blank_ones_and_comments():
    text = "a fox\n\n  # not this\r\n  a cat, on a mat \n#nor this\n"
    assert read_lines(text) == [Row(1, "a fox"), Row(2, "a cat, on a mat")]


def test_a_text_file_keeps_commas():
    assert read_sheet(b"prompt, with a comma\n", "list.txt") == [Row(1, "prompt, with a comma")]


def test_the_columns_of_a_csv_in_any_order_and_case():
    data = b'Name,PROMPT,seed,ratio\nfox,"a fox, red",7,3:2\n\n,a cat,,\n'
    assert read_sheet(data, "LIST.CSV") == [Row(1, "a fox, red", "fox", 7, {"ratio": "3:2"}), Row(2, "a cat")]


def test_a_table_with_tabs():
    """Its first line is no prompt: as a text file it would be paid for."""
    assert read_sheet(b"prompt\tname\na fox, red\tfox\n", "List.tsv") == [Row(1, "a fox, red", "fox")]


def test_excels_line_that_names_the_delimiter():
    assert read_sheet(b"sep=;\r\nprompt;name\r\na fox, red, big;n\r\n", "list.csv") == [Row(1, "a fox, red, big", "n")]
    assert "row 1 (line 3)" in refusal(b"sep=|\nprompt|seed\nx|one\n")


def test_a_prompt_over_two_lines():
    assert read_sheet(b'prompt\n"a fox\nin snow"\n', "list.csv") == [Row(1, "a fox\nin snow")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiters_of_spreadsheets(delimiter):
    data = delimiter.join(["prompt", "name", "seed\n"]) + delimiter.join(['"a, b; c"', "n", "1\n"])
    assert read_sheet(data.encode(), "list.csv") == [Row(1, "a, b; c", "n", 1)]


@pytest.mark.parametrize(
    "encoded",
    [
        codecs.BOM_UTF8 + "prompt\nein F\u00fcchslein\n".encode(),
        "prompt\nein F\u00fcchslein\n".encode(),
        "prompt\nein F\u00fcchslein\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "prompt\r\nein F\u00fcchslein\r\n".encode("utf-16-be"),
    ],
)
def test_the_encodings_of_spreadsheets(encoded):
    assert read_sheet(encoded, "list.csv") == [Row(1, "ein F\u00fcchslein")]


def test_empty_columns_at_the_end_are_left_out():
    assert read_sheet(b"prompt,name,,\na fox,f,,\n", "list.csv") == [Row(1, "a fox", "f")]


@pytest.mark.parametrize("seed", [MIN_SEED, -1, 0, MAX_SEED])
def test_every_seed_that_a_node_takes(seed):
    assert read_sheet(f"prompt,seed\nx,{seed}\n".encode(), "list.csv") == [Row(1, "x", None, seed)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a fox\na cat\n", "first line must name the columns"),
        (b"prompt,name\na red, big fox,n\n", "row 1 (line 2): more cells than columns"),
        (b"prompt,name\n,n\n", "row 1 (line 2): the prompt is empty"),
        (b"prompt,seed\nx,one\n", "row 1 (line 2): the seed 'one' is not a whole number"),
        (f"prompt,seed\nx,{MAX_SEED + 1}\n".encode(), "row 1 (line 2): the seed"),
        (b"prompt,name,Name\nx,a,b\n", "'name' twice"),
        (b"prompt\nok\n\xff\xfa\n", "line 3: this is not UTF-8"),
        (b'prompt\n"a fox\n', "line 2"),
        (b"", "no prompt"),
        (b"prompt\n", "no prompt"),
        (b"x" * (MAX_BYTES + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(data, words):
    assert words in refusal(data)


def test_a_text_file_of_comments_holds_no_prompt():
    assert "list.txt holds no prompt" in refusal(b"# a\n\n", "list.txt")
