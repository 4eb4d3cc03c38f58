"""Text logs: with the forms that are known, and by patterns."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.run.logs import pattern, read_log
from onecycle_cli.run.logs.log import Log
from onecycle_cli.run.logs.pattern import parse_pattern
from onecycle_cli.run.logs.text_logs import PAIR

from .conftest import DATA
from .logged_runs import appending, follow

LOGS = DATA / "logs"
CYCLE = OneCycle(max_lr=0.1, total_steps=20).schedule()


@pytest.mark.parametrize(
    ("form", "column"),
    [
        ("step: {step}, loss: .5, lr: {lr}", "step"),
        ("lr: {lr} step: {step}", "step"),
        ("lr: {lr}, loss: 0.4, step: {step}", "step"),
        ("iter: {step}; lr: {lr}", "iter"),
        ("step: {step}\tlr: {lr}", "step"),
        ("step:{step},lr:{lr}", "step"),
        ("2026-01-02 10:00:00,123 INFO step: {step}, lr: {lr}", "step"),
        ("Iteration {step} | Learning rate: {lr} | loss 0.7", "Iteration"),
        ("step: {step}, train/lr: {lr}", "step"),
        ("step: {step}, lr: [{lr}]", "step"),
    ],
)
def test_values_in_words_are_no_header(form: str, column: str, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    lines = [form.format(step=step, lr=f"{CYCLE.lr(step):.6f}") for step in range(20)]
    path.write_text("\n".join(lines) + "\n")
    log = read_log(str(path))
    assert (log.format, log.step_column, log.steps.tolist()) == ("text", column, list(range(20)))
    assert log.lr[:, 0].tolist() == [round(CYCLE.lr(step), 6) for step in range(20)]


@pytest.mark.parametrize(
    ("header", "groups"),
    [
        ("step,lr:0,lr:1", ("0", "1")),
        ("step,lr[0],lr[1]", ("0", "1")),
        ('"step","lr=0.1 - train/lr","lr=0.1 - loss"', ("",)),
        ("step\tlr\tloss: mean", ("",)),
    ],
)
def test_names_with_numbers_are_a_header(header: str, groups: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    between = "\t" if "\t" in header else ","
    path.write_text("\n".join([header, *(between.join((str(step), "0.25", "0.5")) for step in range(20))]) + "\n")
    log = read_log(str(path))
    assert log.format != "text"
    assert (log.groups, log.lr.shape, log.lr[3].tolist()) == (groups, (20, len(groups)), [0.25, 0.5][: len(groups)])


@pytest.mark.parametrize(
    ("name", "steps", "column", "logged"),
    [
        # Keras 3.15: once an epoch, counted from 1; verbose=1 draws a bar again and again.
        ("keras_verbose_1.txt", range(1, 21), "epoch", range(20)),
        ("keras_verbose_2.txt", range(1, 21), "epoch", range(20)),
        # MMEngine 0.10.7: every second iteration, counted from 1, in the epoch or in the run
        ("mmengine_epoch.log", range(2, 22, 2), "step", range(1, 20, 2)),
        ("mmengine_iter.log", range(2, 22, 2), "iter", range(1, 20, 2)),
        # transformers 5.24: between the pictures of a progress bar
        ("transformers_stdout.txt", range(20), "epoch", range(20)),
    ],
)
def test_what_trainers_print(name: str, steps: range, column: str, logged: range) -> None:
    log = read_log(str(LOGS / name))
    assert (log.format, log.steps.tolist(), log.step_column) == ("text", list(steps), column)
    (texts,) = log.texts
    assert log.lr[:, 0].tolist() == [float(text) for text in texts]
    for text, step in zip(texts, logged, strict=True):
        digits = Decimal(text).as_tuple()
        assert abs(float(text) - CYCLE.lr(step)) <= 0.5001 * 10.0 ** int(digits.exponent)
    if name.startswith("transformers"):
        assert log.epochs is not None
        assert log.epochs.tolist() == [float(f"{(step + 1) / 10:.4g}") for step in range(20)]


@pytest.mark.parametrize(
    ("lines", "steps", "rates", "epochs"),
    [
        (  # mmcv 1.7
            ["2024-01-01 10:00:00,123 - mmdet - INFO - Epoch [2][50/100]\tlr: 1.000e-03, eta: 0:01:00, loss: 0.5"],
            [150], [[0.001]], [2],
        ),
        (  # detectron2
            ["[01/01 10:00:00 d2.utils.events]:  eta: 0:24:57  iter: 19  total_loss: 5.1  time: 0.4  lr: 0.00039962  "],
            [19], [[0.00039962]], None,
        ),
        (  # OpenPCDet 0.6
            ["INFO  Train:    2/80 (  1%) [  50/464 ( 11%)]  Loss: 1.234 (1.5)  LR: 3.000e-04  Acc_iter 514       "],
            [514], [[0.0003]], None,
        ),
        (  # timm
            ["Train: 1 [  50/100 ( 50%)]  Loss: 6.9 (6.9)  Time: 0.5s,  200.00/s  LR: 1.000e-03  Data: 0.01 (0.02)"],
            [150], [[0.001]], [1],
        ),
        (["Train: [1/300][50/100]\teta 1:00:00 lr 0.000001\t wd 0.0500\ttime 0.5"], [150], [[1e-06]], [1]),  # Swin
        (["Epoch: [1]  [ 50/100]  eta: 0:10:00  lr: 0.100000  loss: 6.9 (6.9)"], [150], [[0.1]], [1]),  # torchvision
        (  # PaddleClas
            ["[2024/01/01 10:00:00] ppcls INFO: [Train][Epoch 1/100][Iter: 10/312]lr(Momentum): 0.00200000, CELoss: 7"],
            [10], [[0.002]], [1],
        ),
        (  # DeepSpeed
            ["[2024-01-01 10:00:00,1] [INFO] [rank 0] step=10, skipped=0, lr=[0.001, 0.01], mom=[(0.9, 0.999)]"],
            [10], [[0.001, 0.01]], None,
        ),
        (  # Megatron-LM
            [" iteration      100/  500000 | consumed samples:        25600 | learning rate: 1.500E-06 | loss: 1.0 |"],
            [100], [[1.5e-06]], None,
        ),
        (["| epoch 001:   50 / 1000 loss=9.1, lr=0.0005, num_updates=50 |"], [50], [[0.0005]], [1]),  # fairseq
        (["Namespace(lr=0.5, momentum=0.9)", "Step 1/9", "loss 0.5, lr 0.25", "Step 2/9", "lr 0.125"], [1, 2],
         [[0.25], [0.125]], None),
        (["Epoch 1: step 9", "Epoch 2", "lr 0.5"], [2], [[0.5]], [2]),
        (["step 1 lr tensor(0.0040, device='cuda:0')"], [1], [[0.004]], None),
        (["step: 1, train/loss: nan, lr_head: 0.5"], [1], [[0.5]], None),
    ],
)  # fmt: skip
def test_known_forms(
    lines: list[str], steps: list[int], rates: list[list[float]], epochs: list[int] | None, tmp_path: Path
) -> None:
    (tmp_path / "log").write_text("".join(f"{line}\n" for line in ["starting", *lines, "done"]))
    log = read_log(str(tmp_path / "log"))
    assert (log.format, log.steps.tolist(), log.lr.tolist(), log.bad_rows) == ("text", steps, rates, ())
    assert (log.epochs is None) == (epochs is None)
    assert epochs is None or (log.epochs is not None and log.epochs.tolist() == epochs)


LINES = [
    "starting with lr=9",
    "(a) Ep.3, it  1/50: {lr = 4.00e-03 ; mom: 0.95}",
    "(b) Ep.3, it 20/50: {lr = 0.10 ; mom: 0.9}",
]


@pytest.mark.parametrize(
    "text",
    [
        "Ep.{epoch}, it {step}/{}: {{lr = {lr} ; mom: {momentum}}}",
        "ep . {epoch}, it {step} {} lr={lr};mom:{momentum}",
        "Ep.{epoch} {} {step}/{} lr = {lr:.2e} {} mom: {momentum!r}",
    ],
)
def test_a_pattern_names_the_numbers(text: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join(LINES))
    log = read_log(str(tmp_path / "log"), {}, [text])
    assert (log.steps.tolist(), log.lr[:, 0].tolist()) == ([1, 20], [0.004, 0.1])
    assert log.texts == (("4.00e-03", "0.10"), ("0.95", "0.9"))
    assert (log.epochs is not None and log.epochs.tolist(), log.bad_rows) == ([3, 3], ())


@pytest.mark.parametrize(
    ("line", "text", "found"),
    [
        ("lr 0.5", "lr {lr}", {"lr": "0.5"}),
        ("lr   0.5", "lr {lr}", {"lr": "0.5"}),
        ("lr0 0.5", "lr {lr}", None),
        ("lr0.5", "lr{lr}", {"lr": "0.5"}),
        ("base_lr: 1 lr: 2", "lr: {lr}", {"lr": "2"}),
        ("LR: -1.5E+3.", "lr: {lr}", {"lr": "-1.5E+3"}),
        ("lr: .5e", "lr: {lr}", {"lr": ".5"}),
        ("lr: nan", "lr: {lr}", {"lr": "nan"}),
        ("lr: nano", "lr: {lr}", None),
        ("lr = [1e-3, 2e-3] x", "lr={lr} x", {"lr": "[1e-3, 2e-3]"}),
        ("lr tensor([0.1], device='cuda:0')", "lr {lr}", {"lr": "tensor([0.1], device='cuda:0')"}),
        ("v1.5 3 0.5", "{step} {lr}", {"step": "3", "lr": "0.5"}),
        ("1,0.5", "{step},{lr}", {"step": "1", "lr": "0.5"}),
        ("a 1 b 2 b 3", "a {} b {x}", {"x": "2"}),
        ("b 2 a 1", "a {} b {x}", None),
        ("{'lr': '0.5'}", "'lr': '{lr}'", {"lr": "0.5"}),
        ("a.b (c)* 7", "a.b (c)* {x}", {"x": "7"}),
        ("aXb (c)* 7", "a.b (c)* {x}", None),
    ],
)
def test_what_a_pattern_matches(line: str, text: str, found: dict[str, str] | None) -> None:
    assert parse_pattern(text).match(line) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lr {lr", "the { at character 4 is not closed"),
        ("lr} {lr}", "the } at character 3 closes nothing"),
        ("{step}{lr}", "nothing is between {lr} at character 7"),
        ("{lr} and {lr}", "{lr} at character 10 is there twice"),
        ("lr {get_last_lr()[0]:.3f}", "{get_last_lr()[0]:.3f} at character 4 is not a name"),
        (r"lr (?P<lr>\d+)", "not a regular expression"),
        ("learning rate", "has no placeholder"),
        ("", "has no placeholder"),
        ("{}", "has no placeholder"),
    ],
)
def test_invalid_patterns_name_the_place(text: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(LOGS / "mmengine_iter.log"), "--pattern", text]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert "'epoch {epoch} step {step} lr {lr}'" in said


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Iter(train) [{step}/{}] lr: {lr} loss {x}", "2/20"),
        ("Iter(train) [{step}/{}] rate {lr}", "has no rate there"),
        ("Iter(test) [{step}/{}] rate {lr}", "has no Iter(test) there"),
        ("Iter(train) [{step}] lr {lr}", "has no ] there"),
        ("lr: {step} {} eta: {} time: {} loss: {lr} {acc}", "has no number for {acc} there"),
        ("xyz {lr}", "has no xyz there"),
    ],
)
def test_a_pattern_without_a_line_shows_the_closest(text: str, hint: str) -> None:
    with pytest.raises(OnecycleError, match="no line of") as caught:
        read_log(str(LOGS / "mmengine_iter.log"), {}, [text])
    assert hint in caught.value.hint


def test_patterns_for_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("== epoch 1\n[5] a\nlr now 0.5\n[6] b\nlr now 0.25\n== epoch 2\nlr now 0.125\n")
    log = read_log(str(path), {}, ["== epoch {epoch}", "[{step}]", "now {lr}"])
    assert (log.steps.tolist(), log.lr[:, 0].tolist()) == ([5, 6], [0.5, 0.25])
    assert (log.epochs is not None and log.epochs.tolist()) == [1, 1]
    log = read_log(str(path), {"lr": ["x"]}, ["now {x}"])
    assert (log.steps.tolist(), log.lr[:, 0].tolist()) == ([0, 1, 2], [0.5, 0.25, 0.125])


def test_a_text_log_is_followed(tmp_path: Path) -> None:
    for patterns in ([], ["at {step}: lr is {lr}"]):
        path = tmp_path / f"log {len(patterns)}"
        texts = ["hello\n", "at 0: lr is 0.5\nstep 0, lr 0.5\n", "at 1: lr is 0.", "25\nstep 1, lr 0.25\n"]
        logs: list[Log] = list(follow(path, [appending(path, text) for text in texts], patterns=patterns))
        assert [log.steps.tolist() for log in logs] == [[0], [0, 1]]
        assert logs[-1].lr[:, 0].tolist() == [0.5, 0.25]


def test_check_takes_patterns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"it{step}> {CYCLE.lr(step):.6e} <\n" for step in range(20)))
    plan = ["--max-lr", "0.1", "--total-steps", "20"]
    assert main(["check", *plan, str(path), "--pattern", "it{step}> {lr} <"]) == 0
    assert main(["check", *plan, str(path), "--pattern", "it{step}> {lr} <", "--follow", "--interval", "0.01"]) == 0
    capsys.readouterr()
    assert main(["check", *plan, str(path)]) == 2
    assert "--pattern 'step {step} lr {lr}'" in capsys.readouterr().err


LONG_LINES = [
    "1",
    "epoch ",
    "epoch 1 ",
    " ",
    "[",
    "(",
    "a(",
    "epoch 1 step 1 ",
    "lr.",
    "1e",
    "lr'",
    "a.",
    "1,",
    "lr (",
    "1 ",
]


@pytest.mark.parametrize("unit", LONG_LINES)
@pytest.mark.parametrize("begin", ["", "epoch 1 step 1 lr "])
def test_no_line_takes_long(unit: str, begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With time that grows as the square of the length, each of these would take minutes."""
    monkeypatch.setattr(pattern, "LONGEST_TEXT", 10**7)
    line = begin + unit * 10**5
    parse_pattern("epoch {epoch} {} step {step} {} lr {lr} x").match(line)
    PAIR.findall(line)


@given(st.text(max_size=60), st.text(max_size=200))
def test_any_pattern_is_matched_or_refused(text: str, line: str) -> None:
    try:
        found = parse_pattern(text)
    except OnecycleError:
        return
    match = found.match(line)
    assert match is None or list(match) == found.names
    found.closest([line])


@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=20), st.sampled_from(["lr {} s {}", "{}; step={} lr={}"]))
def test_what_is_written_is_read_back(rates: list[float], form: str) -> None:
    # The second form has a number in front, without a name.
    values = [(rate, step) if form.startswith("lr") else (7, step, rate) for step, rate in enumerate(rates)]
    asked = form.replace("{}", "{lr}", 1).replace("{}", "{step}") if form.startswith("lr") else "step={step} lr={lr}"
    found = [parse_pattern(asked).match(form.format(*parts)) for parts in values]
    assert [float(each["lr"]) for each in found if each] == rates
    assert np.array_equal([int(each["step"]) for each in found if each], range(len(rates)))


@pytest.mark.parametrize(
    "form", ["\r step {}/1000 | lr={:.3e}", "{}/1000 [00:01<00:02, 3.4it/s, step={}, lr={:.3e}]\r"]
)
def test_a_progress_bar_is_one_long_line(form: str, tmp_path: Path) -> None:
    rates = [0.1 / (step + 1) for step in range(1000)]
    log = tmp_path / "log"
    log.write_text(
        "".join(form.format(*[step] * (form.count("{") - 1), rate) for step, rate in enumerate(rates)) + "\n"
    )
    found = read_log(str(log))
    assert found.steps.tolist() == list(range(1000))
    assert found.lr[:, 0].tolist() == [float(f"{rate:.3e}") for rate in rates]


def test_a_line_that_is_too_long_ends_before_the_word_that_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"step 0 lr 0.5\nstep 1 lr 0.25 {'x ' * 4988}momentum 0.123\nstep 2 lr 0.125\n")
    assert read_log(str(log)).lr[:, 0].tolist() == [0.5, 0.25, 0.125]
    log.write_text(f"step 0 lr 0.5\nstep 1 {'x ' * 4994}lr 0.25\nstep 2 lr 0.125\n")
    assert read_log(str(log)).lr[:, 0].tolist() == [0.5, 0.125]
