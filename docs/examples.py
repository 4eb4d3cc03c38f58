"""The examples in README and docs: run them, and return each page with the output that they give now.

A page's blocks run one after another in one empty folder with copies of `configs/` and `logs/`:

* `console`: every line after `$ ` is a command, and what follows is its output. A line that ends in a backslash goes on
  in the next. `$ echo $?` shows the exit code of the command before.
* Any block whose first line is a comment with a file's name, `# plan.yaml`, is written to that file.
* Another `python` block runs as a program; a `text` block right after it is its output.

`<!-- without torch: COMMAND -->` before a block says what to run where a package is missing; the block then stays as it
is. A picture of a page in docs/images is the file of that name which a command of the page wrote.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from onecycle_cli.cli import main
from onecycle_cli.errors import BUG

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
SAMPLES = ("configs", "docs/logs")

BLOCK = re.compile(
    r"(?:<!-- without (?P<package>\w+): (?P<instead>.*?) -->\n+)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL
)
FILE_NAME = re.compile(r"# ([\w./-]+\.(?:ya?ml|toml|py|ipynb))\n")
WITHOUT_COMMENTS = ".ipynb"
PICTURE = re.compile(r"!\[[^\]]*\]\((?:docs/|\.\./)*(?:images/)([\w-]+\.png)\)")
SHELL = re.compile(r"[|<>;&]")

WIDTH = "88"
REMOVED = ("LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "GITHUB_ACTIONS")
"""Variables that would change what is printed."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page after its blocks ran: its text with the output of now, and the pictures that it made."""

    text: str
    pictures: dict[str, bytes]


def pages() -> list[Path]:
    """Return README and every page of the documentation."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def run_page(path: Path) -> Page:
    """Run the blocks of a page.

    Raises:
        RuntimeError: a block failed, or a picture was not made.
    """
    text = path.read_text()
    with tempfile.TemporaryDirectory() as name, _environment(), contextlib.chdir(name):
        for sample in SAMPLES:
            shutil.copytree(ROOT / sample, sample)
        return Page("".join(_run_blocks(text)), {name: _picture(name) for name in PICTURE.findall(text)})


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    with patch.dict(os.environ, {"COLUMNS": WIDTH, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}):
        for name in REMOVED:
            os.environ.pop(name, None)
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        yield


def _run_blocks(text: str) -> Iterator[str]:
    """Yield the pieces of a page, its blocks with the output of now."""
    end, printed = 0, None
    for block in BLOCK.finditer(text):
        yield text[end : block.start("text")]
        between, end = text[end : block.start()].strip(), block.end("text")
        language, body = block["language"], block["text"]
        expected = printed if language == "text" and not between.removeprefix("```") else None
        printed = None
        if named := FILE_NAME.match(body):
            Path(named[1]).parent.mkdir(parents=True, exist_ok=True)
            Path(named[1]).write_text(body[named.end() :] if named[1].endswith(WITHOUT_COMMENTS) else body)
        elif block["package"] and importlib.util.find_spec(block["package"]) is None:
            _run_in_shell(block["instead"])
        elif language == "console":
            body = "".join(_run_console(body))
        elif language == "python":
            printed = _run_python(body)
        elif expected is not None:
            body = expected
        yield body
    yield text[end:]


def _run_console(text: str) -> Iterator[str]:
    """Yield the commands of a block, each with its output."""
    code = 0
    for lines in re.findall(r"^\$ ((?:.*\\\n)*.*\n)", text, re.MULTILINE):
        yield f"$ {lines}"
        command = lines.replace("\\\n", " ").strip()
        if command == "echo $?":
            yield f"{code}\n"
            continue
        is_plain = command.startswith("onecycle ") and not SHELL.search(command)
        code, printed = (_run_plain if is_plain else _run_in_shell)(command)
        if code >= BUG:
            raise RuntimeError(f"{command} ended with {code}:\n{printed}")
        yield printed


def run_onecycle(words: list[str], *, errors: bool = True) -> tuple[int, str]:
    """Run a command in this process, which is fast, and return its exit code and what it printed.

    Args:
        words: the words after the program's name.
        errors: whether to return what it printed on standard error, too.
    """
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    other = stream if errors else io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(other):
        code = main(words)
    stream.seek(0)
    return code, stream.read()


def _run_plain(command: str) -> tuple[int, str]:
    words = shlex.split(command)[1:]
    return run_onecycle([name for word in words for name in _expanded(word)])


def _expanded(word: str) -> list[str]:
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def _run_in_shell(command: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False
    )
    return done.returncode, done.stdout


def _run_python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode or done.stderr:
        raise RuntimeError(f"{done.stderr}\nin\n{program}")
    return done.stdout


def _picture(name: str) -> bytes:
    if not Path(name).is_file():
        raise RuntimeError(f"no command of the page writes {name}")
    return Path(name).read_bytes()
