"""Nothing in a file, a name or a log acts on the terminal or the CI runner that shows it."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from onecycle_cli.cli import COMMANDS, main
from onecycle_cli.cli.streams import InertStream
from onecycle_cli.formatting import inert, json_text

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\x1b[31m\x9b2J\x07\r\u202ex ##[error]y ##vso[task]z [bold red]"
"""A terminal's codes, a line of its own after a carriage return, reversed writing, and commands to two runners."""

ACTS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|##\\w*\\[|\r(?!\n)")
COMMAND = re.compile(r"^\s*::", re.MULTILINE)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Files whose names and contents are hostile, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{step},{0.004 + 0.001 * step}\n" for step in range(20))
    texts = {
        f"::error::{HOSTILE}.yaml": "max_lr: 0.1\ntotal_steps: 20\n",
        f"typo{HOSTILE}.yaml": f'max_lrr: 0.1\n"{"::error::k" + HOSTILE[8:30]}": 1\n::error::: 2\ntotal_steps: 20\n',
        f"log{HOSTILE}.csv": f"step,lr\n{rows}",
        f"notes{HOSTILE}.log": f"{HOSTILE}\n::error::lr none\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return dict(zip(("plan", "typo", "log", "notes"), texts, strict=True))


CALLS = {
    "show": [["show", "{plan}"], ["show", "-v", "{plan}"], ["show", "--format", "json", "{plan}"], ["show", "{typo}"]],
    "plot": [["plot", "{plan}", *rest] for rest in (["-o", HOSTILE + ".png"], ["-o", HOSTILE], ["--terminal"])],
    "export": [["export", "{plan}"], ["export", "{plan}", "-o", "::x" + HOSTILE + ".csv"]],
    "code": [["code", "{plan}", "--framework", "torch"], ["code", "{plan}", "--framework", HOSTILE]],
    "compare": [["compare", "{plan}", "--convention", "torch,optax"], ["compare", "{plan}", "{plan}", "--format=json"]],
    "check": [["check", "{plan}", "{log}"], ["check", "{plan}", "{notes}"], ["check", "{plan}", "{log}", "{log}"]],
    "fit": [["fit", "{log}"], ["fit", "{notes}"]],
    "validate": [
        *([["validate", "{typo}", "{plan}", "--format", form]
          for form in ("full", "concise", "json", "github", "sarif", "junit")]),
        ["validate", "{typo}", "--diff"],
        ["validate", "{typo}", "--fix"],
        ["validate", HOSTILE],
    ],
    "init": [["init", HOSTILE + ".yaml"], ["init", "{plan}"]],
    "schema": [["schema", HOSTILE]],
    "explain": [["explain", HOSTILE], ["explain", "::error::"]],
    "sweep": [["sweep", "{plan}", "--vary", "max_lr=0.1,0.2", "-o", HOSTILE]],
    "range": [["range", "{log}"], ["range", "{notes}"]],
    "tune": [["tune", "{plan}"]],
    "report": [["report", "{plan}", "-o", HOSTILE + ".html"]],
}  # fmt: skip


@pytest.mark.parametrize("command", [name for name in CALLS if name in COMMANDS])
def test_a_hostile_name_is_inert_in_every_command(
    command: str, hostile: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for call in CALLS[command]:
        arguments = [part.format(**hostile) if part.startswith("{") else part for part in call]
        assert main(arguments) in (0, 1, 2)
        printed = capsys.readouterr()
        for stream in printed:
            ours = [
                line for line in stream.splitlines(keepends=True) if re.match("::(error|warning|notice) file=", line)
            ]
            rest = "".join(line for line in stream.splitlines(keepends=True) if line not in ours)
            assert not ACTS.search(stream), (arguments, ACTS.search(stream))
            assert not COMMAND.search(rest), (arguments, COMMAND.search(rest))


def test_every_command_is_tried() -> None:
    assert CALLS.keys() >= COMMANDS.keys()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain\ttext\r\nof two lines\n", "plain\ttext\r\nof two lines\n"),
        ("a\x1b[2Jb", "a\ufffd[2Jb"),
        ("a\rb", "a\ufffdb"),
        ("::error::x", ": :error::x"),
        ("a\n  ::error::x", "a\n  : :error::x"),
        ("a ::error::x", "a ::error::x"),
        ("x[::2]", "x[::2]"),
        ("a ##[error]", "a ## [error]"),
        ("##vso[task.setvariable]", "## vso[task.setvariable]"),
        ("## heading", "## heading"),
        ("grün → 日本", "grün → 日本"),
    ],
)
def test_what_is_left_of_a_text(text: str, left: str) -> None:
    assert inert(text) == left


def test_colours_are_kept_on_a_terminal_only() -> None:
    text = "\x1b[1;31mred\x1b[0m \x1b[2J"
    assert inert(text, colours=True) == "\x1b[1;31mred\x1b[0m \ufffd[2J"
    assert "\x1b" not in inert(text)


@pytest.mark.parametrize("parts", [["::error::x"], ["  ", "::error::x"], ["  :", ":error::x"], ["a\n", "::error::x\n"]])
def test_a_command_is_found_in_parts(parts: list[str]) -> None:
    target = io.StringIO()
    InertStream(target).writelines(parts)
    assert not COMMAND.search(target.getvalue())


def test_a_text_in_the_middle_of_a_line_is_no_command() -> None:
    target = io.StringIO()
    InertStream(target).writelines(["x", "::y\n"])
    assert target.getvalue() == "x::y\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("u\udcff", "u\ufffd"),
        ("\ud800x", "\ufffdx"),
        ("\\udcff", "\\udcff"),
        ("😀 \u202e", "😀 \u202e"),
        ("\\\udcff", "\\\ufffd"),
    ],
)
def test_json_is_valid_for_strict_readers(text: str, wanted: str) -> None:
    written = json_text({"path": text})
    assert json.loads(written) == {"path": wanted}
    assert written.isascii()
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(float("inf"))
