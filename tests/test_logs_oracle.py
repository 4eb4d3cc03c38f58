"""Logs that the real trainers write, while the learning rates that were used are written down beside them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli.run.logs import read_log
from onecycle_cli.run.logs.log import Log

STEPS = 12


def test_lightning_csv_logger(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    lightning = pytest.importorskip("lightning.pytorch")
    used: list[list[float]] = []

    module: Any = lightning.LightningModule

    class Model(module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            used.append([group["lr"] for group in self.optimizers().param_groups])
            loss = self.head(self.body(batch[0])).square().mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            groups = [
                {"params": self.body.parameters(), "name": "body"},
                {"params": self.head.parameters(), "name": "head"},
            ]
            optimizer = torch.optim.AdamW(groups, lr=0.1)
            cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[0.1, 0.01], total_steps=STEPS)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger = lightning.loggers.CSVLogger(tmp_path)
        monitor = lightning.callbacks.LearningRateMonitor("step", log_momentum=True, log_weight_decay=True)
        data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(STEPS, 2)))
        trainer = lightning.Trainer(
            max_epochs=1, logger=logger, callbacks=[monitor], log_every_n_steps=1, accelerator="cpu",
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(Model(), data)
    log = read_log(str(Path(logger.log_dir, "metrics.csv")))
    assert (log.format, log.groups) == ("lightning", ("body", "head"))
    assert log.steps.tolist() == list(range(STEPS))
    assert log.lr.tolist() == used
    assert log.momentum is not None
    assert log.momentum.shape == log.lr.shape


def test_trainer_state_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    state = transformers.TrainerState()
    state.log_history = [
        {"loss": 1.0, "learning_rate": 1e-05 / 3, "epoch": 0.5, "step": 5},
        {"eval_loss": 1.0, "epoch": 0.5, "step": 5},
        {"loss": float("nan"), "learning_rate": 0.0, "epoch": 1.0, "step": 10},
    ]
    state.save_to_json(str(tmp_path / "state"))
    log = read_log(str(tmp_path / "state"))
    assert (log.format, log.steps.tolist(), log.lr.tolist()) == ("transformers", [5, 10], [[1e-05 / 3], [0.0]])


def written(folder: Path, rates: dict[str, list[float]], **options: Any) -> None:
    """Write event files as PyTorch does."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(folder)) as writer:
            for step in range(STEPS):
                for tag, values in rates.items():
                    writer.add_scalar(tag, values[step], step, **options)


def read_quietly(path: Path) -> Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_log(str(path))


@pytest.mark.parametrize("new_style", [False, True])
@pytest.mark.parametrize("tag", ["lr", "learning_rate", "lr-SGD", "train/learning_rate", "train/lr", "lr/pg0"])
def test_event_files(tmp_path: Path, tag: str, new_style: bool) -> None:
    rates = [0.1 / (step + 3) for step in range(STEPS)]
    written(tmp_path, {tag: rates, "loss": rates, "epoch": [0.0] * STEPS}, new_style=new_style)
    [file] = tmp_path.iterdir()
    for path in (tmp_path, file):
        log = read_quietly(path)
        assert (log.format, log.notes) == ("tensorboard-events", ())
        assert log.steps.tolist() == list(range(STEPS))
        assert log.lr[:, 0].tolist() == np.array(rates, np.float32).astype(np.float64).tolist()


def test_groups_in_event_files_share_their_rows(tmp_path: Path) -> None:
    rates = {f"lr/pg{group}": [group + step / 8 for step in range(STEPS)] for group in range(3)}
    momenta = {f"momentum/pg{group}": [0.5 + step / 64 for step in range(STEPS)] for group in (0, 2)}
    written(tmp_path, rates | {"loss": rates["lr/pg0"]} | momenta)
    log = read_quietly(tmp_path)
    assert log.groups == ("pg0", "pg1", "pg2")
    assert log.lr.T.tolist() == list(rates.values())
    assert log.momentum is not None
    assert log.momentum[:, 0].tolist() == momenta["momentum/pg0"]
    assert np.isnan(log.momentum[:, 1]).all()


def test_a_torn_event_file_is_read_to_where_it_is_torn(tmp_path: Path) -> None:
    written(tmp_path, {"lr": [0.5] * STEPS})
    [file] = tmp_path.iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:-5])
    assert read_quietly(file).steps.tolist() == list(range(STEPS - 1))
