"""What a format of logs is: its name, its reader, and how its columns are named.

A reader serves one or more formats. It recognizes a file by its first bytes (`Head`) and turns it into rows. A reader
of a format that grows by whole lines derives from `LineReader`, which can also follow a file that is still written.
Reusable parts are `records.cells_of` and `records.Records` for delimited text, `objects.ObjectReader` for lines with
named values, and `named_values.NamedValues` for values that are logged one by one.
"""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from onecycle_cli.run.logs.builder import LogBuilder
from onecycle_cli.run.logs.columns import stripped
from onecycle_cli.run.logs.log import CUT_OFF, NotYetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.columns import Names
    from onecycle_cli.run.logs.log import BadRow, Columns, Log, Row

    Line = tuple[int, str]
    """A line's number in the file, 1-based, and its text without the end of line."""

CHUNK = 2**18
"""Bytes read at a time. What is made of them, until it is numbers, takes up to thirty times as much memory."""

LONGEST_HEAD = 2**20
"""The most bytes that are looked at to recognize a format."""

LONGEST_LINE = 2**20
"""Characters after which a line is cut, so that a file without line ends cannot fill the memory."""

FIRST_LINES = 5
"""Lines split off a head: a JSON Lines file has an object among them, a JSON document over many lines does not."""

FOREIGN = {
    b"BZh": ("compressed with bzip2", "unpack it first: bunzip2"),
    b"\xfd7zXZ": ("compressed with xz", "unpack it first: unxz"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it first: unzstd"),
    b"PK\x03\x04": ("a zip archive (npz and xlsx are, too)", "save the log as CSV or JSON Lines"),
    b"PAR1": ("a Parquet file", "save the log as CSV or JSON Lines"),
    b"\x89PNG": ("a picture", "name the log it was drawn from"),
}
"""The first bytes of files that are known but not read."""


@dataclass(frozen=True, slots=True)
class Format:
    """How one trainer or tool writes its logs.

    Attributes:
        name: the name, as in `Log.format`.
        reader: the class that reads its files.
        matches: whether columns with these names are of this format. Of the formats with one reader the first that
            matches is taken, so that the last one should match any names.
        step: the column that counts steps, if it is not one of `columns.STEPS`.
        lr: the column with the learning rate, if its name does not match `columns.NAMINGS`.
        momentum: the column with the momentum, if it is not found by its name.
        metrics: returns the column of each metric, where the file has another name for it than the trainer.
    """

    name: str
    reader: type[Reader]
    matches: Callable[[Names], bool] = lambda _: True
    step: str | None = None
    lr: str | None = None
    momentum: str | None = None
    metrics: Callable[[Sequence[str]], Mapping[str, str]] = stripped


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    Attributes:
        data: the first bytes.
        complete: whether no more bytes will be looked at: the file ends here, or there are LONGEST_HEAD of
            them.
    """

    data: bytes
    complete: bool = False

    @cached_property
    def foreign(self) -> tuple[str, str] | None:
        """What the file is, and what to do with it, where it is one of FOREIGN."""
        return next((known for magic, known in FOREIGN.items() if self.data.startswith(magic)), None)

    @cached_property
    def is_text(self) -> bool:
        """Whether the file is not one of FOREIGN, and its first line holds no NUL unless it is UTF-16."""
        nul = b"\0" in self.data[:1024].partition(b"\n")[0]
        return self.foreign is None and (not nul or encoding_of(self.data) == "utf-16")

    @cached_property
    def text(self) -> str:
        """The text without the white space before it; empty where the bytes are not text."""
        return self.data.decode(encoding_of(self.data), "replace").lstrip() if self.is_text else ""

    @cached_property
    def lines(self) -> list[str]:
        """The first complete lines of `text`, at most FIRST_LINES (one more at the end of the file)."""
        *lines, rest = self.text.split("\n", FIRST_LINES)
        return [*lines, rest] if self.complete else lines


def encoding_of(data: bytes) -> str:
    """Return the encoding that a byte order mark declares; UTF-8 without one."""
    return "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


class Reader(ABC):
    """Reads one file, from its first byte on."""

    def __init__(self, path: str, choose: Callable[[Sequence[str]], Columns]) -> None:
        """Start before the first byte.

        Args:
            path: the file's name in messages.
            choose: returns the columns to read, given the names of all columns in the file. It raises OnecycleError
                where none of them is a learning rate, or one that the user named is missing.
        """
        self.path = path
        self.choose = choose
        self.columns: Columns | None = None
        self.builder = LogBuilder(path)

    @classmethod
    @abstractmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether a file that begins like this is read by this class; None where more bytes are needed."""

    @classmethod
    def recognizes_folder(cls, folder: str) -> bool:  # noqa: ARG003 - most formats are files
        """Return whether a folder is a log that this class reads."""
        return False

    @abstractmethod
    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole file, given as chunks of bytes; a folder has none.

        Raises:
            NotYetError: no row has a learning rate.
            OnecycleError: the file cannot be read, or has no column to read.
        """

    def build(self, notes: tuple[str, ...] = (), *, grows: bool = False) -> Log:
        """Return the rows read so far as a log; `grows`: more will be added to them.

        Raises:
            NotYetError: no row was read, or the columns are not known yet.
            OnecycleError: too many of the rows are bad.
        """
        if self.columns is None:
            raise NotYetError(f"{self.path} has no rows", "check that this is the right file")
        return self.builder.build(self.columns, notes, grows=grows)


class LineReader(Reader):
    """Reads a file that grows by whole lines, all at once or as it is written."""

    shows_torn_lines: ClassVar[bool] = False
    """Whether a line that was cut off while it was written cannot be taken for a whole one."""

    def __init__(self, path: str, choose: Callable[[Sequence[str]], Columns]) -> None:
        """Start before the first byte; the arguments are those of `Reader`."""
        super().__init__(path, choose)
        self._lines = Lines()

    @property
    def rows_read(self) -> int:
        """How many rows were read, apart from bad ones."""
        return len(self.builder)

    @abstractmethod
    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Return the rows of further lines that hold a learning rate or a momentum, and the bad rows.

        Sets `columns` as soon as the lines show them.
        """

    def remaining_rows(self) -> Iterator[Row | BadRow]:
        """Return the rows that were held back until the end of the file.

        Raises:
            OnecycleError: the file has no column to read.
        """
        return iter(())

    def add(self, lines: Iterable[Line]) -> None:
        """Add the rows of further lines to the builder."""
        self.builder.add(self.rows(lines))

    def feed(self, data: bytes) -> bool:
        """Read further bytes, cut anywhere; return whether they completed a row.

        Raises:
            OnecycleError: the file has no column to read, or too many rows are bad.
        """
        before = self.rows_read
        self.add(self._lines.feed(data))
        return self.rows_read > before

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole file, given as chunks of bytes."""
        for data in chunks:
            self.feed(data)
        last = list(self._lines.feed(b"", ended=True))
        before = self.rows_read
        self.add(last)
        torn = bool(last) and self.rows_read > before and not self.shows_torn_lines
        self.builder.add(self.remaining_rows())
        return self.build((CUT_OFF,) if torn else ())


class Lines:
    """Cuts bytes into numbered lines; what follows the last end of line waits for more.

    UTF-8, or UTF-16 where a byte order mark says so. An invalid byte becomes U+FFFD: in a cell that is read it makes a
    bad row, elsewhere it does no harm.
    """

    def __init__(self) -> None:
        """Start at the first line."""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._waiting = b""
        self._rest = ""
        self._next = 1

    def feed(self, data: bytes, *, ended: bool = False) -> Iterator[Line]:
        """Return the lines that further bytes complete.

        Args:
            data: the next bytes, cut anywhere.
            ended: the file ends here, so that its last line is complete without an end of line.
        """
        texts = self._decode(data, ended=ended).split("\n")
        texts[0] = self._rest + texts[0]
        self._rest = texts.pop()[: LONGEST_LINE + 1]
        if ended and self._rest:
            texts.append(self._rest)
            self._rest = ""
        first = self._next
        self._next += len(texts)
        return enumerate(texts, first)

    def _decode(self, data: bytes, *, ended: bool) -> str:
        if self._decoder is None:
            self._waiting += data
            if len(self._waiting) < 2 and not ended:  # a byte order mark may be incomplete
                return ""
            data = self._waiting
            self._decoder = codecs.getincrementaldecoder(encoding_of(data))("replace")
        return self._decoder.decode(data, ended)
