"""Values that were logged one by one, each with its name and step, joined into rows."""

from __future__ import annotations

from array import array
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING

from onecycle_cli.run.logs.builder import MOST_BAD_ROWS, sampled_rows
from onecycle_cli.run.logs.cells import text_of
from onecycle_cli.run.logs.log import MOST_STEPS, BadRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.logs.builder import LogBuilder
    from onecycle_cli.run.logs.log import Columns

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64] | slice


class NamedValues:
    """Collects values by name. Which names are read can be chosen when all are known."""

    def __init__(self) -> None:
        """Start without values."""
        self._by_name: dict[str, _Values] = {}

    @classmethod
    def of_runs(cls, runs: Mapping[str, NamedValues]) -> NamedValues:
        """Return the values of several runs in one, called by their run and name."""
        every = cls()
        for run, values in runs.items():
            every._by_name |= {f"{run} - {name}": found for name, found in values._by_name.items()}
        return every

    @property
    def names(self) -> list[str]:
        """The names, in the order in which they came."""
        return list(self._by_name)

    def add(self, line: int, name: str, step: float | None, value: float) -> None:
        """Add a value; without a step, it counts the values of its name."""
        found = self._by_name.get(name) or self._by_name.setdefault(name, _Values())
        found.add(line, float(len(found.steps)) if step is None else step, value)

    def add_all(self, line: int, name: str, steps: array[float], values: array[float]) -> None:
        """Add values of one name, all from one line; how they were written is not known."""
        found = self._by_name.get(name) or self._by_name.setdefault(name, _Values())
        found.add_all(line, steps, values)

    def add_once(self, line: int, name: str, step: float, value: float) -> None:
        """Add a value that is logged with each other value of a step, such as the epoch."""
        found = self._by_name.get(name)
        if found is None or found.steps[-1] != step:
            self.add(line, name, step, value)

    def add_bad(self, row: BadRow, name: str) -> None:
        """Add a value that could not be read; it matters if its name is chosen."""
        found = self._by_name.get(name) or self._by_name.setdefault(name, _Values())
        if len(found.bad) <= MOST_BAD_ROWS:
            found.bad.append(row)

    def add_to(self, builder: LogBuilder, columns: Columns, *, grows: bool = False) -> None:
        """Add the rows of the chosen names to a builder; `grows`: more values will be added, so that all are kept.

        Raises:
            OnecycleError: too many values are bad.
        """
        import numpy as np

        if not grows:
            self._by_name = {name: found for name, found in self._by_name.items() if name in columns.values}
        chosen = [self._by_name.get(name) or _Values() for name in columns.values]
        needed = [name not in columns.optional for name in columns.values]
        bad = [row for values in compress(chosen, needed) for row in values.all_bad(columns)]
        builder.add(sorted(bad, key=attrgetter("line")))
        series = [values.valid(columns) for values in chosen]
        steps, places = _aligned([steps for steps, _ in series])
        table = np.full((len(steps), len(series)), np.nan)
        for column, ((_, values), rows) in enumerate(zip(series, places, strict=True)):
            table[rows, column] = values
        kept = ~np.isnan(table[:, : columns.wanted]).all(axis=1)
        if not kept.all():
            steps, table = steps[kept], table[kept]
        builder.add_columns(steps, table, [values.texts for values in chosen])


class _Values:
    """The values of one name."""

    def __init__(self) -> None:
        self.steps, self.values = array("d"), array("d")
        self.texts: list[str] = []
        self.bad: list[BadRow] = []
        self._samples = sampled_rows()
        self._next_sample = next(self._samples)
        self._odd_lines: dict[int, int] = {}

    def add(self, line: int, step: float, value: float) -> None:
        at = len(self.steps)
        if at == self._next_sample:
            self._next_sample = next(self._samples)
            if text := text_of(value):
                self.texts.append(text)
        if not (0 <= step < MOST_STEPS and step == int(step)) and len(self._odd_lines) <= MOST_BAD_ROWS:
            self._odd_lines[at] = line
        self.steps.append(step)
        self.values.append(value)

    def add_all(self, line: int, steps: array[float], values: array[float]) -> None:
        import numpy as np

        begin, numbers = len(self.steps), np.frombuffer(steps)
        valid = (numbers >= 0) & (numbers < MOST_STEPS) & (numbers == np.floor(numbers))
        odd = np.flatnonzero(~valid)[: MOST_BAD_ROWS + 1].tolist()
        self._odd_lines |= {begin + at: line for at in odd}
        self.steps.extend(steps)
        self.values.extend(values)

    def valid(self, columns: Columns) -> tuple[Floats, Floats]:
        """Return the steps and values whose steps are valid."""
        import numpy as np

        steps, values = np.frombuffer(self.steps), np.frombuffer(self.values)
        if columns.are_steps(steps):
            return steps, values
        kept = (steps >= 0) & (steps < MOST_STEPS) & (columns.counts_epochs or steps == np.floor(steps))
        return steps[kept], values[kept]

    def all_bad(self, columns: Columns) -> Iterator[BadRow]:
        """Yield the values that could not be read, or have no valid step."""
        yield from self.bad
        for at, line in self._odd_lines.items():
            try:
                columns.check_step(self.steps[at])
            except ValueError as error:
                yield BadRow(line, str(error))


def _aligned(series: list[Floats]) -> tuple[Floats, Sequence[Places]]:
    """Return the steps of rows, and the row of each value of each series.

    Values of one step share a row. A resumed run logs steps again: the second values of a step share another row. The
    rows are in the order of the first series; those that it does not have are put behind its rows of lower steps.
    """
    import numpy as np

    first = series[0]
    if all(np.array_equal(steps, first) or not steps.size for steps in series):
        return first, [slice(steps.size) for steps in series]
    steps, times = np.concatenate(series), np.concatenate([_times_before(steps) for steps in series])
    order = np.lexsort((times, steps))
    begins = np.append(True, (np.diff(steps[order]) != 0) | (np.diff(times[order]) != 0))
    rows = np.empty(steps.size, dtype=np.int64)
    rows[order] = np.cumsum(begins) - 1
    step_of_row = steps[order][begins]
    place = np.full(step_of_row.size, np.nan)
    place[rows[: first.size]] = np.arange(first.size)
    others = np.flatnonzero(np.isnan(place))
    by_step = np.append(-1, np.argsort(first, kind="stable"))
    place[others] = by_step[np.searchsorted(first[by_step[1:]], step_of_row[others], side="right")] + 0.5
    in_order = np.argsort(place, kind="stable")
    at = np.empty(in_order.size, dtype=np.int64)
    at[in_order] = np.arange(in_order.size)
    ends = np.cumsum([steps.size for steps in series])[:-1]
    return step_of_row[in_order], np.split(at[rows], ends)


def _times_before(steps: Floats) -> Places:
    """Return how often each step came before."""
    import numpy as np

    order = np.argsort(steps, kind="stable")
    begins = np.flatnonzero(np.append(True, np.diff(steps[order]) != 0)) if steps.size else order
    lengths = np.diff(np.append(begins, steps.size))
    times = np.empty(steps.size, dtype=np.int64)
    times[order] = np.arange(steps.size) - np.repeat(begins, lengths)
    return times
