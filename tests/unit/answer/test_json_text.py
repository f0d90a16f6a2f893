"""JSON text -> values: whole, badly written, or broken off."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt4o_image.answer.json_text import (
    CutText,
    JsonMarks,
    json_object,
    json_objects,
    repaired,
    value_end,
    without_surrogates,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('\ufeff {"a": 1}\r\n', {"a": 1}),
        (b'\xef\xbb\xbf{"a": "\xff"}', {"a": "\ufffd"}),
        ('{"a": "x\ny"}', {"a": "x\ny"}),
        ('[{"a": 1}, {"b": 2}]', {"a": 1}),
        ("[1]", None),
        ("[]", None),
        ('"text"', None),
        ("{", None),
        ('{"a": 1} x', None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_one_object(text, value):
    assert json_object(text) == value


def test_several_objects():
    assert json_objects('{"a": 1}\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]
    assert json_objects('[{"a": 1}, {"b": 2}]') == [{"a": 1}, {"b": 2}]
    assert json_objects('{"a": 1} 2') is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"data": [{"url": "a"}, {"url": "b', {"data": [{"url": "a"}, {"url": "b"}]}),
        ('{"a": 1, "b": tru', {"a": 1}),
        ('{"a": 12', {}),
        ('{"a": 12,', {"a": 12}),
        ('{"a"', {}),
        ('{"a":', {}),
        ("[1, [2, [3", [1, [2, []]]),
        ('{"a": "\\u00e9\\n\\q \\u12', {"a": "\u00e9\nq "}),
        ('{"a": "bad \\q escape", "b": "x"}', {"a": "bad q escape", "b": "x"}),
        ('{"a": "b" c, "d": "e"}', {"a": "b", "d": "e"}),
        ('{"a": 1} and more', {"a": 1}),
        ("text", None),
        ("", None),
    ],
)
def test_what_is_whole_of_a_text_that_breaks(text, value):
    assert repaired(text) == value


def test_only_the_last_string_is_cut():
    found = repaired('{"a": "whole", "b": "cu')
    assert type(found["a"]) is str
    assert type(found["b"]) is CutText


@given(values.filter(lambda value: isinstance(value, (dict, list))), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_whole_text_is_repaired_to_itself(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert repaired(text) == value
    assert value_end(text) == len(text)


@given(values.filter(lambda value: isinstance(value, dict)), st.integers(0, 200))
@settings(max_examples=80, deadline=None)
def test_any_cut_is_repaired_to_a_beginning(value, place):
    """Each string that is not marked as cut is one of the whole value's."""

    def strings(found):
        if isinstance(found, dict):
            return [text for item in found.items() for one in item for text in strings(one)]
        if isinstance(found, list):
            return [text for one in found for text in strings(one)]
        return [found] if type(found) is str else []

    cut = repaired(json.dumps(value)[:place])
    assert set(strings(cut)) <= set(strings(value))


def test_garbage_of_any_length_ends():
    for unit in ('{"a":', "[", '"', "1,", "{}", '\\"', '["\\'):
        repaired(unit * 100_000)
        repaired("[" + unit * 100_000)


def test_marks_over_lines():
    marks = JsonMarks()
    assert marks.read('{"a": "x') is None
    assert marks.in_string
    assert marks.read('y}", "b": [1]') is None
    assert not marks.in_string
    assert marks.read("} rest") == 1


def test_surrogates():
    assert without_surrogates("\ud83d\udd50") == "\U0001f550"
    assert without_surrogates("a\ud83d") == "a\ufffd"
    assert without_surrogates("\u732b") == "\u732b"
