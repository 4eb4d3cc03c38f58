"""A run's folder in place of its log: which file is read, what is said of the others, and following it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.run.logs import read_log
from onecycle_cli.run.logs.run_folder import logs_in

from .conftest import DATA
from .logged_runs import appending, follow
from .test_log_inputs import write_metric_files

LOGS = DATA / "logs"
CYCLE = OneCycle(max_lr=0.1, total_steps=20).schedule()
CSV = "step,lr\n" + "".join(f"{step},{CYCLE.lr(step)!r}\n" for step in range(20))
STATE = json.dumps(
    {"log_history": [{"step": step + 1, "epoch": 0.5, "learning_rate": CYCLE.lr(step)} for step in range(20)]}
)
SCALARS = "".join(json.dumps({"lr": CYCLE.lr(step), "iter": step, "time": 0.1}) + "\n" for step in range(20))
NO_RATE = "step,loss\n0,1\n"
EVENTS = (LOGS / "torch_summary_writer.tfevents").read_bytes()
WANDB = (LOGS / "wandb_offline_history.wandb").read_bytes()

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that writes files into a folder, each a minute newer than the one before."""

    def write(files: dict[str, str | bytes]) -> Path:
        for minutes, (name, content) in enumerate(files.items()):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            os.utime(path, (1e9 + 60 * minutes, 1e9 + 60 * minutes))
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("files", "read", "others"),
    [
        # Lightning
        ({"version_0/metrics.csv": CSV, "version_3/hparams.yaml": "a: 1", "version_3/metrics.csv": CSV},
         "version_3/metrics.csv", ["version_0/metrics.csv"]),
        ({"metrics.csv": CSV, "hparams.yaml": "a: 1"}, "metrics.csv", []),
        ({"run_3/metrics.csv": CSV, "run_3/events.out.tfevents.1": EVENTS}, "run_3/metrics.csv", ["run_3"]),
        # transformers
        ({"checkpoint-10/trainer_state.json": STATE, "runs/Nov26_host/events.out.tfevents.1": EVENTS,
          "checkpoint-20/trainer_state.json": STATE, "checkpoint-20/config.json": "{}"},
         "checkpoint-20/trainer_state.json", ["checkpoint-10/trainer_state.json", "runs/Nov26_host"]),
        ({"trainer_state.json": STATE, "rng_state.pth": b"\0"}, "trainer_state.json", []),
        # MMEngine, mmcv, detectron2, Ultralytics
        ({"2024_1/vis_data/scalars.json": SCALARS, "2024_1/2024_1.log": "text", "last_checkpoint": "x"},
         "2024_1/vis_data/scalars.json", []),
        ({"20240101_100000.log.json": SCALARS, "20240101_100000.log": "text"}, "20240101_100000.log.json", []),
        ({"metrics.json": SCALARS, "log.txt": "text"}, "metrics.json", []),
        ({"train/results.csv": NO_RATE, "train2/results.csv": CSV.replace("lr", "lr/pg0"), "train2/args.yaml": "a: 1"},
         "train2/results.csv", ["train/results.csv"]),
        # W&B
        ({"wandb/offline-run-1-a/run-a.wandb": WANDB, "wandb/offline-run-1-a/logs/debug.log": "x",
          "wandb/debug.log": "x"}, "wandb/offline-run-1-a/run-a.wandb", []),
        # no known name
        ({"notes.txt": "step lr", "my_log.csv.gz": gzip.compress(CSV.encode()), "config.json": "{}"},
         "my_log.csv.gz", ["config.json", "notes.txt"]),
        # the best log of a run that can be read
        ({"run/metrics.csv": NO_RATE, "run/scalars.json": SCALARS}, "run/scalars.json", ["run/metrics.csv"]),
        # hidden files, empty files and those that are too deep
        ({"a/b/c/d/e/f/g/metrics.csv": CSV, ".cache/metrics.csv": CSV, "empty/metrics.csv": "", "run/metrics.csv": CSV},
         "run/metrics.csv", []),
    ],
)  # fmt: skip
def test_the_log_of_a_run(files: dict[str, str | bytes], read: str, others: list[str], make: Make) -> None:
    folder = make(files)
    log = read_log(str(folder))
    assert log.path == str(folder / read)
    assert log.steps.size == 20
    (note,) = [note for note in log.notes if note.startswith("read ")]
    assert note.startswith(f"read {folder / read}")
    assert all(other in note for other in others)
    assert ("also holds" in note) == bool(others)


def test_a_folder_of_event_files_is_the_log(make: Make) -> None:
    log = read_log(str(make({"events.out.tfevents.1": EVENTS})), {"lr": ["train/lr"]})
    assert (log.format, log.steps.size, log.notes) == ("tensorboard-events", 20, ())


def test_a_run_of_mlflow(tmp_path: Path) -> None:
    write_metric_files(tmp_path / "mlruns" / "0" / "2787cb")
    log = read_log(str(tmp_path))
    assert (log.format, log.path) == ("mlflow", str(tmp_path / "mlruns" / "0" / "2787cb"))


def test_copied_runs_are_ordered_by_the_numbers_in_their_names(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        (tmp_path / f"version_{number}").mkdir()
        (tmp_path / f"version_{number}" / "metrics.csv").write_text(CSV)
    assert [log.run.name for log in logs_in(str(tmp_path))] == ["version_10", "version_9", "version_2"]
    shutil.rmtree(tmp_path / "version_10")
    assert read_log(str(tmp_path)).path.endswith("version_9/metrics.csv")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.bin": b"\0", "sub/data.csv": CSV}, "it holds no metrics.csv, trainer_state.json,"),
        ({}, "it holds no metrics.csv"),
        # MLflow has begun the files, and written nothing to them.
        ({"meta.yaml": "", "metrics/lr": "\n"}, "it holds no metrics.csv"),
        ({"run/meta.yaml": "", "run/metrics/lr": ""}, "run: it holds no metrics.csv"),
        # The newest run has no learning rate: an older one would answer another question.
        (
            {"version_0/metrics.csv": CSV, "version_1/metrics.csv": NO_RATE},
            "version_1/metrics.csv: its columns are step",
        ),
    ],
)
def test_folders_without_a_log(files: dict[str, str | bytes], message: str, make: Make) -> None:
    with pytest.raises(OnecycleError) as caught:
        read_log(str(make(files)))
    assert message in caught.value.message


def test_check_says_which_log_it_read(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make({"version_0/metrics.csv": NO_RATE, "version_1/metrics.csv": CSV})
    assert main(["check", "--max-lr", "0.1", "--total-steps", "20", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.err == (f"note: read {folder}/version_1/metrics.csv; {folder} also holds version_0/metrics.csv\n")
    assert main(["check", "--max-lr", "0.1", "--total-steps", "20", str(folder), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"][0].startswith("read ")


def test_a_folder_is_followed(make: Make) -> None:
    folder = make({"version_0/metrics.csv": CSV})
    csv = folder / "version_1" / "metrics.csv"

    def start() -> None:
        csv.parent.mkdir()
        csv.write_text("step,lr\n0,0.5\n")

    logs = list(follow(folder, [start, appending(csv, "1,0.25\n")]))
    assert {log.path for log in logs} == {str(folder / "version_0" / "metrics.csv")}  # the one that was there first
    shutil.rmtree(folder / "version_0")
    shutil.rmtree(folder / "version_1")
    logs = list(follow(folder, [start, appending(csv, "1,0.25\n")]))
    assert [(log.path, log.steps.tolist()) for log in logs] == [(str(csv), [0]), (str(csv), [0, 1])]
    assert all(log.notes[0] == f"read {csv}" for log in logs)


def test_a_folder_of_event_files_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "Nov26_host" / "events.out.tfevents.1"

    def start() -> None:
        file.parent.mkdir(parents=True)
        file.write_bytes(EVENTS[:2000])

    logs = list(follow(tmp_path, [start, lambda: file.write_bytes(EVENTS)], {"lr": ["train/lr"]}))
    assert [log.steps.size for log in logs][-1] == 20
    assert logs[0].steps.size < 20
