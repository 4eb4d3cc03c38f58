"""Tables: CSV, with commas, semicolons or tabs, below a header that names the columns."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import unwrapped, value_of_text
from onecycle_cli.run.logs.columns import find_lr, stripped
from onecycle_cli.run.logs.format import LONGEST_LINE, Format, LineReader
from onecycle_cli.run.logs.log import BadRow
from onecycle_cli.run.logs.records import Records, cells_of, plain_columns, rejoined
from onecycle_cli.run.logs.table_layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onecycle_cli.run.logs.columns import Names
    from onecycle_cli.run.logs.format import Head, Line
    from onecycle_cli.run.logs.log import Row
    from onecycle_cli.run.logs.records import Record

DELIMITERS = ",;\t"

SMALL_BLOCK = 20
"""Lines that are read one by one, since setting up a block takes longer than reading them."""


class TableReader(LineReader):
    """Reads a table; the first line that is neither blank nor a comment names the columns."""

    _rows = 0

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether this is text; None before its first line is complete."""
        return bool(head.lines and head.lines[0]) or None if head.is_text else False

    def add(self, lines: Iterable[Line]) -> None:
        """Add the rows of further lines to the builder: all at once where they are plain numbers, else one by one."""
        lines = list(lines)
        at = 0
        while at < len(lines):
            is_plain = self.columns is not None and self._layout.settled and not self._records.waiting
            end = len(lines) if is_plain else at + SMALL_BLOCK
            if not (is_plain and end - at >= SMALL_BLOCK and self._add_block(lines[at:end])):
                super().add(lines[at:end])
            at = end

    def _add_block(self, lines: Sequence[Line]) -> bool:
        """Add lines that all have the header's number of cells, if each that is read is a number or empty.

        This takes a fifth of the time that reading them one by one takes. Returns False for any other lines.
        """
        import numpy as np

        layout, delimiter = self._layout, self._records.delimiter
        texts = [unwrapped(text) if layout.prints_lists else text for _, text in lines]
        picked = plain_columns(texts, delimiter, layout.width, [layout.step or 0, *layout.places])
        if picked is None:
            return False
        table = np.array(picked, dtype=np.float64).T
        steps, values = table[:, 0], table[:, 1:]
        if layout.step is None:
            steps = np.arange(self._rows, self._rows + len(lines), dtype=np.float64)
        kept = np.flatnonzero(~np.isnan(values[:, : layout.columns.wanted]).all(axis=1))
        if not layout.columns.are_steps(steps[kept]):
            return False

        def texts_of(row: int) -> list[str]:
            cells = cells_of(texts[kept[row]], delimiter)
            return [cells[place].strip() for place in layout.places]

        self.builder.add_block(steps[kept], values[kept], texts_of)
        self._rows += len(lines)
        return True

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Return the rows of further lines.

        Raises:
            OnecycleError: the header names no learning rate, or lacks a column that the user named.
        """
        lines = iter(lines)
        if self.columns is None:
            header = next((text for _, text in lines if text.strip() and not text.startswith("#")), None)
            if header is None:
                return
            delimiter = max(DELIMITERS, key=header.count)
            try:
                names = cells_of(header[:LONGEST_LINE], delimiter)
            except csv.Error as error:
                message = f"the header of {self.path} is not valid CSV: {error}"
                raise OnecycleError(message, "check that this is the right file") from None
            self._layout = Layout(names, self.choose(names), decimal_comma=delimiter == ";")
            self._records = Records(delimiter)
            self.columns = self._layout.columns
        yield from self._read(self._records.cut(lines))

    def remaining_rows(self) -> Iterator[Row | BadRow]:
        """Return what an open quote held back."""
        if self.columns is not None:
            yield from self._read(self._records.end())

    def _read(self, records: Iterable[Record | BadRow]) -> Iterator[Row | BadRow]:
        for record in records:
            if isinstance(record, BadRow):
                self._rows += 1
                yield record
                continue
            line, cells = record
            if len(cells) == 1 and not cells[0].strip():
                continue
            try:
                row = self._row(cells)
            except ValueError as error:
                if self._layout.is_header(cells):  # a resumed run wrote its header here, maybe in another order
                    self._layout = self._layout.below(cells)
                    continue
                yield BadRow(line, str(error))
            else:
                if row is not None:
                    yield row
            self._rows += 1

    def _row(self, cells: list[str]) -> Row | None:
        """Return a row; None where it has none of the values.

        Raises:
            ValueError: the row is bad. The step may be anything where the row has no values.
        """
        width = len(self._layout.names)
        if len(cells) > width:
            cells = rejoined(cells, self._records.delimiter)
        # A delimiter at the end of each line makes empty cells past the header's.
        if len(cells) != width and (len(cells) < width or "".join(cells[width:]).strip()):
            raise ValueError(f"{len(cells)} cells, but the header has {width}")
        if not self._layout.settled:
            self._layout = self._layout.settle(cells)
            self.columns = self._layout.columns
        layout = self._layout
        values = layout.values(cells)
        if not layout.columns.is_row(values):
            return None
        return self._rows if layout.step is None else layout.columns.check_step(
            value_of_text(cells[layout.step])
        ), values


def metrics_of_chart(names: Sequence[str]) -> dict[str, str]:
    """Return the columns of a W&B chart by metric, and its axis by its own name.

    The columns are called `run - metric`, with `run - metric__MIN` and `__MAX` beside each.

    Raises:
        OnecycleError: several runs have a learning rate.
    """
    split = {name: name.rpartition(" - ") for name in names if not name.strip().endswith(("__MIN", "__MAX"))}
    metrics = {name: (run.strip(), metric.strip()) for name, (run, between, metric) in split.items() if between}
    runs = {name: run for name, (run, metric) in metrics.items() if find_lr([metric])[1]}
    if len(set(runs.values())) > 1:
        listed = ", ".join(sorted(set(runs.values())))
        raise OnecycleError(f"the chart holds several runs: {listed}", f"name one: --column 'lr={next(iter(runs))}'")
    axes = {name.strip(): name for name in split if name not in metrics}
    return axes | {metric: name for name, (_, metric) in metrics.items()}


def is_chart(names: Names) -> bool:
    """Return whether columns are called by their run and metric."""
    return any(" - " in name and not name.strip().endswith(("__MIN", "__MAX")) for name in names.written)


def _is_ultralytics(names: Names) -> bool:
    return names.counts_epochs and any(re.fullmatch(r"lr/pg\d+", key) for key in names.keys)


def is_wandb_history(names: Names) -> bool:
    """Return whether these are the columns of a W&B run's history."""
    return "_step" in names.keys and not names.keys.isdisjoint({"_runtime", "_timestamp"})


FORMATS = (
    Format("wandb", TableReader, is_chart, metrics=metrics_of_chart),
    Format("tensorboard", TableReader, lambda names: names.keys == {"wall time", "step", "value"}, lr="value"),
    Format("lightning", TableReader, lambda names: find_lr(list(stripped(names.written)))[0] == "monitor"),
    Format("ultralytics", TableReader, _is_ultralytics),
    Format("keras", TableReader, lambda names: names.counts_epochs),
    Format("wandb", TableReader, is_wandb_history),
    Format("csv", TableReader),
)
