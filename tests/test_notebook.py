"""Jupyter notebooks: their code is read like a script's, and findings point into their JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.config.files import Source
from onecycle_cli.config.reader import read
from onecycle_cli.config.scripts.notebook import read_notebook

if TYPE_CHECKING:
    from pathlib import Path

IMPORT = "from torch.optim.lr_scheduler import OneCycleLR\n"


def notebook(*cells: str | tuple[str, str], whole: bool = False, **options: Any) -> str:
    """Write a notebook as Jupyter does: each line of a cell as a string of its own, or the cell as one string."""
    written = []
    for cell in cells:
        kind, source = cell if isinstance(cell, tuple) else ("code", cell)
        lines = source if whole else source.splitlines(keepends=True)
        written.append({"cell_type": kind, "metadata": {}, "outputs": [], "source": lines})
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4}, **{"indent": 1, **options})


def values(text: str) -> list[dict[str, object]]:
    return [plan.values for plan in read(Source("a.ipynb", named=True, text=text)) if plan.is_one_cycle]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("options", [{}, {"indent": None}, {"ensure_ascii": False}])
def test_a_finding_points_to_its_string(whole: bool, options: dict[str, Any], tmp_path: Path) -> None:
    text = notebook(IMPORT, 'é = "\\t"; s = OneCycleLR(o, 0.1, 100,\n    pct_start=1.5)', whole=whole, **options)
    path = tmp_path / "a.ipynb"
    path.write_text(text, encoding="utf-8")
    [finding] = load(Request((str(path),), every_plan=True)).findings
    assert finding.setting == "pct_start"
    assert finding.line is not None
    assert finding.column is not None
    assert text.splitlines()[finding.line - 1][finding.column - 1 :].startswith("1.5)")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\r\r", "\n\r"])
@pytest.mark.parametrize("whole", [False, True])
def test_lines_may_end_as_python_lets_them(end: str, whole: bool, tmp_path: Path) -> None:
    text = notebook(IMPORT, f"é = 1{end}s = OneCycleLR(o, 0.1, 100,{end}pct_start=1.5)", whole=whole)
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    [finding] = load(Request((str(path),), every_plan=True)).findings
    assert finding.line is not None
    assert finding.column is not None
    assert text.splitlines()[finding.line - 1][finding.column - 1 :].startswith("1.5)")


def test_names_go_from_cell_to_cell() -> None:
    cells = (
        IMPORT,
        "lr = 0.1",
        ("markdown", "lr = 5"),
        "s = OneCycleLR(o, lr, 100)",
        "lr = 0.3",
        "t = OneCycleLR(o, lr, 9)",
    )
    found = values(notebook(*cells))
    assert [each["max_lr"] for each in found] == [0.1, 0.3]


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\n!pip install torch\nlr = 0.1",
        "%%time\nlr = 0.1",
        "if x:\n    %time f()\nlr = 0.1",
        "lr = 0.1\nlr?\n?lr",
        "files = !ls\nlr = 0.1",
        "lr = 0.1\nx % 2",
    ],
)
def test_magics_are_ignored(cell: str) -> None:
    assert [each["max_lr"] for each in values(notebook(IMPORT, cell, "s = OneCycleLR(o, lr, 100)"))] == [0.1]


@pytest.mark.parametrize("cell", ["%%bash\nlr = 0.1", "%%writefile a.py\nlr = 0.1", "lr = = 0.1", "await f()\n)"])
def test_other_cells_are_left_out(cell: str) -> None:
    assert [each.get("max_lr") for each in values(notebook(IMPORT, cell, "s = OneCycleLR(o, lr, 100)"))] == [None]


def test_lines_that_are_named_are_those_of_the_file() -> None:
    text = notebook(IMPORT, "lr = 0.1\nif x:\n    lr = 0.2", "s = OneCycleLR(o, lr, 100)")
    lines = [at for at, line in enumerate(text.splitlines(), 1) if "lr = 0." in line]
    [plan] = read(Source("a.ipynb", named=True, text=text))
    assert f"lr, assigned at lines {lines[0]} and {lines[1]}" in plan.findings[0].message


def test_commands_take_notebooks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(IMPORT, "E = 3\ns = OneCycleLR(o, 0.1, epochs=E, steps_per_epoch=len(dl))"))
    (tmp_path / "b.ipynb").write_text(notebook("print(1)"))
    assert main(["show", str(path), "--steps-per-epoch", "10", "--format", "json"]) == 0
    assert '"total_steps": 30' in capsys.readouterr().out
    assert main(["validate", str(tmp_path)]) == 0
    assert "1 file checked" in capsys.readouterr().out
    assert main(["validate", str(tmp_path / "b.ipynb")]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        "[]",
        '{"cells": 3}',
        '{"cells": [3, {"source": 4}, {"cell_type": "code", "source": [5]}, {"cell_type": "code"}]}',
        '{"cells": [{"cell_type": "code", "source": ["\\ud800"]}]}',
    ],
)
def test_what_is_no_notebook_is_a_finding_or_has_no_schedule(text: str) -> None:
    [plan] = read(Source("a.ipynb", named=True, text=text + " " * 3 + "OneCycleLR" * text.startswith("{\n")))
    assert not plan.readable


def test_a_broken_notebook_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text('{"cells": [OneCycleLR')
    [finding] = load(Request((str(path),), every_plan=True)).findings
    assert (finding.code, finding.line, finding.column) == ("OC006", 1, 12)


def test_the_code_is_that_of_the_cells_in_their_order() -> None:
    found = read_notebook(notebook("a = 1\nb = 2", ("markdown", "# c"), "", "d = 4"))
    assert found.code.split("\n") == ["a = 1", "b = 2", "d = 4"]
    assert len(found.origins) == 3
