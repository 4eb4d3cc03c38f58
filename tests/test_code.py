"""`onecycle code`: every snippet parses, says what it cannot follow, and has what the plan says of its run."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.ramps import CosineRamp, LinearRamp, Ramp
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.render.code import GUARD_TOLERANCE, ONE_CYCLE_ONLY, OTHER_NAMES, Framework, code
from onecycle_cli.run.guard import TOLERANCE
from tests.snippets import FRAMEWORKS, PLANS, snippet


@pytest.mark.parametrize("framework", [each for each in FRAMEWORKS if each != "r-torch"])
@pytest.mark.parametrize("plan", PLANS)
def test_python_compiles_and_is_short(plan: str, framework: Framework) -> None:
    if "then" in PLANS[plan] and framework in ONE_CYCLE_ONLY:
        with pytest.raises(OnecycleError, match="cannot follow a plan that goes on after its cycle"):
            snippet(plan, framework)
        return
    text = snippet(plan, framework)
    compile(text, f"{framework}.py", "exec")
    assert max(map(len, text.splitlines())) <= 130
    assert len(text.splitlines()) <= (90 if "then" in PLANS[plan] else 80)  # a row per phase and group
    assert text.endswith("\n")
    assert "\n\n\n\n" not in text


@pytest.mark.parametrize("plan", PLANS)
def test_r_is_balanced(plan: str) -> None:
    text = snippet(plan, "r-torch")
    bare = re.sub(r'"[^"\n]*"|#.*', "", text)
    assert '"' not in bare
    for opening, closing in ("()", "{}", "[]"):
        assert bare.count(opening) == bare.count(closing)
    assert not re.search(r",\s*\)", bare)
    assert not re.search(r"\b(True|False|None|math)\b", bare)


@pytest.mark.parametrize(
    ("plan", "framework", "words"),
    [
        ("optax", "torch", "the last learning rate is 4e-07 there, 0.001254 in the plan"),
        ("optax", "mmengine", "the last learning rate is 4e-07 here, 0.001254 in the plan"),
        ("torch", "optax", "optax.cosine_onecycle_schedule is not used"),
        ("torch", "fastai", "differs from the plan by up to 15 % of the peak, at step 4 (0.07"),
        ("accumulated", "fastai", "because fastai moves its schedule with every batch"),
        ("torch", "paddle", "Paddle's optimizers keep theirs"),
        ("torch", "mmengine", "schedules the learning rate alone"),
        ("accumulated", "mmengine", "MMEngine steps the schedule with every batch"),
        ("resumed-inside", "keras", "resume from a checkpoint that was saved at an epoch's end"),
        ("accumulated", "keras", "the run has fewer updates than the plan"),
        ("groups", "keras", "one learning rate, here that of the group backbone"),
        ("processes", "keras", "train_loader has 2 x 2 samples in a batch"),
        ("torch", "accelerate", "The scheduler is not given to prepare"),
        ("processes", "optax", "2 processes: each calls jax.distributed.initialize()"),
        ("processes", "r-torch", "train_dl has 2 x 2 samples in a batch"),
        ("processes", "mmengine", "Start it with torchrun, 2 processes in all"),
        ("groups", "paddle", "the first one's times a constant"),
        ("rising", "torch", "divides by zero"),
        ("phases", "r-torch", "lr_one_cycle is not used"),
        ("r-torch", "torch", "OneCycleLR differs from the plan by"),
        ("fastai", "torch", "fastai counts its position in float32"),
    ],
)
def test_what_cannot_be_followed_is_said(plan: str, framework: Framework, words: str) -> None:
    comments = " ".join(re.sub(r"^# ", "", line) for line in snippet(plan, framework).splitlines() if line[:1] == "#")
    assert words in comments


class Squared(Ramp):
    """A ramp that no framework has."""

    __slots__ = ()

    def at(self, step: Any, cos: Any) -> Any:
        return self.start + (self.end - self.start) * self.progress(step) ** 2


@pytest.mark.parametrize("total_steps", [7, 30, 1000])
@pytest.mark.parametrize("ramps", [(Squared, Squared), (LinearRamp, CosineRamp)])
def test_curves_without_a_formula_are_straight_pieces(ramps: tuple[type[Ramp], type[Ramp]], total_steps: int) -> None:
    settings = OneCycle(max_lr=0.1, total_steps=total_steps, pct_start=0.5)
    schedule = settings.schedule()

    def made(kind: type[Ramp], ramps: tuple[Ramp, ...]) -> tuple[Ramp, ...]:
        return tuple(kind(ramp.start, ramp.end, ramp.edge, ramp.span) for ramp in ramps)

    own = Schedule(
        schedule.plan,
        [
            replace(phase, lr=made(kind, phase.lr), momentum=made(kind, phase.momentum))
            for kind, phase in zip(ramps, schedule.phases, strict=True)
        ],
    )
    text = code("torch", "own", settings, own)
    compile(text, "own.py", "exec")
    assert "straight pieces" in text
    if ramps[0] is LinearRamp:  # is straight itself
        assert text[text.index("LR = ") :].splitlines()[1].startswith(f"    ({schedule.phases[0].last_step}, ")
    given: dict[str, Any] = {"math": math}
    exec(text[text.index("LR = ") : text.index("class OneCycleScheduler")], given)
    for step in range(total_steps):
        assert given["one_cycle"](step, given["LR"]) == pytest.approx(own.lr(step), abs=1e-5)
        assert given["one_cycle"](step, given["MOMENTUM"]) == pytest.approx(own.momentum(step), abs=1e-5)


@pytest.mark.parametrize(
    ("plan", "framework", "lines"),
    [
        ("torch", "torch", ["steps_per_epoch=len(train_loader),  # planned: 7"]),
        ("torch", "torch", ["scheduler.step()  # after every batch"]),
        ("accumulated", "torch", ["steps_per_epoch=math.ceil(len(train_loader) / 2),  # planned: 7"]),
        ("torch", "lightning", ['"interval": "step"', "=self.trainer.estimated_stepping_batches,  # planned: 21"]),
        ("torch", "transformers", ["total_steps=num_training_steps,  # planned: 21", "num_train_epochs=3"]),
        ("steps", "transformers", ["total_steps=23", "max_steps=23"]),
        ("optax", "optax", ["transition_steps=4 * len(train_loader),  # planned: 20"]),
        ("paddle", "paddle", ["paddle.optimizer.lr.OneCycleLR(\n    max_learning_rate=0.1,\n    total_steps=20,\n)"]),
        ("torch", "paddle", ["total_steps=3 * len(train_loader),  # planned: 21", "end_learning_rate=4e-07"]),
        ("fastai", "fastai", ["\nlearn.fit_one_cycle(4, lr_max=0.1)\n"]),
        ("torch", "mmengine", ["end=3,", "convert_to_iter_based=True"]),
        ("torch", "r-torch", ["steps_per_epoch = length(train_dl)  # planned: 7\n)", "scheduler$step()  # after"]),
        ("groups", "r-torch", ["max_momentum = list(0.9, 0.9)"]),
        ("accumulated", "lightning", ["accumulate_grad_batches=2,"]),
        ("accumulated", "transformers", ["gradient_accumulation_steps=2,"]),
        ("accumulated", "fastai", ["#     learn.fit_one_cycle(", "Accumulation(n_acc=2 * 2)"]),
        ("accumulated", "mmengine", ["accumulative_counts=2,"]),
        ("accumulated", "optax", ["optax.MultiSteps("]),
        ("processes", "torch", ["DistributedSampler(", "sampler.set_epoch(epoch)", "get_world_size() == 2"]),
        ("processes", "lightning", ["devices=2,"]),
        ("processes", "transformers", ["training_args.world_size == 2"]),
        ("processes", "fastai", ["with learn.distrib_ctx():", "3 * math.ceil(len(learn.dls.train) / 6) == 9"]),
        ("processes", "paddle", ["DistributedBatchSampler(", "paddle.DataParallel(model)"]),
        ("resumed", "torch", ["for epoch in range(2, 4):", "assert scheduler.last_epoch == 10"]),
        ("resumed", "paddle", ["for epoch in range(2, 4):", "assert scheduler.last_epoch == 10"]),
        ("resumed", "optax", ["for epoch in range(2, 4):"]),
        ("resumed", "r-torch", ["for (epoch in 3:4) {", "stopifnot(scheduler$last_epoch == 10)"]),
        ("resumed", "accelerate", ['accelerator.load_state("checkpoint")', "for epoch in range(2, 4):"]),
        ("resumed", "keras", ['keras.models.load_model("checkpoint.keras")', "epochs=4, initial_epoch=2"]),
        ("accumulated", "accelerate", ["gradient_accumulation_steps=2", "with accelerator.accumulate(model):"]),
        ("processes", "accelerate", ["assert accelerator.num_processes == 2"]),
        ("resumed", "lightning", ['ckpt_path="checkpoint.ckpt"']),
        ("resumed", "transformers", ['resume_from_checkpoint="checkpoints/checkpoint-10"']),
        ("resumed", "fastai", ['learn.load("checkpoint")', "start_epoch=2)"]),
        ("resumed", "mmengine", ['load_from = "work_dirs/epoch_2.pth"', "resume = True"]),
        ("zero", "torch", ['final_div_factor=float("inf")']),
    ],
)  # fmt: skip
def test_what_is_written(plan: str, framework: Framework, lines: list[str]) -> None:
    text = snippet(plan, framework)
    for line in lines:
        assert line in text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_names_stay_in_their_comment(framework: Framework) -> None:
    settings = OneCycle(max_lr=(0.1, 0.2), groups=("a b", "class"), total_steps=20, optimizer="x\nimport os")
    text = code(framework, "a\nimport os", settings, settings.schedule())
    assert not re.search(r"^\s*import os", text, re.MULTILINE)
    if framework != "r-torch":
        compile(text, f"{framework}.py", "exec")


def test_the_command_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = ["--max-lr", "0.1", "--total-steps", "100"]
    assert main(["code", *plan, "--framework", "torch"]) == 0
    printed = capsys.readouterr().out
    assert "OneCycleLR(" in printed
    target = tmp_path / "scheduler.py"
    assert main(["code", *plan, "--framework", "torch", "-o", str(target)]) == 0
    assert capsys.readouterr().out == ""
    assert target.read_text() == printed
    target.write_text("mine\n")
    assert main(["code", *plan, "--framework", "torch", "-o", str(target)]) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_text() == "mine\n"
    assert main(["code", *plan, "--framework", "torch", "-o", str(target), "--force"]) == 0
    assert target.read_text() == printed


def test_the_guards_tolerance_is_its_own() -> None:
    assert GUARD_TOLERANCE == TOLERANCE
    settings = OneCycle(max_lr=0.1, total_steps=59, convention="fastai")
    for plan, given in ((settings, True), (OneCycle(max_lr=0.1, total_steps=59), False)):
        assert (
            ", tolerance=" in code("torch", "a", plan, plan.schedule(), guarded=True).replace("\n    ", " ")
        ) is given


def test_other_names_of_frameworks(capsys: pytest.CaptureFixture[str]) -> None:
    for alias, framework in {**OTHER_NAMES, "PyTorch_Lightning": "lightning", "HF": "transformers"}.items():
        printed = []
        for name in (alias, framework):
            assert main(["code", "--max-lr", "0.1", "--total-steps", "100", "--framework", name]) == 0
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--framework", "caffe"], "caffe"),
        (["--framework", "trch"], "did you mean torch?"),
        (["--framework", "optax", "--guard"], "--guard is not available for optax"),
        ([], "--framework is missing"),
        (["--framework", "torch", "a.yaml", "b.yaml"], "one plan"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["code", "--max-lr", "0.1", "--total-steps", "100", *arguments]) == 2
    assert words in capsys.readouterr().err
