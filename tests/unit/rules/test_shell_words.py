"""Arguments in one line: how job types and workers take them apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.rules.shell_words import BadQuoting, join, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("--python-expr 'print(1 + 1)'", ["--python-expr", "print(1 + 1)"], id="C-21"),
        pytest.param("", [], id="C-22 empty"),
        pytest.param("   ", [], id="C-22 blank"),
        pytest.param("''", [""], id="C-23 one"),
        pytest.param("'' \"\" x", ["", "", "x"], id="C-23 two"),
        pytest.param('a"b c"d', ["ab cd"], id="C-24"),
        pytest.param("a#b #c d\ne", ["a#b", "e"], id="C-25"),
        pytest.param("C:\\path\\to x", ["C:pathto", "x"], id="C-26"),
        pytest.param('"C:\\path\\n" x', ["C:pathn", "x"], id="C-27"),
        pytest.param('"a\\"b" x', ['a"b', "x"], id="C-28"),
        pytest.param("a\\ b", ["a b"], id="C-29 space"),
        pytest.param("a\\\nb", ["a\nb"], id="C-29 line end"),
        pytest.param("'a\\'", ["a\\"], id="C-30"),
        pytest.param("47", ["47"], id="C-33"),
        pytest.param("a b\tc\r\nd", ["a", "b", "c", "d"], id="all separators"),
        pytest.param("a\vb\fc", ["a\vb\fc"], id="other white space is ordinary"),
        pytest.param("$HOME ~ *", ["$HOME", "~", "*"], id="nothing is expanded"),
        pytest.param(
            "'#a' ''#b # 'c", ["#a", "#b"], id="a quote begins a word, a comment hides one"
        ),
    ],
)
def test_a_line_is_taken_apart(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("x'", "EOF found when expecting closing quote", id="C-31 single"),
        pytest.param('"a', "EOF found when expecting closing quote", id="C-31 double"),
        pytest.param("a\\", "EOF found after escape character", id="C-32"),
        pytest.param('"a\\', "EOF found after escape character", id="C-32 in quotes"),
    ],
)
def test_a_line_that_ends_too_early_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadQuoting, match=message) as refusal:
        split(text)
    assert refusal.value.remedy


@given(st.lists(st.text()))
def test_joined_words_come_apart_the_same(words: list[str]) -> None:
    assert split(join(words)) == words


@given(st.text(alphabet="ab \t\n#'\"\\"))
def test_any_line_is_either_taken_apart_or_refused(text: str) -> None:
    try:
        words = split(text)
    except BadQuoting as refusal:
        assert refusal.remedy  # noqa: PT017 - either way is lawful, only the refusal has words
    else:
        assert split(join(words)) == words
