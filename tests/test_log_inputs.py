"""Files that real frameworks wrote, and how they come: compressed, in folders, or as text."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.run.logs import log_files, read_log
from onecycle_cli.run.logs.log_files import chunks_of
from onecycle_cli.run.logs.protobuf import fields, signed, varint

from .conftest import DATA
from .logged_runs import MANIFEST, TRACES, follow

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
    assert (log.format, log.steps.tolist(), log.lr_texts) == ("tensorboard-events", list(range(20)), ((),))
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
