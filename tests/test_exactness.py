"""Recorded values are compared to the last bit where they can be, and nowhere more than 4 ulp of the peak off."""

from __future__ import annotations

import math

import pytest

from . import exactness
from .exactness import HERE, as_recorded

pytestmark = pytest.mark.numeric

RECORDED = [0.25, 1.0, 0.004]


def off_by(ulps: int) -> list[float | None]:
    """Move the smallest value by so many ulp of the peak."""
    return [0.25, 1.0, 0.004 + ulps * math.ulp(1.0)]


def test_with_the_same_cos_the_last_bit_counts() -> None:
    assert as_recorded(RECORDED, HERE) == RECORDED
    assert as_recorded(RECORDED, HERE) != [0.25, 1.0, math.nextafter(0.004, 1)]


@pytest.mark.parametrize(("ulps", "near"), [(0, True), (4, True), (-4, True), (5, False), (-5, False)])
def test_with_another_cos_4_ulp_of_the_peak_do(ulps: int, near: bool) -> None:
    assert (as_recorded(RECORDED, "another") == off_by(ulps)) is near


@pytest.mark.parametrize("recorded_with", [HERE, "another"])
def test_a_value_that_is_missing_is_not_near_a_number(recorded_with: str) -> None:
    assert as_recorded([None, 1.0], recorded_with) == [None, 1.0]
    assert as_recorded([None, 1.0], recorded_with) != [1.0, 1.0]
    assert as_recorded([None, 1.0], recorded_with) != [None, None]
    assert as_recorded([None, None], recorded_with) == [None, None]


def test_one_cosine_in_ten_thousand_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    cos, calls = math.cos, iter(range(10**9))
    monkeypatch.setattr(math, "cos", lambda angle: math.nextafter(cos(angle), 2) if next(calls) == 7777 else cos(angle))
    assert exactness.fingerprint() != HERE
    assert exactness.fingerprint() == HERE
