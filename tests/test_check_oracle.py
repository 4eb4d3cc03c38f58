"""Runs made with PyTorch and Lightning, right ones and wrong ones, checked by what they logged."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.cli import main

pytestmark = pytest.mark.numeric

torch = pytest.importorskip("torch")

PEAK = 0.05


def verdict(log: Path, capsys: pytest.CaptureFixture[str], *plan: str) -> tuple[str, str, int]:
    """Check a log against a plan; give the verdict, the cause and the offset."""
    words = [*plan] if plan else ["--max-lr", str(PEAK), "--total-steps", "60"]
    code = main(["check", *words, "--optimizer", "sgd", "--format", "json", str(log)])
    answer = json.loads(capsys.readouterr().out)
    assert code == (0 if answer["verdict"] == "ok" else 1)
    return answer["verdict"], answer["cause"], answer["offset"]


# --- A plain loop -----------------------------------------------------------------------------------------------


def loop(
    path: Path, *, steps: int = 60, planned: int = 60, every: int = 1, times: int = 1, late: bool = False, **wrong: Any
) -> Path:
    """Train a parameter, stepping the scheduler `times` times every `every` steps, and log to CSV."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **{"max_lr": PEAK, "total_steps": planned, **wrong})
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["step", "loss", "lr", "momentum"])
        for step in range(steps):
            group = optimizer.param_groups[0]
            row = [step, 0.5, group["lr"], group["momentum"]]
            optimizer.step()
            for _ in range(times if (step + 1) % every == 0 else 0):
                if scheduler.last_epoch < planned:
                    scheduler.step()
            rows.writerow([step, 0.5, group["lr"], group["momentum"]] if late else row)
    return path


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({}, ("ok", "none", 0)),
        ({"late": True}, ("ok", "none", 1)),
        ({"steps": 40}, ("incomplete", "truncated", 0)),
        ({"every": 10}, ("diverges", "epoch-stepped", 0)),
        ({"times": 2}, ("diverges", "stepped-n-times:2", 0)),
        ({"planned": 240}, ("diverges", "no-accumulation", 0)),
        ({"max_lr": 0.5}, ("diverges", "wrong-max_lr", 0)),
        ({"pct_start": 0.5}, ("diverges", "wrong-pct_start", 0)),
        ({"div_factor": 10.0}, ("diverges", "wrong-div_factor", 0)),
        ({"final_div_factor": 10.0}, ("diverges", "wrong-final_div_factor", 0)),
        ({"anneal_strategy": "linear"}, ("diverges", "linear", 0)),
        ({"cycle_momentum": False}, ("diverges", "no-momentum-cycle", 0)),
        ({"planned": 75}, ("diverges", "wrong-total_steps", 0)),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else value[1],
)
def test_a_plain_loop(
    run: dict[str, Any], expected: tuple[str, str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(loop(tmp_path / "log.csv", **run), capsys) == expected


# --- Lightning --------------------------------------------------------------------------------------------------


def trained(folder: Path, *, planned: int, interval: str | None, **trainer: Any) -> Path:
    """Train three epochs of twenty batches with Lightning; give its metrics.csv."""
    lightning = pytest.importorskip("lightning")
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger

    class Model(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: Any, _: int) -> Any:
            return self.layer(batch[0]).mean()

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
            scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=PEAK, total_steps=planned)
            if interval is None:
                return [optimizer], [scheduler]
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": interval}}

    data = torch.utils.data.TensorDataset(torch.zeros(20, 1))
    logger = CSVLogger(folder, name="", version="run", flush_logs_every_n_steps=5)
    lightning.Trainer(
        max_epochs=3,
        logger=logger,
        callbacks=[LearningRateMonitor("step", log_momentum=True)],
        log_every_n_steps=1,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        **trainer,
    ).fit(Model(), torch.utils.data.DataLoader(data, batch_size=1))
    return folder / "run" / "metrics.csv"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("run", "planned", "expected"),
    [
        ({"planned": 60, "interval": "step"}, 60, ("ok", "none", 0)),
        ({"planned": 60, "interval": None}, 60, ("diverges", "epoch-stepped", 0)),
        ({"planned": 60, "interval": "step", "accumulate_grad_batches": 4}, 15, ("diverges", "no-accumulation", 0)),
        ({"planned": 60, "interval": "step", "max_steps": 30}, 60, ("incomplete", "truncated", 0)),
    ],
    ids=["right", "epochs", "accumulation", "stopped"],
)
def test_lightning(
    run: dict[str, Any],
    planned: int,
    expected: tuple[str, str, int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = trained(tmp_path, **run)
    capsys.readouterr()
    assert verdict(log, capsys, "--max-lr", str(PEAK), "--total-steps", str(planned)) == expected
