"""Range tests that the real frameworks run, with what they suggest: `python -m tests.framework_ranges` records them.

The recorded ones are in `data/range_tests.json`; where a framework is installed, `test_range_oracle.py` runs it again.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

from .conftest import DATA

RECORDED = DATA / "range_tests.json"


class Run(NamedTuple):
    """A test: what the framework's log holds, the losses that it smoothed, and what it suggests, by rule."""

    log: dict[str, list[float]]
    raw: list[float]
    suggested: dict[str, float]


class Losses:
    """A loss function that keeps the losses of its batches."""

    def __init__(self) -> None:
        from torch import nn

        self.raw: list[float] = []
        self._of = nn.CrossEntropyLoss()

    def __call__(self, outputs: Any, labels: Any) -> Any:
        loss = self._of(outputs, labels)
        self.raw.append(loss.item())
        return loss


def _setting(seed: int) -> tuple[Any, Any]:
    """Return a model and a loader of its data."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    inputs, weights = torch.randn(2000, 20), torch.randn(20, 5)
    labels = (inputs @ weights + 0.5 * torch.randn(2000, 5)).argmax(1)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
    return model, DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)


def lr_finder(seed: int, end: float = 10, steps: int = 100, mode: str = "exp") -> Run:
    """Run torch-lr-finder's test and its suggestion."""
    import matplotlib as mpl
    import torch
    from torch_lr_finder import LRFinder

    mpl.use("Agg")
    from matplotlib import pyplot

    model, loader = _setting(seed)
    losses = Losses()
    finder = LRFinder(model, torch.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9), losses)
    finder.range_test(loader, end_lr=end, num_iter=steps, step_mode=mode)
    figure, axes = pyplot.subplots()
    _, suggested = finder.plot(ax=axes, suggest_lr=True)
    pyplot.close(figure)
    log = {name: [float(value) for value in finder.history[name]] for name in ("lr", "loss")}
    return Run(log, losses.raw, {"lr-finder": float(suggested)})


def fastai(seed: int, start: float = 1e-7, end: float = 10, steps: int = 100) -> Run:
    """Run fastai's test and its four rules."""
    from fastai.callback.schedule import minimum, slide, steep, valley
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.optimizer import SGD

    model, loader = _setting(seed)
    losses = Losses()
    batches = DataLoader(loader.dataset, bs=32, shuffle=True, num_workers=0)
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(
            DataLoaders(batches, batches),
            model,
            loss_func=losses,
            opt_func=lambda p, lr: SGD(p, lr, mom=0.9),
            path=folder,
        )
        with learner.no_bar():
            found = learner.lr_find(
                start_lr=start, end_lr=end, num_it=steps, show_plot=False, suggest_funcs=(minimum, steep, valley, slide)
            )
    recorder = learner.recorder
    log = {"lrs": [float(lr) for lr in recorder.lrs], "losses": [float(loss) for loss in recorder.losses]}
    return Run(log, losses.raw, {name: float(value) for name, value in found._asdict().items()})


def lightning(seed: int, end: float = 1, steps: int = 100, mode: str = "exponential") -> Run:
    """Run Lightning's test and its suggestion."""
    import torch

    pl: Any = importlib.import_module("lightning.pytorch")
    model, loader = _setting(seed)
    losses = Losses()

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model, self.lr = model, 0.1

        def training_step(self, batch: Any, _: int) -> Any:
            return losses(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)

    with tempfile.TemporaryDirectory() as folder:
        quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
        trainer = pl.Trainer(max_epochs=5, accelerator="cpu", default_root_dir=folder, **quiet)
        finder = pl.tuner.Tuner(trainer).lr_find(
            Module(),
            train_dataloaders=loader,
            min_lr=1e-8,
            max_lr=end,
            num_training=steps,
            mode=mode,
            update_attr=False,
        )
    log = {name: [float(value) for value in finder.results[name]] for name in ("lr", "loss")}
    return Run(log, losses.raw, {"lightning": float(finder.suggestion())})


RUNS: dict[str, tuple[str, Callable[[], Run]]] = {
    "lr-finder": ("torch-lr-finder", lambda: lr_finder(0)),
    "lr-finder, another": ("torch-lr-finder", lambda: lr_finder(2)),
    "lr-finder, linear": ("torch-lr-finder", lambda: lr_finder(5, end=5, mode="linear")),
    "fastai": ("fastai", lambda: fastai(0)),
    "fastai, ended early": ("fastai", lambda: fastai(2)),
    "fastai, 200 steps": ("fastai", lambda: fastai(7, steps=200)),
    "fastai, to 1": ("fastai", lambda: fastai(7, end=1)),
    "lightning": ("lightning", lambda: lightning(0)),
    "lightning, to 10": ("lightning", lambda: lightning(6, end=10)),
    "lightning, linear": ("lightning", lambda: lightning(5, mode="linear")),
}
"""By name: the package, and the test."""


def main() -> None:
    """Record every test."""
    found = {}
    for name, (package, run) in RUNS.items():
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            done = run()
        source = f"{package} {version(package)}, PyTorch {version('torch')}"
        found[name] = {"source": source, **done._asdict()}
    RECORDED.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
