"""Logs for people: lines of text with the learning rate among other words, with or without a pattern for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import items_of
from onecycle_cli.run.logs.columns import EPOCHS, STEPS, TEXT, find_lr
from onecycle_cli.run.logs.format import Format, LineReader
from onecycle_cli.run.logs.objects import ObjectReader, entry_of
from onecycle_cli.run.logs.pattern import ANY_VALUE, LONGEST_TEXT, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from onecycle_cli.run.logs.format import Head, Line
    from onecycle_cli.run.logs.log import BadRow, Columns, Row
    from onecycle_cli.run.logs.objects import Entry

COUNTERS = tuple(
    (parse_pattern(text), first)
    for text, first in (
        ("Epoch(train) [{epoch}][{iter}/{per_epoch}]", 1),  # MMEngine
        ("Iter(train) [{iter}/{}]", 1),
        ("Epoch [{epoch}][{iter}/{per_epoch}]", 1),  # mmcv
        ("Iter [{iter}/{}]", 1),
        ("Epoch: [{epoch}] [{iter}/{per_epoch}]", 0),  # torchvision's references, DETR, MAE, PaddleDetection
        ("Train: [{epoch}/{}][{iter}/{per_epoch}]", 0),  # Swin Transformer
        ("Train: {epoch} [{iter}/{per_epoch}", 0),  # timm
        ("Epoch {epoch}/{}", 1),  # Keras
    )
)
"""How trainers count epochs and the steps in them where these have no names of their own; and their first epoch."""

PAIR = re.compile(
    rf"(?<![\w./-])(learning rate|[a-z_][\w./-]*+)(?:\([^()\s]*+\))?+['\"]?+\s*+[:=]?+\s*+['\"]?+({ANY_VALUE})",
    re.IGNORECASE,
)
"""A name and a number, as in `lr: 1e-3`, `lr=[0.001]`, `step 50`, `'epoch': '0.5'` or `lr(Momentum): 0.1`."""

COUNTED = {re.findall(r"\w+", pattern.text)[0].lower() for pattern, _ in COUNTERS}
"""The words with which these begin."""

CELLS = re.compile("[,;\t]")
"""What separates the cells of a table's header."""

BLANK = ' \r"'
"""What may be around a cell."""

UNPRINTED = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x08+")
"""Colours and the movements of a progress bar."""

COUNTER_NAMES = frozenset((*STEPS, *EPOCHS))

WORDS = ("lr", "learning", "epoch", "step", "iter", "update", "train")
"""A line without any of these, in lower case, says nothing."""

JSON = re.compile(r"[\[{]\s*[\[{}\]\"]")
"""How a JSON document starts; a printed dict starts with {', and a time or a level may be in brackets."""

LINES_SEEN = 2000
"""Lines looked at to recognize a log, or to show the one that is closest to a pattern."""


class TextReader(ObjectReader, LineReader):
    """Reads the numbers in lines of text. What counts steps or epochs holds for the lines below it.

    Attributes:
        patterns: where the numbers are; without patterns they are recognized by the names before them.
    """

    def __init__(self, path: str, choose: Callable[[Sequence[str]], Columns], patterns: Sequence[str] = ()) -> None:
        """Start before the first line; the arguments are those of `Reader`, and the patterns as they were typed.

        Raises:
            OnecycleError: a pattern is invalid.
        """
        super().__init__(path, choose)
        self.patterns = [parse_pattern(text) for text in patterns]
        self._counters: dict[str, str] = {}
        self._unmatched: list[str] = []
        self._have_rates: dict[tuple[str, ...], bool] = {}

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether a line has a learning rate in it, and the first one does not name columns."""
        if not head.is_text or JSON.match(head.text):
            return False
        header = next((line for line in head.lines if line.strip()), None)
        if header is None:
            return None if not head.complete else False
        if names_columns(header):
            return False
        reader = cls("", lambda _: _refuse())
        entries = reader.entries(enumerate(head.text.split("\n")[:LINES_SEEN]))
        if next(entries, None) is not None:
            return True
        is_table = PAIR.search(header) is None and len(CELLS.split(header)) > 1
        return False if head.complete or is_table else None

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Return the rows of further lines."""
        return self.rows_of(self.entries(lines))

    def remaining_rows(self) -> Iterator[Row | BadRow]:
        """Return the rows that waited for the columns.

        Raises:
            OnecycleError: no line matches a pattern, or none has a learning rate.
        """
        if self.patterns and self.columns is None and not self._waiting:
            pattern = self.patterns[-1]
            hint = pattern.closest(self._unmatched) or "check the pattern, and that this is the right file"
            raise OnecycleError(f"no line of {self.path} matches --pattern {pattern.text!r}", hint)
        return super().remaining_rows()

    def entries(self, lines: Iterable[Line]) -> Iterator[Entry | BadRow]:
        """Yield what the lines say, for each that has more than counters."""
        for number, text in lines:
            for piece in text.split("\r"):  # a progress bar is drawn over and over on one line
                line = _beginning(piece)
                found = self._matched(line) if self.patterns else self._recognized(line)
                counters = {name: value for name, value in found.items() if name.casefold() in COUNTER_NAMES}
                if any(name.casefold() in EPOCHS for name in counters):
                    self._counters = {}
                self._counters |= counters
                if len(counters) < len(found):
                    yield entry_of(number, {**self._counters, **found})

    def _matched(self, line: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for pattern in self.patterns:
            found |= pattern.match(line) or {}
        if not found and self.columns is None and len(self._unmatched) < LINES_SEEN and line.strip():
            self._unmatched.append(line)
        return found

    def _recognized(self, line: str) -> dict[str, str]:
        """Return the numbers in a line that has a learning rate, or else those that count."""
        lowered = line.lower()
        if not any(word in lowered for word in WORDS):
            return {}
        found = _counters(line) if any(word in lowered for word in COUNTED) else {}
        for name, value in PAIR.findall(line):
            if name.casefold() not in found and (value[0] not in "[(" or items_of(value)):
                found.setdefault(name, value)
        names = tuple(found)
        if names not in self._have_rates:
            if len(self._have_rates) > LINES_SEEN:
                self._have_rates.clear()
            self._have_rates[names] = bool(find_lr(names)[1])
        return (
            found
            if self._have_rates[names]
            else {name: value for name, value in found.items() if name.casefold() in COUNTER_NAMES}
        )


def _beginning(text: str) -> str:
    """Return what is looked at of a line, without what is not printed; no word is cut in two."""
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT].rpartition(" ")[0]
    return text if text.isprintable() else UNPRINTED.sub("", text)


def names_columns(line: str) -> bool:
    """Return whether a line is the header of a table with a learning rate, and not its value in words.

    A cell that is itself a name and a number, such as `lr: 8e-3` or `step: 0`, is a value. The number of a group is a
    part of a name: `lr:0`, `lr[1]`.
    """
    cells = [cell.strip(BLANK) for cell in CELLS.split(line)]
    counts = (match[1].casefold() for cell in cells if (match := PAIR.fullmatch(cell)))
    if not COUNTER_NAMES.isdisjoint(counts):
        return False
    return bool(find_lr([cell.strip(BLANK) for cell in CELLS.split(PAIR.sub(_without_value, line))])[1])


def _without_value(pair: re.Match[str]) -> str:
    """Return nothing in place of a name and its value; a name with the number of a group as it is."""
    between = pair[0][pair.end(1) - pair.start() : pair.start(2) - pair.start()]
    return pair[0] if pair[2].strip("[]").isdigit() and between[-1:] != " " else ""


def _counters(line: str) -> dict[str, str]:
    for pattern, first in COUNTERS:
        found = pattern.match(line)
        if found is None:
            continue
        if (per_epoch := found.pop("per_epoch", None)) is not None:
            step = (float(found["epoch"]) - first) * float(per_epoch) + float(found.pop("iter"))
            return {"step": f"{step:.0f}", **found}
        return found
    return {}


def _refuse() -> Columns:
    raise AssertionError


FORMATS = (Format(TEXT, TextReader),)
