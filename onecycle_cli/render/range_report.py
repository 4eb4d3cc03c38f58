"""What a range test says: a table of the rules, how far they are apart, JSON and CSV."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING

from onecycle_cli.formatting import count, finite, json_text, printable, short
from onecycle_cli.render.lines import has_colour, styled, table, width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.run.range_test import RangeTest, Reading

NONE = "-"

AGREE = 3.0
"""The factor up to which rules agree: a peak that is wrong by less rarely decides whether a run is good."""

ALONE = 10.0
"""How many times nearer the rules are to each other without one that is far from all others."""

DIFFERS = 0.1
"""The share by which a rate without spikes differs for it to be shown."""

ABOVE = 0.35
"""How far the axis of losses reaches above those before the lowest one, as a share of their range: the end explodes."""

COLUMNS = ("rule", "lr", "step", "loss", "kind", "how", "source", "smoothing", "without_spikes", "why_not")
"""The columns of the CSV."""


def span(test: RangeTest) -> str:
    """Return how far the rules are apart, in a sentence; empty where none gives a rate."""
    found = test.suggestions
    if not found:
        return ""
    rates = [reading.lr or 0.0 for reading in found]
    low, high = short(rates[0]), short(rates[-1])
    if len(found) == 1:
        return f"only {found[0].rule} gives a rate: {low}"
    factor = rates[-1] / rates[0]
    if factor <= AGREE:
        return f"the rules agree within a factor of {factor:.2g}: {low} to {high}"
    said = f"the rules span {low} to {high}, a factor of {_factor(factor)}"
    if len(found) > 2:
        for alone, others in ((found[0], rates[1:]), (found[-1], rates[:-1])):
            if factor >= ALONE * others[-1] / others[0]:
                return f"{said}; all but {alone.rule} are within {short(others[0])} to {short(others[-1])}"
    return said


def _factor(factor: float) -> str:
    return f"{factor:.2g}" if factor < 99.5 else f"{factor:,.0f}"


def heading(test: RangeTest, name: str) -> str:
    """Return what was tested, in a line."""
    points = test.points
    how = {"exponential": "equal factors", "linear": "equal amounts", "irregular": "irregular steps"}[points.spacing]
    return (
        f"{printable(name)}: {count(points.rows, 'row')}, {printable(points.lr_column)} "
        f"{short(points.lr[0])} to {short(points.lr[-1])} in {how}"
    )


def losses(test: RangeTest) -> str:
    """Return how the loss went, and whether it was smoothed."""
    points, smoothed = test.points, test.smoothed
    lowest = int(smoothed.argmin())
    way = f"{short(smoothed[0])}, lowest {short(smoothed[lowest])} at {short(points.lr[lowest])}"
    way += f", last {short(smoothed[-1])}"
    how = "raw in the log; smoothed here, for each rule as its framework does"
    if not test.is_raw:
        how = "smooth in the log already; no rule smooths it again"
    return f"{printable(points.loss_column)} {way} ({how})"


def print_range(test: RangeTest, name: str, stream: IO[str], drawing: str = "") -> None:
    """Print what the rules read off a test, and how far they are apart."""
    width, colour = width_of(stream), has_colour(stream)
    stream.write(f"{styled(heading(test, name), 'bold', colour=colour)}\n")
    stream.writelines(f"{line}\n" for line in wrap(f"  {losses(test)}", width, indent=2))
    if drawing:
        stream.write(f"\n{drawing}")
    stream.write("\n" + table(_rows(test), width, left=(0, 1, -1, -2), colour=colour))
    said = [span(test), *map(_missing, (reading for reading in test.readings if reading.lr is None))]
    stream.write("\n")
    for sentence in filter(None, said):
        stream.writelines(f"{line}\n" for line in wrap(sentence, width, indent=2))


def marks(test: RangeTest) -> dict[str, str]:
    """Return the sign of each rule that gives a rate: 1, 2, 3 …, and ! for a limit."""
    given = [reading for reading in (*test.suggestions, *test.readings) if reading.lr is not None]
    numbered = dict.fromkeys(reading.rule for reading in given if not reading.is_limit)
    limits = {reading.rule: "!" for reading in given if reading.is_limit}
    return {rule: str(number) for number, rule in enumerate(numbered, 1)} | limits


def _rows(test: RangeTest) -> list[list[str]]:
    """Return a table of the rules, the lowest rate first, then the limit, then those that give none."""
    signs = marks(test)
    has_spikes = any(_changed(reading) for reading in test.readings)
    titles = ["", "rule", "lr", *(["without spikes"] if has_spikes else []), "loss", "what it takes", "as in"]
    rows = [titles]
    order = [*test.suggestions, *(one for one in test.readings if one.is_limit or one.lr is None)]
    for reading in order:
        cells = [signs.get(reading.rule, ""), reading.rule, NONE if reading.lr is None else short(reading.lr)]
        if has_spikes:
            cells.append(short(reading.without_spikes or 0.0) if _changed(reading) else "")
        cells += [NONE if reading.loss is None else short(reading.loss), reading.how, reading.source]
        rows.append(cells)
    return rows


def _changed(reading: Reading) -> bool:
    """Return whether spikes change what a rule gives."""
    one, other = reading.lr, reading.without_spikes
    return one is not None and other is not None and abs(other - one) > DIFFERS * one


def _missing(reading: Reading) -> str:
    return f"{reading.rule}: none, as {reading.why_not}"


def range_json(test: RangeTest, name: str, notes: Sequence[str]) -> str:
    """Return what `onecycle range --format json` writes."""
    points, lowest = test.points, int(test.smoothed.argmin())
    rates = [reading.lr for reading in test.suggestions if reading.lr is not None]
    answer = {
        "log": name,
        "rows": points.rows,
        "lr": {
            "column": points.lr_column,
            "first": float(points.lr[0]),
            "last": float(points.lr[-1]),
            "decades": points.decades,
            "spacing": points.spacing,
        },
        "loss": {
            "column": points.loss_column,
            "is_raw": test.is_raw,
            "fell": test.fell,
            "first": finite(float(test.smoothed[0])),
            "lowest": finite(float(test.smoothed[lowest])),
            "lowest_lr": float(points.lr[lowest]),
            "last": finite(float(test.smoothed[-1])),
        },
        "rules": [_reading_json(test, reading) for reading in test.readings],
        "span": {"low": rates[0], "high": rates[-1], "factor": rates[-1] / rates[0]} if rates else None,
        "summary": span(test),
        "spikes": [float(points.lr[row]) for row in test.spikes],
        "doubts": [{"code": doubt.code, "message": doubt.message} for doubt in test.doubts],
        "notes": list(notes),
        "points": [
            {"step": step, "lr": lr, "loss": loss, "smoothed": finite(smoothed)}
            for step, lr, loss, smoothed in zip(
                points.steps.tolist(), points.lr.tolist(), points.loss.tolist(), test.smoothed.tolist(), strict=True
            )
        ],
    }
    return json_text(answer)


def _reading_json(test: RangeTest, reading: Reading) -> dict[str, object]:
    return {
        "rule": reading.rule,
        "kind": "limit" if reading.is_limit else "suggestion",
        "lr": reading.lr,
        "step": None if reading.row is None else int(test.points.steps[reading.row]),
        "loss": None if reading.loss is None else finite(reading.loss),
        "how": reading.how,
        "source": reading.source,
        "smoothing": reading.smoothing,
        "first_row": reading.first,
        "last_row": reading.last,
        "without_spikes": reading.without_spikes,
        "why_not": reading.why_not or None,
    }


def range_csv(test: RangeTest) -> str:
    """Return what `onecycle range --format csv` writes: a row per rule."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for reading in test.readings:
        answer = _reading_json(test, reading)
        writer.writerow(["" if answer[name] is None else answer[name] for name in COLUMNS])
    return stream.getvalue()


def sentences(test: RangeTest) -> Iterator[str]:
    """Yield what is doubtful about a test."""
    yield from (doubt.message for doubt in test.doubts)
