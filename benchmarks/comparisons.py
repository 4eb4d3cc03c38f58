"""What is promised of speed and size, each as a comparison within one run."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from measure import ROOT, Comparison, Run, onecycle, peer, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG = ROOT / "configs" / "cifar10-resnet18-30-epochs.yaml"
ROWS = 2_000_000
LOGGED = 1_000_000
MANY = 1000
MOST_MEMORY = 150
LOOP_ROWS = 200_000
"""Fewer for PyTorch's loop alone: its rows a second do not depend on their number."""

PLAN = ("--max-lr", "0.1", "--total-steps")
PICTURE = ("--size", "9x5.5", "--dpi", "150")


def comparisons(scratch: Path, *, long: bool) -> Iterator[tuple[str, Comparison | str]]:
    """Yield the comparisons by name; a text in place of one says why it cannot be made.

    Args:
        scratch: a folder to write into.
        long: whether to take the full length where it takes minutes.
    """
    yield from _small_commands()
    yield from _many_files(scratch)
    yield from _plots(scratch)
    yield "arrays", Comparison("10^7 steps as arrays / two NumPy expressions", 1, _arrays, rounds=5)
    yield from _exports(scratch)
    yield from _memory_of_exports(long=long)
    yield from _checks(scratch)


def _ratio(ours: Callable[[], Run], other: Callable[[], Run]) -> float:
    return ours().seconds / other().seconds


def _small_commands() -> Iterator[tuple[str, Comparison]]:
    for option in ("--version", "--help"):
        ratio = partial(_ratio, partial(onecycle, option), partial(peer, "bare", option))
        yield option[2:], Comparison(f"`{option}` / bare Typer", 1.15, ratio, rounds=15)
    typed = {"_ONECYCLE_COMPLETE": "complete_bash", "COMP_WORDS": "onecycle s", "COMP_CWORD": "1"}
    others = {"_BARE_COMPLETE": "complete_bash", "COMP_WORDS": "bare s", "COMP_CWORD": "1"}
    ratio = partial(_ratio, partial(onecycle, **typed), partial(peer, "bare", **others))
    yield "completion", Comparison("completion of a command / bare Typer", 1.15, ratio, rounds=15)
    for command in ("show", "validate"):
        what = f"`{command}`, one file / Typer + PyYAML + rich"
        ratio = partial(_ratio, partial(onecycle, command, CONFIG), partial(peer, "overview", command, CONFIG))
        yield command, Comparison(what, 1.15, ratio, rounds=15)


def _many_files(scratch: Path) -> Iterator[tuple[str, Comparison | str]]:
    """Compare validating many files with the general tools for checking YAML."""
    folder, schema = scratch / "many", scratch / "schema.json"
    others: dict[str, tuple[str | Path, ...]] = {
        "check-jsonschema": ("-m", "check_jsonschema", "--schemafile", schema),
        "yamllint": ("-m", "yamllint", "-d", "{extends: relaxed}"),
    }
    for name, words in others.items():
        if find_spec(name.replace("-", "_")) is None:
            yield f"many-{name}", f"{name} is not installed"
            continue

        def ratio(words: tuple[str | Path, ...] = words) -> float:
            files = _write_many(folder, schema)
            return run(*words, *files).seconds / onecycle("validate", *files).seconds

        what = f"{name} / `validate`, {MANY:,} files"
        yield f"many-{name}", Comparison(what, 5, ratio, at_least=True, rounds=3)


def _write_many(folder: Path, schema: Path) -> list[Path]:
    if not folder.exists():
        folder.mkdir()
        schema.write_text(onecycle("schema").output)
        texts = [path.read_text() for path in sorted((ROOT / "configs").glob("*.yaml"))]
        for at in range(MANY):
            (folder / f"{at}.yaml").write_text(f"---\n# run {at}\n{texts[at % len(texts)]}")
    return sorted(folder.iterdir())


def _plots(scratch: Path) -> Iterator[tuple[str, Comparison]]:
    ours, other = scratch / "ours.png", scratch / "other.png"

    def at(steps: int) -> Run:
        return onecycle("plot", *PLAN, str(steps), "-o", ours, *PICTURE)

    def against(style: str) -> float:
        return _ratio(partial(onecycle, "plot", CONFIG, "-o", ours, *PICTURE), partial(peer, "picture", style, other))

    yield "plot", Comparison("`plot` to PNG / Typer + pyplot, two panels", 1.1, partial(against, "pyplot"))
    yield "plot-bare", Comparison("`plot` to PNG / Typer + Figure, one panel", 1.1, partial(against, "figure"))
    length = partial(_ratio, partial(at, 10**12), partial(at, 10**3))
    yield "plot-length", Comparison("`plot` of 10^12 steps / of 10^3", 1.1, length)


def _arrays() -> float:
    ours, other = map(float, peer("arrays").output.split())
    return ours / other


def _exports(scratch: Path) -> Iterator[tuple[str, Comparison | str]]:
    def export() -> float:
        return onecycle("export", *PLAN, str(ROWS), "-o", scratch / "ours.csv").seconds

    def against(name: str, rows: int = ROWS, *, whole: bool = False) -> float:
        done = peer(name, str(rows), scratch / "other.csv")
        return (done.seconds if whole else float(done.output)) / export() * (ROWS / rows)

    what = "`export` CSV, whole program"
    lists = partial(against, "csv_rows")
    yield "csv", Comparison(f"csv.writer over lists / {what}", 6, lists, at_least=True, rounds=5)
    if find_spec("pyarrow") is None:
        yield "csv-pyarrow", "pyarrow is not installed"
    else:
        arrow = partial(against, "arrow_rows", whole=True)
        yield "csv-pyarrow", Comparison(f"NumPy + pyarrow, whole program / {what}", 0.5, arrow, at_least=True, rounds=5)
    if find_spec("torch") is None:
        yield "torch", "PyTorch is not installed"
    else:
        torch = "PyTorch's steps and csv.writer"
        whole, loop = partial(against, "torch_rows", whole=True), partial(against, "torch_rows", LOOP_ROWS)
        yield "torch", Comparison(f"{torch}, whole program / {what}", 15, whole, at_least=True, rounds=3)
        yield "torch-loop", Comparison(f"{torch}, loop alone / {what}", 15, loop, at_least=True, rounds=3)


def _memory_of_exports(*, long: bool) -> Iterator[tuple[str, Comparison]]:
    def memory(format_: str, rows: int) -> float:
        words = ("export", *PLAN, str(rows), "--every", "1", "--format", format_, "-o", "/dev/null")
        return onecycle(*words).memory

    def growth(rows: int) -> float:
        return memory("csv", rows) / memory("csv", 10**6)

    many = 10**8 if long else 10**7
    what = f"memory of `export`, 10^{len(str(many)) - 1} rows / 10^6 rows"
    yield "memory", Comparison(what, 1.1, partial(growth, many), rounds=1)
    for format_ in ("csv", "jsonl", "npz", *(["parquet"] if find_spec("pyarrow") else [])):
        figure = partial(memory, format_, many)
        what = f"memory of `export` to {format_}, 10^{len(str(many)) - 1} rows"
        yield f"memory-{format_}", Comparison(what, MOST_MEMORY, figure, rounds=1, unit="MB")


def _checks(scratch: Path) -> Iterator[tuple[str, Comparison | str]]:
    def log(name: str) -> Path:
        path = scratch / "logs" / name
        if not path.exists():
            peer("logs", str(LOGGED), path.parent)
        return path

    def checked(name: str) -> Run:
        return onecycle("check", *PLAN, str(LOGGED), log(name))

    if find_spec("pyarrow") is None:
        yield "check", "pyarrow is not installed"
    else:

        def ratio() -> float:
            return _ratio(partial(checked, "run.csv"), partial(peer, "arrow_read", log("run.csv")))

        yield "check", Comparison("`check` of 10^6 CSV rows / pyarrow and two array passes", 1.5, ratio, rounds=5)
    seconds = Comparison("`check` of 10^6 CSV rows", 2, lambda: checked("run.csv").seconds, rounds=5, unit="s")
    yield "check-seconds", seconds
    for name in ("run.csv", "run.jsonl", "trainer_state.json", "mlflow/metrics/lr", "train.log"):
        what = f"memory of `check`, 10^6 rows of {name}"
        figure = partial(lambda name: checked(name).memory, name)
        yield f"memory-{name.replace('/', '-')}", Comparison(what, MOST_MEMORY, figure, rounds=1, unit="MB")
