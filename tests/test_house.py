"""The house: imports go down only, heavy libraries load where they are used, functions and modules stay short."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT

PACKAGE = ROOT / "onecycle_cli"
MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "formatting": set(),
    "findings": set(),
    "errors": {"findings"},
    "policy": {"findings", "errors"},
    "config": {"policy", "findings", "errors"},
    "render": {"policy", "findings", "errors", "version", "run.logs.log", "run.series", "run.verdict"},
    "run": {"policy", "findings", "errors"},
    "cli": {"render", "run", "config", "policy", "findings", "errors", "version"},
}
"""By room: the rooms below it; of `run` what it gives, as values, and nothing that reads or judges."""

VALUES = ("run/logs/log.py",)

HOMES: dict[str, set[str]] = {
    "typer": {"cli"},
    "rich": {"render", "cli"},
    "yaml": {"config"},
    "matplotlib": {"render"},
    "click": set(),
}
"""By library: the rooms that may import it."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def test_imports_go_down_only() -> None:
    for path in modules():
        here = room(path)
        if here in ("__init__", "__main__"):
            continue
        for name in imports(path):
            top, *below = name.split(".")
            if top == "matplotlib" and here == "cli":
                continue  # for the type checker alone: test_a_command_loads_only_what_it_uses says so
            if top == "onecycle_cli":
                assert below, f"{path} imports the package itself"
                allowed = {here, "formatting", *MAY_IMPORT[here]}
                assert any(".".join(below[:depth]) in allowed for depth in (1, 2, 3)), f"{path} imports {name}"
            elif top in HOMES:
                assert here in HOMES[top], f"{path} imports {name}"


@pytest.mark.parametrize("path", VALUES)
def test_values_import_only_errors(path: str) -> None:
    assert {name for name in imports(PACKAGE / path) if name.startswith("onecycle_cli")} <= {"onecycle_cli.errors"}


LOADED = "import sys; {}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


LOG = "tests/data/traces/p06_loop_ok.csv"
CHECK = ["check", "--max-lr", "0.1", "--total-steps", "300", "--div-factor", "10", "--final-div-factor", "100", LOG]


def loaded_by(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(statement)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_library_loads_nothing_heavy() -> None:
    loaded = loaded_by("import onecycle_cli")
    assert loaded.isdisjoint({"typer", "rich", "yaml", "matplotlib", "numpy", "orjson"})


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["show", "--max-lr", "0.1", "--total-steps", "100"], {"matplotlib", "numpy", "orjson", "yaml"}),
        (["validate", "configs"], {"matplotlib", "numpy", "orjson"}),
        (["export", "--max-lr", "0.1", "--total-steps", "100"], {"matplotlib", "yaml", "pyarrow"}),
        (["plot", "--max-lr", "0.1", "--total-steps", "100", "-o", "{folder}/a.png"], {"yaml", "orjson"}),
        (CHECK, {"matplotlib", "yaml", "orjson", "pyarrow"}),
        ([*CHECK, "-o", "{folder}/a.png"], {"yaml", "orjson", "pyarrow"}),
        (["fit", LOG], {"matplotlib", "yaml", "orjson", "pyarrow"}),
        (["schema"], {"matplotlib", "numpy", "orjson", "yaml"}),
        (["explain"], {"matplotlib", "numpy", "orjson", "yaml"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_loads_only_what_it_uses(arguments: list[str], unwanted: set[str], tmp_path: Path) -> None:
    words = [word.format(folder=tmp_path) for word in arguments]
    loaded = loaded_by(f"from onecycle_cli.cli import main; assert main({words!r}) == 0")
    assert loaded.isdisjoint(unwanted)
    assert "pyplot" not in loaded


def test_functions_stay_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    )
    assert lengths[int(0.9 * len(lengths))] <= 30


def test_every_subprocess_in_the_tests_has_a_timeout() -> None:
    for path in (ROOT / "tests").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "subprocess.run":
                assert any(word.arg == "timeout" for word in node.keywords), f"{path.name}:{node.lineno}"


def test_conventions_have_manual_pages() -> None:
    for path in (PACKAGE / "policy" / "conventions").glob("*.py"):
        if path.stem in ("__init__", "base"):
            continue
        page = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert all(heading in page for heading in ("Formula", "Defaults")), path.stem
