"""Nothing in a file, a name or a log acts on the terminal or the CI runner that shows it."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import typer

from onecycle_cli.cli import COMMANDS, main, make_command
from onecycle_cli.cli.streams import InertStream
from onecycle_cli.formatting import inert, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "\x1b[31m\x9b2J\x07\r\u202ex ##[error]y ##vso[task]z [bold red]\n::error::n <b>'\"`$(id)</script>"
"""A terminal's codes, a line of its own after a carriage return, reversed writing, commands to runners, and markup."""

NAME = HOSTILE.replace("/", "_")
"""The same as a file's name."""

PRINTABLE = "a ##[error]b ##vso[task]c"
"""What a name that must be printable can hold of it."""

ACTS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|##\\w*\\[|\r(?!\n)")
COMMAND = re.compile(r"^[^\S\n]*::(?!(?:error|warning|notice) (?:file|title)=)", re.MULTILINE)
"""A command to GitHub's runner, but for the annotations that `validate` writes."""

ROWS = "".join(f"{step},{0.004 + 0.001 * step},{0.01 + 0.001 * step}\n" for step in range(20))
TEXTS = {
    "plan.yaml": f"max_lr: [0.1, 0.2]\ntotal_steps: 20\nname: {json.dumps(HOSTILE)}\ngroups: [head, {PRINTABLE!r}]\n",
    "other.yaml": f"max_lr: 0.1\ntotal_steps: 30\nname: {json.dumps(HOSTILE)}\n",
    "typo.yaml": f"::error::k: 2\nmax_lrr: 0.1\n{json.dumps('k' + HOSTILE)}: 1\ntotal_steps: 20\n"
    f"optimizer: {json.dumps(HOSTILE)}\nanneal_strategy: {json.dumps(HOSTILE)}\ngroups: [{json.dumps(HOSTILE)}]\n",
    "training.yaml": f"{json.dumps(HOSTILE)}:\n  s:\n    _target_: torch.optim.lr_scheduler.OneCycleLR\n"
    f"    max_lr: {json.dumps('${' + HOSTILE + '}')}\n    total_steps: {json.dumps(HOSTILE)}\n"
    f"    {json.dumps(HOSTILE)}: 1\n  t:\n    _target_: torch.optim.lr_scheduler.OneCycleLR\n    max_lr: 0.1\n",
    "train.py": "from torch.optim.lr_scheduler import OneCycleLR\n"
    f"s = OneCycleLR(o, max_lr={HOSTILE!r}, total_steps=20, x={HOSTILE!r})\n",
    "broken.yaml": "a: [\x1b[31m ::error::\n",
    "broken.json": '{"a": \x1b[31m ::error::\n',
    "log.csv": f"step,lr{PRINTABLE},lr\x1b[31m\u202e\n{ROWS}",
    "run.jsonl": "".join(
        json.dumps({"step": step, f"lr/{HOSTILE}": 0.004 + 0.001 * step, f"lr/::error::{step // 99}": 0.01}) + "\n"
        for step in range(20)
    ),
    "notes.log": f"{HOSTILE}\n::error::lr none\n",
    "rows.csv": "step,lr\n::error::\x1b[31m,0.1\n1,::error::##[error]\n2,0.1\n3,0.2\n",
}
"""Configs and logs by the ends of their names; what is not in one command's line is in another's."""

CONFIGS = [name for name in TEXTS if name.endswith((".yaml", ".json", ".py"))]
LOGS = [name for name in TEXTS if name not in CONFIGS]
ARGUMENTS = {"config": CONFIGS, "log": LOGS, "file": [NAME + "new.yaml"], "topic": [HOSTILE, "::error::"]}
"""What stands for a command's arguments, by the names of its parameters."""

WITH = {"--follow": ("--timeout", "0.01")}
"""What a flag needs to come to an end."""

BINARY = (b"PK\x03\x04", b"PAR1", b"\x89PNG")
"""How NPZ, Parquet and PNG begin."""

FILES = {"-o": (".csv", ".jsonl", ".png", ".svg", ".html", ".yaml", ".py", ""), "--output-file": (".txt",)}


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files whose names and contents are hostile, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in TEXTS.items():
        (tmp_path / f"{NAME}{name}").write_text(text)
    return tmp_path


def load(command: str) -> Any:
    context = typer.Context(make_command())
    return make_command().resolve_command(context, [command])[1]


def positional(command: str) -> list[list[str]]:
    """Return words for a command's arguments: each of the files that they may name, once."""
    arguments = [parameter for parameter in load(command).params if parameter.param_type_name == "argument"]
    known = [[NAME + name if name in TEXTS else name for name in ARGUMENTS[each.name]] for each in arguments]
    if not known:
        return [[]]
    return [[each[at % len(each)] for each in known] for at in range(max(map(len, known)))]


def calls(command: str) -> Iterator[list[str]]:
    """Yield a command with hostile files in every format, and with a hostile value for every option."""
    usual = positional(command)
    options = [parameter for parameter in load(command).params if parameter.param_type_name == "option"]
    for words in usual:
        yield [command, *words]
    for option in options:
        name = option.opts[0]
        if choices := option.type_descriptor.choices:
            tried = usual if name == "--format" else usual[:1]
            yield from ([command, *words, name, str(choice)] for choice in choices for words in tried)
        elif option.is_flag:
            yield [command, *usual[0], name, *WITH.get(name, ())]
        elif name in FILES:
            yield from ([command, *usual[0], name, f"{NAME}out{ending}"] for ending in FILES[name])
        if not option.is_flag:
            yield [command, *usual[0], name, HOSTILE]
        if "=" in (option.metavar or ""):
            yield [command, *usual[0], name, f"{HOSTILE}=1"]
            yield [command, *usual[0], name, f"lr={HOSTILE}"]
    yield [command, *usual[0], f"--{HOSTILE}"]


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_a_command_prints_acts(
    command: str, hostile: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    tried = 0
    for call in calls(command):
        tried += 1
        assert main(call) in (0, 1, 2), call
        for printed in capsysbinary.readouterr():
            text = "" if printed.startswith(BINARY) else printed.decode()
            assert not ACTS.search(text), (call, ACTS.search(text))
            assert not COMMAND.search(text), (call, COMMAND.search(text))
    assert tried > len(positional(command))
    for path in hostile.iterdir():
        written = path.name.removeprefix(NAME)
        if written not in TEXTS and path.suffix in (".csv", ".jsonl", ".svg", ".html", ".yaml", ".py", ".txt"):
            text = path.read_text(encoding="utf-8")
            assert not ACTS.search(re.sub(r"##\w*\[", "", text)), (path, ACTS.search(text))


@pytest.mark.parametrize("words", [[HOSTILE], [f"--{HOSTILE}"], ["help", HOSTILE], [NAME + "plan.yaml"]])
def test_nothing_that_the_program_prints_acts(
    words: list[str], hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert not ACTS.search(printed)
    assert not COMMAND.search(printed)


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
