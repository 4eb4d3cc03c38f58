"""`onecycle code --range-test`: the real PyTorch tests its learning rates, and `onecycle range` reads the log."""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.cli import main

OPTIMIZERS = [
    ([], "SGD", [0.85]),
    (["--optimizer", "adamw"], "AdamW", [0.85]),
    (["--optimizer", "sgd", "--no-cycle-momentum"], "SGD", [0]),
    (["--gradient-accumulation", "3"], "SGD", [0.85]),
    (["--groups", "body,head", "--max-lr", "0.1,0.2", "--base-momentum", "0.8,0.9"], "SGD", [0.8, 0.9]),
]


def network(torch: Any) -> Any:
    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.ReLU())
            self.head = torch.nn.Linear(64, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x))

    return Network()


@pytest.mark.parametrize(("words", "optimizer", "momenta"), OPTIMIZERS)
def test_the_test_runs_and_is_read(
    words: list[str],
    optimizer: str,
    momenta: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch: Any = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    assert main(["code", "--range-test", *words]) == 0
    text = capsys.readouterr().out
    torch.manual_seed(0)
    inputs, weights = torch.randn(1000, 10), torch.randn(10, 3)
    labels = (inputs @ weights).argmax(1)
    model = network(torch)
    batches: list[Any] = []

    def compute_loss(model: Any, batch: Any) -> Any:
        batches.append(batch)
        return torch.nn.functional.cross_entropy(model(batch[0]), batch[1])

    steps: list[list[tuple[float, float]]] = []

    def record(found: Any, *_: object) -> None:
        assert type(found).__name__ == optimizer
        steps.append([(g["lr"], g["betas"][0] if "betas" in g else g["momentum"]) for g in found.param_groups])

    before = {name: value.clone() for name, value in model.state_dict().items()}
    loader = [(inputs[at : at + 50], labels[at : at + 50]) for at in range(0, 1000, 50)]
    handle = importlib.import_module("torch.optim.optimizer").register_optimizer_step_pre_hook(record)
    try:
        exec(text, {"model": model, "train_loader": loader, "compute_loss": compute_loss})
    finally:
        handle.remove()
    rows = list(csv.DictReader(Path("range-test.csv").read_text().splitlines()))
    assert [float(row["lr"]) for row in rows] == [max(lr for lr, _ in step) for step in steps]
    assert {tuple(momentum for _, momentum in step) for step in steps} == {tuple(momenta)}
    assert float(rows[0]["lr"]) == 1e-7
    assert float(rows[-1]["lr"]) <= 10
    assert len(batches) == len(rows) * (3 if "3" in words else 1)
    if len(momenta) == 2:
        assert all(step[0][0] == 0.5 * step[1][0] for step in steps)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert main(["range", "range-test.csv", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["rows"] == len(rows)
    assert answer["lr"]["spacing"] == "exponential"
    assert all(rule["lr"] for rule in answer["rules"] if rule["kind"] == "suggestion")


def test_it_ends_where_the_loss_explodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    torch: Any = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    assert main(["code", "--range-test"]) == 0
    text = capsys.readouterr().out
    for values in ([2.0] * 60 + [1e6] * 40, [2.0] * 60 + [float("nan")] * 40):
        losses = iter(values)
        model = torch.nn.Linear(1, 1)

        def compute_loss(model: Any, _: Any, losses: Any = losses) -> Any:
            return model(torch.ones(1)).sum() * 0 + next(losses)

        exec(text, {"model": model, "train_loader": [0], "compute_loss": compute_loss})
        assert len(Path("range-test.csv").read_text().splitlines()) == 1 + 61
        assert main(["range", "range-test.csv", "--format", "json"]) == 1  # the loss never fell
        assert "never-falls" in {doubt["code"] for doubt in json.loads(capsys.readouterr().out)["doubts"]}


@pytest.mark.parametrize(
    "words",
    [
        ["--range-test", "--framework", "fastai"],
        ["--range-test", "--guard"],
        ["--range-test", "--pct-start", "5"],
        ["--range-test", "missing.yaml"],
        ["--max-lr", "0.1", "--total-steps", "10"],
    ],
)
def test_wrong_options_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error" in err


def test_a_config_gives_optimizer_and_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", "configs/pets-finetune-adamw.yaml", "--range-test"]) == 0
    text = capsys.readouterr().out
    assert "torch.optim.AdamW" in text
    assert "shares = [0.385, 1]" in text
    compile(text, "test.py", "exec")
