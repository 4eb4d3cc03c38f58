"""No memory that grows with a log beyond its numbers: allocations are traced, so that no clock is needed."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.run import logs, series
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs import documents, log_files, read_log
from tests.logged_runs import at, make_log, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FEW, MANY = 10_000, 20_000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and compare in pieces that are much smaller than the logs here, as they are than long logs."""
    monkeypatch.setattr(series, "PIECE", 2**10)
    monkeypatch.setattr(documents, "SMALL_TEXT", 2**13)
    for module in (logs, log_files):
        monkeypatch.setattr(module, "CHUNK", 2**14)
    monkeypatch.setattr(logs, "LONGEST_HEAD", 2**15)


def growth(prepare: Callable[[int], Callable[[], object]]) -> float:
    """Return by how many bytes a row the highest memory grows, without what is prepared."""
    peaks = []
    prepare(FEW // 10)()  # what is imported or cached is not counted
    for rows in (FEW, MANY):
        run = prepare(rows)
        tracemalloc.start()
        try:
            run()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (MANY - FEW)


RUNS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "exact": ({}, 1, "exact", "ok"),
    "rounded": ({}, 1, "%.6e", "ok"),
    "samples": ({}, 64, "%.6e", "ok"),
    "another peak": ({"max_lr": [0.05, 0.005]}, 1, "%.6e", "diverges"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_check_holds_less_than_the_values_themselves(name: str) -> None:
    other, times, form, verdict = RUNS[name]

    def prepare(rows: int) -> Callable[[], object]:
        plan: dict[str, Any] = {"max_lr": [0.1, 0.01], "total_steps": rows}
        ran, steps = OneCycle(**{**plan, **other}).schedule(), np.arange(rows)
        rates, momenta = (written(at(ran, steps, momentum=momentum), form) for momentum in (False, True))
        log = make_log(steps * times, rates, momenta)

        def run() -> None:
            assert check(OneCycle(**plan), log).verdict == verdict

        return run

    assert growth(prepare) < 4 * 8 + 16


def csv(rows: list[float]) -> Iterator[str]:
    yield "step,loss,lr\n"
    yield from (f"{step},0.5,{rate!r}\n" for step, rate in enumerate(rows))


def long_csv(rows: list[float]) -> Iterator[str]:
    yield "run_id,key,value,step\n"
    yield from (f"a,loss,0.5,{step}\na,lr,{rate!r},{step}\n" for step, rate in enumerate(rows))


def json_lines(rows: list[float]) -> Iterator[str]:
    return (json.dumps({"step": step, "lr": rate}) + "\n" for step, rate in enumerate(rows))


def state(rows: list[float]) -> Iterator[str]:
    logged = [{"epoch": 0.5, "learning_rate": rate, "step": step} for step, rate in enumerate(rows)]
    yield json.dumps({"epoch": 1.0, "log_history": logged})


def scalars(rows: list[float]) -> Iterator[str]:
    yield json.dumps({"train": {"lr": {"name": "lr", "x": list(range(len(rows))), "y": rows}}})


def text(rows: list[float]) -> Iterator[str]:
    return (f"INFO step {step} loss 0.5 lr {rate!r}\n" for step, rate in enumerate(rows))


def metric(rows: list[float]) -> Iterator[str]:
    return (f"1700000000000 {rate!r} {step}\n" for step, rate in enumerate(rows))


@pytest.mark.parametrize(
    ("write", "numbers"),
    # A step as it was read and as an integer, and each of the values; those that come one by one are joined in a copy.
    [(csv, 3), (json_lines, 3), (state, 4), (text, 3), (long_csv, 5), (scalars, 6), (metric, 6)],
)
def test_a_log_that_is_read_takes_the_memory_of_its_numbers(write: Any, numbers: int, tmp_path: Path) -> None:
    def prepare(rows: int) -> Callable[[], object]:
        path = tmp_path / f"{rows}" / "lr"
        path.parent.mkdir()
        path.write_text("".join(write(np.linspace(0.1, 0.2, rows).tolist())))

        def run() -> None:
            assert read_log(str(path)).lr.shape == (rows, 1)

        return run

    assert growth(prepare) < 8 * numbers + 16
