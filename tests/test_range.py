"""`onecycle range`: rules as the frameworks compute them, doubts about what shows nothing, and every way to log it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli.cli import main
from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs import read_log
from onecycle_cli.run.range_test import RangeTest
from onecycle_cli.run.range_test.analysis import analyse
from onecycle_cli.run.range_test.rules import OF_FASTAI, OF_LIGHTNING, OF_LR_FINDER, slide, valley
from onecycle_cli.run.range_test.smoothing import is_raw

from .framework_ranges import RECORDED, Run
from .test_growth import bytecodes

RECORDS: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text())
RULES = ("valley", "slide", "minimum", "steep", "lr-finder", "lightning")
SMOOTHINGS = {"fastai": OF_FASTAI, "lr-finder": OF_LR_FINDER, "lightning": OF_LIGHTNING}


def read(path: Path, raw: bool | None = None) -> RangeTest:
    return analyse(read_log(str(path), {"loss": []}), raw=raw)[0]


def rates(test: RangeTest) -> dict[str, float | None]:
    return {reading.rule: reading.lr for reading in test.readings}


def agrees(run: Run, folder: Path) -> None:
    """Check that the rules read off a framework's log, and off the raw losses, what the framework suggests."""
    smooth, raw = folder / "smooth.json", folder / "raw.json"
    smooth.write_text(json.dumps(run.log))
    test = read(smooth)
    assert not test.is_raw
    found = rates(test)
    for rule, suggested in run.suggested.items():
        assert found[rule] == pytest.approx(suggested, rel=1e-6), rule  # fastai's are in single precision
    lr, losses = run.log.values()
    raw.write_text(json.dumps({"lr": lr, "loss": run.raw[: len(lr)]}))
    again = read(raw, raw=True)
    found = rates(again)
    for rule, suggested in run.suggested.items():
        assert found[rule] == pytest.approx(suggested, rel=1e-6), rule
    kind = "fastai" if "losses" in run.log else next(iter(run.suggested))
    means = SMOOTHINGS[kind](again.points.loss)
    assert means == pytest.approx(np.array(losses), rel=1e-5)


def records() -> list[str]:
    return list(RECORDS)


@pytest.mark.parametrize("name", records())
def test_recorded_suggestions(name: str, tmp_path: Path) -> None:
    """The rules give what fastai, torch-lr-finder and Lightning gave, on their logs and on the raw losses."""
    record = RECORDS[name]
    agrees(Run(record["log"], record["raw"], record["suggested"]), tmp_path)


@pytest.mark.parametrize("name", records())
def test_raw_and_smoothed_losses_are_told_apart(name: str) -> None:
    record = RECORDS[name]
    losses = np.array(list(record["log"].values())[1])
    assert is_raw(np.array(record["raw"]))
    assert not is_raw(losses)


def test_the_longest_fall_need_not_be_of_neighbours() -> None:
    lr = np.geomspace(1e-6, 1, 12)
    loss = np.array([5, 6, 4, 7, 3, 8, 2, 9, 1, 10, 11, 12.0])
    # Five fall: 5 4 3 2 1, up to row 8; it counts as beginning at row 3, and its middle is 1 + 0 rows on.
    assert valley(lr, loss) == 8 - 5 + int(5 / 3) + int(5 / 6)
    assert valley(lr, np.arange(12.0)) == 0  # nothing falls
    assert valley(lr, np.arange(12.0)[::-1]) == 11 - 12 + 4 + 2


def test_slopes_are_compared_from_the_end() -> None:
    lr = np.geomspace(1e-6, 1, 40)
    assert slide(lr, np.ones(40)) == 40 - 16  # alike at once
    rising = np.concatenate([np.ones(30), np.arange(1, 11.0)])
    differ = 0
    slope = np.gradient(rising)
    while abs(slope[39 - differ] - slope[24 - differ]) > 0.005:
        differ += 1
    assert slide(lr, rising) == 40 - 15 - differ
    assert slide(lr, np.arange(40.0) ** 2) == 0  # never alike


# --- Logs -------------------------------------------------------------------------------------------------------------

LR = np.geomspace(1e-6, 10, 100)


def curve(lr: np.ndarray[Any, Any] = LR, noise: float = 0.05, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return losses that stay at 2.3, fall to 0.5 around a rate of 0.1, and explode from 1 on."""
    place = np.log10(lr)
    smooth = 2.3 - 1.8 / (1 + np.exp(-3 * (place + 2))) + np.exp(10 * (place - 0.3))
    found: np.ndarray[Any, Any] = smooth + noise * np.random.default_rng(seed).standard_normal(len(lr))
    return found


def csv_of(lr: Iterable[Any], loss: Iterable[Any], header: str = "step,lr,loss") -> str:
    rows = [f"{step},{a!r},{b!r}" for step, (a, b) in enumerate(zip(map(float, lr), map(float, loss), strict=True))]
    return "\n".join([header, *rows, ""])


LOSS = curve()
LISTS = {"lr": LR.tolist(), "loss": LOSS.tolist()}
LOGS = {
    "CSV": csv_of(LR, LOSS),
    "Lightning's results": json.dumps(LISTS),
    "fastai's recorder": json.dumps({"lrs": LR.tolist(), "losses": LOSS.tolist()}),
    "a printed history": str(LISTS),
    "a printed recorder": "{'lrs': "
    + str(LR.tolist())
    + ", 'losses': ["
    + ", ".join(f"TensorBase({value!r}, device='cuda:0')" for value in LOSS.tolist())
    + "]}",
    "pandas' JSON": json.dumps(
        {name: {str(at): value for at, value in enumerate(found)} for name, found in LISTS.items()}
    ),
    "luz": csv_of(LR, LOSS, '"","lr","loss"'),
    "JSON Lines": "".join(json.dumps({"step": at, "lr": LR[at], "train/loss": LOSS[at]}) + "\n" for at in range(100)),
    "a list of objects": json.dumps([{"lr": LR[at], "loss": LOSS[at]} for at in range(100)]),
    "DeepSpeed with Megatron": "".join(
        f" iteration {at:8d}/ 1000 | learning rate: {LR[at]:.9E} | lm loss: {LOSS[at]:.9E} | loss scale: 1.0 |\n"
        for at in range(100)
    ),
    "text": "".join(f"step {at} loss {LOSS[at]!r} lr {LR[at]!r}\n" for at in range(100)).replace("np.float64", ""),
    "rows of their own": "step,lr-SGD,train_loss,val_loss\n"
    + "".join(f"{at},{float(LR[at])!r},,\n{at},,{float(LOSS[at])!r},\n" for at in range(100)),
}


@pytest.mark.parametrize("name", LOGS)
def test_logs_of_all_kinds_read_alike(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOGS[name])
    test = read(log)
    assert test.points.lr == pytest.approx(LR, rel=1e-8)
    assert test.points.loss == pytest.approx(LOSS, rel=1e-8)
    assert test.is_raw
    assert test.points.spacing == "exponential"
    assert all(rates(test)[rule] for rule in RULES)


@pytest.mark.parametrize(
    ("header", "columns", "loss"),
    [
        ("step,lr,loss,train_loss", {}, "loss"),
        ("step,lr,val_loss,train_loss", {}, "train_loss"),
        ("step,lr,train_loss_epoch,train_loss_step", {}, "train_loss_step"),
        ("step,lr,smooth_loss,other", {}, "smooth_loss"),
        ("step,lr,smooth_loss,batch_loss", {}, "batch_loss"),
        ("step,lr,loss_scale,lm loss", {}, "lm loss"),
        ("step,Train/Samples/lr,Train/Samples/train_loss,Train/Samples/loss_scale", {}, "Train/Samples/train_loss"),
        ("step,lr,loss,other", {"loss": ["other"]}, "other"),
        ("step,lr,val_loss,other", {"loss": ["val_loss"]}, "val_loss"),
    ],
)
def test_the_loss_is_found(header: str, columns: dict[str, list[str]], loss: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(f"{header}\n1,0.1,2,3\n2,0.2,4,5\n")
    found = read_log(str(log), {"loss": [], **columns})
    assert found.loss_column == loss
    at = header.split(",").index(loss)
    assert found.loss is not None
    assert found.loss.tolist() == [[1, 0.1, 2, 3][at], [2, 0.2, 4, 5][at]]


def test_a_loss_is_read_only_where_it_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,lr,loss\n0,0.1,2\n")
    assert read_log(str(log)).loss is None
    assert main(["check", "--max-lr", "0.1", "--total-steps", "5", str(log), "--column", "loss=loss"]) == 2
    assert "loss=" in capsys.readouterr().err


def test_smoothed_losses_are_not_smoothed_again(tmp_path: Path) -> None:
    smooth = OF_FASTAI(LOSS)
    log = tmp_path / "log.csv"
    log.write_text(csv_of(LR, smooth))
    test = read(log)
    assert not test.is_raw
    assert test.smoothed.tolist() == smooth.tolist()
    assert {reading.smoothing for reading in test.readings} == {"as logged"}
    assert read(log, raw=True).smoothed.tolist() == OF_FASTAI(smooth).tolist()


def test_deepspeeds_lines_are_read_by_two_patterns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Read what LRRangeTest's runs print: the rate by DeepSpeed's logger, the loss in a line of the script's own."""
    lr = 1e-4 * (1 + 5.0 * np.arange(100))
    loss = curve(lr)
    log = tmp_path / "log.txt"
    log.write_text(
        "".join(
            f"[2024-01-01 10:00:00,123] [INFO] [logging.py:96:log_dist] [Rank 0] step={at + 1}, skipped=0, "
            f"lr=[{lr[at]}], mom=[(0.9, 0.999)]\nEpoch 0 step {at + 1} loss {loss[at]:.6f}\n"
            for at in range(100)
        )
    )
    assert main(["range", str(log)]) == 2
    assert "--pattern" in capsys.readouterr().err
    patterns = ["--pattern", "step={step}, skipped={}, lr={lr}", "--pattern", "step {step} loss {loss}"]
    assert main(["range", str(log), *patterns, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["lr"]["spacing"] == "linear"
    assert [point["lr"] for point in answer["points"]] == pytest.approx(lr)
    assert [point["loss"] for point in answer["points"]] == pytest.approx(loss, abs=1e-6)


# --- Doubts -----------------------------------------------------------------------------------------------------------


def doubts(test: RangeTest) -> set[str]:
    return {doubt.code for doubt in test.doubts}


@pytest.fixture
def tested(tmp_path: Path) -> Callable[..., RangeTest]:
    def make(lr: Any, loss: Any, raw: bool | None = True) -> RangeTest:
        log = tmp_path / "log.csv"
        log.write_text(csv_of(lr, loss))
        return read(log, raw)

    return make


def test_a_whole_test_leaves_no_doubt(tested: Callable[..., RangeTest]) -> None:
    test = tested(LR, LOSS)
    assert test.doubts == ()
    assert test.answers
    found = rates(test)
    assert all(1e-4 < (found[rule] or 0) < 1 for rule in ("valley", "minimum", "steep", "lr-finder"))
    assert found["divergence"] is not None
    assert found["divergence"] > 1


def test_too_few_rows(tested: Callable[..., RangeTest]) -> None:
    lr = np.geomspace(1e-6, 10, 12)
    test = tested(lr, curve(lr))
    assert "few-rows" in doubts(test)
    missing = {reading.rule: reading.why_not for reading in test.readings if reading.lr is None}
    assert {"slide", "lr-finder", "lightning"} <= set(missing)
    assert "17 rows" in missing["lr-finder"]


def test_a_narrow_range(tested: Callable[..., RangeTest]) -> None:
    lr = np.geomspace(0.01, 0.3, 100)
    assert "narrow-range" in doubts(tested(lr, curve(lr)))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("raw", [True, False])
def test_pure_noise_never_falls(seed: int, raw: bool, tested: Callable[..., RangeTest]) -> None:
    loss = 2.3 + 0.3 * np.random.default_rng(seed).standard_normal(100)
    test = tested(LR, loss if raw else OF_FASTAI(loss), raw)
    assert "never-falls" in doubts(test)
    assert not test.answers


def test_a_loss_that_still_falls_at_the_end(tested: Callable[..., RangeTest]) -> None:
    assert "never-diverges" in doubts(tested(LR[:70], LOSS[:70]))
    assert rates(tested(LR[:70], LOSS[:70]))["divergence"] is None


def test_a_test_that_starts_too_high(tested: Callable[..., RangeTest]) -> None:
    lr = np.geomspace(0.3, 100, 100)
    loss = np.concatenate([np.linspace(2.3, 1.0, 6), np.linspace(1.0, 9.0, 94)])
    assert "starts-high" in doubts(tested(lr, loss, raw=False))


def test_linear_and_irregular_rates(tested: Callable[..., RangeTest]) -> None:
    linear = np.linspace(0.001, 10, 100)
    assert tested(linear, curve(linear)).points.spacing == "linear"
    assert "linear-spacing" in doubts(tested(linear, curve(linear)))
    irregular = np.sort(10 ** np.random.default_rng(0).uniform(-6, 1, 100))
    assert "irregular-spacing" in doubts(tested(irregular, curve(irregular)))


def test_a_spike_is_named_and_what_it_changes(tested: Callable[..., RangeTest]) -> None:
    loss = LOSS.copy()
    loss[40] = 9.0
    test = tested(LR, loss)
    assert test.spikes == (40,)
    assert "spikes" in doubts(test)
    clean = rates(tested(LR, np.where(np.arange(100) == 40, np.median(LOSS[37:44]), LOSS)))
    assert {one.rule: one.without_spikes for one in test.readings} == pytest.approx(clean)
    # Lightning's rule is fooled: the mean falls after the spike.
    assert rates(test)["lightning"] != pytest.approx(clean["lightning"])


def test_a_spike_in_smoothed_losses_is_named(tested: Callable[..., RangeTest]) -> None:
    loss = LOSS.copy()
    loss[40] = 9.0
    test = tested(LR, OF_FASTAI(loss), raw=None)
    assert not test.is_raw
    assert test.spikes == (40,)
    assert {one.without_spikes for one in test.readings} == {None}


def test_a_rate_far_above_all_others(tested: Callable[..., RangeTest]) -> None:
    lr = np.append(np.geomspace(1.29e-8, 7.28e-8, 10), 1e308)
    assert tested(lr, [1, 7, 4, 8, 2, 6, 9, 5, 1, 4, 8]).points.decades == pytest.approx(308 - math.log10(1.29e-8))


def test_the_mean_of_huge_losses_is_finite(tested: Callable[..., RangeTest]) -> None:
    assert tested([0.5, 0.9, 2.8, 2.8], [2, 2, -1e308, -1e308]).points.loss.tolist() == [2, 2, -1e308]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_losses_that_are_not_finite(bad: float, tested: Callable[..., RangeTest]) -> None:
    loss = LOSS.copy()
    loss[90:] = bad
    test = tested(LR, loss)
    assert "not-finite" in doubts(test)
    assert len(test.points.lr) == 90
    assert test.points.rows == 100
    assert rates(test)["divergence"] == pytest.approx(min(LR[90], rates(tested(LR, LOSS))["divergence"] or 1))
    loss = LOSS.copy()
    loss[30] = bad
    inside = tested(LR, loss)
    assert "not-finite" in doubts(inside)
    assert len(inside.points.lr) == 99


def test_a_staircase_has_one_point_per_rate(tested: Callable[..., RangeTest]) -> None:
    test = tested(np.repeat(LR, 5), np.repeat(LOSS, 5))
    assert test.points.lr.tolist() == LR.tolist()
    assert test.points.loss == pytest.approx(LOSS)
    assert "stairs" in doubts(test)


def test_a_second_test_in_one_log(tested: Callable[..., RangeTest]) -> None:
    test = tested([*LR[:30], *LR], [*LOSS[:30], *LOSS])
    assert test.points.lr.tolist() == LR.tolist()
    assert "not-rising" in doubts(test)


def test_negative_losses_have_no_fourfold(tested: Callable[..., RangeTest]) -> None:
    test = tested(LR, LOSS - 5)
    assert rates(test)["divergence"] is None
    assert rates(test)["steep"] is not None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (csv_of([0.1] * 20, [1.0] * 20), "does not rise"),
        (csv_of(LR[::-1], LOSS), "falls in 99 of 99"),
        (csv_of(LR[:2], LOSS[:2]), "too few"),
        (csv_of(LR, [math.nan] * 100), "finite loss"),
        ("step,lr,loss\n", "no row"),
        ("step,lr\n1,0.1\n", "no loss column"),
        ("step,loss\n1,0.1\n", "no learning-rate column"),
        ("step,lr,a_loss,b_loss\n1,0.1,2,3\n", "several columns"),
        ("step,lr,loss\n0,0,1\n1,-1,1\n2,inf,2\n", "does not rise"),
        ("", "is empty"),
    ],
)
def test_what_is_no_range_test_is_refused(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(text)
    assert main(["range", str(log)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert why in err
    assert "hint: " in err


def test_a_one_cycle_run_is_no_range_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from onecycle_cli import OneCycle

    schedule = OneCycle(max_lr=0.1, total_steps=100).schedule()
    log = tmp_path / "log.csv"
    log.write_text(csv_of(schedule.lr(np.arange(100)), np.linspace(2, 1, 100).tolist()))
    assert main(["range", str(log)]) == 2
    assert "not a range test" in capsys.readouterr().err


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("test.csv").write_text(csv_of(LR, LOSS))
    return Path("test.csv")


def test_json_has_every_rule_with_its_source(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["range", str(log), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    rules = {each["rule"]: each for each in answer["rules"]}
    assert set(rules) == {*RULES, "divergence"}
    assert all(each["source"] and each["how"] and each["smoothing"] for each in rules.values())
    assert {name for name, each in rules.items() if each["kind"] == "limit"} == {"divergence"}
    given = [each["lr"] for each in answer["rules"] if each["kind"] == "suggestion"]
    assert answer["span"] == {"low": min(given), "high": max(given), "factor": max(given) / min(given)}
    assert [point["lr"] for point in answer["points"]] == LR.tolist()
    assert [point["loss"] for point in answer["points"]] == LOSS.tolist()
    assert answer["loss"]["is_raw"] is True


def test_csv_has_a_row_per_rule(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["range", str(log), "--format", "json"]) == 0
    expected = {each["rule"]: each["lr"] for each in json.loads(capsys.readouterr().out)["rules"]}
    assert main(["range", str(log), "--format", "csv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split(",")[:2] == ["rule", "lr"]
    assert {row.split(",")[0]: float(row.split(",")[1]) for row in rows} == expected


def test_disagreement_is_said(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["range", str(log)]) == 0
    out = capsys.readouterr().out
    given = sorted(lr for rule, lr in rates(read(log)).items() if lr is not None and rule != "divergence")
    assert f"{given[0]:.4g} to {given[-1]:.4g}" in out


def test_a_test_that_shows_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text(csv_of(LR, 2.3 + 0.3 * np.random.default_rng(0).standard_normal(100)))
    assert main(["range", str(log), "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["loss"]["fell"] is False
    assert "never-falls" in {doubt["code"] for doubt in answer["doubts"]}


def test_hostile_names_are_printed_inert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "::error::a\x1b[31m\u202e.csv"
    Path(name).write_text(csv_of(LR, LOSS, "step,lr,\x1b[31mloss\u202e"))
    assert main(["range", name, "--column", "loss=\x1b[31mloss\u202e"]) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err
    assert not any(line.startswith("::") for line in (out + err).splitlines())


@pytest.mark.parametrize("kind", ["CSV", "lists", "printed"])
def test_twice_the_rows_take_twice_the_work(kind: str, tmp_path: Path) -> None:
    counted = []
    for rows in (250, 500, 1000):
        lr = np.geomspace(1e-7, 10, rows)
        loss = curve(lr, seed=1)
        lists = {"lr": lr.tolist(), "loss": loss.tolist()}
        log = tmp_path / f"{rows}"
        log.write_text(csv_of(lr, loss) if kind == "CSV" else json.dumps(lists) if kind == "lists" else str(lists))
        counted.append(bytecodes(lambda log=log: read(log)))  # type: ignore[misc]
    once, twice, four_times = counted
    assert four_times - twice <= 2.3 * (twice - once) + 1000  # as in test_growth


@pytest.mark.parametrize(
    "text", ["{'lr': [1e-7, ", '{"lr": [1, 2, 3], "loss": [1, 2', "{'lr': [1, 2, 3], 'loss': [x, y, z]}"]
)
def test_broken_lists_are_refused(text: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    with pytest.raises(OnecycleError):
        read(log)


# --- Writing the peak into a config -----------------------------------------------------------------------------------

CONFIGS = [
    # name, text, the number in it
    ("plan.yaml", "# mine\nmax_lr: 0.1   # the peak, was 0.1\ntotal_steps: 1_000\n", "0.1"),
    ("plan.yaml", "total_steps: 100\r\nmax_lr: 1.0e-1\r\n", "1.0e-1"),
    ("plan.yaml", "{max_lr: .1, total_steps: 100}", ".1"),
    (
        "train.yaml",
        "lr: 0.1\nscheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
        None,
    ),
    ("config.json", '{"scheduler": {"type": "OneCycleLR", "max_lr": 0.25, "total_steps": 10}}', "0.25"),
    ("config.py", "param_scheduler = dict(type='OneCycleLR', eta_max=0.25, total_steps=10)  # 0.25\n", "0.25"),
    ("train.py", "import torch\ns = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.25, total_steps=10)\n", "0.25"),
]


@pytest.mark.parametrize(("name", "text", "number"), CONFIGS)
def test_the_peak_is_written_and_all_else_stays(
    name: str, text: str, number: str | None, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(name)
    config.write_bytes(text.encode())
    assert main(["range", str(log), "--format", "json"]) == 0
    lr = next(each["lr"] for each in json.loads(capsys.readouterr().out)["rules"] if each["rule"] == "steep")
    preview = ["range", str(log), "--set-in", name, "--rule", "steep", "--diff"]
    assert main(preview) == 0
    assert config.read_bytes() == text.encode()
    shown = capsys.readouterr().out
    assert main(preview[:-1]) == 0
    assert capsys.readouterr().out == shown  # the same difference
    after = config.read_bytes().decode()
    place = text.index("max_lr: 0.1\n") + 8 if number is None else text.index(number)
    assert after == text[:place] + f"{lr:.4g}" + text[place + len(number or "0.1") :]
    assert main(["show", name, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"][0]["peak_lr"] == pytest.approx(lr, rel=1e-3)
    assert main(preview[:-1]) == 0  # it is that already
    assert config.read_bytes().decode() == after


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("plan.yaml", "max_lr: [0.1, 0.2]\ntotal_steps: 100\n", "per parameter group"),
        ("plan.yaml", "peak: &a 0.1\nmax_lr: *a\ntotal_steps: 100\n", "*a"),
        ("plan.yaml", "total_steps: 100\n", "no max_lr"),
        ("plan.yaml", "max_lr: ${LR}\ntotal_steps: 100\n", "${LR}"),
        ("plan.yaml", "max_lr: '0.1'\ntotal_steps: 100\n", "max_lr"),
        ("plan.yaml", "max_lr: 0.1\nmax_lr: 0.2\n", "max_lr"),
        ("plan.yaml", "max_lr: fast\ntotal_steps: 100\n", "fast"),
        ("plan.yaml", "max_lr: [\n", "plan.yaml"),
        ("other.yaml", "a: 1\n", "no one-cycle schedule"),
        ("train.py", "LR = 0.1\ns = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=LR, total_steps=10)\n", "LR"),
        ("two.yaml", "a: {type: OneCycleLR, max_lr: 0.1}\nb: {type: OneCycleLR, max_lr: 0.2}\n", "2 one-cycle blocks"),
    ],
)
def test_what_is_ambiguous_is_left_as_it_is(
    name: str, text: str, why: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_text(text)
    assert main(["range", str(log), "--set-in", name, "--rule", "steep"]) == 2
    out, err = capsys.readouterr()
    assert why in err
    assert out == ""
    assert Path(name).read_text() == text


def test_one_of_several_blocks_is_set(log: Path) -> None:
    text = "a: {type: OneCycleLR, max_lr: 0.1, total_steps: 9}\nb: {type: OneCycleLR, max_lr: 0.2, total_steps: 9}\n"
    Path("two.yaml").write_text(text)
    assert main(["range", str(log), "--set-in", "two.yaml", "--rule", "steep", "--block", "b"]) == 0
    assert Path("two.yaml").read_text().startswith(text.splitlines()[0])
    assert "0.2" not in Path("two.yaml").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["--set-in", "plan.yaml"],
        ["--rule", "steep"],
        ["--diff"],
        ["--block", "a"],
        ["--set-in", "-", "--rule", "steep"],
        ["--set-in", "missing.yaml", "--rule", "steep"],
        ["--set-in", "plan.yaml", "--rule", "divergence"],
        ["--set-in", "plan.yaml", "--rule", "fastest"],
        ["--column", "loss=nothing"],
        ["--column", "rate=lr"],
        ["--format", "yaml"],
    ],
)
def test_wrong_options_are_refused(words: list[str], log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.yaml").write_text("max_lr: 0.1\ntotal_steps: 100\n")
    assert main(["range", str(log), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert Path("plan.yaml").read_text() == "max_lr: 0.1\ntotal_steps: 100\n"


def test_nothing_is_set_by_a_test_that_shows_nothing(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.yaml").write_text("max_lr: 0.1\ntotal_steps: 100\n")
    log.write_text(csv_of(LR, 2.3 + 0.3 * np.random.default_rng(0).standard_normal(100)))
    assert main(["range", str(log), "--set-in", "plan.yaml", "--rule", "steep"]) == 2
    log.write_text(csv_of(LR[::8], LOSS[::8]))
    assert main(["range", str(log), "--set-in", "plan.yaml", "--rule", "lr-finder"]) == 2
    assert "needs 17 rows" in capsys.readouterr().err
    assert Path("plan.yaml").read_text() == "max_lr: 0.1\ntotal_steps: 100\n"


# --- Pictures ---------------------------------------------------------------------------------------------------------


def test_the_picture_names_every_rule(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["range", str(log), "-o", "test.svg"]) == 0
    text = Path("test.svg").read_text()
    for rule, rate in rates(read(log)).items():
        assert f"{rule} " in text or f"{rule}<" in text, rule
        assert rate is not None
        assert f"{rate:.3g}" in text
    assert "learning rate" in text
    assert "wrote test.svg" in capsys.readouterr().err
    first = Path("test.svg").read_bytes()
    assert main(["range", str(log), "-o", "test.svg"]) == 0
    assert Path("test.svg").read_bytes() == first


@pytest.mark.parametrize("style", ["light", "dark", "paper"])
def test_pictures_of_odd_tests(style: str, log: Path) -> None:
    odd = {
        "lost": (LR, np.where(LR > 1, math.nan, LOSS)),
        "huge": (LR, np.where(LR > 1, 1e300, LOSS)),
        "flat": (LR, np.full(100, 2.0)),
        "negative": (LR, LOSS - 10),
        "linear": (np.linspace(1e-3, 10, 100), curve(np.linspace(1e-3, 10, 100))),
        "short": (LR[:4], LOSS[:4]),
        "high": (LR * 1e6, LOSS),
        "long": (np.geomspace(1e-7, 10, 5000), curve(np.geomspace(1e-7, 10, 5000))),
    }
    for name, (lr, loss) in odd.items():
        log.write_text(csv_of(lr, loss))
        assert main(["range", str(log), "-o", f"{name}.png", "--style", style, "--size", "6x4"]) in (0, 1), name
        assert Path(f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert main(["range", str(log), "--curve"]) in (0, 1), name


def test_losses_that_no_axis_can_hold(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_text(csv_of(LR, LOSS * 1e300))
    assert main(["range", str(log), "-o", "test.png"]) == 2
    assert "cannot be drawn" in capsys.readouterr().err
    assert not Path("test.png").exists()
    for factor in (1e300, 1e304, 1e-300):
        log.write_text(csv_of(LR, LOSS * factor))
        for words in (["--curve"], ["--format", "json"], ["--format", "csv"]):
            assert main(["range", str(log), *words]) in (0, 1)
        log.write_text(csv_of(LR * (1e-300 if factor < 1 else 1e300), LOSS))
        assert main(["range", str(log), "--curve"]) in (0, 1)


@pytest.mark.parametrize("target", ["test.csv", "test.bmp", "test"])
def test_a_picture_goes_to_a_picture(target: str, log: Path) -> None:
    assert main(["range", str(log), "-o", target]) == 2
    assert log.read_text() == csv_of(LR, LOSS)


@pytest.mark.parametrize("width", [20, 60, 100])
def test_the_curve_in_the_terminal(
    width: int, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["range", str(log)]) == 0
    without = capsys.readouterr().out
    assert main(["range", str(log), "--curve"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line not in without.splitlines()]
    assert all(len(line) <= width for line in lines)
    signs = "".join(lines[:4])
    if width >= 60:
        assert {"1", "2", "6", "!"} <= set(signs)
        assert any("learning rate" in line for line in lines)
