"""From the rows of a log to the points of a test: one loss per learning rate, which rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, format_number, shorten
from onecycle_cli.run.range_test import Doubt, Points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.range_test import Floats, Spacing

FEWEST = 3
"""Learning rates without which there is no curve."""

EVEN = 0.05
"""How far a step of the learning rate may be from the usual one, as a share of it, where it rises evenly: logs are
written with four digits and more."""

NEARLY_ALL = 0.9
"""The share of steps that must be so; a warm-up or an end that is cut off does not decide."""

NO_TEST = "log a test whose rate rises at each step: `onecycle code --range-test` writes one"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a log that have a learning rate: its steps, rates and losses."""

    steps: NDArray[np.int64]
    lr: Floats
    loss: Floats

    def at(self, rows: NDArray[np.bool_] | slice) -> _Rows:
        return _Rows(self.steps[rows], self.lr[rows], self.loss[rows])


def points_of(log: Log) -> tuple[Points, list[Doubt], list[str]]:
    """Return the points of a test, what is doubtful about them, and notes.

    Raises:
        OnecycleError: the log is not one of such a test.
    """
    doubts: list[Doubt] = []
    notes = [note for note in log.notes if not note.startswith("no column counts")]
    names = log.lr_columns[: len(log.groups) - log.others]
    if len(names) > 1:
        also = ", ".join(shorten(name, 40) for name in names[1:4]) + (" and others" if len(names) > 4 else "")
        notes.append(f"{names[0]} is used; for {also}, give --column lr=NAME")
    rows = _with_loss(log)
    rows = _positive(rows, notes)
    rows = _rising(rows, log.path, doubts)
    rows, lost = _finite(rows, log.path, doubts)
    rows = _one_per_rate(rows, doubts)
    if len(rows.lr) < FEWEST:
        message = f"{log.path} has {count(len(rows.lr), 'learning rate')} with a finite loss: too few for a curve"
        raise OnecycleError(message, NO_TEST)
    found = Points(
        rows.lr,
        rows.loss,
        rows.steps,
        _spacing(rows.lr),
        len(rows.lr) + len(lost),
        float(lost[0]) if len(lost) else None,
        names[0] if names else log.lr_columns[0],
        log.loss_column,
    )
    return found, doubts, notes


def _with_loss(log: Log) -> _Rows:
    """Return the rows that have a learning rate, with the losses of their steps.

    Some trainers log the two in rows of their own; then those of the same step belong together.

    Raises:
        OnecycleError: none has both.
    """
    assert log.loss is not None  # noqa: S101 - it was asked for
    rows = _Rows(log.steps, log.lr[:, 0], log.loss)
    alone = np.isnan(rows.lr) & ~np.isnan(rows.loss)
    both = ~np.isnan(rows.lr) & ~np.isnan(rows.loss)
    if alone.sum() > both.sum() and log.counts != "row":
        rates = rows.at(~np.isnan(rows.lr))
        order = np.argsort(rates.steps, kind="stable")
        known = rates.steps[order]
        at = np.minimum(np.searchsorted(known, rows.steps), max(len(known) - 1, 0))
        if len(known):
            same = np.isnan(rows.lr) & (known[at] == rows.steps)
            rows = _Rows(rows.steps, np.where(same, rates.lr[order][at], rows.lr), rows.loss)
        rows = rows.at(~np.isnan(rows.loss))
    rows = rows.at(~np.isnan(rows.lr))
    if not np.isfinite(rows.loss).any():
        message = f"no row of {log.path} has both a learning rate and a finite loss"
        raise OnecycleError(message, "name the columns with --column lr=NAME and --column loss=NAME")
    return rows


def _positive(rows: _Rows, notes: list[str]) -> _Rows:
    """Leave out rows without a learning rate above zero: their rate has no logarithm."""
    usable = (rows.lr > 0) & np.isfinite(rows.lr)
    if not usable.all():
        notes.append(f"{count(int((~usable).sum()), 'row')} whose learning rate is not above zero left out")
    return rows.at(usable)


def _rising(rows: _Rows, path: str, doubts: list[Doubt]) -> _Rows:
    """Return the longest stretch of rows in which the learning rate does not fall.

    Raises:
        OnecycleError: it does not rise, or falls more often than it rises.
    """
    change = np.sign(np.diff(rows.lr))
    rises, falls = int((change > 0).sum()), int((change < 0).sum())
    if not rises and not falls:
        rate = f"it is {format_number(float(rows.lr[0]))} throughout" if len(rows.lr) else "no row has one"
        raise OnecycleError(f"{path} is not a range test: the learning rate does not rise, {rate}", NO_TEST)
    if falls >= rises:
        message = f"{path} is not a range test: the learning rate falls in {falls:,} of {falls + rises:,} changes"
        raise OnecycleError(message, NO_TEST)
    if not falls:
        return rows
    edges = np.concatenate([[0], np.flatnonzero(change < 0) + 1, [len(rows.lr)]])
    longest = len(edges) - 2 - int(np.diff(edges)[::-1].argmax())  # of equal ones the last
    begin, end = int(edges[longest]), int(edges[longest + 1])
    times = "once" if falls == 1 else f"{falls:,} times"
    message = (
        f"the learning rate falls {times}, so only the longest stretch in which it rises is used: "
        f"rows {begin:,} to {end - 1:,} of {len(rows.lr):,}, counted from 0"
    )
    doubts.append(Doubt("not-rising", message))
    return rows.at(slice(begin, end))


def _finite(rows: _Rows, path: str, doubts: list[Doubt]) -> tuple[_Rows, Floats]:
    """Leave out losses that are not finite; return also the rates behind the last one that is.

    Raises:
        OnecycleError: none is finite.
    """
    finite = np.isfinite(rows.loss)
    if not finite.any():
        raise OnecycleError(f"no loss in the rising part of {path} is finite", NO_TEST)
    last = int(np.flatnonzero(finite)[-1])
    inside = int((~finite[: last + 1]).sum())
    if inside:
        doubts.append(Doubt("not-finite", f"{_losses(inside)} not finite and left out"))
    lost = np.unique(rows.lr[last + 1 :])
    if len(lost):
        message = (
            f"{_losses(len(rows.lr) - last - 1)} not finite, from the learning rate {format_number(lost[0], 4)} on"
        )
        doubts.append(Doubt("not-finite", message))
    return rows.at(finite), lost


def _losses(number: int) -> str:
    return "1 loss is" if number == 1 else f"{number:,} losses are"


def _one_per_rate(rows: _Rows, doubts: list[Doubt]) -> _Rows:
    """Return one row per learning rate, with the mean of its losses: a staircase holds each rate for some steps."""
    begins = np.concatenate([[0], np.flatnonzero(np.diff(rows.lr) > 0) + 1])
    if len(begins) == len(rows.lr):
        return rows
    sizes = np.diff([*begins, len(rows.lr)])
    message = f"the learning rate stays the same for up to {int(sizes.max()):,} rows: their mean loss is used"
    doubts.append(Doubt("stairs", message))
    shares = rows.loss / np.repeat(sizes, sizes)  # a sum of the losses themselves may be out of range
    return _Rows(rows.steps[begins], rows.lr[begins], np.add.reduceat(shares, begins))


def _spacing(lr: Floats) -> Spacing:
    """Return how the learning rate rises."""
    for name, values in (("exponential", np.log(lr)), ("linear", lr)):
        change = np.diff(values)
        if (np.abs(change - np.median(change)) <= EVEN * np.median(change)).mean() >= NEARLY_ALL:
            return "exponential" if name == "exponential" else "linear"
    return "irregular"
