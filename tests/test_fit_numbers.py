"""The steps from a log to settings, each by itself: its rows, curves, corners, edges, lengths and short numbers."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.run.fit import fit
from onecycle_cli.run.fit.evidence import (
    COARSE_ROWS,
    MOST_ROWS,
    Column,
    Evidence,
    moves,
    refusal,
    views,
)
from onecycle_cli.run.fit.least_squares import (
    ONLY_RISE,
    RISE_FALL,
    SECOND_EDGE,
    THREE_PHASE,
    TWO_PHASE,
    find_corners,
    find_edges,
    spread,
)
from onecycle_cli.run.fit.paces import TIMES, before_the_end, in_blocks, several_times
from onecycle_cli.run.fit.result import Doubt, Fitted
from onecycle_cli.run.fit.row_counts import by_steps, counts_fractions
from onecycle_cli.run.fit.search import candidates, price, search, tried_conventions
from onecycle_cli.run.fit.solution import Candidate, cost
from onecycle_cli.run.groups import Track
from onecycle_cli.run.linear_algebra import least_squares, svd
from onecycle_cli.run.logs.log import Log
from onecycle_cli.run.precision import EXACT, FLOAT32, written_digits
from onecycle_cli.run.series import read_samples
from onecycle_cli.run.solver import solve

from .logged_runs import at, make_log

pytestmark = pytest.mark.numeric

RATES: dict[str, Any] = {"max_lr": 0.1, "total_steps": 100, "cycle_momentum": False}
STEPS = np.arange(100)


def rates_of(plan: dict[str, Any] = RATES, steps: Any = STEPS) -> Any:
    return at(OneCycle(**plan).schedule(), steps)


def log_of(plan: dict[str, Any] = RATES, steps: Any = STEPS, **more: Any) -> Log:
    return make_log(steps, rates_of(plan, steps), **more)


def first_view(log: Log) -> Evidence:
    return next(iter(views(log)))[0]


# --- The rows --------------------------------------------------------------------------------------------------------


def test_what_the_fit_sees_of_a_log() -> None:
    [(evidence, written), (slack, _)] = views(log_of())
    assert written is EXACT
    assert evidence.steps.tolist() == STEPS.tolist()
    assert (evidence.first, evidence.last, evidence.peak, evidence.gap) == (0, 99, 29, 1)
    assert np.array_equal(evidence.lr[0].values, rates_of()[:, 0])
    assert (evidence.lr[0].weights > slack.lr[0].weights).all()
    assert evidence.momentum == ()
    column = evidence.lr[0]
    off = column.values.copy()
    off[7] += 3 / column.weights[7]
    assert column.misfit(off) == pytest.approx(3.0, rel=1e-3)
    assert column.misfit(column.values) == 0.0


def test_the_last_row_of_each_step_counts() -> None:
    steps = np.append(np.repeat(STEPS, 2), [40, 3])
    values = np.append(np.repeat(rates_of()[:, 0], 2), [7.0, math.nan])
    values[::2][:100] = 0.5
    evidence = first_view(make_log(steps, values))
    assert evidence.steps.tolist() == STEPS.tolist()
    expected = rates_of()[:, 0]
    expected[40] = 7.0
    assert np.array_equal(evidence.lr[0].values, expected)


def test_very_long_logs_are_thinned_with_ends_and_peak() -> None:
    steps = np.arange(50_000)
    plan = {**RATES, "total_steps": 50_000}
    evidence = first_view(log_of(plan, steps))
    chosen = set(evidence.steps.astype(int).tolist())
    share = MOST_ROWS // 5
    assert len(chosen) <= 5.5 * share
    assert chosen >= {*range(share // 2), *range(50_000 - share, 50_000), *range(14_999 - share, 14_999 + share)}
    assert (evidence.first, evidence.last, evidence.peak, evidence.gap) == (0, 49_999, 14_999, 1)
    assert np.diff(evidence.steps).max() <= 90
    coarse = evidence.coarse()
    assert coarse.steps.size == COARSE_ROWS
    assert coarse.lr[0].values.size == coarse.lr[0].weights.size == COARSE_ROWS


def test_missing_and_huge_values_have_no_weight() -> None:
    values = rates_of()[:, 0]
    values[[10, 11, 12]] = math.nan, 1e21, math.inf
    evidence = first_view(make_log(STEPS, values))
    assert evidence.steps.tolist() == [*range(10), *range(13, 100)]
    two = np.column_stack([rates_of()[:, 0], values])
    column = first_view(make_log(STEPS, two)).lr[1]
    assert column.weights[[9, 10, 11, 12, 13]].tolist() == [column.weights[9], 0.0, 0.0, 0.0, column.weights[13]]
    assert (column.weights[9] > 0, column.values[11]) == (True, 0.0)


def test_a_momentum_moves_by_more_than_rounding() -> None:
    assert not moves(None)
    assert not moves(np.full((9, 1), 0.9))
    assert not moves(np.array([[0.9], [0.9 + 9e-8]]))
    assert moves(np.array([[0.9], [0.9 + 2e-7]]))
    assert moves(np.array([[0.9, 0.9], [0.9, 0.8]]))
    assert not moves(np.array([[0.9, math.nan], [0.8, math.nan]]))
    assert not moves(np.array([[0.9], [math.inf]]))


def test_a_momentum_of_another_curve_is_left_out_at_last() -> None:
    log = make_log(STEPS, rates_of(), np.linspace(0.8, 0.9, 100))
    assert [bool(evidence.momentum) for evidence, _ in views(log)] == [True, True, False, False]
    single = make_log(STEPS, rates_of().astype(np.float32))
    assert [written.name for _, written in views(single)] == [FLOAT32.name] * 2
    digits = make_log(STEPS, np.round(rates_of(), 6))
    assert len(list(views(digits))) == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (rates_of()[:7, 0], "7 steps with a learning rate are too few"),
        (np.full(100, 0.1), "the learning rate is constant at 0.1"),
        (0.1 * (1 + 1e-6 * (STEPS % 2)), "the learning rate is constant at 0.1"),
        (np.linspace(0.1, 0, 100), "falls from the first step on"),
        (rates_of()[:, 0] * 1e-22, "too small for a schedule"),
        (np.column_stack([rates_of()[:, 0], np.full(100, math.nan)]), "a parameter group has no learning rate"),
    ],
)
def test_logs_that_are_refused_at_sight(values: Any, words: str) -> None:
    with pytest.raises(OnecycleError) as caught:
        next(iter(views(make_log(np.arange(len(values)), values))))
    assert words in caught.value.message
    assert caught.value.message.startswith("run.csv: ")
    assert caught.value.hint


def test_logs_that_are_not_refused_at_sight() -> None:
    assert list(views(make_log(np.arange(8), rates_of()[20:28, 0])))
    assert list(views(make_log(STEPS, 0.1 * (1 + 3e-6 * (STEPS % 2)))))
    assert list(views(make_log(STEPS + 2, np.linspace(0.1, 0, 100))))  # a run that was resumed after its rise


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.append(np.linspace(0.01, 0.1, 80), np.full(20, 0.1)), "the last 21 rows stand still at the peak"),
        (np.append(np.linspace(0.1, 0.01, 40), np.full(60, 0.01)), "the last 60 rows are constant"),
        (np.repeat(np.linspace(0.1, 0.01, 20), 5), "81% of the rows repeat the value before"),
        (np.tile(np.linspace(0, 1, 10), 10), "they rise and fall 9 times"),
        (np.linspace(0.01, 0.1, 100) ** 2, "they only rise"),
        (np.linspace(0.1, 0.01, 100) ** 2, "they only fall"),
        (np.abs(STEPS - 50) ** 0.5 * -1 + 10, "; the nearest gives 25% of them"),
    ],
)
def test_what_a_log_does_instead(values: Any, words: str) -> None:
    error = refusal(make_log(STEPS, values), 0.25)
    assert "run.csv: no one-cycle schedule gives these learning rates" in error.message
    assert words in error.message
    assert "onecycle check" in error.hint


def test_a_log_of_epochs_lacks_their_length() -> None:
    error = refusal(make_log(STEPS, rates_of(), counts="epoch"), 0.0)
    assert "how many steps an epoch has is not in the log" in error.message
    assert error.hint.startswith("log the step too")
    nothing = refusal(make_log(STEPS, np.abs(STEPS - 50) ** 0.5 * -1 + 10), 0.0)
    assert nothing.message.endswith("gives these learning rates")


# --- Rows by the scheduler's steps -----------------------------------------------------------------------------------


def test_one_row_for_each_value_that_repeats() -> None:
    log = make_log(STEPS, rates_of()[STEPS // 10 * 10])
    blocks = in_blocks(log)
    assert blocks is not None
    assert (blocks.steps.tolist(), blocks.counts) == (list(range(10)), "step")
    assert np.array_equal(blocks.values, rates_of()[::10])
    assert in_blocks(log_of()) is None
    assert in_blocks(make_log(STEPS[:80], rates_of()[STEPS[:80] // 10 * 10])) is None  # seven moves are too few


def test_rows_at_the_end_may_repeat_the_last_value() -> None:
    stands = make_log(STEPS * 3, rates_of()[np.minimum(STEPS * 2, 99)])
    cut = before_the_end(stands)
    assert cut.steps.tolist() == (STEPS[:50] * 3).tolist()
    assert np.array_equal(cut.values, stands.values[:50])
    assert before_the_end(log_of()).steps.size == 99


def test_steps_may_count_several_of_the_scheduler() -> None:
    found = [log.steps[:2].tolist() for log in several_times(log_of())]
    assert found == [pair for times in TIMES for pair in ([0, times], [times, 2 * times])]
    assert len(list(several_times(log_of(steps=STEPS[1:])))) == 3 * len(TIMES)


def test_steps_within_epochs_show_the_length_of_an_epoch() -> None:
    steps = np.arange(0, 96, 3)
    for base in (0, 1):
        log = make_log(steps % 24, rates_of(steps=steps), epochs=(steps // 24 + base).astype(float))
        found = list(by_steps(log))
        assert found[0][1] == 24
        assert found[0][0].steps.tolist() == steps.tolist()
        assert [length for _, length in found] == [24, 23, 25, 22, 26]
        assert (found[0][0].counts, found[0][0].epochs) == ("step", None)


def test_fractions_of_an_epoch_show_its_length() -> None:
    for steps, each, length in ((STEPS, 25, 25), (STEPS[::5], 20, 4)):
        log = make_log(np.arange(steps.size), rates_of(steps=steps), epochs=steps / each, counts="row")
        assert counts_fractions(log)
        [(found, per_epoch)] = by_steps(log)
        assert per_epoch == length
        assert found.steps.tolist() == (steps * length // each).tolist()
    rounded = make_log(STEPS, rates_of(), epochs=np.round(STEPS / 25, 2), counts="row")
    assert [per_epoch for _, per_epoch in by_steps(rounded)] == [25]
    coarse = make_log(STEPS, rates_of(), epochs=np.round(STEPS / 90, 1), counts="row")
    assert list(by_steps(coarse)) == []


def test_which_logs_have_fractions_alone() -> None:
    fractions = STEPS / 25
    assert not counts_fractions(log_of(epochs=fractions))
    assert not counts_fractions(log_of(counts="row"))
    assert not counts_fractions(log_of(counts="row", epochs=np.floor(fractions)))
    assert not counts_fractions(log_of(counts="row", epochs=fractions[::-1].copy()))
    assert not counts_fractions(log_of(counts="row", epochs=np.where(STEPS == 5, math.nan, fractions)))
    assert list(by_steps(log_of())) == []


# --- Curves, corners and edges ---------------------------------------------------------------------------------------


def test_a_step_is_spread_between_two_corners() -> None:
    progress, phase = np.array([0.0, 0.5, 1.0, 0.25]), np.array([0, 0, 1, 1])
    line = spread(phase, progress, "linear", 3)
    assert line.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1], [0, 0.75, 0.25]]
    wave = spread(phase, progress, "cos", 3)
    assert wave[:3].tolist() == pytest.approx(np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]]))
    assert wave[3] == pytest.approx([0, (1 + math.sqrt(0.5)) / 2, (1 - math.sqrt(0.5)) / 2])


@pytest.mark.parametrize("curve", TWO_PHASE + THREE_PHASE)
def test_the_shares_of_corners_give_the_schedule(curve: Any) -> None:
    three = curve in THREE_PHASE
    schedule = OneCycle(**RATES, anneal_strategy=curve.strategy, three_phase=three).schedule()
    shares = curve.shares(STEPS.astype(float), (29.0, 99.0))
    assert shares.sum(axis=1) == pytest.approx(np.ones(100))
    corners = [0.004, 0.1, *([0.004] if three else []), 4e-7]
    assert shares @ corners == pytest.approx(at(schedule, STEPS)[:, 0], rel=1e-12)
    tied = shares @ np.array(curve.with_default_end().lr, float)
    assert tied @ [0.004, 0.1] == pytest.approx(at(schedule, STEPS)[:, 0], rel=1e-12)


def column_of(values: Any) -> Column:
    return Column(np.asarray(values, float), np.full(len(values), 1e9))


def test_corners_are_found_by_least_squares() -> None:
    design = TWO_PHASE[0].shares(STEPS.astype(float), (29.0, 99.0)) @ np.array(RISE_FALL, float)
    found = find_corners(design, column_of(rates_of()[:, 0]))
    assert found.values == pytest.approx((0.004, 0.1, 4e-7), abs=1e-16)
    assert found.misfit < 1e-6
    assert all(0 < uncertainty < 1e-8 for uncertainty in found.uncertainty)
    known = find_corners(design, column_of(rates_of()[:, 0]), {1: 0.2})
    assert (known.values[1], known.uncertainty[1]) == (0.2, 0.0)
    assert known.misfit > 1e6
    assert known.uncertainty[0] > 0
    rise = find_corners(design[:20], column_of(rates_of()[:20, 0]))
    assert rise.values[:2] == pytest.approx((0.004, 0.1))
    assert (rise.values[2], rise.uncertainty[2]) == (0.0, math.inf)
    same = find_corners(np.ones((5, 2)), column_of([3.0] * 5))
    assert same.values == pytest.approx((1.5, 1.5))
    assert same.uncertainty == (math.inf, math.inf)


@pytest.mark.parametrize("curve", TWO_PHASE)
@pytest.mark.parametrize("start", [(25.0, 90.0), (33.0, 120.0)])
def test_edges_are_found_from_near(curve: Any, start: tuple[float, float]) -> None:
    evidence = first_view(log_of({**RATES, "anneal_strategy": curve.strategy}))
    found = find_edges(curve, evidence, 0, start)
    assert found is not None
    assert found.edges[0] == pytest.approx(29.0, abs=1e-6)
    assert found.off < 1e-12
    assert found.misfit < 1
    if curve.strategy == "cos":  # a line that ends earlier or later has the same values
        assert found.edges[1] == pytest.approx(99.0, abs=1e-6)
        assert max(found.uncertainty) < 1e-3
    else:
        assert found.uncertainty[1] == math.inf
    assert find_edges(curve, evidence, 0, (90.0, 25.0)) is None
    tied = find_edges(curve, evidence, 0, start[:1], lambda varied: (varied[0], 99.0))
    assert tied is not None
    assert tied.edges == pytest.approx((29.0, 99.0), abs=1e-6)
    later = first_view(log_of({**RATES, "anneal_strategy": curve.strategy}, STEPS[1:]))
    moved = find_edges(curve, replace(later, steps=later.steps - 1), 1, (start[0], 99.0))
    assert moved is not None
    assert moved.edges[0] == pytest.approx(29.0, abs=1e-6)


def test_an_edge_that_the_log_does_not_show_is_uncertain() -> None:
    evidence = first_view(log_of(steps=STEPS[:60]))
    found = find_edges(TWO_PHASE[0], evidence, 0, (29.0, 99.0))
    assert found is not None
    assert found.uncertainty[0] < found.uncertainty[1]
    line = first_view(log_of({**RATES, "anneal_strategy": "linear"}, STEPS[:60]))
    straight = find_edges(TWO_PHASE[1], line, 0, (29.0, 99.0))
    assert straight is not None
    assert straight.uncertainty[1] == math.inf


def test_what_has_no_solution_has_none() -> None:
    u, s, vt = svd(np.array([[1.0, math.inf], [0.0, 1.0], [0.0, 0.0]]))
    assert (u.shape, s.tolist(), vt.shape) == ((3, 2), [0.0, 0.0], (2, 2))
    matrix = np.array([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    u, s, vt = svd(matrix)
    assert sorted(s.tolist()) == pytest.approx([3.0, 4.0])
    assert u @ np.diag(s) @ vt == pytest.approx(matrix)
    assert least_squares(matrix, np.array([3.0, 8.0, 5.0])).tolist() == pytest.approx([1.0, 2.0])
    assert least_squares(matrix, np.array([3.0, math.nan, 5.0])).tolist() == [0.0, 0.0]
    assert least_squares(np.array([[math.inf, 1.0]]), np.array([1.0])).tolist() == [0.0, 0.0]


# --- Candidates and numbers ------------------------------------------------------------------------------------------


def simplest(log: Log) -> dict[str, object]:
    return search(first_view(log))[0][0].settings


@pytest.mark.parametrize("offset", [0, -1, 1])
def test_the_simplest_settings_come_first(offset: int) -> None:
    shown = STEPS[1:] if offset == 1 else STEPS
    solutions, off = search(first_view(make_log(shown - offset, rates_of(steps=shown))))
    first = solutions[0]
    assert off < 1e-10
    assert (first.candidate.offset, first.candidate.guessed, first.undetermined) == (offset, False, frozenset())
    assert first.settings == {
        "total_steps": 100, "anneal_strategy": "cos", "three_phase": False, "pct_start": 0.3, "max_lr": 0.1,
        "div_factor": 25.0, "final_div_factor": 1e4,
    }  # fmt: skip
    assert first.cost == cost(0.1)


@pytest.mark.parametrize(
    "plan",
    [
        {"max_lr": 0.37, "pct_start": 0.25, "div_factor": 16.5, "final_div_factor": 100.0},
        {"anneal_strategy": "linear", "pct_start": 0.4},
        {"three_phase": True, "pct_start": 0.35},
        {"total_steps": 93, "pct_start": 0.13},
    ],
)
def test_settings_are_read_off_the_curve(plan: dict[str, Any]) -> None:
    made = {**RATES, **plan}
    found = simplest(log_of(made, np.arange(made["total_steps"])))
    for setting, value in {**plan, "total_steps": made["total_steps"]}.items():
        assert found[setting] == value


def test_groups_have_peaks_of_their_own() -> None:
    found = simplest(log_of({**RATES, "max_lr": [0.1, 0.25]}))
    assert found["max_lr"] == [0.1, 0.25]


def test_a_log_of_the_rise_alone_leaves_the_rest_open() -> None:
    solutions, _ = search(first_view(log_of(steps=STEPS[:29])))
    assert solutions[0].candidate.guessed
    assert (solutions[0].settings["total_steps"], solutions[0].settings["pct_start"]) == (100, 0.3)
    assert "final_div_factor" in solutions[0].undetermined
    resumed, _ = search(first_view(log_of(steps=STEPS[40:])))
    assert "div_factor" in resumed[0].undetermined


def test_what_settings_cost() -> None:
    evidence = first_view(log_of())
    solution = search(evidence)[0][0]
    here = solution.candidate

    def more(misfit: float = 0.0, **changes: Any) -> float:
        other = replace(solution, candidate=replace(here, **changes), misfit=misfit)
        return price(other, evidence) - price(replace(solution, misfit=0.0), evidence)

    assert price(replace(solution, misfit=1.0), evidence) == solution.cost == cost(0.1)
    assert more() == more(misfit=1.0) == 0.0
    assert more(misfit=1.5) == 2.5
    assert (more(guessed=True), more(three_phase=True), more(convention="fastai")) == (0.5, 1.0, 1.5)
    assert more(convention="openpcdet") == 1.75
    assert more(total_steps=99) == 1.0
    assert more(total_steps=101) == cost(101.0)
    assert more(total_steps=200) == cost(200.0)
    assert more(offset=-1) == 0.5 + cost(100.0)  # the log ends a step earlier then
    assert more(offset=-1, total_steps=99) == 0.5
    assert more(offset=1, total_steps=101) == 1.5


def lengths_of(log: Log, offset: int = 0, **changes: Any) -> list[tuple[int, bool]]:
    """Return the lengths of PyTorch's cycle that the edges of a curve allow, and whether each is a guess."""
    evidence = first_view(log)
    edges = find_edges(TWO_PHASE[0], evidence, offset, (29.0, 99.0))
    assert edges is not None
    found = candidates(replace(edges, **changes), evidence, offset)
    return [(candidate.total_steps, candidate.guessed) for candidate in found if candidate.convention == "torch"]


def test_where_a_cycle_may_end() -> None:
    assert lengths_of(log_of()) == [(100, False)]
    assert lengths_of(log_of(), uncertainty=(0.1, 0.29), edges=(29.0, 130.4)) == [(131, False)]
    open_end: dict[str, Any] = {"uncertainty": (0.1, math.inf)}
    guesses = lengths_of(log_of(steps=STEPS[:90]), **open_end)
    assert guesses[0] == (100, True)
    assert guesses[-1] == (90, False)
    near = dict(lengths_of(log_of(steps=STEPS[:90]), uncertainty=(0.1, 5.0), edges=(29.0, 93.2)))
    assert near == {100: True, 94: True, 90: False}
    far = dict(lengths_of(log_of(steps=STEPS[:90]), uncertainty=(0.1, 20.0), edges=(29.0, 93.2)))
    assert far == {100: True, 90: False}
    every = dict(lengths_of(log_of(steps=STEPS[:95:10]), **open_end))
    assert every == {100: True, 91: False}
    after = log_of(steps=STEPS[1:])
    shifted = lengths_of(replace(after, steps=after.steps - 1), 1, **open_end)
    assert {100: False, 99: False}.items() <= dict(shifted).items()


def test_the_uncertainty_of_corners_is_that_of_least_squares() -> None:
    design = TWO_PHASE[0].shares(STEPS.astype(float), (29.0, 99.0)) @ np.array(RISE_FALL, float)
    weights = np.linspace(1.0, 5.0, 100)
    found = find_corners(design, Column(rates_of()[:, 0], weights))
    weighted = design * weights[:, None]
    expected = np.sqrt(np.diag(np.linalg.inv(weighted.T @ weighted)))
    assert found.uncertainty == pytest.approx(expected.tolist(), rel=1e-9)
    assert len({round(value, 6) for value in found.uncertainty}) == 3


def test_which_conventions_are_tried() -> None:
    names = [convention.name for convention in tried_conventions()]
    assert names[0] == "torch"
    assert {"fastai", "optax", "optax-linear", "openpcdet", "smith"} <= set(names)
    assert len(names) == len(set(names))


def test_the_shape_of_a_candidate() -> None:
    torch = Candidate("torch", 0, 100, (0.3,), "cos", three_phase=True)
    assert torch.shape == {"total_steps": 100, "anneal_strategy": "cos", "three_phase": True}
    smith = Candidate("smith", 0, 100, (), "linear", stepsize=40)
    assert smith.shape == {"total_steps": 100, "convention": "smith", "stepsize": 40}
    evidence = first_view(log_of())
    edges = find_edges(TWO_PHASE[0], evidence, 0, (29.0, 99.0))
    assert edges is not None
    found = {(it.convention, it.total_steps, round(it.pct[0], 6)) for it in candidates(edges, evidence, 0)}
    assert ("torch", 100, 0.3) in found
    assert all(total == 100 for name, total, _ in found if name == "torch")
    assert (ONLY_RISE.name, SECOND_EDGE.strategy) == ("rise", "linear")


@pytest.mark.parametrize(
    ("value", "default", "digits"),
    [(0.1, None, 1.5), (0.1, 0.1, 0.0), (0.125, 0.1, 3.5), (1e4, None, 1.5), (25.0, 10.0, 2.5)],
)
def test_what_a_number_costs(value: float, default: float | None, digits: float) -> None:
    assert cost(value, default) == digits


@pytest.mark.parametrize(("value", "digits"), [(0.1, (1, 1)), (25.0, (2, 0)), (1e5, (1, -5)), (0.00125, (3, 5))])
def test_the_digits_of_a_number(value: float, digits: tuple[int, int]) -> None:
    assert written_digits(value) == digits


def solved(log: Log, setting: str, start: float, *, power: int = 1, usual: tuple[float, ...] = ()) -> float:
    samples, _ = read_samples(log, [Track("lr", 0, 0, "lr", "lr")], [0.1])
    limits = np.full(samples.values.shape, 1e-9)

    def score(schedule: Any) -> float:
        return float(samples.agrees(samples.predicted(schedule, samples.steps)).sum())

    def build(numbers: list[float]) -> Any:
        return OneCycle(**{**RATES, setting: numbers[0]}).schedule() if numbers[0] > 0 else None

    [found] = solve(samples, build, [start], limits, score, usual, power)
    return found


def test_a_number_is_solved_for() -> None:
    log = log_of({**RATES, "max_lr": 0.137})
    assert solved(log, "max_lr", 0.1) == 0.137
    assert solved(log_of({**RATES, "div_factor": 10.0}), "div_factor", 25.0, power=-1) == 10.0
    assert solved(log_of(), "max_lr", 0.1) == 0.1
    damaged = log.values.copy()
    damaged[::9] = 3.0
    assert solved(replace(log, values=damaged), "max_lr", 0.1) == 0.137
    rise = log_of({**RATES, "final_div_factor": 77.0}, STEPS[:20])
    assert solved(rise, "final_div_factor", 5.0, power=-1, usual=(1e4,)) == 1e4


def test_settings_and_doubts_are_listed_once() -> None:
    doubts = (Doubt("a", ("pct_start", "total_steps")), Doubt("b"), Doubt("c", ("total_steps", "max_lr")))
    found = Fitted({}, 0, 1.0, EXACT, accepted=True, doubts=doubts)
    assert found.undetermined == ("pct_start", "total_steps", "max_lr")
    assert found.notes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("steps", "words", "settings"),
    [
        (STEPS[:60], "the log ends at step 59, before the cycle does: the curve implies total_steps 100", ()),
        (STEPS[:29], "total_steps 100 is a guess", ("total_steps", "pct_start", "final_div_factor")),
        (
            STEPS[40:],
            "the log begins at step 40, after the rise: div_factor is undetermined",
            ("div_factor", "final_div_factor"),
        ),
    ],
)
def test_what_a_log_leaves_open_is_said(steps: Any, words: str, settings: tuple[str, ...]) -> None:
    found = fit(log_of(steps=steps))
    assert any(words in note for note in found.notes)
    assert set(settings) <= set(found.undetermined)
    assert {"cycle_momentum", "base_momentum", "max_momentum"} <= set(found.undetermined)


def test_settings_are_in_the_order_of_a_config() -> None:
    found = fit(log_of({**RATES, "max_lr": [0.1, 0.25]}, groups=("body", "head")))
    names = [field.name for field in fields(OneCycle)]
    assert list(found.settings) == sorted(found.settings, key=names.index)
    assert found.settings["groups"] == ["body", "head"]
    assert (found.offset, found.explained, found.accepted, found.tolerance) == (0, 1.0, True, EXACT)
    assert "groups" not in fit(log_of({**RATES, "max_lr": [0.1, 0.25]}, groups=("0", "1"))).settings
