"""TOML as a table, or what is wrong with it and where: the same on every Python."""

import pytest

from gpt4o_image.gateway.toml import NotToml, read_toml


def problem(data):
    with pytest.raises(NotToml) as caught:
        read_toml(data)
    return str(caught.value)


@pytest.mark.parametrize("data", [b"a = 1", b"\xef\xbb\xbfa = 1", b"a = 1\r\n"])
def test_a_table(data):
    assert read_toml(data) == {"a": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a = 1\na = 2\n", "line 2, column 6: Can"),
        (b"[x]\n[x]\n", "line 2, column 3: Can"),
        (b"a = = 1", "line 1, column 5: Invalid value"),
        (b"a = 1\n[b", "line 2, column 3: "),
        (b'a = "caf\xe9"', "line 1, column 9: this is not UTF-8"),
        ("# \u732b\na = '\u732b".encode() + b"\x80'", "line 2, column 7: this is not UTF-8"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "line 1, column 1: nested too deeply"),
        (b"a = " + b"1" * 5000, "line 1, column "),
        (b"\0" * 99, "line 1, column 1: this is not UTF-8"),
    ],
)
def test_what_is_wrong_and_where(data, said):
    assert said in problem(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_of_windows(encoding):
    assert problem("a = 1".encode(encoding)).startswith("line 1, column 1: this is not UTF-8 (UTF-16")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_what_may_be_a_key_is_not_quoted(quote):
    assert "sk-0123456789" not in problem(f"{quote}sk-0123456789{quote} = 1\n{quote}sk-0123456789{quote} = 2".encode())
