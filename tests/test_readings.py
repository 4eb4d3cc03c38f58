"""The readings of a log's rows, as values: what they count, and the schedule's steps that each gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.counting import given_readings, possible_readings
from onecycle_cli.run.micro_batches import Accumulation, uneven
from onecycle_cli.run.reading import AFTER, BEFORE_OPTIMIZER, Reading, different

from .logged_runs import make_log

Told = tuple[str, list[int], int, bool]
"""A reading's unit, the schedule's steps of its rows, the steps that a row is the mean of, and `after`."""


def told(reading: Reading) -> Told:
    return reading.unit, (reading.clock + reading.offset).tolist(), reading.span, reading.after


def check_notes(found: list[Reading]) -> None:
    """Check that every reading says what rows count, but for plain steps from 0."""
    for reading in found:
        is_plain = reading.offset == 0 and reading.counted is reading.clock and reading.unit in ("step", "row")
        assert isinstance(reading.note, str)
        assert reading.note or is_plain or reading.unit == "epoch"


def given(plan: dict[str, Any], steps: Any, row_is: Any = None, **more: Any) -> list[Told]:
    settings = OneCycle(**{"max_lr": 0.1, **plan})
    log = make_log(steps, np.zeros(len(steps)), **more)
    found = given_readings(log, settings, settings.schedule(), row_is)
    check_notes(found)
    return [told(reading) for reading in found]


def possible(plan: dict[str, Any], steps: Any, **more: Any) -> list[Told]:
    settings = OneCycle(**{"max_lr": 0.1, **plan})
    log = make_log(steps, np.zeros(len(steps)), **more)
    found = list(possible_readings(log, settings, settings.schedule()))
    check_notes(found)
    return [told(reading) for reading in found]


STEPS = {"total_steps": 12}
EPOCHS: dict[str, Any] = {"epochs": 3, "steps_per_epoch": 4}


@pytest.mark.parametrize(("counts", "unit"), [("step", "step"), ("row", "row")])
def test_rows_are_steps(counts: str, unit: str) -> None:
    assert given(STEPS, [0, 1, 2], counts=counts) == [
        (unit, [0, 1, 2], 1, False),
        (unit, [-1, 0, 1], 1, False),
        (unit, [1, 2, 3], 1, True),
    ]


def test_rows_are_steps_of_a_resumed_run() -> None:
    found = given({**STEPS, "last_epoch": 5}, [0, 1])
    assert [(steps, after) for _, steps, _, after in found] == [
        ([0, 1], False), ([-1, 0], False), ([1, 2], True), ([6, 7], False), ([5, 6], False), ([7, 8], True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("epochs", "offsets"),
    [
        ([0, 1, 2], [(3, 1, False), (4, 1, True), (0, 1, False), (3, 4, False), (4, 4, True)]),
        (
            [1, 2, 3],
            [
                *[(-1, 1, False), (0, 1, True), (-4, 1, False), (3, 1, False), (4, 1, True), (0, 1, False)],
                *[(-1, 4, False), (0, 4, True), (3, 4, False), (4, 4, True)],
            ],
        ),
    ],
)
def test_rows_are_epochs(epochs: list[int], offsets: list[tuple[int, int, bool]]) -> None:
    expected = [("epoch", [4 * epoch + offset for epoch in epochs], span, after) for offset, span, after in offsets]
    assert given(EPOCHS, epochs, counts="epoch") == expected
    assert given(EPOCHS, epochs, "epoch")[: len(expected)] == expected
    assert given({"total_steps": 12, "steps_per_epoch": 4}, epochs, counts="epoch") == expected


def test_epochs_are_steps_of_a_plan_that_is_too_short_for_them() -> None:
    steps = [("epoch", [0, 4, 8], 1, False), ("epoch", [-1, 3, 7], 1, False), ("epoch", [1, 5, 9], 1, True)]
    assert given(EPOCHS, [0, 4, 8], counts="epoch") == steps
    assert given(STEPS, [0, 4, 8], counts="epoch") == steps


def test_the_user_s_epochs_share_the_steps_of_the_plan() -> None:
    found = given(STEPS, [0, 1, 2], "epoch")
    assert found[0] == ("epoch", [5, 11, 17], 1, False)
    assert ("epoch", [3, 7, 11], 1, False) in found
    assert given(STEPS, [0, 0, 0], "epoch")[:2] == [("epoch", [11, 11, 11], 1, False), ("epoch", [12, 12, 12], 1, True)]
    with pytest.raises(OnecycleError, match="goes to epoch 13, but the plan has only 12 steps"):
        given(STEPS, [12, 13], "epoch")


def test_the_user_s_epochs_may_be_in_another_column() -> None:
    epochs = np.array([0.0, 1.0, 2.0])
    assert given(EPOCHS, [3, 7, 11], "epoch", epochs=epochs)[0] == ("epoch", [3, 7, 11], 1, False)
    halves = given(EPOCHS, [2, 4, 6], "epoch", epochs=epochs / 2)
    assert halves[0] == ("epoch", [0, 2, 4], 1, False)
    missing = given(EPOCHS, [0, 1, 2], "epoch", epochs=np.array([0.0, np.nan, 2.0]))
    assert missing[0] == ("epoch", [3, 7, 11], 1, False)


@pytest.mark.parametrize(
    ("row_is", "plan", "times"),
    [
        ("microbatch", {"gradient_accumulation": 3}, [3]),
        ("sample", {"batch_size": 5}, [5]),
        ("sample", {"batch_size": 5, "gradient_accumulation": 3}, [15, 5]),
        ("sample", {"batch_size": 5, "gradient_accumulation": 3, "world_size": 2}, [30, 10, 15, 5]),
    ],
)
def test_the_user_s_counts_make_steps(row_is: str, plan: dict[str, Any], times: list[int]) -> None:
    counted = np.array([0, 15, 44])
    expected = []
    for many in times:
        for before, behind in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
            steps = ((counted + before) // many + behind).tolist()
            expected.append((row_is, steps, 1, before > 0 or behind > 0))
    assert given({**STEPS, **plan}, counted, row_is) == expected


def test_how_many_counts_make_a_step_is_read_off_the_log() -> None:
    found = given(STEPS, range(36), "microbatch")
    assert found[0] == ("microbatch", [step // 3 for step in range(36)], 1, False)
    with pytest.raises(OnecycleError, match="not known how many micro-batches make a step") as caught:
        given(STEPS, range(5), "microbatch")
    assert "--gradient-accumulation" in caught.value.hint
    with pytest.raises(OnecycleError, match="not known how many samples make a step") as caught:
        given(STEPS, range(5), "sample")
    assert "--batch-size" in caught.value.hint


def test_steps_within_epochs() -> None:
    epochs, steps = np.repeat([0.0, 1.0, 2.0], 4), np.tile(np.arange(4), 3)
    assert given(EPOCHS, steps, epochs=epochs) == [
        ("step", list(range(12)), 1, False),
        ("step", list(range(1, 13)), 1, True),
    ]
    assert given(EPOCHS, steps + 1, epochs=epochs + 1)[:3] == [
        ("step", list(range(1, 13)), 1, False),
        ("step", list(range(12)), 1, False),
        ("step", list(range(2, 14)), 1, True),
    ]
    assert given(STEPS, steps, epochs=epochs)[0] == ("step", list(range(12)), 1, False)
    assert given({"total_steps": 13}, steps, epochs=epochs)[0] == ("step", list(range(12)), 1, False)
    assert given({"total_steps": 15}, steps, epochs=epochs)[0][1] == [
        5 * epoch + step for epoch in range(3) for step in range(4)
    ]


def test_micro_batches_within_epochs() -> None:
    epochs, batches = np.repeat([0.0, 1.0, 2.0], 7), np.tile(np.arange(7), 3)
    plan = {**EPOCHS, "gradient_accumulation": 2}
    steps = [4 * epoch + batch // 2 for epoch in range(3) for batch in range(7)]
    found = given(plan, batches, epochs=epochs)
    assert found[0] == ("microbatch", steps, 1, False)
    assert found[1][0] == "microbatch"
    assert found[1][3]
    settings = OneCycle(max_lr=0.1, gradient_accumulation=2, **EPOCHS)
    log = make_log(batches, np.zeros(21), epochs=epochs, step_column="batch")
    before, after = given_readings(log, settings, settings.schedule(), None)[:2]
    assert (
        before.note == "a row's micro-batch is its epoch × 7 + batch, 2 to a step, 1 to the last of an epoch's 4 steps"
    )
    assert after.note == f"{before.note}, {AFTER}; {BEFORE_OPTIMIZER}"
    assert {unit for unit, *_ in given(plan, batches, "microbatch", epochs=epochs)} == {"microbatch"}


def test_fractions_of_an_epoch() -> None:
    epochs = np.arange(12) / 4
    rows = list(range(12))
    for plan, known in ((EPOCHS, 3), (STEPS, 6)):
        found = given(plan, rows, counts="row", epochs=epochs)
        assert len(found) == known
        assert found[0] == ("epoch", rows, 1, False)
        assert [steps[0] for _, steps, *_ in found[:3]] == [0, -1, 1]
        assert [after for *_, after in found[:3]] == [False, False, True]


def test_rounded_fractions_follow_at_one_distance() -> None:
    plan = {"epochs": 4, "steps_per_epoch": 12}
    rows = np.arange(0, 48, 5)
    assert given(plan, range(rows.size), counts="row", epochs=np.round(rows / 12, 1))[0][1] == rows.tolist()
    assert given(plan, [0], counts="row", epochs=np.array([1.46]))[0][1] == [18]


def test_means_stand_at_the_last_steps_of_epochs() -> None:
    assert possible(EPOCHS, [3, 7, 11])[5:7] == [("epoch", [3, 7, 11], 4, False), ("epoch", [4, 8, 12], 4, True)]
    for steps in ([3, 7, 11], [4, 8, 12]):
        means = [(shown, after) for _, shown, span, after in possible(STEPS, steps) if span == 4]
        assert means == [([3, 7, 11], False), ([4, 8, 12], True)]
    for steps in ([3, 7, 12], [3, 7, 7], [3, 2, 7], [3]):
        assert not any(span > 1 for _, _, span, _ in possible(STEPS, steps))


def test_epochs_share_a_cycle_evenly() -> None:
    found = possible(STEPS, [0, 1, 2], counts="epoch")
    assert found[0] == ("epoch", [5, 11, 17], 1, False)
    assert ("epoch", [3, 7, 11], 1, False) in found
    assert possible(STEPS, [0, 6], counts="epoch")[0] == ("epoch", [1, 13], 1, False)
    assert possible(STEPS, [0, 7], counts="epoch") == []


def test_a_scheduler_moves_once_per_process() -> None:
    found = possible({**EPOCHS, "world_size": 2}, [0, 1, 5, 6, 7])[:3]
    assert found == [
        ("step", [0, 2, 10, 12, 14], 1, True),
        ("step", [-2, 0, 8, 10, 12], 1, True),
        ("step", [2, 4, 12, 14, 16], 1, True),
    ]
    uneven_end = possible({"epochs": 3, "steps_per_epoch": 3, "world_size": 2}, [0, 4, 5, 6, 7])[0]
    assert uneven_end == ("step", [0, 8, 9, 9, 14], 1, True)
    assert not any(steps[1] == 2 for _, steps, _, _ in possible(EPOCHS, [0, 1, 5, 6, 7]))


def test_a_logger_counts_its_own_calls() -> None:
    calls = np.arange(0, 36, 3)
    found = possible(STEPS, calls, step_column=" _STEP ")
    assert found[:2] == [("log-call", list(range(12)), 1, False), ("log-call", list(range(1, 13)), 1, True)]
    assert not any(unit == "log-call" for unit, *_ in possible(STEPS, calls, step_column="step"))
    assert not any(unit == "log-call" for unit, *_ in possible(STEPS, calls[:-1], step_column="_step"))
    assert possible(STEPS, np.arange(0, 39, 3), step_column="_step")[0][0] == "log-call"
    assert possible(STEPS, np.append(calls, calls[-1]), step_column="_step")[0][1] == [*range(12), 11]


def test_rows_follow_each_other_at_a_distance() -> None:
    assert possible(STEPS, [0, 1, 2], counts="row") == [
        ("row", [0, 4, 8], 1, False), ("row", [3, 7, 11], 1, False), ("row", [4, 8, 12], 1, True),
        ("row", [1, 5, 9], 1, True), ("row", [0, 6, 12], 1, False), ("row", [5, 11, 17], 1, False),
        ("row", [6, 12, 18], 1, True), ("row", [1, 7, 13], 1, True),
    ]  # fmt: skip
    assert possible(STEPS, range(12), counts="row") == []


def test_a_counter_may_go_on() -> None:
    found = possible(STEPS, [101, 102, 103])
    assert found[-2:] == [("step", [0, 1, 2], 1, False), ("step", [1, 2, 3], 1, False)]
    assert not any(steps == [0, 1, 2] for _, steps, *_ in possible(STEPS, [1, 2, 3])[-2:])


def test_counts_of_a_whole_run_are_divided_by_its_steps() -> None:
    units = {unit for unit, steps, *_ in possible(STEPS, range(36)) if steps == [at // 3 for at in range(36)]}
    assert units == {"microbatch"}
    samples = [16 * at for at in range(12)]
    assert ("sample", list(range(12)), 1, False) in possible(STEPS, samples)


def test_how_micro_batches_make_steps() -> None:
    even, through = Accumulation(3, 6), Accumulation(3)
    uneven_end = Accumulation(3, 7)
    assert (even.steps_per_epoch, uneven_end.steps_per_epoch) == (2, 3)
    counted = np.arange(9)
    assert through.step_of(counted).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert even.step_of(counted).tolist() == through.step_of(counted).tolist()
    assert uneven_end.step_of(counted).tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 3]
    assert (str(through), str(even)) == ("3 to a step", "3 to a step")
    assert str(uneven_end) == "3 to a step, 1 to the last of an epoch's 3 steps"


@pytest.mark.parametrize(
    ("plan", "last", "expected"),
    [
        ({"gradient_accumulation": 3}, 20, Accumulation(3, 7)),  # the last of 21, from 0
        ({"gradient_accumulation": 3}, 21, Accumulation(3, 7)),
        ({"gradient_accumulation": 3}, 22, None),
        ({"gradient_accumulation": 3}, 17, None),  # six to an epoch, which are two whole steps
        ({"gradient_accumulation": 1}, 20, None),
        ({}, 20, None),
        ({"gradient_accumulation": 3, "dataset_size": 70, "batch_size": 10}, 5, Accumulation(3, 7)),
        ({"gradient_accumulation": 3, "dataset_size": 90, "batch_size": 10}, 20, None),
    ],
)
def test_the_last_step_of_an_epoch_may_be_of_fewer(
    plan: dict[str, Any], last: int, expected: Accumulation | None
) -> None:
    settings = OneCycle(max_lr=0.1, epochs=3, steps_per_epoch=3, **plan)
    assert uneven(settings, settings.schedule(), last) == expected
    no_epochs = OneCycle(max_lr=0.1, total_steps=9, gradient_accumulation=3)
    assert uneven(no_epochs, no_epochs.schedule(), 20) is None


@pytest.mark.parametrize(
    ("steps", "distinct"),
    [([], []), ([3], [3]), ([0, 0, 1], [0, 1]), ([2, 1, 2], [1, 2]), ([0, 1, 2], [0, 1, 2])],
)
def test_different_steps(steps: list[int], distinct: list[int]) -> None:
    assert different(np.array(steps, dtype=np.int64)).tolist() == distinct


@pytest.mark.parametrize(
    ("steps", "after", "may"),
    [
        ([4, 8, 12], False, True),
        ([1, 12], False, True),
        ([0, 4, 8, 12], False, False),  # with step 0 it has one row too many
        ([6, 8, 10, 12], False, False),
        ([4, 8, 11], False, False),
        ([4, 8, 13], False, False),
        ([12], False, True),
        ([0, 13], True, True),
    ],
)
def test_a_row_after_the_last_step(steps: list[int], after: bool, may: bool) -> None:
    counted = np.array(steps, dtype=np.int64)
    assert Reading("step", counted, counted, after=after).may_end_past(counted, 12) is may
