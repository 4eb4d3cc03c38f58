"""Rows as files: what is written reads back bit for bit, in constant memory, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError, Schedule
from onecycle_cli.render.output import whole_file
from onecycle_cli.render.step_table import FORMATS, columns, export, format_of, table_rows, window

from .conftest import ROOT
from .strategies import sound_settings

HOSTILE = ("a,b", 'say "x"', "100%", '},{"step":', "größe")
"""Group names that a careless writer would break on."""

HARD: tuple[dict[str, Any], ...] = (
    {},
    {"anneal_strategy": "linear", "three_phase": True, "steps_per_epoch": 98},
    {"max_lr": 1.0, "base_momentum": 0.0, "max_momentum": 1.0, "anneal_strategy": "linear"},
    {"max_lr": 1e-300, "final_div_factor": 1e30, "cycle_momentum": False},
    {"max_lr": 1e20, "div_factor": 1e3},
    {"groups": HOSTILE, "max_lr": (0.1, 0.2, 0.3, 1 / 3, 5e-324)},
)
"""Schedules with every kind of number: whole, tiny, huge, subnormal, zero."""

IDS = ("plain", "epochs", "whole", "tiny", "huge", "groups")

hard = pytest.mark.parametrize("settings", HARD, ids=IDS)
every_format = pytest.mark.parametrize("format_", FORMATS)


def schedule_of(**settings: Any) -> Schedule:
    return OneCycle(**{"max_lr": 0.1, "total_steps": 3000} | settings).schedule(strict=False)


def written(schedule: Schedule, format_: str, chosen: range | None = None) -> bytes:
    needs(format_)
    stream = io.BytesIO()
    export(schedule, chosen or window(schedule), format_, stream)
    return stream.getvalue()


def needs(format_: str) -> None:
    if format_ == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def as_columns(schedule: Schedule) -> dict[str, list[int | float]]:
    rows = list(table_rows(schedule, range(schedule.first_step, schedule.total_steps)))
    return {name: [row[name] for row in rows] for name in columns(schedule)}


def assert_same_bits(found: dict[str, Any], schedule: Schedule) -> None:
    expected = as_columns(schedule)
    assert list(found) == list(expected)
    for name, values in expected.items():
        kind = np.int64 if name in ("step", "epoch") else np.float64
        assert np.asarray(found[name], kind).tobytes() == np.array(values, kind).tobytes(), name


def test_csv_to_the_letter() -> None:
    schedule = schedule_of(max_lr=1.0, total_steps=4, steps_per_epoch=3, anneal_strategy="linear", pct_start=0.5)
    assert written(schedule, "csv") == (
        b"step,epoch,lr,momentum\n0,0,0.04,0.95\n1,0,1.0,0.85\n"
        b"2,0,0.5000020000000001,0.8999999999999999\n3,1,4.000000000004e-6,0.95\n"
    )


def test_jsonl_to_the_letter() -> None:
    schedule = schedule_of(
        total_steps=2, cycle_momentum=False, max_lr=(1.0, 2.0), anneal_strategy="linear", pct_start=1.0
    )
    assert written(schedule, "jsonl") == b'{"step":0,"lr_0":0.04,"lr_1":0.08}\n{"step":1,"lr_0":1.0,"lr_1":2.0}\n'


def test_a_name_with_comma_or_quote_is_quoted() -> None:
    header = written(schedule_of(groups=HOSTILE, cycle_momentum=False), "csv").split(b"\n", 1)[0]
    assert header.decode() == 'step,"lr_a,b","lr_say ""x""",lr_100%,"lr_},{""step"":",lr_größe'


@hard
def test_csv_read_by_python(settings: dict[str, Any]) -> None:
    schedule = schedule_of(**settings)
    text = written(schedule, "csv")
    assert b"\r" not in text
    names, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
    assert_same_bits({name: list(map(float, values)) for name, *values in zip(names, *rows, strict=True)}, schedule)


@hard
def test_jsonl_read_by_python(settings: dict[str, Any]) -> None:
    schedule = schedule_of(**settings)
    rows = [json.loads(line) for line in written(schedule, "jsonl").splitlines()]
    assert rows == list(table_rows(schedule, range(3000)))
    assert_same_bits({name: [row[name] for row in rows] for name in rows[0]}, schedule)


@given(sound_settings(), st.integers(1, 9))
def test_text_reads_back_over_random_settings(settings: dict[str, Any], every: int) -> None:
    schedule = OneCycle(**settings).schedule()
    chosen = window(schedule, every=every)
    expected = list(table_rows(schedule, chosen))
    assert [json.loads(line) for line in written(schedule, "jsonl", chosen).splitlines()] == expected
    rows = csv.DictReader(io.StringIO(written(schedule, "csv", chosen).decode()))
    assert [{name: float(text) for name, text in row.items()} for row in rows] == expected


@hard
def test_csv_read_by_pandas(settings: dict[str, Any]) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    schedule = schedule_of(**settings)
    # From 3.1 on the default is exact, and asking for it is deprecated; before, it may be off in the last bit.
    exact = tuple(map(int, pandas.__version__.split(".")[:2])) >= (3, 1)
    options = {} if exact else {"float_precision": "round_trip"}
    frame = pandas.read_csv(io.BytesIO(written(schedule, "csv")), **options)
    assert_same_bits(dict(frame.items()), schedule)


@hard
def test_csv_read_by_polars(settings: dict[str, Any]) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    schedule = schedule_of(**settings)
    frame = polars.read_csv(io.BytesIO(written(schedule, "csv")), infer_schema_length=None)
    # By position: polars leaves the doubled quotes in a heading as they are.
    assert_same_bits(dict(zip(columns(schedule), (column.to_numpy() for column in frame), strict=True)), schedule)


@hard
def test_csv_read_by_numpy(settings: dict[str, Any]) -> None:
    schedule = schedule_of(**settings)
    text = io.StringIO(written(schedule, "csv").decode())
    text.readline()
    values = np.loadtxt(text, delimiter=",", ndmin=2)
    assert_same_bits(dict(zip(columns(schedule), values.T, strict=True)), schedule)


@hard
def test_csv_read_by_pyarrow(settings: dict[str, Any]) -> None:
    arrow = pytest.importorskip("pyarrow.csv", reason="pyarrow is not installed")
    schedule = schedule_of(**settings)
    table = arrow.read_csv(io.BytesIO(written(schedule, "csv")))
    assert_same_bits({name: table[name].to_numpy() for name in table.column_names}, schedule)


@hard
def test_npz_read_by_numpy(settings: dict[str, Any]) -> None:
    schedule = schedule_of(**settings)
    with np.load(io.BytesIO(written(schedule, "npz")), allow_pickle=False) as file:
        found = dict(file)
    assert {name: values.dtype.str for name, values in found.items()} == {
        name: "<i8" if name in ("step", "epoch") else "<f8" for name in columns(schedule)
    }
    assert_same_bits(found, schedule)


@hard
def test_parquet_read_by_pyarrow(settings: dict[str, Any]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    schedule = schedule_of(**settings)
    table = parquet.read_table(io.BytesIO(written(schedule, "parquet")))
    assert {str(field.type) for field in table.schema} == {"int64", "double"}
    assert_same_bits({name: table[name].to_numpy() for name in table.column_names}, schedule)


def test_npz_is_the_same_twice() -> None:
    first = written(schedule_of(), "npz")
    assert first == written(schedule_of(), "npz")
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_npz_is_ready_for_columns_above_4_gib() -> None:
    with zipfile.ZipFile(io.BytesIO(written(schedule_of(), "npz"))) as archive:
        assert {entry.extract_version for entry in archive.infolist()} == {zipfile.ZIP64_VERSION}


def test_npz_through_a_pipe(tmp_path: Path) -> None:
    program = (
        "import sys; from onecycle_cli import OneCycle; from onecycle_cli.render.step_table import export;"
        "from onecycle_cli.render.step_table import window; s = OneCycle(max_lr=0.1, total_steps=3000).schedule();"
        "export(s, window(s), 'npz', sys.stdout.buffer)"
    )
    piped = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, cwd=ROOT, timeout=120
    ).stdout
    with np.load(io.BytesIO(piped)) as file:
        assert_same_bits(dict(file), schedule_of())


@every_format
def test_a_window_of_one_row(format_: str) -> None:
    schedule = schedule_of()
    one = written(schedule, format_, window(schedule, 7, 8))
    assert one
    if format_ == "csv":
        assert one.splitlines()[1:] == written(schedule, "csv").splitlines()[8:9]


@every_format
def test_progress_counts_the_rows_written(format_: str) -> None:
    needs(format_)
    schedule, told = schedule_of(total_steps=200_000), list[int]()
    export(schedule, window(schedule, every=2), format_, io.BytesIO(), told.append)
    assert told == sorted(told)
    assert told[-1] == 100_000


def peak_memory(format_: str, rows: int) -> int:
    schedule = schedule_of(total_steps=rows)
    with Path(os.devnull).open("wb") as nowhere:
        tracemalloc.start()
        try:
            export(schedule, window(schedule), format_, nowhere)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("format_", "few", "many"),
    [("csv", 10_000, 100_000), ("jsonl", 10_000, 100_000), ("npz", 200_000, 4_000_000), ("parquet", 10**6, 4 * 10**6)],
)
def test_memory_does_not_grow_with_rows(format_: str, few: int, many: int) -> None:
    needs(format_)
    peak_memory(format_, 10)  # what is imported on the way counts for neither
    small, large = peak_memory(format_, few), peak_memory(format_, many)
    assert large <= 1.1 * small + 100_000


@every_format
def test_what_is_not_finite_leaves_no_file(format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(format_)
    schedule = schedule_of(total_steps=20_000)
    sound = schedule.lr
    monkeypatch.setattr(schedule, "lr", lambda step, group: np.where(step == 15_000, np.nan, sound(step, group)))
    with (
        pytest.raises(OnecycleError, match="lr at step 15,000 is nan"),
        whole_file(tmp_path / "out") as stream,
    ):
        export(schedule, window(schedule), format_, stream)
    assert list(tmp_path.iterdir()) == []


@every_format
def test_an_interruption_leaves_the_old_file(format_: str, tmp_path: Path) -> None:
    needs(format_)
    schedule, path = schedule_of(total_steps=20_000), tmp_path / "out"
    path.write_bytes(b"old")

    def interrupt(written: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), whole_file(path) as stream:
        export(schedule, window(schedule), format_, stream, interrupt)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@every_format
def test_a_full_disk_is_reported(format_: str) -> None:
    needs(format_)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    schedule = schedule_of()
    with pytest.raises(OnecycleError, match="No space left"), whole_file(full) as stream:
        export(schedule, window(schedule), format_, stream)


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    schedule = schedule_of()
    with pytest.raises(OnecycleError, match="pyarrow") as caught:
        export(schedule, window(schedule), "parquet", io.BytesIO())
    assert 'pip install "onecycle-cli[parquet]"' in caught.value.hint


@pytest.mark.parametrize(
    ("name", "format_"),
    [("a.csv", "csv"), ("a.JSONL", "jsonl"), ("a.b.npz", "npz"), ("folder.csv/a.parquet", "parquet")],
)
def test_the_ending_says_the_format(name: str, format_: str) -> None:
    assert format_of(Path(name)) == format_


@pytest.mark.parametrize("name", ["a", "a.xlsx", "csv", "a.csv.gz", ".csv", "folder.csv/a"])
def test_an_ending_that_says_no_format_is_refused(name: str) -> None:
    with pytest.raises(OnecycleError, match="unknown file extension") as caught:
        format_of(Path(name))
    assert ".csv" in caught.value.hint
