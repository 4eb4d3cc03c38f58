"""ClearML's scalars as JSON: by title and series a list of iterations and one of values.

`json.dump(task.get_all_reported_scalars(), file)` writes such a file.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

from onecycle_cli.run.logs.cells import value_of_json
from onecycle_cli.run.logs.documents import JsonText, reading
from onecycle_cli.run.logs.format import Format, Reader
from onecycle_cli.run.logs.named_values import NamedValues

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.run.logs.format import Head
    from onecycle_cli.run.logs.log import Log

START = re.compile(r'\{\s*"[^"]*"\s*:\s*\{\s*"[^"]*"\s*:\s*\{\s*(?:"name"\s*:\s*"[^"]*"\s*,\s*)?"[xy]"\s*:\s*\[')
"""How the text starts: with a title, a series, and one of its lists."""


class ScalarsReader(Reader):
    """Reads the scalars of a task; `title/series` is the name of a value."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the text starts with a list of a series."""
        return START.match(head.text[:1000]) is not None

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole document."""
        with reading(self.path):
            values = _values(JsonText(chunks))
        self.columns = self.choose(values.names)
        values.add_to(self.builder, self.columns)
        return self.build()


def _values(text: JsonText) -> NamedValues:
    """Return the values of all series in a document."""
    values = NamedValues()
    for title in text.members():
        for series in text.members():
            line, lists = text.line, {"x": array("d"), "y": array("d")}
            for axis in text.members():
                if axis not in lists:
                    text.value()
                    continue
                for numbers in text.numbers():
                    lists[axis].extend(map(value_of_json, numbers))
            both = min(map(len, lists.values()))
            values.add_all(line, f"{title}/{series}", lists["x"][:both], lists["y"][:both])
    text.end()
    return values


FORMATS = (Format("clearml", ScalarsReader, step="step"),)
