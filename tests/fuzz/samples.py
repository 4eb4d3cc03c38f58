"""The project's own files and the texts in its tests, by what they are: what the mutator starts from."""

from __future__ import annotations

import ast
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import yaml

from onecycle_cli.config.files import mentions_one_cycle
from onecycle_cli.findings import RULES
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"

LONGEST = 1500
"""Characters of a sample: of a longer text the beginning, so that a case takes little time."""

FEWEST_ITEMS = 8
"""Items that a list in a longer JSON document keeps."""

Samples = tuple[bytes, ...]


@cache
def configs() -> Samples:
    """Return configs with the tool's own settings."""
    paths = [*(ROOT / "configs").glob("*.yaml"), *(DATA / "invalid").glob("*.yaml")]
    own = [path.read_bytes() for path in sorted(paths) if not path.name.startswith("training")]
    examples = [text for rule in RULES.values() for text in (rule.example, rule.fixed) if text]
    return tuple(map(_short, [*own, *(text.encode() for text in examples)]))


@cache
def native_json() -> Samples:
    """Return the same in JSON."""
    found = []
    for data in configs():
        if b"*" in data:  # aliases of aliases, which JSON would write out
            continue
        with suppress(yaml.YAMLError, UnicodeError, TypeError):
            found.append(json.dumps(yaml.safe_load(data)).encode())
    return tuple(dict.fromkeys(found))


@cache
def training() -> Samples:
    """Return training configs in YAML."""
    folders = [ROOT / "configs" / "training", DATA / "training", DATA / "invalid"]
    files = [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.yaml"))]
    texts = [text.encode() for text in _texts_of_tests() if mentions_one_cycle(text) and re.match(r"[\w-]+:", text)]
    return tuple(_short(data) for data in [*files, *texts] if mentions_one_cycle(data.decode("utf-8", "replace")))


@cache
def python() -> Samples:
    """Return Python configs and training scripts."""
    files = [*(ROOT / "configs" / "training").glob("*.py"), *DATA.rglob("*.py")]
    texts = [text.encode() for text in _texts_of_tests() if mentions_one_cycle(text) and re.search(r"\w\(|= ", text)]
    return tuple(_short(data) for data in [*(path.read_bytes() for path in sorted(files)), *texts])


@cache
def notebooks() -> Samples:
    """Return notebooks, most of them made of training scripts."""
    own = json.loads((ROOT / "docs" / "notebook.ipynb").read_text())
    made = [_notebook(data.decode("utf-8", "replace")) for data in python()]
    return (_short_json(own), *made)


@cache
def tables() -> Samples:
    """Return logs in lines of cells."""
    return tuple(data for data in _logs() if data[:1] not in (b"{", b"[") and re.match(rb"[^\n]*[,;\t]", data))


@cache
def objects() -> Samples:
    """Return logs in JSON: an object a line, or a document."""
    return tuple(data for data in _logs() if data[:1] in (b"{", b"["))


@cache
def texts() -> Samples:
    """Return logs for people."""
    return tuple(data for data in _logs() if data not in tables() and data not in objects())


@cache
def binaries() -> Samples:
    """Return event files, W&B's files, and a database of MLflow."""
    folder = DATA / "logs"
    return (*(path.read_bytes() for path in sorted([*folder.glob("*.tfevents"), *folder.glob("*.wandb")])), _database())


@cache
def words() -> tuple[str, ...]:
    """Return words that mean something: those of settings and of the samples."""
    found = {*SETTINGS, *CONVENTIONS, *RULES}
    for data in (*configs(), *training(), *python(), *tables(), *objects()):
        found.update(re.findall(r"[A-Za-z_$][\w.-]{1,30}", data.decode("utf-8", "replace")))
    return tuple(sorted(found))


@cache
def _logs() -> Samples:
    folders = (ROOT / "docs" / "logs", DATA / "traces", DATA / "logs")
    paths = [
        path for folder in folders for path in sorted(folder.iterdir()) if path.suffix not in (".tfevents", ".wandb")
    ]
    found = [_short_log(path.read_bytes()) for path in paths if path.name != "manifest.json"]
    texts = [text.encode() for text in _texts_of_tests() if re.search(r"\blr\b|learning_rate", text)]
    return tuple(dict.fromkeys([*found, *map(_short_log, texts)]))


@cache
def _texts_of_tests() -> tuple[str, ...]:
    """Return the texts of several lines in the tests' code: most are configs, scripts and logs."""
    found: dict[str, None] = {}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value.strip():
                found[node.value.lstrip("\n")] = None
    return tuple(found)


def _short(data: bytes) -> bytes:
    return data if len(data) <= LONGEST else data[: data.rfind(b"\n", 0, LONGEST) + 1]


def _short_log(data: bytes) -> bytes:
    if data[:1] in (b"{", b"[") and len(data) > LONGEST:
        try:
            return _short_json(json.loads(data))
        except ValueError:  # a line each
            pass
    return _short(data)


def _short_json(document: object) -> bytes:
    def cut(value: object) -> object:
        if isinstance(value, dict):
            return {name: cut(item) for name, item in value.items()}
        return [cut(item) for item in value[:FEWEST_ITEMS]] if isinstance(value, list) else value

    return json.dumps(cut(document), indent=1).encode()


def _notebook(script: str) -> bytes:
    def cells() -> Iterator[dict[str, object]]:
        for part in re.split(r"\n\n+", script):
            yield {"cell_type": "code", "metadata": {}, "source": part.splitlines(keepends=True), "outputs": []}

    return json.dumps({"cells": list(cells()), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _database() -> bytes:
    """Return the tables of MLflow that hold metrics."""
    with sqlite3.connect(":memory:") as database:
        database.execute("PRAGMA page_size = 512")
        database.execute("CREATE TABLE runs (run_uuid TEXT, name TEXT)")
        database.execute(
            "CREATE TABLE metrics (key TEXT, value REAL, timestamp INT, run_uuid TEXT, step INT, is_nan BOOL)"
        )
        database.execute("INSERT INTO runs VALUES ('a', 'run')")
        rows = [("lr", 0.01 * step, 1_700_000_000_000 + step, "a", step, False) for step in range(12)]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()
        return database.serialize()
