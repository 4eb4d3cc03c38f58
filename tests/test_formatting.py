"""Numbers, names and texts as people read them."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.formatting import (
    count,
    finite,
    flag_name,
    format_number,
    join_words,
    percent,
    printable,
    proportion,
    setting_text,
    shorten,
    yaml_number,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (format_number(0.1234567), "0.123457"),
        (format_number(1e-5, 4), "1e-05"),
        (count(1, "step"), "1 step"),
        (count(0, "step"), "0 steps"),
        (count(12_345, "epoch"), "12,345 epochs"),
        (percent(0.1234567), "12.3 %"),
        (percent(1e-14), "1e-12 %"),
        (percent(24.1, sign="+"), "+2,410 %"),
        (percent(9.996), "1,000 %"),
        (percent(-9.99, sign="+"), "-999 %"),
        (percent(math.inf), "inf %"),
        (flag_name("max_lr"), "--max-lr"),
        (join_words([]), ""),
        (join_words(["a"]), "a"),
        (join_words(["a", "b", "c"]), "a, b and c"),
        (setting_text(value=True), "true"),
        (setting_text((0.1, 0.2)), "[0.1, 0.2]"),
        (setting_text([1e-7], format_number), "[1e-07]"),
        (shorten("abcdef", 6), "abcdef"),
        (shorten("abcdefg", 6), "abcde…"),
        (printable("a\tb\nc\x1b[31m\udcff é"), "a b c\ufffd[31m\ufffd é"),
        (finite(2.5), 2.5),
        (finite(math.inf), None),
        (finite(math.nan), None),
    ],
)
def test_what_is_written(written: object, expected: object) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 7, "0 %"),
        (1, 3, "33 %"),
        (7, 7, "100 %"),
        (1, 10**9, "less than 0.001 %"),
        (9_999, 10_000, "99.99 %"),
        (10**9 - 1, 10**9, "more than 99.999 %"),
        (2, 1, "200 %"),
    ],
)
def test_a_proportion_is_never_rounded_to_none_or_all(part: int, whole: int, expected: str) -> None:
    assert proportion(part, whole) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_both_yaml_versions_read_a_number_back(value: float) -> None:
    text = yaml_number(value)
    assert yaml.safe_load(text) == value
    assert isinstance(yaml.safe_load(text), float)
    assert float(text) == value


@pytest.mark.parametrize(
    ("text", "safe"), [("1e-3", "1.0e-3"), ("1E5", "1.0e+5"), (".5e2", "0.5e+2"), ("0.1", "0.1"), ("cos", "cos")]
)
def test_a_number_keeps_its_own_spelling_where_it_can(text: str, safe: str) -> None:
    assert yaml_number(text) == safe
