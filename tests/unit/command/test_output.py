"""What reaches the terminal."""

import json
import sys

import pytest

from gpt4o_image.command import output
from gpt4o_image.errors import GPT4oImageError


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("a plain line, \u72d0 \U0001f98a caf\u00e9", "a plain line, \u72d0 \U0001f98a caf\u00e9"),
        ("two\nlines\r\nand\ttabs\v\f\u2028x", "two lines and tabs x"),
        ("\x1b]52;c;cm0gLXJmIH4K\x07clipboard", "clipboard"),
        ("\x1b]0;owned\x1b\\title", "title"),
        ("\x1b[2J\x1b[1;1Hscreen\x1b[31m red\x1b[0m", "screen red"),
        ("\x1b]8;;https://x.test\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("\x1b_Gf=24;AAAA\x1b\\kitty", "kitty"),
        ("\x1bc\x1b(B\x1b7reset", "reset"),
        ("\x9b2J\x9d0;owned\x9c8 bit", "8 bit"),
        ("over\rwritten", "over written"),
        ("back\b\b\b\x7fspace", "backspace"),
        ("\x1b]0;an end that never comes", "0;an end that never comes"),
        ("half \x1b", "half "),
        ("\u202egnirts\u202c \u2066x\u2069", "gnirts x"),
        ("nul\x00 bell\x07", "nul bell"),
        ("  blanks at the ends  ", "  blanks at the ends  "),
    ],
)
def test_foreign_text_moves_no_cursor(foreign, shown):
    assert output.plain(foreign) == shown


def test_every_control_character_is_gone():
    """Also after what was around it was taken out."""
    for code in [*range(0x20), *range(0x7F, 0xA0)]:
        for text in (chr(code), f"a{chr(code)}[0m", f"\x1b{chr(code)}[2J", f"\x1b\x1b]0;x\x07{chr(code)}"):
            assert output.plain(text).isprintable(), (hex(code), text)


def test_json_is_ascii_without_control_characters(capsys):
    value = {"text": "".join(map(chr, range(0x100))) + "\udc80\u202e"}
    output.show_json(value)
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert shown[:-1].isprintable()
    assert json.loads(shown) == value


def test_an_error_is_one_line_or_one_object(capsys):
    error = GPT4oImageError("upstream", "It failed.\nTry again.", billed="unknown", gateway_text="a\x1b[2J\nb")
    output.show_error(error, as_json=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: It failed. Try again. Whether this call was billed is unknown")
    assert err.endswith("The gateway said: a b\n")
    output.show_error(error, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"status": "error", "error": error.as_json()}


class Closed:
    """A stream whose reader has gone."""

    def write(self, _):
        raise BrokenPipeError(32, "Broken pipe")

    flush = write


def test_nobody_to_read_words_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Closed())
    output.log("a word")


def test_nobody_to_read_values_is_one(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(output.OutputLost) as lost:
        output.show("a value")
    assert lost.value.reader_gone
