"""Files that real frameworks wrote, and how they come: compressed, in folders, or as text."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import struct
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.run.logs import documents, log_files, read_log
from onecycle_cli.run.logs.builder import LogBuilder
from onecycle_cli.run.logs.documents import JsonText
from onecycle_cli.run.logs.log import Columns
from onecycle_cli.run.logs.log_files import chunks_of
from onecycle_cli.run.logs.named_values import NamedValues
from onecycle_cli.run.logs.protobuf import fields, signed, varint
from onecycle_cli.run.logs.wandb import records_of as wandb_records

from .conftest import DATA
from .logged_runs import MANIFEST, TRACES, appending, follow

LOGS = DATA / "logs"
CYCLE = OneCycle(max_lr=0.1, total_steps=20).schedule()
RATES = CYCLE.lr(np.arange(20)).tolist()


# --- Compressed files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*(trace["file"] for trace in MANIFEST), "../logs/torch_summary_writer.tfevents"])
def test_compressed_logs_are_read_as_they_are(name: str, tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress((TRACES / name).read_bytes()))
    columns = {"lr": ["train/lr"]} if name.endswith(".tfevents") else {}
    plain, packed = read_log(str(TRACES / name), columns), read_log(str(path), columns)
    assert (packed.format, packed.groups, packed.notes) == (plain.format, plain.groups, plain.notes)
    assert np.array_equal(packed.steps, plain.steps)
    assert np.array_equal(packed.lr, plain.lr, equal_nan=True)


def test_compressed_logs_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    parts = [gzip.compress(b"step,lr\n0,0.5\n"), gzip.compress(b"1,0.25\n")]
    logs = follow(path, [lambda: path.write_bytes(parts[0]), lambda: path.write_bytes(b"".join(parts))])
    assert [log.steps.tolist() for log in logs] == [[0], [0, 1]]


def test_a_compressed_log_of_a_killed_run_is_read_to_its_end(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    data = packer.compress(b"step,lr\n0,0.5\n1,0.25\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    (tmp_path / "log.gz").write_bytes(data)
    assert read_log(str(tmp_path / "log.gz")).steps.tolist() == [0, 1]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.integers(2, 64))
def test_members_are_unpacked_in_chunks(members: list[bytes], size: int) -> None:
    data = b"".join(map(gzip.compress, members)) + b"\0" * 10
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "CHUNK", size)
        chunks = list(chunks_of(io.BytesIO(data), "log.gz"))
    assert b"".join(chunks) == b"".join(members)
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}


def test_damaged_and_endless_compressed_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.gz"
    data = bytearray(gzip.compress(b"step,lr\n" + b"0,0.5\n" * 1000))
    data[20] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(OnecycleError, match="damaged"):
        read_log(str(path))
    monkeypatch.setattr(log_files, "MOST_UNPACKED", 2**22)
    path.write_bytes(gzip.compress(b"step,lr\n" + b"0,0.5\n" * 2**20))
    with pytest.raises(OnecycleError, match="holds more than"):
        read_log(str(path))


# --- Event files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "rates"),
    [
        ("train/lr", np.array(RATES, np.float32)),
        ("new/lr", np.array(RATES, np.float32)),  # a tensor, as TensorFlow 2 writes
        ("double/lr", RATES),
    ],
)
def test_an_event_file_of_torch(tag: str, rates: Any) -> None:
    """PyTorch 2.13 and TensorBoard 2.21 wrote it, with a histogram among the scalars."""
    log = read_log(str(LOGS / "torch_summary_writer.tfevents"), {"lr": [tag]})
    assert (log.format, log.steps.tolist(), log.texts) == ("tensorboard-events", list(range(20)), ((),))
    assert log.lr[:, 0].tolist() == np.asarray(rates, np.float64).tolist()


def message(*parts: tuple[int, bytes | int | float]) -> bytes:
    """Write a message of integers, float32 and bytes."""
    out = b""
    for number, value in parts:
        if isinstance(value, int):
            out += bytes([number << 3]) + bytes([value])
        elif isinstance(value, float):
            out += bytes([number << 3 | 5]) + struct.pack("<f", value)
        else:
            out += bytes([number << 3 | 2, len(value)]) + value
    return out


def framed(event: bytes) -> bytes:
    return len(event).to_bytes(8, "little") + b"\0" * 4 + event + b"\0" * 4


VERSION = framed(b"\x09" + b"\0" * 8 + b"\x1a\x0dbrain.Event:2")


def event(step: int, *values: bytes) -> bytes:
    return framed(message((2, step), *((5, message((1, value))) for value in values)))


@pytest.mark.parametrize(
    ("tensor", "number"),
    [
        (message((1, 1), (5, struct.pack("<f", 0.5))), 0.5),
        (message((5, 0.5), (1, 1)), 0.5),
        (message((1, 1), (4, struct.pack("<f", 0.5))), 0.5),
        (message((1, 2), (4, struct.pack("<d", 0.1))), 0.1),
        (message((1, 19), (4, struct.pack("<e", 0.5))), 0.5),
        (message((1, 19), (13, b"\x80\x70")), 0.5),
        (message((1, 3), (7, 3)), 3.0),
        (message((1, 9), (10, b"\x05")), 5.0),
        (message((1, 1), (2, message((2, message((1, 1))))), (5, 0.5)), None),  # a vector
        (message((1, 7), (8, b"text")), None),
        (message((1, 1), (4, b"\0\0")), None),
    ],
)
def test_tensors_in_event_files(tensor: bytes, number: float | None, tmp_path: Path) -> None:
    events = [event(0, message((1, b"lr"), (2, 1.0))), event(1, message((1, b"lr"), (8, tensor)))]
    (tmp_path / "log").write_bytes(b"".join([VERSION, *events]))
    assert read_log(str(tmp_path / "log")).lr[:, 0].tolist() == [1.0, *([] if number is None else [number])]


@pytest.mark.parametrize(
    "bad", [b"\xff" * 40, framed(b"\x2a\x7f"), framed(b"\x2b"), framed(b"\x10" + b"\xff" * 11), b"\0" * 3]
)
def test_damaged_event_files(bad: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(VERSION + event(0, message((1, b"lr"), (2, 1.0))) + bad)
    if bad == b"\0" * 3:  # torn
        assert read_log(str(path)).steps.tolist() == [0]
    else:
        with pytest.raises(OnecycleError, match="damaged event file"):
            read_log(str(path))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_not(data: bytes) -> None:
    try:
        found = list(fields(data))
    except ValueError:
        return
    assert sum(len(value) if isinstance(value, bytes) else 1 for _, _, value in found) <= len(data)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_are_read_back(number: int) -> None:
    rest, data = number % 2**64, bytearray()
    while rest >= 0x80:
        data.append(rest & 0x7F | 0x80)
        rest >>= 7
    data.append(rest)
    found, at = varint(bytes(data) + b"\x01", 0)
    assert (signed(found), at) == (number, len(data))


# --- Values that are logged one by one -------------------------------------------------------------------------------

LONG = [
    ("lr", 0, "0.10"),
    ("lr", 1, "0.20"),
    ("loss", 1, "oops"),
    ("lr", 5, "0.30"),
    ("momentum", 0, "0.9"),
    ("momentum", 5, "0.7"),
]
TIME = 1795688654148


def mlflow_csv() -> str:
    """Return what MLflow's page of metrics saves as CSV."""
    return "run_id,key,value,step,timestamp\n" + "".join(
        f"2787cb,{name},{value},{step},{TIME + step}\n" for name, step, value in LONG
    )


def comet_json() -> str:
    """Return what `APIExperiment.get_metrics` of comet_ml 3.58 returns, as JSON."""
    return json.dumps(
        [
            {
                "metricName": name, "metricValue": value, "timestamp": TIME, "step": step, "epoch": step // 4,
                "runContext": None, "offset": 0,
            }
            for name, step, value in LONG
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        mlflow_csv(),
        comet_json(),
        comet_json().replace("}, {", "}\n{")[1:-1],
        "step\ttag\tvalue\n" + "".join(f"{step}\t{name}\t{value}\n" for name, step, value in LONG),
        '"metric","value","step","timestamp"\n' + "".join(f'"{n}","{v}","{s}","1"\n' for n, s, v in LONG),
    ],
    ids=["mlflow", "comet", "comet lines", "tabs", "quotes"],
)
def test_long_tables(text: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    log = read_log(str(path))
    assert (log.format, log.steps.tolist(), log.bad_rows) == ("long", [0, 1, 5], ())
    assert log.lr[:, 0].tolist() == [0.1, 0.2, 0.3]
    assert log.texts[0] == ("0.10", "0.20", "0.30")
    assert log.momentum is not None
    assert np.array_equal(log.momentum[:, 0], [0.9, np.nan, 0.7], equal_nan=True)
    if "epoch" in text:
        assert log.epochs is not None
        assert log.epochs.tolist() == [0, 0, 1]


def test_long_tables_grow(tmp_path: Path) -> None:
    path = tmp_path / "log"
    texts = ["name,value,step\nloss,1,0\n", "lr,0.5,0\nloss,1,1\nlr,0", ".25,1\n", "momentum,0.9,1\n"]
    logs = list(follow(path, [appending(path, text) for text in texts]))
    assert [log.steps.tolist() for log in logs] == [[0], [0, 1], [0, 1]]
    assert [log.momentum is None for log in logs] == [True, True, False]


def test_long_tables_of_several_runs(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("run,name,value,step\na,lr,1,0\nb,lr,2,0\na,lr,3,1\n")
    with pytest.raises(OnecycleError) as caught:
        read_log(str(path))
    assert ("several runs: a, b" in caught.value.message, "lr=a - lr" in caught.value.hint) == (True, True)
    assert read_log(str(path), {"lr": ["a - lr"]}).lr[:, 0].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("rows", "steps", "bad"),
    [
        ("lr,1,\nlr,2,-1\nlr,3,4\n", [4], [2, 3]),
        ("lr,x,0\nlr,2,1.5\nlr,3,4\nmomentum\n", [4], [5, 2, 3]),
        ("lr,nan,0\nlr,1,1\n", [1], []),
    ],
)
def test_bad_values_in_long_tables(rows: str, steps: list[int], bad: list[int], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("name,value,step\n" + rows)
    log = read_log(str(tmp_path / "log"))
    assert (log.steps.tolist(), [row.line for row in log.bad_rows]) == (steps, bad)


def test_without_steps_the_values_of_a_name_are_counted(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("name,value\nlr,0.1\nmomentum,0.9\nlr,0.2\nmomentum,0.8\n")
    log = read_log(str(tmp_path / "log"))
    assert (log.steps.tolist(), log.step_column, log.momentum is not None) == ([0, 1], None, True)


NAMED = st.lists(
    st.tuples(st.sampled_from(["lr", "momentum", "loss"]), st.integers(0, 5), st.integers(1, 9)), max_size=30
)


@given(NAMED)
def test_values_of_one_step_share_a_row(logged: list[tuple[str, int, int]]) -> None:
    values = NamedValues()
    for line, (name, step, value) in enumerate(logged):
        values.add(line, name, step, value)
    builder = LogBuilder("a log")
    values.add_to(builder, COLUMNS)
    by_name = {name: [(step, value) for key, step, value in logged if key == name] for name in COLUMNS.values}
    if not any(by_name.values()):
        assert len(builder) == 0
        return
    log = builder.build(COLUMNS)
    assume(log.counts == "step")  # not all of one step, which would count nothing
    assert log.momentum is not None
    for name, column in (("lr", log.lr[:, 0]), ("momentum", log.momentum[:, 0])):
        found = [
            (step, value) for step, value in zip(log.steps.tolist(), column.tolist(), strict=True) if value == value
        ]
        # In the order of the first series; the second one's values are in the rows of their steps.
        assert found == by_name[name] if name == "lr" else sorted(found) == sorted(by_name[name])
    times = [Counter(step for step, _ in pairs) for pairs in by_name.values()]
    assert Counter(log.steps.tolist()) == times[0] | times[1]  # no more rows of a step than it takes


COLUMNS = Columns("long", "step", ("lr",), ("momentum",), ("",))


def write_metric_files(folder: Path) -> None:
    """Write the files of a run as MLflow 3.17 does with a file store."""
    (folder / "metrics" / "train").mkdir(parents=True)
    for name in ("lr", "train/momentum", "loss"):
        rows = [(0, 0.1), (1, 0.1 / 3), (2, 3e-05)]
        (folder / "metrics" / name).write_text("".join(f"{TIME + step} {value} {step}\n" for step, value in rows))
    (folder / "meta.yaml").write_text("run_id: 2787cb\n")


def test_metric_files_of_mlflow(tmp_path: Path) -> None:
    write_metric_files(tmp_path)
    for path in (tmp_path, tmp_path / "metrics", tmp_path / "metrics" / "lr"):
        log = read_log(str(path))
        assert (log.format, log.steps.tolist(), log.notes) == ("mlflow", [0, 1, 2], ())
        assert log.lr[:, 0].tolist() == [0.1, 0.1 / 3, 3e-05]
        assert (log.momentum is None) == path.is_file()
    with pytest.raises(OnecycleError, match="its columns are loss"):
        read_log(str(tmp_path / "metrics" / "loss"))
    torn = tmp_path / "metrics" / "lr"
    torn.write_text(torn.read_text() + f"{TIME} 0.1 3 name 0a1b\n{TIME} 0.\n")
    log = read_log(str(torn))
    assert (log.steps.tolist(), [row.line for row in log.bad_rows]) == ([0, 1, 2, 3], [5])


def test_a_database_of_mlflow(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        # The columns that are read, of the tables that MLflow 3.17 makes.
        database.execute("CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250))")
        database.execute(
            "CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, "
            "is_nan BOOLEAN, PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan))"
        )
        database.executemany("INSERT INTO runs VALUES (?, ?)", [("1a", "old"), ("2b", None), ("3c", "evaluation")])
        rows = [
            *(("lr", 0.5 + step, TIME + step, "1a", step, 0) for step in range(3)),
            *(("train/lr", 0.25 + step, TIME + 10 + step, "2b", step, step == 1) for step in range(3)),
            ("accuracy", 0.5, TIME + 100, "3c", 0, 0),
        ]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()
    newest = read_log(str(path))
    assert (newest.format, newest.steps.tolist(), newest.lr[:, 0].tolist()) == ("mlflow", [0, 2], [0.25, 2.25])
    assert newest.notes == (f"read run 2b, the newest of 3 with a learning rate; for another, name {path}/RUN",)
    named = read_log(f"{path}/old")
    assert (named.lr[:, 0].tolist(), named.notes) == ([0.5, 1.5, 2.5], ())
    for name, message in (("none", "has no run none"), ("3c", "no learning-rate column")):
        with pytest.raises(OnecycleError, match=message):
            read_log(f"{path}/{name}")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(OnecycleError, match="not a database of MLflow"):
        read_log(str(path))


def test_scalars_of_clearml(tmp_path: Path) -> None:
    """`Task.get_reported_scalars` of clearml 2.1 documents this shape."""
    lr = {"x": [0, 1, 2], "y": [0.5, 0.25, 0.125]}
    scalars = {"train": {"lr": lr, "loss": {"x": [], "y": []}}, ":monitor:gpu": {"0": {"x": [0], "y": [99]}}}
    (tmp_path / "log").write_text(json.dumps(scalars, indent=1))
    log = read_log(str(tmp_path / "log"))
    assert (log.format, log.steps.tolist(), log.lr[:, 0].tolist()) == ("clearml", [0, 1, 2], lr["y"])
    (tmp_path / "log").write_text(json.dumps(scalars).replace("0.25", '"x"'))
    with pytest.raises(OnecycleError, match="not a number"):
        read_log(str(tmp_path / "log"))


@given(
    st.lists(st.floats() | st.integers(-9, 9) | st.none() | st.sampled_from(["a]", "b,", [1, 2], {"c": []}])),
    st.sampled_from([None, 1]),
    st.integers(1, 60),
)
def test_lists_of_numbers_are_read_in_pieces(items: list[Any], indent: int | None, cut: int) -> None:
    data = json.dumps(items, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "SMALL_TEXT", 10)
        text = JsonText([data[at : at + cut] for at in range(0, len(data), cut)])
        found = [item for piece in text.numbers() for item in piece]
        text.end()
    assert repr(found) == repr(json.loads(data))


# --- W&B's own record of a run ---------------------------------------------------------------------------------------


def test_an_offline_run_of_wandb(tmp_path: Path) -> None:
    """wandb 0.31 wrote these records of a run's history; the others of the file are left out."""
    log = read_log(str(LOGS / "wandb_offline_history.wandb"))
    assert (log.format, log.steps.tolist(), log.step_column) == ("wandb", list(range(20)), "_step")
    assert log.lr[:, 0].tolist() == RATES
    assert log.momentum is not None
    assert log.momentum[:, 0].tolist() == CYCLE.momentum(np.arange(20)).tolist()  # type: ignore[union-attr]
    assert float(log.texts[0][3]) == RATES[3]
    data = (LOGS / "wandb_offline_history.wandb").read_bytes()
    (tmp_path / "torn").write_bytes(data[:-30])
    assert read_log(str(tmp_path / "torn")).steps.tolist() == list(range(19))
    (tmp_path / "damaged").write_bytes(data[:1000] + b"?" + data[1001:])
    with pytest.raises(OnecycleError, match="damaged record of W&B: a wrong checksum at byte"):
        read_log(str(tmp_path / "damaged"))


def wandb_file(records: list[bytes]) -> bytes:
    """Frame records as LevelDB does."""
    data = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        rest, kind = record, 1
        while True:
            left = 2**15 - len(data) % 2**15
            if left < 7:
                data += b"\0" * left
                continue
            piece, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if not rest else 2) if kind == 1 else (4 if not rest else 3)
            data += struct.pack("<IHB", zlib.crc32(piece, zlib.crc32(bytes([kind]))), len(piece), kind) + piece
            if not rest:
                break
    return bytes(data)


@given(st.lists(st.sampled_from([0, 1, 100, 2**15 - 14, 2**15 - 7, 2**15, 10**5]), max_size=5), st.integers(1, 2**16))
def test_records_of_wandb_are_put_together(sizes: list[int], cut: int) -> None:
    records = [bytes([at + 1]) * size for at, size in enumerate(sizes)]
    data = wandb_file(records)
    assert list(wandb_records([data[at : at + cut] for at in range(0, len(data), cut)])) == records


def test_values_of_wandb_with_types(tmp_path: Path) -> None:
    """Newer records may hold numbers themselves; these are the fields of wandb_internal.proto."""

    def item(key: str, value: bytes) -> tuple[int, bytes]:
        return 1, message((2, key.encode())) + value

    number, integer, text = b"\x31" + struct.pack("<d", 0.1), b"\x28\x07", b"\x82\x01\x011"
    history = message(item("lr", number), item("_step", integer), item("_runtime", text))
    (tmp_path / "log").write_bytes(wandb_file([message((1, 5)), message((2, history))]))
    log = read_log(str(tmp_path / "log"))
    assert (log.steps.tolist(), log.lr.tolist()) == ([7], [[0.1]])


@pytest.mark.parametrize(("rows", "counts"), [(1, "step"), (2, "step"), (3, "row"), (40, "row")])
@pytest.mark.parametrize("step", [0, 1])
def test_a_step_that_never_moves_counts_nothing(rows: int, counts: str, step: int, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,lr\n" + "".join(f"{step},{0.1 * row}\n" for row in range(rows)))
    metric = tmp_path / "lr"  # as mlflow.log_metric writes it without a step
    metric.write_text("".join(f"{1_700_000_000_000 + row} {0.1 * row} {step}\n" for row in range(rows)))
    for path in (log, metric):
        found = read_log(str(path))
        assert found.counts == counts
        assert found.steps.tolist() == (list(range(rows)) if counts == "row" else [step] * rows)
        assert any("the rows are numbered from 0" in note for note in found.notes) is (counts == "row")
