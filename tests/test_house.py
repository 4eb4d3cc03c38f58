"""The house: imports go down only, heavy libraries load where they are used, functions and modules stay short."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from onecycle_cli.policy.conventions import CONVENTIONS

from .conftest import ROOT

PACKAGE = ROOT / "onecycle_cli"
MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "formatting": set(),
    "findings": set(),
    "errors": {"findings"},
    "policy": {"findings", "errors"},
    "config": {"policy", "findings", "errors"},
    "render": {
        "policy",
        "findings",
        "errors",
        "version",
        "run.logs.log",
        "run.series",
        "run.Unit",
        "run.Verdict",
        "run.Divergence",
        "run.Cause",
        "run.fit.result",
        "run.range_test.RangeTest",
        "run.range_test.Reading",
    },
    "run": {"policy", "findings", "errors"},
    "tune": {"render", "config", "policy", "findings", "errors"},
    "api": {"render", "config", "policy", "findings", "errors"},
    "cli": {"tune", "render", "run", "config", "policy", "findings", "errors", "version"},
}
"""By room: the rooms below it; of `run` what it gives, as values, and nothing that reads or judges."""

VALUES = ("run/logs/log.py",)

HOMES: dict[str, set[str]] = {
    "typer": {"cli"},
    "rich": {"render", "cli", "tune"},
    "textual": {"tune"},
    "yaml": {"config"},
    "matplotlib": {"render"},
    "click": set(),
    # Nothing that a file says starts a program, uses the network, or builds objects.
    **{name: set() for name in ("subprocess", "socket", "pickle", "marshal", "ctypes", "multiprocessing")},
    # Windows does not have these.
    **{name: set() for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios")},
}
"""By library: the rooms that may import it."""


TREES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
NAMES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in TREES}
"""Of the package's modules: what they hold, and where each is by its dotted name."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a tree imports, wherever in it: modules, and what is taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported_modules(path: Path) -> set[str]:
    """Return the modules of the package that one imports when it runs, at its head or inside a function."""
    body = [node for node in TREES[path].body if not for_types(node)]
    names = set(imports(ast.Module(body, [])))
    return {name if name in NAMES else name.rpartition(".")[0] for name in names} & set(NAMES)


def test_imports_go_down_only() -> None:
    for path, tree in TREES.items():
        here = room(path)
        if here in ("__init__", "__main__"):
            continue
        for name in imports(tree):
            top, *below = name.split(".")
            if top == "matplotlib" and here in ("cli", "api"):
                continue  # for the type checker alone: test_a_command_loads_only_what_it_uses says so
            if top == "onecycle_cli":
                assert below, f"{path} imports the package itself"
                allowed = {here, "formatting", *MAY_IMPORT[here]}
                assert any(".".join(below[:depth]) in allowed for depth in (1, 2, 3)), f"{path} imports {name}"
            elif top in HOMES:
                assert here in HOMES[top], f"{path} imports {name}"


def test_no_import_goes_in_a_circle() -> None:
    graph = {name: imported_modules(path) - {name} for name, path in NAMES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", VALUES)
def test_values_import_only_errors(path: str) -> None:
    ours = {name for name in imports(TREES[PACKAGE / path]) if name.startswith("onecycle_cli")}
    assert ours <= {"onecycle_cli.errors.OnecycleError"}


LOADS = """
import json, sys
from onecycle_cli.cli import main

for words in json.loads(sys.argv[1]):
    code = main(words)
    print()
    print(json.dumps([code, *sys.modules]))
"""
HEAVY = {"typer", "pydantic", "rich", "yaml", "matplotlib", "numpy", "orjson", "pyarrow"}
ROOMS = {f"onecycle_cli.{room}" for room in ("findings", "policy", "config", "run")}
PLAN = ["--max-lr", "0.1", "--total-steps", "100"]
LOG = "tests/data/traces/p06_loop_ok.csv"
CHECK = ["check", "--max-lr", "0.1", "--total-steps", "300", "--div-factor", "10", "--final-div-factor", "100", LOG]


def python(*words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", *words], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    )
    return done.stdout.splitlines()


def test_the_library_loads_nothing_heavy() -> None:
    [loaded] = python("import sys, onecycle_cli; print(*sys.modules)")
    assert HEAVY.isdisjoint(loaded.split())


@pytest.mark.parametrize(
    "commands",
    [
        [
            (["--version"], {*HEAVY, *ROOMS} - {"typer"}),
            (["--help"], {*HEAVY, *ROOMS} - {"typer"}),
            (["show", "--help"], HEAVY - {"typer"}),
            (["schema"], HEAVY - {"typer"}),
            (["explain"], HEAVY - {"typer"}),
            (["show", *PLAN], HEAVY - {"typer"}),
            (["show", "configs/cifar10-resnet18-30-epochs.yaml"], HEAVY - {"typer", "yaml"}),
            (["validate", "configs"], HEAVY - {"typer", "yaml"}),
        ],
        [
            (["fit", LOG], {"pydantic", "matplotlib", "yaml", "orjson", "pyarrow"}),
            (CHECK, {"pydantic", "matplotlib", "yaml", "orjson", "pyarrow"}),
            (["range", "docs/logs/range-test.csv"], {"pydantic", "matplotlib", "rich", "yaml", "orjson", "pyarrow"}),
            ([*CHECK, "-o", "{folder}/a.png"], {"pydantic", "matplotlib.pyplot", "yaml", "orjson", "pyarrow"}),
            (["plot", *PLAN, "-o", "{folder}/b.png"], {"pydantic", "matplotlib.pyplot", "yaml", "orjson", "pyarrow"}),
        ],
        [
            (["report", *PLAN, "-o", "{folder}/c.html"], {"pydantic", "matplotlib", "yaml", "orjson", "pyarrow"}),
            (["export", *PLAN], {"pydantic", "matplotlib", "yaml", "pyarrow"}),
        ],
    ],
    ids=["without arrays", "with arrays", "export"],
)
def test_a_command_loads_only_what_it_uses(commands: list[tuple[list[str], set[str]]], tmp_path: Path) -> None:
    """Run commands one after another in one process, which shows more of each than a process of its own."""
    words = [[word.format(folder=tmp_path) for word in command] for command, _ in commands]
    answers = [json.loads(line) for line in python(LOADS, json.dumps(words)) if line.startswith("[0, ")]
    assert len(answers) == len(commands)
    for (command, unwanted), (_, *loaded) in zip(commands, answers, strict=True):
        assert unwanted.isdisjoint(loaded), command


COMPLETES = """
import os, sys
from onecycle_cli.cli import make_command

try:
    make_command()(prog_name="onecycle")
finally:
    print(*sys.modules, sep="\\n")
"""


def test_names_of_commands_are_completed_without_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_ONECYCLE_COMPLETE": "complete_bash", "COMP_WORDS": "onecycle plo", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    completed = subprocess.run(
        [sys.executable, "-c", COMPLETES], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    )
    first, *loaded = completed.stdout.splitlines()
    assert first == "plot"
    assert "typer" in loaded
    assert ({*HEAVY, *ROOMS} - {"typer"}).isdisjoint(loaded)


def test_a_file_name_means_one_thing() -> None:
    uses = Counter(path.stem for path in TREES if path.stem not in ("__init__", "__main__"))
    frameworks = {path.stem for path in (PACKAGE / "policy" / "conventions").glob("*.py")}
    assert {name for name, times in uses.items() if times > 1} <= frameworks


def test_conventions_are_asked_for_their_traits_and_not_compared_by_name() -> None:
    homes = (PACKAGE / "policy" / "conventions", PACKAGE / "render" / "code")
    for path, tree in TREES.items():
        if not any(path.is_relative_to(home) for home in homes):
            compared = {
                side.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Compare)
                for side in (node.left, *node.comparators)
                if isinstance(side, ast.Constant)
            }
            assert compared.isdisjoint(CONVENTIONS), path


def test_functions_stay_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for tree in TREES.values()
        for node in ast.walk(tree)
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
        page = ast.get_docstring(TREES[path]) or ""
        assert all(heading in page for heading in ("Formula", "Defaults")), path.stem
