"""What is promised of speed and size, each as a comparison within one run."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from measure import ROOT, Comparison, onecycle, peer, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = ROOT / "configs" / "cifar10-resnet18-30-epochs.yaml"
ROWS = 2_000_000
MANY = 1000
LOOP_ROWS = 200_000
"""Fewer for PyTorch's loop alone: its rows a second do not depend on their number."""


def comparisons(scratch: Path, *, long: bool) -> Iterator[tuple[str, Comparison | str]]:
    """Yield the comparisons by name; a text in place of one says why it cannot be made.

    Args:
        scratch: a folder to write into.
        long: whether to take the full length where it takes minutes.
    """
    yield from _small_commands()
    yield from _many_files(scratch)
    yield from _plots(scratch)
    yield "arrays", Comparison("10^7 steps as arrays / two NumPy expressions", 1.5, _arrays, rounds=5)
    yield from _exports(scratch, long=long)


def _small_commands() -> Iterator[tuple[str, Comparison]]:
    for command in ("show", "validate"):
        yield (
            command,
            Comparison(
                f"{command} / Typer + PyYAML + rich, a file each",
                1.25,
                lambda command=command: (  # type: ignore[misc]
                    onecycle(command, CONFIG).seconds,
                    peer("overview", command, CONFIG).seconds,
                ),
                rounds=15,
            ),
        )


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

        def pair(words: tuple[str | Path, ...] = words) -> tuple[float, float]:
            files = _write_many(folder, schema)
            other = run(*words, *files).seconds
            return other / onecycle("validate", *files).seconds, 1.0

        what = f"time of {name} / of validate, {MANY:,} files"
        yield f"many-{name}", Comparison(what, 5, pair, at_least=True, rounds=3)


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
    size = ("--size", "9x5.5", "--dpi", "150")

    def against(style: str) -> tuple[float, float]:
        return onecycle("plot", CONFIG, "-o", ours, *size).seconds, peer("picture", style, other).seconds

    def at(steps: int) -> float:
        return onecycle("plot", "--max-lr", "0.1", "--total-steps", str(steps), "-o", ours, *size).seconds

    yield "plot", Comparison("plot to PNG / Typer + pyplot, two panels", 1.2, lambda: against("pyplot"))
    yield "plot-bare", Comparison("plot to PNG / Typer + Figure, one panel", 1.2, lambda: against("figure"))
    yield "plot-length", Comparison("plot of 10^12 steps / of 10^3", 1.1, lambda: (at(10**12), at(10**3)))


def _arrays() -> tuple[float, float]:
    ours, other = map(float, peer("arrays").output.split())
    return ours, other


def _exports(scratch: Path, *, long: bool) -> Iterator[tuple[str, Comparison | str]]:
    def ours(rows: int) -> float:
        return rows / export(rows, scratch / "ours.csv")[0]

    def lists() -> tuple[float, float]:
        seconds = float(peer("csv_rows", str(ROWS), scratch / "other.csv").output)
        return ours(ROWS), ROWS / seconds

    def torch() -> tuple[float, float]:
        return ours(ROWS), ROWS / peer("torch_rows", str(ROWS), scratch / "other.csv").seconds

    def torch_loop() -> tuple[float, float]:
        seconds = float(peer("torch_rows", str(LOOP_ROWS), scratch / "other.csv").output)
        return ours(ROWS), LOOP_ROWS / seconds

    yield "csv", Comparison("rows/s of export, whole / csv.writer over lists", 4, lists, at_least=True, rounds=5)
    if find_spec("torch") is None:
        yield "torch", "PyTorch is not installed"
    else:
        what = "rows/s of export, whole / PyTorch's steps and csv"
        yield "torch", Comparison(f"{what}, whole", 15, torch, at_least=True, rounds=3)
        yield "torch-loop", Comparison(f"{what}, loop", 15, torch_loop, at_least=True, rounds=3)

    many = 10**8 if long else 10**7
    what = f"memory of export, 10^{len(str(many)) - 1} rows / 10^6 rows"
    yield "memory", Comparison(what, 1.1, lambda: (_memory(many), _memory(10**6)), rounds=1)


def _memory(rows: int) -> float:
    return export(rows, "/dev/null")[1]


def export(rows: int, path: Path | str) -> tuple[float, float]:
    """Export a plan of so many steps to CSV; return the seconds and the peak memory of the process."""
    words = ("export", "--max-lr", "0.1", "--total-steps", str(rows), "--every", "1", "--format", "csv")
    done = onecycle(*words, "-o", path)
    return done.seconds, float(done.memory)
