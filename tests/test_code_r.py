"""The snippets of `onecycle code` for R's torch: parsed by R, and run with the package's own schedulers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.snippets import (
    PLANS,
    Rows,
    batches_before,
    batches_of,
    first_step_of,
    planned,
    snippet,
)

HARNESS = Path(__file__).parent / "data" / "r-torch" / "harness.R"
RSCRIPT = shutil.which("Rscript") or ""


def r(*arguments: object) -> str:
    ran = subprocess.run([RSCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def with_r() -> None:
    if not RSCRIPT:
        pytest.skip("Rscript is not installed (Debian: r-base-core)")


@pytest.fixture(scope="module")
def with_r6(with_r: None) -> None:
    if r("-e", 'cat(requireNamespace("R6", quietly = TRUE))') != "TRUE":
        pytest.skip("R's package R6 is not installed (Debian: r-cran-r6)")


def written(text: str, path: Path) -> Path:
    path.write_text(text)
    return path


def test_every_snippet_parses(with_r: None, tmp_path: Path) -> None:
    files = [written(snippet(plan, "r-torch"), tmp_path / f"{plan}.R") for plan in PLANS]
    r("-e", "for (file in commandArgs(TRUE)) parse(file)", *files)


@pytest.mark.parametrize("plan", PLANS)
def test_the_snippet_trains_with_the_plan(plan: str, with_r6: None, tmp_path: Path) -> None:
    text = snippet(plan, "r-torch")
    arguments = [batches_of(plan), written(text, tmp_path / "snippet.R")]
    if first_step_of(plan):
        before = snippet(plan, "r-torch", resumed=False)
        arguments += [batches_before(plan), written(before, tmp_path / "before.R")]
    rows = [[float.fromhex(value) for value in line.split()] for line in r(HARNESS, *arguments).splitlines()]
    seen: Rows = [list(zip(row[::2], row[1::2], strict=True)) for row in rows]
    wanted = planned(plan)
    if wanted[0][0][1] is None:
        seen = [[(lr, None) for lr, _ in row] for row in seen]
    comments = text.replace("\n# ", " ")
    if "differs from the plan by" not in comments and "learning rates differ by" not in comments:
        assert seen == wanted
        return
    within = 1e-7 if plan == "fastai" else 1e-12  # of the peak 0.1; fastai counts in float32
    assert len(seen) == len(wanted)
    flat = [value for row in seen for group in row for value in group]
    assert flat == pytest.approx([value for row in wanted for group in row for value in group], rel=0, abs=within)
