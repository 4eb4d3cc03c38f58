"""A log beside a schedule: the limits of each value, what is planned at and after the ends, and what the log covers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.run import series as series_module
from onecycle_cli.run.alignment import MANY_VALUES, Comparison, compare
from onecycle_cli.run.coverage import Coverage, coverage_of, first_missing_step, seen_steps, usual_gap
from onecycle_cli.run.groups import Track, distances, largest, nearest_group, pair, scale_of, words_of
from onecycle_cli.run.precision import EXACT, FLOAT32, JUST_OVER, SINGLE_ULPS, ULPS, Precision, decimals, thinned
from onecycle_cli.run.reading import Reading
from onecycle_cli.run.series import Nearness, Samples, Series, align, read_samples, values_at

from .logged_runs import Floats, at, make_log

pytestmark = pytest.mark.numeric

RATES: dict[str, Any] = {"max_lr": 0.1, "total_steps": 100, "cycle_momentum": False}
BOTH: dict[str, Any] = {"max_lr": 0.1, "total_steps": 100}
STEPS = np.arange(100)
LR, MOMENTUM = Track("lr", 0, 0, "lr", "lr"), Track("momentum", 0, 0, "momentum", "momentum")
DIGITS = Precision("3 digits", 5e-3, digits=3)


def compared(plan: dict[str, Any], steps: Any, values: Any, momentum: Any = None, **options: Any) -> Comparison:
    settings = OneCycle(**plan)
    log = make_log(steps, values, momentum, **options.pop("more", {}))
    return compare(settings, settings.schedule(), log, **options)


def series_of(steps: Any, plan: dict[str, Any] = RATES, values: Floats | None = None) -> Series:
    """Return a log of some steps beside its plan, counted from 0."""
    steps = np.asarray(steps, dtype=np.int64)
    schedule = OneCycle(**plan).schedule()
    logged = at(schedule, steps) if values is None else values
    samples, _ = read_samples(make_log(steps, logged), [LR], [0.1])
    return align(samples, schedule, Reading("step", steps, steps))


# --- Limits ----------------------------------------------------------------------------------------------------------


def test_the_limits_of_values() -> None:
    values = np.array([[0.1, 0.9], [0.02, 0.95]])
    arithmetic = np.array([1e-9, 1e-8])
    exact = Nearness(arithmetic, (EXACT, EXACT), 0.0).limits(values, 1)
    assert exact.tolist() == [[1e-9, 1e-8]] * 2
    rounded = Nearness(arithmetic, (DIGITS, EXACT), 0.0).limits(values, 1)
    assert rounded[:, 1].tolist() == [1e-8, 1e-8]
    assert rounded[:, 0] == pytest.approx([1e-9 + 0.0005 * JUST_OVER, 1e-9 + 0.00005 * JUST_OVER], rel=1e-12)
    means = Nearness(arithmetic, (EXACT, EXACT), 0.0).limits(values, 5)
    assert means == pytest.approx(exact + 5 * np.minimum(exact, 2.0**-24 * values), rel=1e-12)


def test_values_agree_up_to_their_limits() -> None:
    logged = np.array([[1.0], [1.0], [math.nan], [math.inf]])
    nearness = Nearness(np.array([0.25]), (EXACT,), 0.0)
    places = np.arange(4)
    samples = Samples((LR,), slice(0, 4), places, places, 0, 1, logged, nearness)
    assert samples.agrees(np.full((4, 1), 1.25))[:, 0].tolist() == [True, True, False, False]
    assert samples.agrees(np.full((4, 1), 1.2500001))[:, 0].tolist() == [False] * 4
    assert samples.agrees(np.full((4, 1), math.nan))[:, 0].tolist() == [False] * 4
    wide = Samples((LR,), slice(0, 4), places, places, 0, 1, logged, Nearness(np.array([0.0]), (EXACT,), 0.5))
    assert wide.agrees(np.full((4, 1), -2.0))[:, 0].tolist() == [False] * 4
    assert wide.agrees(np.full((4, 1), 2.0))[:, 0].tolist() == [True, True, False, False]
    assert wide.agrees(np.full((4, 1), 2.01))[:, 0].tolist() == [False] * 4
    assert (wide.relative, wide.rates) == (0.5, [0])


@pytest.mark.parametrize(
    ("forms", "relative", "precise"),
    [
        ((EXACT, EXACT), 0.0, True),
        ((FLOAT32, EXACT), 0.0, True),
        ((Precision("6 digits", 5e-6, digits=6), EXACT), 0.0, True),
        ((EXACT, Precision("5 digits", 5e-5, digits=5)), 0.0, False),
        ((EXACT, EXACT), 1e-5, False),
        ((EXACT, EXACT), 5e-6, True),
    ],
)
def test_which_values_are_precise(forms: tuple[Precision, ...], relative: float, precise: bool) -> None:
    values = np.ones((1, 2))
    samples = Samples(
        (LR, MOMENTUM), slice(0, 1), STEPS[:1], STEPS[:1], 0, 1, values, Nearness(np.zeros(2), forms, relative)
    )
    assert samples.is_precise is precise


def test_rows_keep_their_places_in_the_log() -> None:
    whole = series_of(range(0, 100, 2))
    assert whole.indices.tolist() == list(range(50))
    middle = whole.take(slice(10, 20))
    assert (middle.rows, middle.steps.tolist()) == (slice(10, 20), list(range(20, 40, 2)))
    assert middle.take(slice(2, 4)).indices.tolist() == [12, 13]
    assert middle.take(np.array([0, 3])).indices.tolist() == [10, 13]
    some = whole.take(np.array([5, 7, 9]))
    assert some.take(np.array([2, 0])).indices.tolist() == [9, 5]
    assert some.take(slice(1, 3)).steps.tolist() == [14, 18]
    assert np.array_equal(some.values, whole.values[[5, 7, 9]])


def test_rows_are_compared_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = at(OneCycle(**RATES).schedule(), STEPS)
    values[70] = 7.0
    whole = series_of(STEPS, values=values)
    monkeypatch.setattr(series_module, "PIECE", 32)
    pieces = list(whole.pieces())
    assert [piece for piece, _ in pieces] == [slice(0, 32), slice(32, 64), slice(64, 96), slice(96, 100)]
    assert np.concatenate([rows.steps for _, rows in pieces]).tolist() == STEPS.tolist()
    apart = series_of(STEPS, values=values)
    assert (apart.prefix, np.flatnonzero(apart.wrong).tolist()) == (whole.prefix, [70])
    assert (apart.compared, apart.right_values, apart.right, apart.logged_step_count) == (100, 99, False, 100)


def test_the_same_column_has_one_scale() -> None:
    schedule = OneCycle(**BOTH).schedule()
    log = make_log(STEPS, at(schedule, STEPS), at(schedule, STEPS, momentum=True))
    samples, written = read_samples(log, [LR, MOMENTUM], [0.1, 0.95])
    assert written is EXACT
    assert samples.limits[0].tolist() == [ULPS * 0.1, ULPS * 0.95]
    rounded = make_log(STEPS, np.round(at(schedule, STEPS), 6), at(schedule, STEPS, momentum=True))
    single, written = read_samples(rounded, [LR, MOMENTUM], [0.1, 0.95], single=True)
    assert written.decimals == 6
    assert [form.name for form in single.nearness.written] == ["6 decimals", "exact"]
    assert single.nearness.arithmetic.tolist() == [SINGLE_ULPS * 0.1, SINGLE_ULPS * 0.95]
    given, written = read_samples(rounded, [LR, MOMENTUM], [0.1, 0.95], tolerance=0.01, single=True)
    assert (written.decimals, given.relative) == (6, 0.01)
    assert given.nearness.written == (EXACT, EXACT)
    assert given.nearness.arithmetic.tolist() == [ULPS * 0.1, ULPS * 0.95]
    swapped, _ = read_samples(log, [MOMENTUM, LR], [0.95, 0.1], rows=np.array([3, 5]))
    assert np.array_equal(swapped.values, log.values[[3, 5]][:, [1, 0]])


# --- Planned values --------------------------------------------------------------------------------------------------


def test_planned_values_outside_the_cycle() -> None:
    schedule = OneCycle(**BOTH).schedule()
    steps = np.array([-1, 0, 99, 100, 101])
    for track, inside, rebound in (
        (LR, [schedule.lr(0), schedule.lr(99)], at(schedule, [100])[0, 0]),
        (MOMENTUM, [schedule.momentum(0), schedule.momentum(99)], at(schedule, [100], momentum=True)[0, 0]),
    ):
        found = values_at(schedule, track, steps)
        assert np.array_equal(found, [math.nan, *inside, rebound, math.nan], equal_nan=True)
    assert at(schedule, [100])[0, 0] > schedule.lr(99)
    still = OneCycle(**RATES).schedule()
    assert np.isnan(values_at(still, MOMENTUM, STEPS)).all()


def test_a_planned_value_is_shown_inside_the_cycle() -> None:
    schedule = OneCycle(**RATES).schedule()
    past = series_of([0, 50, 99, 100, 101])
    assert [past.planned_at(row, 0) for row in range(5)] == [
        schedule.lr(0),
        schedule.lr(50),
        schedule.lr(99),
        None,
        None,
    ]
    before = align(past, schedule, Reading("step", past.logged_steps, past.logged_steps, -1))
    assert before.planned_at(0, 0) is None
    assert before.planned_at(1, 0) == schedule.lr(49)


def test_a_row_may_show_the_mean_of_steps() -> None:
    schedule = OneCycle(**RATES).schedule()
    ends = np.arange(4, 100, 5)
    means = np.array([np.mean([schedule.lr(step) for step in range(end - 4, end + 1)]) for end in ends])
    samples, _ = read_samples(make_log(ends, means), [LR], [0.1])
    reading = Reading("epoch", ends, ends, span=5)
    assert align(samples, schedule, reading).right
    assert not align(samples, schedule, Reading("epoch", ends, ends, span=4)).right
    assert not align(samples, schedule, Reading("epoch", ends, ends, 1, span=5)).right


@pytest.mark.parametrize(
    ("steps", "last", "wrong"),
    [
        (range(10, 101, 10), "rebound", []),
        (range(10, 101, 10), "held", []),
        (range(10, 101, 10), "other", [9]),
        (range(0, 101, 10), "rebound", [10]),  # a row of step 0 and one of step 100 are a step too many
        (range(10, 111, 10), "rebound", [9, 10]),
    ],
)
def test_a_row_of_completed_steps(steps: range, last: str, wrong: list[int]) -> None:
    schedule = OneCycle(**RATES).schedule()
    values = at(schedule, steps)
    values[[step == 100 for step in steps]] = {
        "rebound": at(schedule, [100])[0, 0],
        "held": schedule.lr(99),
        "other": 0.3,
    }[last]
    found = series_of(steps, values=values)
    assert np.flatnonzero(found.wrong.any(axis=1)).tolist() == wrong
    assert found.prefix == (wrong[0] if wrong else len(steps))


# --- Alignments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, -1, 1])
def test_the_offset_that_makes_a_log_right_is_alone(offset: int) -> None:
    schedule = OneCycle(**RATES).schedule()
    found = compared(RATES, STEPS - min(offset, 0), at(schedule, STEPS + max(offset, 0)))
    assert found.right
    assert [series.offset for series in found.alignments] == [offset]
    assert found.tolerance is EXACT
    assert (found.looser, found.unclaimed) == ([], ())


def test_the_offset_that_agrees_longest_comes_first() -> None:
    schedule = OneCycle(**RATES).schedule()
    values = at(schedule, STEPS)
    values[60:] = 0.5
    assert compared(RATES, STEPS + 1, values).alignments[0].offset == -1
    assert compared(RATES, STEPS, values).alignments[0].offset == 0
    values[0:] = 0.5
    wrong = compared(RATES, STEPS, values)
    assert [series.offset for series in wrong.alignments] == [0, -1, 1]
    assert not wrong.right


def test_one_row_at_the_first_step_says_how_a_log_counts_and_elsewhere_does_not() -> None:
    values = np.full((100, 1), 0.5)
    schedule = OneCycle(**RATES).schedule()
    values[0] = schedule.lr(0)
    assert compared(RATES, STEPS + 1, values).alignments[0].offset == -1
    values[0] = schedule.lr(49)
    assert compared(RATES, STEPS[50:], values[:50]).alignments[0].offset == 0


def test_another_cosine_may_differ_in_the_last_bits() -> None:
    values = at(OneCycle(**RATES).schedule(), STEPS)
    values[::2] = np.nextafter(values[::2], 1)
    found = compared(RATES, STEPS, values)
    assert (found.right, found.tolerance.name) == (True, "a few ulp")
    assert 1e-16 < found.tolerance.relative < 3e-16
    assert any(note.startswith("50 of 100 values differ in the last bits, by up to 2e-16") for note in found.notes)


@pytest.mark.parametrize("side", ["both", "above", "below"])
def test_float32_arithmetic_errs_on_both_sides(side: str) -> None:
    values = at(OneCycle(**RATES).schedule(), STEPS)[:, 0]
    off = 3 * 2.0**-24 * 0.1 * np.where(STEPS % 2 == 0, 1, -1)
    off = {"both": off, "above": np.abs(off), "below": -np.abs(off)}[side]
    found = compared(RATES, STEPS, (values + off).astype(np.float32).astype(np.float64))
    assert found.right is (side == "both")
    assert any("float32" in note for note in found.notes) is (side == "both")
    assert found.looser == [] or found.looser[0].right
    few = compared(RATES, STEPS, np.where(STEPS < 93, values, values + off).astype(np.float32).astype(np.float64))
    assert few.right  # seven values on one side say nothing


def test_a_tolerance_that_the_user_gives_is_the_only_one() -> None:
    values = at(OneCycle(**RATES).schedule(), STEPS) * 1.009
    assert compared(RATES, STEPS, values, tolerance=0.01).right
    assert not compared(RATES, STEPS, values, tolerance=0.008).right
    given = compared(RATES, STEPS, values, tolerance=0.01).tolerance
    assert (given.name, given.relative) == ("given", 0.01)


def test_a_log_without_a_rate_is_refused() -> None:
    with pytest.raises(OnecycleError, match=r"run\.csv: no learning rate in the log"):
        compared(BOTH, STEPS, np.full(100, math.nan), np.full(100, 0.9))


def test_another_reading_needs_the_whole_cycle() -> None:
    plan: dict[str, Any] = {"max_lr": 0.1, "epochs": 10, "steps_per_epoch": 10, "cycle_momentum": False}
    schedule = OneCycle(**plan).schedule()
    rows = np.arange(10)
    whole = compared(plan, rows, at(schedule, 10 * rows + 9))
    assert (whole.right, whole.alignments[0].reading.unit) == (True, "epoch")
    assert not compared(plan, rows[:5], at(schedule, 10 * rows[:5] + 9)).right
    assert not compared(plan, rows[3:], at(schedule, 10 * rows[3:] + 9)).right
    assert MANY_VALUES == 8
    calls = np.arange(0, 300, 3)
    assert compared(RATES, calls, at(OneCycle(**RATES).schedule(), STEPS)).alignments[0].reading.unit == "microbatch"


# --- Coverage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "gap", "missing", "gaps"),
    [
        (STEPS, 1, None, ()),
        (STEPS[:99], 1, 99, ()),
        (STEPS[:98], 1, 98, ()),
        (STEPS[::10], 10, None, ()),
        (STEPS[9::10], 10, None, ()),
        (STEPS[:81:10], 10, 81, ()),
        (STEPS[10:], 1, None, ((0, 9),)),
        (STEPS[20::10], 10, None, ((0, 19),)),
        ([*range(40), *range(60, 100)], 1, None, ((40, 59),)),
        ([*range(40), 50, *range(60, 100)], 11, None, ()),  # two gaps of about one size are how it samples
        ([*range(40), 45, *range(60, 100)], 1, None, ((40, 44), (46, 59))),
        ([0, 3, 10, 12, 20, 29, 33, 45, 60, 70, 81, 90], 30, None, ()),
        ([5], 1, 6, ((0, 4),)),
        ([0, 99], 99, None, ()),
    ],
)
def test_what_a_log_covers(steps: Any, gap: int, missing: int | None, gaps: Any) -> None:
    series = series_of(steps)
    assert seen_steps(series).tolist() == list(steps)
    assert (usual_gap(series), first_missing_step(series)) == (gap, missing)
    found = coverage_of(series, ("other",))
    assert (found.steps, found.of, found.first, found.last) == (len(steps), 100, steps[0], steps[-1])
    assert found.gaps == gaps
    assert found.is_partial is bool(gaps)
    assert (found.groups, found.groups_not_checked) == (series.schedule.groups, ())
    assert (found.columns_not_compared, found.momentum) == (("other",), "not cycled")


def test_rows_without_values_and_past_the_end_cover_nothing() -> None:
    steps = np.arange(90, 103)
    values = at(OneCycle(**RATES).schedule(), steps)
    values[:3] = math.nan
    found = coverage_of(series_of(steps, values=values))
    assert (found.steps, found.first, found.last, found.gaps) == (7, 93, 99, ((0, 92),))
    past = coverage_of(series_of([100, 101]))
    assert (past.steps, past.first, past.last, past.gaps) == (0, 100, -1, ())


def test_a_resumed_log_begins_at_its_first_step() -> None:
    plan = {**RATES, "last_epoch": 39}
    assert coverage_of(series_of(STEPS[40:], plan)).gaps == ()
    assert coverage_of(series_of(STEPS[42:], plan)).gaps == ((40, 41),)


def covered(**changes: Any) -> Coverage:
    known: dict[str, Any] = {"steps": 90, "of": 100, "first": 0, "last": 99, "gaps": (), "groups": ("a",)}
    known |= {"groups_not_checked": (), "columns_not_compared": (), "momentum": "compared"}
    return Coverage(**{**known, **changes})


@pytest.mark.parametrize(
    ("changes", "words", "partial"),
    [
        ({}, "covers 90 of 100 steps", False),
        ({"steps": 100}, "covers all 100 steps", False),
        ({"steps": 1, "of": 1}, "covers all 1 step", False),
        ({"gaps": ((3, 3), (5, 1200))}, "covers 90 of 100 steps; steps 3 and 5 to 1,200 are missing", True),
        ({"gaps": ((1, 1), (3, 3), (5, 5), (7, 7), (9, 9))}, "steps 1, 3 and 5 and 2 more gaps are missing", True),
        ({"gaps": ((1, 1), (3, 3), (5, 5))}, "covers 90 of 100 steps; steps 1, 3 and 5 are missing", True),
        ({"groups_not_checked": ("b", "c")}, "covers 90 of 100 steps; group b and c is not in the log", True),
        ({"momentum": "not logged"}, "covers 90 of 100 steps; momentum is not logged", True),
        ({"momentum": "not cycled"}, "covers 90 of 100 steps", False),
    ],
)
def test_coverage_in_words(changes: dict[str, Any], words: str, partial: bool) -> None:
    found = covered(**changes)
    assert str(found).endswith(words)
    assert found.is_partial is partial


def test_momentum_is_compared_or_not_logged() -> None:
    schedule = OneCycle(**BOTH).schedule()
    with_momentum = compared(BOTH, STEPS, at(schedule, STEPS), at(schedule, STEPS, momentum=True)).alignments[0]
    assert coverage_of(with_momentum).momentum == "compared"
    assert coverage_of(compared(BOTH, STEPS, at(schedule, STEPS)).alignments[0]).momentum == "not logged"


# --- Groups and numbers ----------------------------------------------------------------------------------------------

GROUPS: dict[str, Any] = {**RATES, "max_lr": [0.1, 0.2, 0.5], "groups": ["a", "b", "c"]}


def test_the_group_whose_rates_are_nearest() -> None:
    schedule = OneCycle(**GROUPS).schedule()
    rates = at(schedule, STEPS)
    for group in range(3):
        assert nearest_group(schedule, STEPS, rates[:, group]) == group
        assert nearest_group(schedule, STEPS + 1, rates[:, group]) == group
        assert nearest_group(schedule, STEPS, -rates[:, group] * 1.1) == group
    assert distances(schedule, STEPS, rates[:, 1]) == pytest.approx([math.log(2), 0.0, math.log(2.5)], abs=0.03)
    assert distances(schedule, STEPS + 1, rates[:, 1])[1] == 0.0
    assert distances(schedule, STEPS, np.full(100, math.nan)) == [0.0] * 3
    with_zeros = np.where(STEPS < 70, 0.0, rates[:, 1])
    assert distances(schedule, STEPS, with_zeros)[1] == 0.0


def paired(plan: dict[str, Any], names: tuple[str, ...], values: Floats, others: int = 0) -> tuple[dict[str, str], Any]:
    """Return the group of each column that is compared, by their names, and the names of those that are not."""
    schedule = OneCycle(**plan).schedule()
    log = make_log(STEPS, values, groups=names, lr_columns=names, others=others)
    found = pair(schedule, log, STEPS)
    return {names[track.column]: schedule.groups[track.group] for track in found.tracks}, found.unclaimed


def test_columns_belong_to_groups_by_name_then_by_order_then_by_fit() -> None:
    rates = at(OneCycle(**GROUPS).schedule(), STEPS)
    assert paired(GROUPS, ("x", "y", "z"), rates) == ({"x": "a", "y": "b", "z": "c"}, ())
    assert paired(GROUPS, ("lr_c", "lr_a", "lr_b"), rates) == ({"lr_c": "c", "lr_a": "a", "lr_b": "b"}, ())
    assert paired(GROUPS, ("lr_b", "x", "y"), rates) == ({"lr_b": "b", "x": "a", "y": "c"}, ())
    assert paired(GROUPS, ("x", "y"), rates[:, [2, 0]]) == ({"x": "c", "y": "a"}, ())
    [group] = OneCycle(**RATES).schedule().groups
    assert paired(RATES, ("x", "y"), rates[:, :2]) == ({"x": group, "y": group}, ())


def test_a_name_of_several_words_is_the_longer_group_s() -> None:
    plan = {**RATES, "max_lr": [0.1, 0.2], "groups": ["head", "head_norm"]}
    rates = at(OneCycle(**plan).schedule(), STEPS)
    assert paired(plan, ("lr_head_norm", "lr_head"), rates[:, ::-1]) == (
        {"lr_head_norm": "head_norm", "lr_head": "head"},
        (),
    )


def test_a_column_that_moves_is_the_group_s_before_one_that_stands() -> None:
    plan = {**RATES, "max_lr": [0.1, 0.2], "groups": ["body", "head"]}
    rates = at(OneCycle(**plan).schedule(), STEPS)
    values = np.column_stack([np.full(100, 0.3), rates])
    assert paired(plan, ("head_base", "body", "head_now"), values[:, [0, 1, 2]]) == (
        {"body": "body", "head_now": "head"},
        ("head_base",),
    )


def test_the_scale_of_a_column() -> None:
    schedule = OneCycle(**BOTH).schedule()
    assert scale_of(schedule, LR, make_log([0, 1], [0.01, math.nan])) == 0.1
    assert scale_of(schedule, LR, make_log([0, 1], [-0.3, math.inf])) == 0.3
    assert scale_of(schedule, MOMENTUM, make_log([0, 1], [7.0, 7.0], [0.5, 0.6])) == 0.95
    assert largest(np.array([math.nan, math.inf])) == 0.0
    assert largest(np.array([0.5, -2.0])) == 2.0


def test_the_words_of_a_name() -> None:
    assert words_of("Head/LR-pg_1") == ["head", "lr", "pg", "1"]
    assert words_of("__") == []


def test_rows_are_thinned_evenly() -> None:
    rows = np.arange(100, 200)
    assert thinned(rows, 3).tolist() == [100, 149, 199]
    assert thinned(rows, 100).tolist() == rows.tolist()
    assert thinned(rows, 1000).tolist() == rows.tolist()
    assert thinned(rows[:0], 3).tolist() == []
    assert thinned(rows, 1).tolist() == [100]


def test_a_value_with_more_and_more_digits() -> None:
    assert list(decimals(1.2346)) == [1.0, 1.2, 1.23, 1.235, 1.2346]
    assert list(decimals(0.5)) == [0.5]
    assert list(decimals(1 / 3, 2, 4)) == [0.33, 0.333, 0.3333]
    assert list(decimals(0.0)) == list(decimals(math.inf)) == list(decimals(math.nan)) == []
