"""Reading logs: every format by its content, odd cells, damaged files, and files that grow."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.render.step_table import make_columns, window, write_csv, write_jsonl
from onecycle_cli.run import logs
from onecycle_cli.run.logs import documents, objects, read_log, records, tables
from onecycle_cli.run.logs.builder import FEW_BAD_ROWS, MOST_BAD_ROWS
from onecycle_cli.run.logs.documents import JsonDocumentReader
from onecycle_cli.run.logs.format import LONGEST_LINE, Format, Head, LineReader, Lines
from onecycle_cli.run.logs.log import BadRow, Log, Row
from onecycle_cli.run.logs.objects import JsonLinesReader, ObjectReader
from onecycle_cli.run.logs.tables import TableReader

from .conftest import DATA, ROOT
from .logged_runs import appending, follow

TRACES = DATA / "traces"
MANIFEST: list[dict[str, Any]] = json.loads((TRACES / "manifest.json").read_text())
FORMATS = {
    "lightning_csv": "lightning",
    "hf_trainer_state": "transformers",
    "tensorboard_csv": "tensorboard",
    "mmengine_scalars": "mmengine",
    "csv": "csv",
    "jsonl": "jsonl",
}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Log]:
    def read_text(text: str | bytes, **columns: list[str]) -> Log:
        path = tmp_path / "a log"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_log(str(path), columns)

    return read_text


def frame_of(trace: dict[str, Any]) -> Any:
    """Return a trace as pandas reads it."""
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    path = TRACES / trace["file"]
    if trace["format"] == "hf_trainer_state":
        return pd.DataFrame(json.loads(path.read_text())["log_history"], dtype=object)
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=str).astype(float)  # Python's float(): exact in every version of pandas
    return pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])


def same(left: Any, right: Any) -> bool:
    """Return whether floats are the same to the bit, or both NaN; or whether there are none on both sides."""
    if left is None or right is None:
        return left is right
    return np.array_equal(np.asarray(left, np.float64), np.asarray(right, np.float64), equal_nan=True)


@pytest.mark.parametrize("trace", MANIFEST, ids=lambda trace: trace["file"])
def test_traces_read_as_pandas_reads_them(trace: dict[str, Any]) -> None:
    log = read_log(str(TRACES / trace["file"]))
    frame = frame_of(trace).dropna(subset=trace["lr_columns"])
    assert log.format == FORMATS[trace["format"]]
    assert log.steps.dtype == np.int64
    assert log.lr.dtype == np.float64
    assert log.steps.tolist() == frame[trace["step_column"]].tolist()
    assert same(log.lr, frame[trace["lr_columns"]])
    assert same(log.momentum, trace["momentum_columns"] and frame[trace["momentum_columns"]])
    assert (log.bad_rows, log.notes) == ((), ())
    assert len(log.groups) == len(trace["lr_columns"])


@pytest.mark.parametrize(
    ("settings", "groups"),
    [
        ({}, ("",)),
        ({"max_lr": (0.1, 0.2), "groups": ("body", "head")}, ("body", "head")),
        ({"max_lr": (0.1, 0.2)}, ("0", "1")),
    ],
)
@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_our_own_export_reads_back(
    write: Any, settings: dict[str, Any], groups: tuple[str, ...], read: Callable[..., Log]
) -> None:
    schedule = OneCycle(**{"max_lr": 0.1, "total_steps": 100, "steps_per_epoch": 10} | settings).schedule()
    stream = io.BytesIO()
    for _ in write(make_columns(schedule), window(schedule), stream):
        pass
    log = read(stream.getvalue())
    steps = np.arange(100)
    assert log.steps.tolist() == steps.tolist()
    assert log.momentum is not None
    for group in range(len(schedule.groups)):
        assert same(log.lr[:, group], schedule.lr(steps, group))
        assert same(log.momentum[:, group], schedule.momentum(steps, group))
    assert log.groups == groups


NAMINGS = [
    # header, format, groups, columns of learning rates, columns of momenta (None: not logged)
    ("step,lr-SGD", "lightning", ("",), [1], None),
    ("step,lr-SGD,lr-SGD-momentum,lr-SGD-weight_decay", "lightning", ("",), [1], [2]),
    ("lr-Adam-1,step,lr-Adam", "lightning", ("Adam-1", "Adam"), [0, 2], None),
    (
        "step,lr-AdamW/backbone,lr-AdamW/head,lr-AdamW/head-momentum",
        "lightning",
        ("backbone", "head"),
        [1, 2],
        [None, 3],
    ),
    (
        "step,lr-Adam/pg1,lr-Adam/pg2,lr-Adam-1/pg1",
        "lightning",
        ("Adam/pg1", "Adam/pg2", "Adam-1/pg1"),
        [1, 2, 3],
        None,
    ),
    ("step,lr-Adam/backbone", "lightning", ("backbone",), [1], None),
    ("step,mine,mine-momentum,loss", "lightning", ("",), [1], [2]),
    ("step,mine/pg1,mine/pg1-momentum,mine/pg2,mine/pg2-momentum", "lightning", ("pg1", "pg2"), [1, 3], [2, 4]),
    ("step,lr_step,lr_epoch", "csv", ("",), [1], None),
    ("step,lr,base_lr,max_lr,lr_scale,lr_scheduler", "csv", ("",), [1], None),
    ("global_step,LearningRate,Momentum", "csv", ("",), [1], [2]),
    ("iteration,learning rate,beta1", "csv", ("",), [1], [2]),
    ("epoch,batch,lr", "csv", ("",), [2], None),
    ("step,lr_0,momentum_0,lr_1,momentum_1", "csv", ("0", "1"), [1, 3], [2, 4]),
    ("step,lr0,lr1", "csv", ("0", "1"), [1, 2], None),
    ("step,lr[0],lr[1]", "csv", ("0", "1"), [1, 2], None),
    ("step,lr_backbone", "csv", ("backbone",), [1], None),
    ("step,train/lr,train/momentum", "csv", ("",), [1], [2]),
    ("train/global_step,train/learning_rate,train/loss", "csv", ("",), [1], None),
    ("step,head_lr,body_lr,body_momentum", "csv", ("head", "body"), [1, 2], [None, 3]),
    ("step,train/lr/pg0,train/lr/pg1", "csv", ("pg0", "pg1"), [1, 2], None),
    ("Wall time,Step,Value", "tensorboard", ("",), [2], None),
    ("epoch,accuracy,learning_rate,loss", "keras", ("",), [2], None),
    ("   epoch,  train/box_loss, lr/pg0, lr/pg1 ", "ultralytics", ("pg0", "pg1"), [2, 3], None),
    ("Step,warm - 7 - lr,warm - 7 - lr__MIN,warm - 7 - lr__MAX", "wandb", ("",), [1], None),
    ("Step,a - train/learning_rate,a - _step,a - loss", "wandb", ("",), [1], None),
    ("Step,a - lr,b - loss", "wandb", ("",), [1], None),
    ("_step,_runtime,_timestamp,lr", "wandb", ("",), [3], None),
]


@pytest.mark.parametrize(("header", "form", "groups", "lr", "momentum"), NAMINGS, ids=[naming[0] for naming in NAMINGS])
def test_columns_are_recognized_by_their_names(
    header: str, form: str, groups: tuple[str, ...], lr: list[int], momentum: list[int | None] | None, read: Any
) -> None:
    rows = [[10 * row + column for column in range(header.count(",") + 1)] for row in range(1, 4)]
    log = read("\n".join([header, *(",".join(map(str, row)) for row in rows), ""]))
    assert (log.format, log.groups) == (form, groups)
    assert same(log.lr, [[row[at] for at in lr] for row in rows])
    expected: Any = momentum and [[math.nan if at is None else row[at] for at in momentum] for row in rows]
    assert same(log.momentum, expected)
    assert log.steps.tolist() == [row[counter(header)] for row in rows]


def counter(header: str) -> int:
    """Return the index of the column that counts, in the headers above."""
    names = [name.strip().lower() for name in header.split(",")]
    known = ("step", "global_step", "iteration", "train/global_step", "_step", "batch", "epoch")
    return next(names.index(name) for name in known if name in names)


JSON_ROWS = [
    ('{"step": 1, "optim": {"lr": 0.5, "momentum": 0.9}}', "jsonl", 0.5, 0.9),
    ('{"step": 1, "lr": [0.5], "betas": [0.9, 0.99]}', "jsonl", 0.5, 0.9),
    ('{"step": 1, "lr": "5e-1", "momentum": null}', "jsonl", 0.5, math.nan),
    ('{"learning_rate": 0.5, "step": 1, "epoch": 0.1}', "transformers", 0.5, None),
    ('{"base_lr": 1, "lr": 0.5, "iter": 1, "momentum": 0.9}', "mmengine", 0.5, 0.9),
    ('{"_step": 1, "_runtime": 5, "lr": 0.5, "loss": NaN}', "wandb", 0.5, None),
]


@pytest.mark.parametrize(("row", "form", "lr", "momentum"), JSON_ROWS)
@pytest.mark.parametrize("shape", ["{}\n", '{{"model": "resnet", "lr": 3}}\n{}\n', "[{}]", "[\n  {},\n  5\n]"])
def test_json_objects(row: str, form: str, lr: float, momentum: float | None, shape: str, read: Any) -> None:
    log = read(shape.format(row))
    assert (log.format, log.steps.tolist(), log.lr.tolist()) == (form, [1], [[lr]])
    assert same(log.momentum, momentum and [[momentum]])


@pytest.mark.parametrize(
    "text",
    [
        "step;lr;momentum\r\n0;0,5;0,9\r\n1;0.25;0.8\r\n",
        "step\tlr\tmomentum\n0\t0.5\t0.9\n1\t0.25\t0.8\n",
        '"step","lr","momentum"\n"0","0.5","0.9"\n"1","0.25","0.8"',
        'note,step,lr,momentum\n"a, ""b""",0,0.5,0.9\n"two\nlines",1,0.25,0.8\n',
        "\ufeffstep,lr,momentum\n0.0,5e-1,.9\n\n1.0, 0.25 ,0.8\n",
        "# a comment\nstep,lr,momentum,loss\n0,0.5,0.9,\n0,,,3\n1,0.25,0.8,nan\n,NA,NaN,\n",
        "step,lr,momentum\n0,0.5,0.9\nstep,lr,momentum\n1,0.25,0.8\n",
        "step,lr,momentum\n0,0.5,0.9\nlr,momentum,new,step\n0.25,0.8,7,1\n",
        'step,lr,betas\n0,0.5,"(0.9, 0.99)"\n1,0.25,"[0.8, 0.99]"\n',
        "step,lr,momentum\n0,0.5,0.9,\n1,0.25,0.8,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_variants_of_csv(text: str, encoding: str, read: Any) -> None:
    log = read(text.encode(encoding))
    assert log.steps.tolist() == [0, 1]
    assert log.lr.tolist() == [[0.5], [0.25]]
    assert log.momentum.tolist() == [[0.9], [0.8]]
    assert log.bad_rows == ()


BAD_CELLS = ["tensor(0.1", "0.1.2", "1_0", "0x1", "--", "\0", "[0.1, 0.2]", "0.1 (peak)", "max(x)", "[]", "(" * 500]
BAD_STEPS = ["", "-1", "1.5", "inf", "nan", "x", str(2**53), "1_0"]


@pytest.mark.parametrize(
    "row", [f"1,{cell}" for cell in BAD_CELLS] + [f"{step},0.1" for step in BAD_STEPS] + ["1", "1,2,3"]
)
def test_bad_rows_are_skipped_and_reported(row: str, read: Any) -> None:
    log = read(f"step,lr\n0,0.5\n{row}\n2,0.25\n")
    assert log.lr.tolist() == [[0.5], [0.25]]
    [bad] = log.bad_rows
    assert bad.line == 3
    assert 0 < len(bad.why) < 100


BAD_JSON = [
    '{"step": 1, "lr',
    "[1]",
    '{"step": 1, "lr": true}',
    '{"step": -1, "lr": 1}',
    "\0\0",
    '{"step": 1, "lr": "x"}',
    "[" * 5000,
    '{"step": 1, "lr": 1' + "0" * 5000 + "}",
]


@pytest.mark.parametrize("row", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_lines_are_skipped_and_reported(row: str, read: Any) -> None:
    log = read(f'{{"step": 0, "lr": 0.5}}\n{row}\n{{"step": 2, "lr": 0.25}}\n')
    assert log.lr.tolist() == [[0.5], [0.25]]
    assert [bad.line for bad in log.bad_rows] == [2]


@pytest.mark.parametrize(
    ("cell", "rates", "texts"),
    [
        ("[0.0040]", [0.004], ["0.0040"]),
        ("[0.004, 0.01]", [0.004, 0.01], ["0.004", "0.01"]),
        ("(4e-3, 1e-2)", [0.004, 0.01], ["4e-3", "1e-2"]),
        ("[0.004 0.01 ]", [0.004, 0.01], ["0.004", "0.01"]),
        ("tensor(0.0040)", [0.004], ["0.0040"]),
        ("tensor(4.0000e-05, dtype=torch.float64)", [4e-5], ["4.0000e-05"]),
        ("tensor([0.0040], device='cuda:0')", [0.004], ["0.0040"]),
        ("tensor([0.0040, 0.0100], grad_fn=<MulBackward0>)", [0.004, 0.01], ["0.0040", "0.0100"]),
        ("array(0.004, dtype=float32)", [0.004], ["0.004"]),
        ("Array(0.004, dtype=float32, weak_type=True)", [0.004], ["0.004"]),
        ("np.float64(0.004)", [0.004], ["0.004"]),
        ("[np.float64(0.004), np.float64(0.01)]", [0.004, 0.01], ["0.004", "0.01"]),
        ("tf.Tensor(0.004, shape=(), dtype=float32)", [0.004], ["0.004"]),
        ("<tf.Tensor: shape=(), dtype=float32, numpy=0.004>", [0.004], ["0.004"]),
    ],
)
@pytest.mark.parametrize("form", ['{},"{}"', "{},{}", '{{"step": {}, "lr": "{}"}}'])
@pytest.mark.parametrize("rows", [3, 100])
def test_printed_lists_and_tensors(
    cell: str, rates: list[float], texts: list[str], form: str, rows: int, read: Any
) -> None:
    header = "" if form.startswith("{{") else "step,lr\n"
    log = read(header + "".join(form.format(step, cell) + "\n" for step in range(rows)))
    assert log.steps.tolist() == list(range(rows))
    assert log.lr.tolist() == [rates] * rows
    assert log.groups == (("0", "1") if len(rates) > 1 else ("",))
    assert [set(column) for column in log.texts] == [{text} for text in texts]
    assert not log.bad_rows


@pytest.mark.parametrize(
    ("row", "momentum"),
    [
        ('0,"[0.1, 0.2]","[0.9, 0.8]"', [0.9, 0.8]),
        ('0,"[0.1, 0.2]","[(0.9, 0.999), (0.8, 0.99)]"', [0.9, 0.8]),
        ('0,"[0.1, 0.2]",0.9', None),
        ('0,0.1,"(0.9, 0.999)"', [0.9]),
        ("0,0.1,0.9", [0.9]),
    ],
)
def test_printed_lists_of_momenta(row: str, momentum: list[float] | None, read: Any) -> None:
    log = read("step,lr,betas\n" + f"{row}\n" * 50)
    assert same(log.momentum, momentum and [momentum] * 50)
    assert log.bad_rows == ()


def test_lists_are_known_from_the_first_row_with_values(read: Any) -> None:
    log = read('step,loss,lr\n0,1,\n1,1,"[0.5, 0.25]"\n2,,\n3,1,0.5\n4,1,"[0.4, 0.2]"\n', lr=["lr"])
    assert (log.steps.tolist(), log.lr.tolist()) == ([1, 4], [[0.5, 0.25], [0.4, 0.2]])
    assert [row.line for row in log.bad_rows] == [5]


@pytest.mark.parametrize("rows", [10, 5000])
def test_texts_are_kept_of_rows_from_the_whole_log(rows: int, read: Any) -> None:
    form = "{},1e-1,{:.4f}\n".format
    texts = ["0.0000", *(f"{row / rows:.4f}" for row in range(1, rows))]
    log = read("step,lr,momentum\n" + "".join(form(row, row / rows) for row in range(rows)))
    assert set(log.texts[0]) == {"1e-1"}
    kept = log.texts[1]
    assert kept[:1000] == tuple(texts[:1000])
    assert set(kept) <= set(texts)
    assert len(kept) == min(rows, 2161)


@pytest.mark.parametrize(
    ("text", "steps", "epochs", "column"),
    [
        ("step,epoch,lr\n0,0.0,1\n1,0.5,1\n2,x,1\n3,,1\n", [0, 1, 2, 3], [0, 0.5, None, None], "step"),
        ("epoch,iter,lr\n1,5,1\n2,0,1\n", [5, 0], [1, 2], "iter"),
        ("epoch,lr\n0,1\n1,1\n", [0, 1], [0, 1], "epoch"),
        ("epoch,lr\n0,1\n0,1\n", [0, 1], [0, 0], "epoch"),
        ("lr\n1\n1\n", [0, 1], None, None),
        ('{"step": 3, "epoch": 1, "lr": 1}\n{"step": 4, "epoch": "1/9", "lr": 1}\n', [3, 4], [1, None], "step"),
    ],
)
def test_epochs_are_kept_beside_steps(
    text: str, steps: list[int], epochs: list[float | None] | None, column: str | None, read: Any
) -> None:
    log = read(text)
    assert (log.steps.tolist(), log.step_column, log.bad_rows) == (steps, column, ())
    assert same(log.epochs, None if epochs is None else np.array(epochs, dtype=np.float64))


def test_infinite_rates_are_kept(read: Any) -> None:
    assert read("step,lr\n0,inf\n1,-Infinity\n").lr.tolist() == [[math.inf], [-math.inf]]


def test_a_quote_that_is_never_closed_costs_one_line(read: Any) -> None:
    rows = "".join(f"{step},0.5,ok\n" for step in range(1, 200))
    log = read(f'step,lr,note\n0,0.5,"open\n{rows}')
    assert log.steps.tolist() == list(range(1, 200))
    assert [bad.line for bad in log.bad_rows] == [2]


def test_an_endless_line_costs_one_row(read: Any) -> None:
    log = read(f"step,lr\n0,0.5\n1,{'9' * (3 * LONGEST_LINE)}\n2,0.25\n")
    assert log.lr.tolist() == [[0.5], [0.25]]
    assert [bad.line for bad in log.bad_rows] == [3]


def test_a_last_line_without_end_is_reported(read: Any) -> None:
    assert "cut off" in read("step,lr\n0,0.5\n1,0.2").notes[0]
    assert [bad.line for bad in read("step,lr\n0,0.5\n1").bad_rows] == [3]


def test_without_a_counter_the_rows_count(read: Any) -> None:
    log = read("lr,loss\n0.5,1\n,1\n0.25,1\n")
    assert log.steps.tolist() == [0, 2]
    assert "numbered" in log.notes[0]


@pytest.mark.parametrize(("epochs", "words"), [([0, 0, 0, 1, 1, 1], "numbered"), ([0, 0.5, 1, 1.5], "does not count")])
def test_epochs_that_cannot_count_rows(epochs: list[float], words: str, read: Any) -> None:
    log = read("epoch,lr\n" + "".join(f"{epoch},0.5\n" for epoch in epochs))
    assert log.steps.tolist() == list(range(len(epochs)))
    assert words in log.notes[0]


def test_few_bad_rows_pass_and_many_do_not(read: Any) -> None:
    good = "".join(f"{step},0.5\n" for step in range(10))
    assert len(read("step,lr\n" + good + "x,1\n" * FEW_BAD_ROWS).bad_rows) == FEW_BAD_ROWS
    with pytest.raises(OnecycleError, match=r"4 of 14 rows .* line 12: .*; line 13: .*; line 14: [^;]*$"):
        read("step,lr\n" + good + "x,1\n" * (FEW_BAD_ROWS + 1))
    with pytest.raises(OnecycleError, match=f"more than {MOST_BAD_ROWS} rows"):
        read("step,lr\n" + good * 1000 + "x,1\n" * (MOST_BAD_ROWS + 1))


def test_own_columns(read: Any) -> None:
    text = "when,rate a,rate b,m.a,lr\n7,1,2,3,4\n"
    log = read(text, step=["when"], lr=["rate b", "rate a"], momentum=["m.a", "lr"])
    assert (log.steps.tolist(), log.lr.tolist(), log.momentum.tolist()) == ([7], [[2, 1]], [[3, 4]])
    assert log.groups == ("rate b", "rate a")
    assert read(text, step=["when"]).lr.tolist() == [[4]]
    nested = read('{"at": 3, "opt": {"eta": 0.5}}\n', step=["at"], lr=["opt.eta"])
    assert (nested.steps.tolist(), nested.lr.tolist()) == ([3], [[0.5]])
    chart = "Step,a - lr,b - lr\n0,1,2\n"
    assert read(chart, lr=["b - lr"]).lr.tolist() == [[2]]


REFUSED = [
    ("", {}, "empty", "check"),
    ("\n\n", {}, "empty", "check"),
    ("step,loss\n0,1\n", {}, "columns are step, loss", "--column lr=NAME"),
    ('{"step": 1, "loss": 2}\n', {}, "columns are step, loss", "--column lr=NAME"),
    ("step,lr\n", {}, "no row", "--column lr=NAME"),
    ("step,lr\n0,\n", {}, "no row", "--column lr=NAME"),
    ("step,lr\nx,1\n", {}, "none of the rows of", "--column"),
    ("step,lr\nx,1\n", {}, "can be read: line 2", "--column"),
    ("step,lr\n0,1\n", {"lr": ["lt"]}, "no column lt", "did you mean lr?"),
    ("step,lr\n0,1\n", {"step": ["zzz"]}, "no column zzz", "it has step, lr"),
    ("step,lr\n0,1\n", {"rate": ["lr"]}, "unknown --column key 'rate'", "--column"),
    ("step,lr\n0,1\n", {"lr": ["lr"], "momentum": ["a", "b"]}, "2 momenta", "momentum"),
    ("Step,a - lr,b - lr\n0,1,2\n", {}, "several runs: a, b", "--column 'lr=a - lr'"),
    ("[]", {}, "empty", "check"),
    ("[1, 2]", {}, "no JSON object", "check"),
    ('{\n"log_history": [\n{"step": 1,', {}, "is not valid JSON", "written to the end"),
    ('{"log_history": []}', {}, "empty", "check"),
    (b"BZh91AY&SY", {}, "bzip2", "bunzip2"),
    (b"\x7fELF\0\0\0", {}, "neither text", "check"),
]


@pytest.mark.parametrize(("text", "columns", "message", "hint"), REFUSED)
def test_unreadable_files(text: Any, columns: Any, message: str, hint: str, read: Any) -> None:
    with pytest.raises(OnecycleError) as caught:
        read(text, **columns)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("path", ["", "missing", "nul\0", "x" * 5000])
def test_missing_files(path: str) -> None:
    with pytest.raises(OnecycleError, match=r"no such file|cannot read"):
        read_log(path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"step,lr\n0,0.5\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    log = read_log("-")
    assert (log.path, log.lr.tolist()) == ("<stdin>", [[0.5]])


def test_numpy_is_loaded_only_when_a_log_is_read() -> None:
    command = "import sys, onecycle_cli.run.logs; assert not {'numpy', 'orjson'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True, cwd=ROOT, timeout=120)


@given(st.lists(st.binary(max_size=40)), st.integers(0, 2))
def test_lines_do_not_depend_on_where_bytes_are_cut(portions: list[bytes], bom: int) -> None:
    portions = [(b"", b"\xff\xfe", b"\xef\xbb\xbf")[bom], *portions]
    whole, cut = Lines(), Lines()
    expected = [*whole.feed(b"".join(portions), ended=True)]
    found = [line for portion in portions for line in cut.feed(portion)] + [*cut.feed(b"", ended=True)]
    assert found == expected


def reads_or_refuses(data: bytes, folder: Path, columns: Any) -> None:
    path = folder / "damaged"
    path.write_bytes(data)
    try:
        log = read_log(str(path), columns)
    except OnecycleError:
        pass
    else:
        assert len(log.steps) == len(log.lr) > 0
        assert log.lr.shape[1] == len(log.groups)
        assert log.momentum is None or log.momentum.shape == log.lr.shape


ODD = st.one_of(
    st.binary(max_size=300),
    st.text('{}[]":,;\n\r\t #.-+eE0123456789lrstepmoun_/\0\ufeff', max_size=300).map(str.encode),
    st.text(max_size=200).map(lambda text: b"step,lr\n" + text.encode("utf-8", "replace")),
    st.text(max_size=200).map(lambda text: b'{"step":1,"lr":2}\n' + text.encode("utf-8", "replace")),
)


@given(ODD, st.sampled_from([{}, {"lr": ["lr"]}, {"step": ["step"], "lr": ["loss"]}]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, columns: Any) -> None:
    reads_or_refuses(data, tmp_path_factory.getbasetemp(), columns)


@given(
    st.sampled_from([trace["file"] for trace in MANIFEST]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 30), st.binary(max_size=8)), max_size=4),
    st.integers(0, 4000),
)
def test_damaged_logs_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, damages: list[tuple[int, int, bytes]], end: int
) -> None:
    data = (TRACES / name).read_bytes()[:end]
    for at, length, instead in damages:
        data = data[:at] + instead + data[at + length :]
    reads_or_refuses(data, tmp_path_factory.getbasetemp(), {})


def test_quoting_is_the_csv_modules(read: Any) -> None:
    cells = ["a,b", 'say "x"', "two\nlines", " padded ", ""]
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["note", "step", "lr"], *([cell, step, 0.5] for step, cell in enumerate(cells))])
    log = read(stream.getvalue())
    assert log.steps.tolist() == list(range(len(cells)))


PLAIN = st.sampled_from(["0.5", "1e-3", "7"])
CELLS = PLAIN | st.sampled_from(["", "nan", "NA", "inf", "-inf", "1_0", " 2 ", "x", '"3"', '"', "3\r", "1,5", "\u0663"])
STEPS = st.sampled_from(["", "-1", "1.5", "x", "1_0", str(2**53), "nan"])


@given(
    st.lists(st.tuples(st.integers(0, 9).map(str) | STEPS, CELLS, CELLS).map(list) | st.lists(CELLS), max_size=8),
    st.sampled_from(["step,lr,note", "lr,note,momentum", "epoch,lr,momentum"]),
    st.lists(st.integers(0, 200), max_size=3),
)
def test_blocks_of_lines_are_read_as_single_lines_are(rows: list[list[str]], header: str, cuts: list[int]) -> None:
    data = "\n".join([header, *(",".join(row) for row in rows), ""]).encode()
    begins = [0, len(header) + 1, *sorted(len(header) + 1 + cut for cut in cuts)]
    chunks = [data[begin:end] for begin, end in zip(begins, [*begins[1:], len(data)], strict=True)]

    def found() -> list[Any]:
        try:
            log = logs.new_reader(TableReader, "a log", {}).read(chunks)
        except OnecycleError as error:
            return [error.message]
        values = [log.lr.tobytes(), None if log.momentum is None else log.momentum.tobytes()]
        return [log.steps.tolist(), *values, log.texts, log.bad_rows, log.notes]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SMALL_BLOCK", 1)
        patch.setattr(records, "MANY_LINES", 1)
        by_block = found()
        patch.setattr(TableReader, "_add_block", lambda *_: False)
        assert by_block == found()


def test_plain_numbers_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SMALL_BLOCK", 1)
    monkeypatch.setattr(records, "MANY_LINES", 1)
    reader = logs.new_reader(TableReader, "a log", {})
    assert isinstance(reader, TableReader)
    reader.feed(b"step,note,lr\n0,,0.50\n")
    monkeypatch.setattr(reader, "rows", None)
    assert reader.feed(b"1,,0.25\r\n2,")
    reader.feed(b"c,1e-3\n")
    assert reader.feed(b'"3","a, b","0.1"\n4,0,7\n')
    log = reader.build()
    assert (log.steps.tolist(), log.lr[:, 0].tolist()) == ([0, 1, 2, 3, 4], [0.5, 0.25, 1e-3, 0.1, 7])
    assert log.texts == (("0.50", "0.25", "1e-3", "0.1", "7"),)


ODD_VALUES: list[Any] = [0.5, 7, None, "0.25", "x", True, [0.5], {"a": 1}, "[0.5, 0.25]", float("inf")]
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "step": st.integers(0, 9) | st.sampled_from([None, -1, 1.5, "3"]),
            "lr": st.floats(0, 1) | st.sampled_from(ODD_VALUES),
            "epoch": st.sampled_from(ODD_VALUES),
            "more": st.sampled_from([[{"b": 1}, {"c": [2]}], {"d": {}}, "}, {", 1]),
        },
    ),
    max_size=20,
)


@given(ENTRIES, st.sampled_from([None, 1]), st.booleans(), st.lists(st.integers(0, 500), max_size=5))
def test_objects_are_read_at_once_as_one_by_one(
    entries: list[Any], indent: int | None, by_line: bool, cuts: list[int]
) -> None:
    entries = [{"step": 0, "lr": 0.125}, *entries]
    text = "\n".join(map(json.dumps, [*entries, {}])) if by_line else json.dumps(entries, indent=indent)
    ends = [*sorted(cuts), len(text)]
    chunks = [text[begin:end].encode() for begin, end in zip([0, *ends], ends, strict=False)]
    class_ = JsonLinesReader if by_line else JsonDocumentReader

    def found() -> list[Any]:
        try:
            log = logs.new_reader(class_, "a log", {}).read(filter(None, chunks))
        except OnecycleError as error:
            return [error.message]
        epochs = None if log.epochs is None else log.epochs.tobytes()
        texts = log.texts if by_line else None
        return [log.steps.tolist(), log.lr.tobytes(), epochs, log.groups, texts, log.bad_rows]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "SMALL_BLOCK", 1)
        patch.setattr(documents, "SAMPLED_ROWS", 1)
        by_block = found()
        patch.setattr(ObjectReader, "add_objects", lambda *_: False)
        assert by_block == found()


def test_objects_are_read_at_once(monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    """Only the first rows of a long document, and of each line block, are read one by one."""
    singly: list[object] = []
    by_itself = ObjectReader._row

    def counted(self: ObjectReader, entry: Any) -> Any:
        singly.append(entry)
        return by_itself(self, entry)

    monkeypatch.setattr(ObjectReader, "_row", counted)
    monkeypatch.setattr(documents, "SAMPLED_ROWS", 1)
    entries = [{"step": step, "lr": step / 5000, "group": {"nested": [step]}} for step in range(5000)]
    log = read(json.dumps({"best": None, "log_history": entries, "max_steps": 5000}, indent=2))
    assert log.steps.tolist() == list(range(5000))
    assert len(singly) < 300


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"lr": 1}\n{"lr": 2}]', "Expecting ',' in line 2"),
        ('[{"lr": 1},\n\n{"lr": 2', "Expecting ',' delimiter in line 3"),
        ('{"lr": 1,\n"step": tru', "Expecting value in line 2"),
        ('[{"lr": 1}]\n]', "Extra data in line 2"),
        ('{\n"log_history": [{"lr": "x', "Unterminated string starting at in line 2"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_invalid_documents_name_the_line(text: str, why: str, read: Any) -> None:
    with pytest.raises(OnecycleError) as caught:
        read(text)
    assert why in caught.value.message


def test_a_huge_value_in_a_document_is_refused(monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    monkeypatch.setattr(documents, "LARGEST_VALUE", 2**20)
    with pytest.raises(OnecycleError, match="more than 1 MiB"):
        read('[{"lr": [' + "1, " * 2**20)


class MadeUpReader(LineReader):
    """Reads lines such as `update=0 eta=0.1 mass=0.9` below a line `@made-up`."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        return head.text.startswith("@made-up") or (None if "@made-up".startswith(head.text) else False)

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[Row | BadRow]:
        for line, text in lines:
            values = dict(pair.split("=") for pair in text.split() if "=" in pair)
            if not values:
                continue
            self.columns = self.columns or self.choose(list(values))
            try:
                step, *numbers = [float(values[name]) for name in ("update", *self.columns.values)]
                yield self.columns.check_step(step), numbers
            except (ValueError, KeyError) as error:
                yield BadRow(line, str(error))


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, list[str]]:
    """Register a format as its module would, and return a path and the lines of a log that follows PLAN."""
    format_ = Format("made-up", MadeUpReader, step="update", lr="eta", momentum="mass")
    monkeypatch.setattr(logs, "FORMATS", (format_, *logs.FORMATS))
    schedule = OneCycle(max_lr=0.1, total_steps=100).schedule()
    rows = [f"update={step} eta={schedule.lr(step)!r} mass={schedule.momentum(step)!r}\n" for step in range(100)]
    return tmp_path / "run.log", ["@made-up\n", *rows]


PLAN = ["--max-lr", "0.1", "--total-steps", "100"]


def test_a_new_format_is_read(made_up: tuple[Path, list[str]]) -> None:
    path, lines = made_up
    path.write_text("".join([*lines[:50], "update=x eta=1 mass=1\n", *lines[50:]]))
    log = read_log(str(path))
    assert (log.format, log.steps.tolist()) == ("made-up", list(range(100)))
    assert [bad.line for bad in log.bad_rows] == [51]
    assert read_log(str(path), {"lr": ["mass"], "momentum": ["eta"]}).lr[0, 0] == log.momentum[0, 0]  # type: ignore[index]


def test_a_new_format_is_checked(made_up: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path, lines = made_up
    path.write_text("".join(lines))
    assert main(["check", *PLAN, str(path), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["compared"], found["precision"]) == ("ok", 200, "exact")
    path.write_text("".join(lines[:61]))
    assert main(["check", *PLAN, str(path), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["first_missing_step"] == 60


def test_a_new_format_is_fitted(made_up: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path, lines = made_up
    path.write_text("".join(lines))
    assert main(["fit", str(path), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["settings"]["max_lr"], found["settings"]["total_steps"], found["explained"]) == (0.1, 100, 1)


def test_a_new_format_is_followed(made_up: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path, lines = made_up
    texts = ["@ma", "de-up\n", "".join(lines[1:40]), lines[40][:10], lines[40][10:], "".join(lines[41:])]
    counts = [len(log.steps) for log in follow(path, [appending(path, text) for text in texts])]
    assert counts == [39, 40, 100]
    assert main(["check", *PLAN, str(path), "--follow", "--interval", "0.01", "--format", "json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["verdict"] == "ok"
    assert "(100 %): as planned so far" in said.err
