"""Configs with several blocks: the paths that are listed, what `--block` finds, and aliases of one block."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config.block_choice import block_paths, choose
from onecycle_cli.config.files import Source
from onecycle_cli.config.reader import read
from onecycle_cli.errors import OnecycleError

from .conftest import findings_in, read_text


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["show", "--format", "json", *arguments])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


TWO = (
    "generator:\n  scheduler: {type: OneCycleLR, max_lr: 0.2, total_steps: 10}\n"
    "discriminator:\n  scheduler: {type: OneCycleLR, args: {max_lr: 0.4, total_steps: 20}}\n"
)


def test_of_several_blocks_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gan.yaml"
    path.write_text(TWO)
    assert main(["show", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {path} has 2 one-cycle blocks: generator.scheduler (line 2), discriminator.scheduler (line 4)\n"
        "hint: name one: --block generator.scheduler\n"
    )
    for block, total_steps in {"generator.scheduler": 10, "discriminator.scheduler.args": 20}.items():
        assert shown(capsys, str(path), "--block", block)[1]["total_steps"] == total_steps
    assert main(["show", str(path), "--block", "encoder"]) == 2
    assert "its blocks: generator.scheduler" in capsys.readouterr().err
    assert main(["validate", str(path)]) == 0


def block(total_steps: int) -> str:
    return f"{{type: OneCycleLR, max_lr: 0.1, total_steps: {total_steps}}}"


FLAT = "scheduler: onecycle\nmax_lr: 0.1\npct_start: 0.2\ntotal_steps: 9\n"
CLASS_NAME = "lr_scheduler_class_name: OneCycleLR, lr_scheduler: {max_lr: 0.1, total_steps: "
SEVERAL = {
    "keys with dots": (f"a.b: {block(9)}\na: {{b: {block(10)}}}\n", ["a.b:1", "a.b:2"]),
    "keys with dots in one line": (f"{{a.b: {block(9)}, a: {{b: {block(10)}}}}}", ["a.b:1:14", "a.b:1:70"]),
    "an empty key": (f"'': {block(9)}\nb: {block(10)}\n", [".", "b"]),
    "an empty key, and the root": (f"{FLAT}'': {block(10)}\n", [".:1", ".:5"]),
    "the root": (f"{FLAT}d: {{s: {block(10)}}}\n", [".", "d.s"]),
    "words": (f"my sched: {block(9)}\n--x: {block(10)}\n", ["my sched", "--x"]),
    "a list": (f"s:\n  - {block(9)}\n  - {block(10)}\n", ["s.0", "s.1"]),
    "a class as a key": (
        "a:\n  OneCycleLR: {max_lr: 0.1}\nb:\n  OneCycleLR: {max_lr: 0.2}\n",
        ["a.OneCycleLR", "b.OneCycleLR"],
    ),
    "a name beside its dict": (f"g: {{{CLASS_NAME}9}}}}\nd: {{{CLASS_NAME}10}}}}\n", ["g", "d"]),
    "settings alone": ("g: {max_lr: 0.1, pct_start: 0.2}\nd: {max_lr: 0.2, pct_start: 0.2}\n", ["g", "d"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SEVERAL)
def test_every_path_that_is_listed_finds_its_block(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, paths = SEVERAL[name]
    path = tmp_path / "train.yaml"
    path.write_text(text)
    assert main(["show", str(path)]) == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert all(f"{each} (line " in message for each in paths)
    assert shlex.split(hint) == ["hint:", "name", "one:", "--block", paths[0]]
    plans = read(Source(str(path), named=True, text=text))
    assert block_paths(plans) == paths
    for plan, each in zip(plans, paths, strict=True):
        given = [] if "total_steps" in plan.values else ["--total-steps", "10"]
        code, found = shown(capsys, str(path), "--block", each, *given)
        assert (code, found["total_steps"]) == (0, plan.values.get("total_steps", 10))
        assert choose(plans, each) is plan


def test_a_wrong_path_is_answered_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(TWO)
    for given, near in {
        "generator.schedule": "generator.scheduler",
        "Discriminator.scheduler": "discriminator.scheduler",
        "model.generator.scheduler": "generator.scheduler",
    }.items():
        assert main(["show", str(path), "--block", given]) == 2
        assert f"did you mean --block {near}? its blocks: " in capsys.readouterr().err
    path.write_text("max_lr: 0.1\ntotal_steps: 10\n")
    assert main(["show", str(path), "--block", "scheduler"]) == 2
    assert "hint: leave --block out" in capsys.readouterr().err


@pytest.mark.slow
def test_of_very_many_blocks_some_are_listed() -> None:
    text = "".join(f"s{at}: {{type: OneCycleLR, max_lr: 0.1, total_steps: {at + 10}}}\n" for at in range(500))
    plans = read(Source("train.yaml", named=True, text=text))
    with pytest.raises(OnecycleError) as refused:
        choose(plans, None)
    assert "500 one-cycle blocks: s0 (line 1), s1 (line 2), " in refused.value.message
    assert refused.value.message.endswith(" and 490 more")
    assert choose(plans, "s499") is plans[499]


# --- Aliases ----------------------------------------------------------------------------------------------------

ALIASES = {
    "train.yaml": (
        "x: &x {type: OneCycleLR, max_lr: 1e-3, total_steps: 100, pct_start: 1.5}\n"
        "a: {s: *x}\nb: {s: *x, t: [*x, *x]}\n"
    ),
    "train.py": (
        "x = dict(type='OneCycleLR', max_lr='fast', total_steps=100, pct_start=1.5)\na = dict(s=x)\nb = [x, x]\n"
    ),
    "merged.yaml": (
        "x: &x {max_lr: fast, total_steps: 100, pct_start: 1.5}\n"
        "a: {type: OneCycleLR, <<: *x}\nb: {type: OneCycleLR, <<: *x}\n"
    ),
    "references.yaml": "x: &x {type: OneCycleLR, max_lr: '${..lr}', total_steps: '${.n}'}\na: {s: *x}\nb: {s: *x}\n",
}


@pytest.mark.parametrize("name", ALIASES)
def test_what_aliases_share_is_reported_once(name: str) -> None:
    found = findings_in(ALIASES[name], name)
    places = [(each.code, each.line, each.column) for each in found]
    assert len(found) >= 2
    assert len({*places}) == len(places)


def test_aliases_of_one_block_are_one_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = "x: &x {type: OneCycleLR, max_lr: 0.1, total_steps: 100}\n"
    path = tmp_path / "train.yaml"
    path.write_text(f"{block}a: {{s: *x}}\nb: {{s: *x}}\n")
    assert shown(capsys, str(path))[1]["total_steps"] == 100
    assert shown(capsys, str(path), "--block", "b.s")[1]["total_steps"] == 100
    # With another optimizer beside it, it is another plan.
    path.write_text(f"{block}a: {{s: *x}}\nb: {{s: *x, optimizer: {{type: Adam}}}}\n")
    assert main(["show", str(path)]) == 2
    assert "3 one-cycle blocks: x (line 1), a.s (line 1), b.s (line 1)" in capsys.readouterr().err


def test_a_block_that_is_chosen_is_the_only_one() -> None:
    config = read_text(TWO)
    assert choose([config], None) is config
