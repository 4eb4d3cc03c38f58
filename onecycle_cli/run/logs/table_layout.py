"""Where the records of a table hold the values of its columns."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from onecycle_cli.run.logs.cells import items_of, shown, value_of_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onecycle_cli.run.logs.log import Columns

    Item = tuple[str, int, int]
    """A column whose cells are printed lists, which of their numbers is read, and how many they hold."""


class Layout:
    """The places of a table's columns. Cells that print several numbers become known with the first row of values.

    Attributes:
        names: the header.
        columns: the columns to read.
        settled: whether it is known which cells print a list.
        prints_lists: whether some do.
        step: the place of the step in a record; None where rows are numbered.
        width: the cells of a record in which each number of a list is a cell.
        places: the places of the values in such a record.
    """

    def __init__(
        self, names: Sequence[str], chosen: Columns, *, decimal_comma: bool, lists: Mapping[str, int] | None = None
    ) -> None:
        """Lay out a table.

        Args:
            names: the header.
            chosen: the columns to read, as the header names them.
            decimal_comma: whether a comma may be a number's point.
            lists: how many numbers the cells hold of columns that print lists; None before that is known.
        """
        self.names, self._chosen, self._lists, self._comma = names, chosen, lists, decimal_comma
        self.columns, items = with_items(chosen, lists or {})
        self.settled, self.prints_lists = lists is not None, bool(lists)
        widths = [(lists or {}).get(name, 1) for name in names]
        begins = list(accumulate(widths, initial=0))
        fields = [items.get(name, (name, 0, 1)) for name in self.columns.values]
        self.step = names.index(chosen.step) if chosen.step is not None else None
        self.width, self.places = begins[-1], [begins[names.index(name)] + at for name, at, _ in fields]
        self._cells = [(names.index(name), self._reader(at, of)) for name, at, of in fields]

    def _reader(self, at: int, of: int) -> Callable[[str], float]:
        if of > 1:
            return partial(value_in_list, at=at, of=of)
        return partial(value_of_text, decimal_comma=True) if self._comma else value_of_text

    def is_header(self, cells: Sequence[str]) -> bool:
        """Return whether a record names the columns that are read."""
        return {*self._chosen.values, self._chosen.step} - {None} <= set(cells)

    def below(self, names: Sequence[str]) -> Layout:
        """Return the layout of the same columns below another header."""
        return Layout(names, self._chosen, decimal_comma=self._comma, lists=self._lists)

    def settle(self, record: Sequence[str]) -> Layout:
        """Return the layout with the lists of a record that has values."""
        chosen = self._chosen
        cells = {name: record[self.names.index(name)] for name in chosen.values[: chosen.wanted]}
        if not any(cell.strip() for cell in cells.values()):
            return self
        lists = {name: len(items) for name, cell in cells.items() if (items := items_of(cell))}
        return Layout(self.names, chosen, decimal_comma=self._comma, lists=lists)

    def values(self, record: Sequence[str]) -> list[float]:
        """Return a record's values, in the order of `Columns.values`. One that need not be a number is missing then.

        Raises:
            ValueError: a learning rate or momentum is not a number.
        """
        values = []
        for (place, read), name in zip(self._cells, self.columns.values, strict=True):
            try:
                values.append(read(record[place]))
            except ValueError as error:
                if name not in self.columns.optional:
                    raise ValueError(f"{self.names[place].strip()}: {error}") from None
                values.append(math.nan)
        return values


def value_in_list(cell: str, at: int, of: int) -> float:
    """Return one number of a printed list of several.

    Raises:
        ValueError: the cell is not a list of so many numbers.
    """
    items = items_of(cell)
    if len(items) == of:
        return value_of_text(items[at])
    if math.isnan(value_of_text(cell)):
        return math.nan
    raise ValueError(f"{shown(cell)} is not a list of {of} numbers")


def with_items(columns: Columns, lists: Mapping[str, int]) -> tuple[Columns, dict[str, Item]]:
    """Return columns in which each number of a printed list is a column of its own, and which number it is.

    `[0.004, 0.01]` holds the rates of two parameter groups; `(0.9, 0.999)` holds Adam's betas, the first of which is
    the momentum.
    """
    items: dict[str, Item] = {}

    def item(name: str, at: int) -> str:
        if lists.get(name, 1) == 1:
            return name
        items[f"{name}/{at}"] = (name, at, lists[name])
        return f"{name}/{at}"

    lr: list[str] = []
    momentum: list[str | None] = []
    groups: list[str] = []
    momenta = columns.momentum or (None,) * len(columns.lr)
    others = 0
    for place, (name, partner, group) in enumerate(zip(columns.lr, momenta, columns.groups, strict=True)):
        rates = lists.get(name, 1)
        others += rates if place >= len(columns.lr) - columns.others else 0
        each, rest = divmod(lists.get(partner, 1), rates) if partner is not None else (0, 1)
        for at in range(rates):
            lr.append(item(name, at))
            groups.append(group if rates == 1 else f"{group}/{at}" if group else str(at))
            momentum.append(item(partner, at * each) if partner is not None and not rest else None)
    found = tuple(momentum) if any(momentum) else ()
    return replace(columns, lr=tuple(lr), momentum=found, groups=tuple(groups), others=others), items
