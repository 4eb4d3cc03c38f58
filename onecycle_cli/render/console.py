"""Rich's console as this program wants it."""

from __future__ import annotations

from typing import IO, NoReturn

from rich.console import Console as RichConsole


class Console(RichConsole):
    """Prints texts as they are, with colours where the stream is a terminal."""

    def __init__(self, stream: IO[str]) -> None:
        """Print to a stream; no word in what is printed is markup."""
        super().__init__(file=stream, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> NoReturn:
        """Say that the reader is gone, where rich would end the process itself."""
        raise BrokenPipeError
