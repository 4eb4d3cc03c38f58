"""Write a run's log of so many steps as CSV, JSON Lines, a trainer's state, an MLflow metric and lines of text."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from onecycle_cli import OneCycle


def main(rows: int, folder: Path) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=rows).schedule()
    steps = np.arange(rows)
    momenta = schedule.momentum(steps)
    assert momenta is not None
    values = list(zip(steps.tolist(), schedule.lr(steps).tolist(), momenta.tolist(), strict=True))
    metric = folder / "mlflow" / "metrics" / "lr"
    metric.parent.mkdir(parents=True)
    metric.write_text("".join(f"{1_700_000_000_000 + step} {rate!r} {step}\n" for step, rate, _ in values))
    table = "".join(f"{step},{rate!r},{momentum!r}\n" for step, rate, momentum in values)
    (folder / "run.csv").write_text(f"step,lr,momentum\n{table}")
    with (folder / "run.jsonl").open("w") as stream:
        stream.writelines(f"{json.dumps({'step': step, 'lr': rate})}\n" for step, rate, _ in values)
    history = [{"step": step, "learning_rate": rate, "loss": 0.5} for step, rate, _ in values]
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": rows, "log_history": history}, indent=2))
    (folder / "train.log").write_text("".join(f"step: {step} lr: {rate!r} loss: 0.5\n" for step, rate, _ in values))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
