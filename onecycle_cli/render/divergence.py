"""The rows of a log around its first divergence, as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.render.held import Held, Series
    from onecycle_cli.run.verdict import Divergence

BEFORE, AFTER = 3, 6
"""Rows shown before and after the first that diverges."""

MOST_SERIES = 4
"""Parameter groups shown side by side; the one that diverges is always among them."""

NONE = "-"
MARK = "→"
DIGITS = (6, 9, 12, 15, 17)


def divergence_table(held: Held) -> Any:
    """Make the table: step, planned, logged and difference, the first divergent row marked."""
    from rich.table import Table

    first, wrong = held.verdict.first_divergence, held.diverging()
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    if first is None or wrong is None:
        return table
    shown, offset = _shown(held, wrong), held.verdict.offset
    digits = _digits(first)
    titles = ["", "step", *(["plan's step"] if offset else [])]
    for each in shown:
        titles += [f"planned {each.name}", f"logged {each.name}", "difference"]
    for title in [*titles, *(["of planned"] if len(shown) == 1 else [])]:
        table.add_column(printable(title), justify="right", no_wrap=True)
    for row in _rows(wrong, first.row):
        step = int(held.log.steps[row])
        cells = [MARK if row == first.row else "", f"{step:,}", *([f"{step + offset:,}"] if offset else [])]
        for each in shown:
            cells += _cells(held.planned(each, row), float(each.values[row]), digits)
        if len(shown) == 1:
            cells.append(_relative(held.planned(wrong, row), float(wrong.values[row])))
        table.add_row(*cells, style="bold red" if row == first.row else "")
    return table


def _shown(held: Held, wrong: Series) -> list[Series]:
    """Choose the series of the same kind as the one that diverges, in the log's order."""
    same = [each for each in held.series if each.field == wrong.field]
    if len(same) <= MOST_SERIES:
        return same
    others = [each for each in same if each is not wrong][: MOST_SERIES - 1]
    return [each for each in same if each is wrong or each in others]


def _rows(wrong: Series, row: int) -> Iterator[int]:
    """Give the rows around one that hold a value."""
    before = [at for at in range(max(row - 50 * BEFORE, 0), row) if not math.isnan(wrong.values[at])]
    after = range(row + 1, min(row + 50 * AFTER, len(wrong.values)))
    yield from before[-BEFORE:]
    yield row
    yield from [at for at in after if not math.isnan(wrong.values[at])][:AFTER]


def _digits(first: Divergence) -> int:
    """Choose as many digits as it takes to see that the planned and the logged value are two."""
    if first.planned is None:
        return DIGITS[0]
    for digits in DIGITS:
        if f"{first.planned:.{digits}g}" != f"{first.logged:.{digits}g}":
            return digits
    return DIGITS[-1]


def _cells(planned: float | None, logged: float, digits: int) -> list[str]:
    told = NONE if math.isnan(logged) else f"{logged:.{digits}g}"
    if planned is None or math.isnan(logged):
        return [NONE if planned is None else f"{planned:.{digits}g}", told, NONE]
    gap = logged - planned
    return [f"{planned:.{digits}g}", told, f"{gap:+.3g}" if gap else "0"]


def _relative(planned: float | None, logged: float) -> str:
    """Say a difference as a share of what was planned."""
    if not planned or not math.isfinite(logged):
        return NONE
    share = (logged - planned) / abs(planned)
    return f"{100 * share:+.3g} %" if share else "0"
