"""One input: the words of a command, and the files in the folder where it runs."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STDIN = "-"


@dataclass(frozen=True)
class Case:
    """An input.

    `words` come after `onecycle`; the file `-` is standard input.
    """

    words: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the files to a folder."""
        for name, data in self.files.items():
            path = folder / name
            if "/" in name:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def command(self) -> str:
        """Return the command as a shell takes it."""
        given = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        stdin = ["< ./-"] if STDIN in self.files else []
        return " ".join([*given, "onecycle", *map(_quoted, self.words), *stdin])


def clear(folder: Path) -> None:
    """Remove what a case and its command left in a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _quoted(word: str) -> str:
    """Return a word for a shell: as it is where it is printable, else with escapes, which bash and zsh read."""
    if word.isprintable():
        return shlex.quote(word)
    bytes_ = word.encode("utf-8", "surrogateescape" if _from_bytes(word) else "surrogatepass")
    return "$'" + "".join(f"\\x{byte:02x}" for byte in bytes_) + "'"


def _from_bytes(word: str) -> bool:
    return all(not 0xD800 <= ord(char) <= 0xDFFF or 0xDC80 <= ord(char) <= 0xDCFF for char in word)


def shown(case: Case) -> str:
    """Return a case in a few lines, also one whose files are not text."""
    files = [f"{name}: {json.dumps(data[:300].decode('utf-8', 'replace'))}" for name, data in case.files.items()]
    return "\n".join([case.command(), *files])
