"""Marks that stand for a value which is known at run time: where they are found, and what gets past them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.cli import main

from .conftest import findings_in, read_text

TORCH = "_target_: torch.optim.lr_scheduler.OneCycleLR"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["show", "--format", "json", *arguments])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def around(text: str) -> Any:
    return read_text(text).context


MARKS = (
    "auto", "AUTO", "Auto", "-1", "null", "~", "'???'", "$LR", "${LR}", "${LR:-0.1}", "'${oc.env:LR}'", "${env:LR}",
    "'${eval:2 * 3}'", "'${mul:${a},2}'", "'{{ lr }}'", "{{ lr }}", "${{ inputs.lr }}",
    "<LR>", "'{lr}'", "'%(lr)s'", "'@LR@'",
    "!env LR",
)  # fmt: skip
GIVEN_FOR = {
    "max_lr": "0.1", "total_steps": "100", "pct_start": "0.2", "div_factor": "10", "final_div_factor": "100",
    "base_momentum": "0.8", "anneal_strategy": "linear",
}  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("setting", GIVEN_FOR)
def test_a_mark_means_at_run_time_and_a_flag_gets_past_it(
    mark: str, setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if setting == "anneal_strategy" and mark in ("-1", "null", "~"):
        return  # a value, though not a valid one, and no value
    value, flag = GIVEN_FOR[setting], f"--{setting.replace('_', '-')}"
    given = {"max_lr": "0.1", "total_steps": "100", setting: mark}
    path = tmp_path / "train.yaml"
    path.write_text("s:\n  type: OneCycleLR\n" + "".join(f"  {name}: {text}\n" for name, text in given.items()))
    assert main(["validate", "--strict", str(path)]) == 0
    capsys.readouterr()
    assert main(["show", str(path)]) == 2
    assert flag in (said := capsys.readouterr().err)
    assert f"--set s.{setting}=" in said or "--set LR=" in said
    assert shown(capsys, str(path), flag, value)[0] == 0
    assert shown(capsys, str(path), "--set", f"s.{setting}={value}")[0] == 0


@pytest.mark.parametrize("command", ["show", "plot", "export", "code", "compare", "validate"])
@pytest.mark.parametrize("mark", ["auto", "-1", "'???'", "$LR", "'${trainer.lr}'", "'${oc.env:LR,0.1}'", "{{ lr }}"])
def test_every_command_gets_past_marks(
    command: str, mark: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.yaml").write_text(f"s:\n  type: OneCycleLR\n  max_lr: {mark}\n  total_steps: {mark}\n")
    options = {"code": ["--framework", "torch"], "compare": ["--convention", "torch,fastai"], "export": []}
    path = ["train.yaml", *options.get(command, [])]
    assert main([command, *path]) == (0 if command == "validate" else 2)
    for flags in (
        ["--max-lr", "0.1", "--total-steps", "100"],
        ["--set", "s.max_lr=0.1", "--set", "s.total_steps=100"],
        ["--max-lr", "0.1", "--set", "s.total_steps=100"],
    ):
        capsys.readouterr()
        assert main([command, *path, *flags]) in ((1,) if command == "compare" else (0,))
        assert "OC501" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        ("auto", "a is auto, set at run time"),
        ("-1", "a is -1, set at run time"),
        ("null", "a is null, set at run time"),
        ("", "a is empty, set at run time"),
        ("'???'", "a is ???, set at run time"),
        ("${oc.env:X}", "a is ${oc.env:X}, the environment variable X"),
        ("${eval:1 + 1}", "a is ${eval:1 + 1}, computed at run time"),
        ("${c.d}", "c.d is not in this file"),
    ],
)
def test_a_mark_two_references_away_is_one(mark: str, why: str) -> None:
    text = f"a: {mark}\nb: ${{a}}\ns: {{type: OneCycleLR, max_lr: '${{b}}', total_steps: 100}}"
    [found] = findings_in(text)
    assert (found.code, found.severity.value) == ("OC501", "info")
    assert found.message == f"max_lr is ${{b}}: {why}"
    assert ("--set c.d=0.1" if "c.d" in mark else "--set a=0.1") in found.hint


@pytest.mark.parametrize("item", ["auto", "-1", "'???'", "$LR", "'${lr}'", "'${oc.env:LR}'"])
@pytest.mark.parametrize("reference", [True, False])
def test_an_item_of_a_list_may_be_a_mark(item: str, reference: bool, tmp_path: Path) -> None:
    items = f"[0.1, {item}]"
    max_lr = "'${rates}'" if reference else items
    text = f"lr: auto\nrates: {items}\ns: {{type: OneCycleLR, max_lr: {max_lr}, total_steps: 100}}"
    [found] = findings_in(text)
    assert (found.code, found.index) == ("OC501", 1)
    assert found.message.startswith("max_lr[1] is ")
    path = tmp_path / "train.yaml"
    path.write_text(text)
    assert main(["show", str(path), "--max-lr", "0.1,0.2"]) == 0
    assert main(["show", str(path), *found.hint.split(" or ")[0].split()[1:]]) == 0


@pytest.mark.parametrize("text", ["last_epoch: -1", "last_epoch: '${le}'", "last_epoch: null", "total_steps: null"])
def test_what_is_a_value_is_no_mark(text: str) -> None:
    block = "s:\n  type: OneCycleLR\n  max_lr: 0.1\n  epochs: 10\n  steps_per_epoch: 10\n"
    assert findings_in(f"le: -1\n{block}  {text}\n") == []
    cycle = "cycle_momentum: false\n  base_momentum: null\n  max_momentum: null"
    assert findings_in(f"{block}  {cycle}\n  three_phase: null\n") == []


def test_the_default_of_an_environment_variable_is_said() -> None:
    text = "s:\n  {}\n  max_lr: {}\n  total_steps: 100\n"
    for mark in ("${oc.env:LR,0.02}", "${LR:-0.02}", "${oc.decode:${oc.env:LR,0.02}}", "${env:LR, '0.02'}"):
        [found] = findings_in(text.format(TORCH, mark))
        assert "the environment variable LR, or 0.02 without it" in found.message
        assert found.hint == "use --set s.max_lr=0.02 or --max-lr 0.02"
        # OmegaConf's oc.env gives a string, also of its default.
        assert ("oc.env gives text" in found.message) == mark.startswith("${oc.env")


TRAINER = "trainer: {{max_epochs: {}, max_steps: {}, devices: {}, accumulate_grad_batches: {}}}\n"


@pytest.mark.parametrize("mark", ["-1", "auto", "null", "'???'", "'${n}'", "$N"])
def test_marks_among_the_trainers_numbers_are_no_numbers(mark: str) -> None:
    block = "optimizer: {{type: AdamW, lr: {0}, betas: {0}}}\ns: {{type: OneCycleLR, max_lr: 0.1, total_steps: 100}}\n"
    text = TRAINER.format(*[mark] * 4) + block.format(mark)
    found = around(text)
    assert (found.epochs, found.max_steps, found.devices, found.accumulation) == (None,) * 4
    assert (found.optimizer_lr, found.optimizer_momentum) == (None, None)
    assert findings_in(text) == []


def test_no_limit_is_not_looked_for_further_up() -> None:
    block = "  s: {type: OneCycleLR, max_lr: 0.1, total_steps: 100}\n"
    for mark, epochs in (("-1", None), ("auto", None), ("null", 7), ("3", 3)):
        found = around(f"epochs: 7\nmodel:\n  trainer: {{max_epochs: {mark}}}\n{block}").epochs
        assert (found and found.value) == epochs


def test_the_share_of_a_warmup_follows_what_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.yaml"

    def fraction(text: str, *given: str) -> float | None:
        path.write_text(f"s: {{type: OneCycleLR, max_lr: 0.1, {text}}}\n")
        code, plan = shown(capsys, str(path), *given)
        return plan["warmup"]["fraction"] if code == 0 else None

    assert fraction("warmup_steps: 50, total_steps: 100") == 0.5
    assert fraction("warmup_steps: 50, total_steps: 100", "--total-steps", "500") == 0.1
    assert fraction("warmup_steps: 50", "--total-steps", "500") == 0.1
    assert fraction("warmup_steps: 50, epochs: 5", "--steps-per-epoch", "100") == 0.1
    assert fraction("warmup_epochs: 2", "--epochs", "8", "--steps-per-epoch", "100") == 0.25
    assert fraction("warmup_epochs: 2", "--total-steps", "100") is None
    assert fraction("warmup_epochs: 2", "--total-steps", "100", "--pct-start", "0.5") == 0.5
    assert fraction("warmup_steps: auto, total_steps: 100") is None
    assert fraction("warmup_steps: auto, total_steps: 100", "--set", "s.warmup_steps=20") == 0.2
    assert fraction("warmup_steps: null, total_steps: 100") == 0.3


@pytest.mark.parametrize("mark", ["$LR", "${LR}", "{{ lr }}", "'{{ lr }}'", "<LR>", "'???'", "'${optimizer.lr}'"])
def test_a_config_of_ours_may_be_a_template(mark: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"max_lr: {mark}\ntotal_steps: 100\n")
    assert main(["validate", "--strict", str(path)]) == 0
    assert main(["show", str(path)]) == 2
    given = capsys.readouterr().err.split("hint: use ")[1].split()[:2]
    assert main(["show", str(path), "--max-lr", "0.1"]) == 0
    assert main(["show", str(path), *given]) == 0


def test_nothing_sets_what_is_auto_in_a_config_of_ours(tmp_path: Path) -> None:
    [found] = findings_in("max_lr: auto\ntotal_steps: 100\n")
    assert (found.code, found.severity.value) == ("OC501", "error")
    assert "no program sets it" in found.message
    assert [each.code for each in findings_in("max_lr: 0.1\ntotal_steps: -1\n")] == ["OC201"]
    assert findings_in("max_lr: 0.1\ntotal_steps: 100\nname: auto\n") == []
    assert findings_in("max_lr: 0.1\ntotal_steps: 100\nname: '{{ x }}'\n") == []
