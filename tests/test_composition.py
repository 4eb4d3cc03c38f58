"""Configs of several files: the same trees as Hydra and MMEngine, whose results are recorded in data/compositions."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.config.composition import compose
from onecycle_cli.config.composition.hydra import Application, Composed
from onecycle_cli.config.composition.library import Library
from onecycle_cli.config.composition.paths import join
from onecycle_cli.config.files import read_source
from onecycle_cli.config.key_paths import lookup
from onecycle_cli.config.nodes import Place
from onecycle_cli.findings import Severity

from .composed_configs import Case, recorded, value_of, write


def composed(case: Case, folder: Path) -> Composed:
    write(case, folder)
    return Application(Library(), str(folder)).compose(Path(case.name).stem, case.choice)


@pytest.mark.parametrize(("case", "result"), list(recorded("hydra")))
def test_defaults_lists_are_composed_as_by_hydra(case: Case, result: Any, tmp_path: Path) -> None:
    found = composed(case, tmp_path)
    if result is None:
        assert found.error is not None or found.missing
    else:
        assert (found.error, found.missing) == (None, 0)
        assert value_of(found.root) == result


@pytest.mark.parametrize("name", ["mmengine", "mmengine-lazy"])
def test_base_files_are_merged_as_by_mmengine(name: str, tmp_path: Path) -> None:
    refused = 0
    for at, (case, result) in enumerate(recorded(name)):
        path = write(case, tmp_path / str(at))
        found = compose(read_source(str(path)), Library())
        errors = [finding for finding in found.findings if finding.severity is Severity.ERROR]
        if result is None:
            refused += 1
            assert errors or "<unknown>" in str(value_of(found.root)), case
        else:
            assert errors == [], case
            assert value_of(found.root) == result, case
    assert refused < 30


def test_nodes_know_their_file(tmp_path: Path) -> None:
    files = {"config.yaml": "defaults:\n  - trainer: long\nlr: 1\n", "trainer/long.yaml": "\nsteps: 5\n"}
    root = composed(Case(files, "config.yaml"), tmp_path).root
    rate, steps = lookup(root, ("lr",)), lookup(root, ("trainer", "steps"))
    assert rate is not None
    assert steps is not None
    assert rate.place == Place(3, 5, None, str(tmp_path / "config.yaml"))
    assert steps.place == Place(2, 8, None, str(tmp_path / "trainer" / "long.yaml"))


def test_a_list_in_another_package_does_not_grow_without_end(tmp_path: Path) -> None:
    names = [f"f{at}" for at in range(25)]
    files = {f"{name}.yaml": f"defaults: [{following}@a, {following}@b]\n" for name, following in pairwise(names)}
    found = composed(Case({**files, f"{names[-1]}.yaml": "x: 1\n"}, "f0.yaml"), tmp_path)
    assert found.error is not None
    assert "200 files" in found.error.message


@pytest.mark.parametrize("count", [3, 12])
def test_files_that_all_include_each_other_end(count: int, tmp_path: Path) -> None:
    names = [f"f{at}.py" for at in range(count)]
    case = Case({name: f"_base_ = {[other for other in names if other != name]!r}\n" for name in names}, "f0.py")
    found = compose(read_source(str(write(case, tmp_path))), Library())
    assert {finding.code for finding in found.findings} <= {"OC005", "OC008"}
    assert any(finding.code == "OC008" for finding in found.findings)


def test_a_long_chain_of_base_files_is_refused(tmp_path: Path) -> None:
    files = {f"f{at}.yml": f"_BASE_: f{at + 1}.yml\n" for at in range(60)}
    found = compose(read_source(str(write(Case({**files, "f60.yml": "a: 1\n"}, "f0.yml"), tmp_path))), Library())
    assert [finding.code for finding in found.findings] == ["OC005"]


@pytest.mark.parametrize(
    ("folder", "path", "joined"),
    [
        ("configs/a", "../_base_/x.py", "configs/_base_/x.py"),
        ("./configs", "x.py", "./configs/x.py"),
        ("", "../x.py", "../x.py"),
        ("..", "../x.py", "../../x.py"),
        ("a", "./b//../x.py", "a/x.py"),
        ("a", "/tmp/x.py", "/tmp/x.py"),
    ],
)
def test_paths_look_like_the_path_that_was_typed(folder: str, path: str, joined: str) -> None:
    assert join(folder, path) == joined


@pytest.mark.parametrize("kind", ["BASE", "base"])
def test_yaml_base_files_are_merged_in_their_order(kind: str, tmp_path: Path) -> None:
    key = f"_{kind}_"
    files = {
        "run/a.yml": f"{key}: [../one.yml, ../two.yml]\nopt: {{lr: 3}}\n",
        "one.yml": "opt: {lr: 1, wd: 1}\nx: [1, 2]\n",
        "two.yml": f"{key}: zero.yml\nopt: {{lr: 2}}\n",
        "zero.yml": "opt: {name: sgd}\nx: [3]\n",
    }
    found = compose(read_source(str(write(Case(files, "run/a.yml"), tmp_path))), Library())
    assert value_of(found.root) == {"opt": {"lr": 3, "wd": 1, "name": "sgd"}, "x": [3]}
    assert [Path(path).name for path in found.sources] == ["one.yml", "two.yml", "zero.yml"]


@pytest.mark.parametrize("mark", ["_delete_: true", "_inherited_: false"])
def test_a_marked_mapping_replaces_that_of_the_base_file(mark: str, tmp_path: Path) -> None:
    files = {"a.yml": f"_base_: b.yml\nopt: {{{mark}, lr: 3}}\n", "b.yml": "opt: {wd: 1}\n"}
    found = compose(read_source(str(write(Case(files, "a.yml"), tmp_path))), Library())
    assert value_of(found.root) == {"opt": {"lr": 3}}


def test_references_to_base_files_in_yaml_and_json(tmp_path: Path) -> None:
    files = {
        "a.yml": "_base_: b.yml\nlr: {{ _base_.opt.lr }}\nall: [{{_base_.opt}}, 1]\n",
        "a.json": '{"_base_": "b.yml", "lr": {{_base_.opt.lr}}}\n',
        "b.yml": "opt: {lr: 0.1}\n",
    }
    write(Case(files, "a.yml"), tmp_path)
    found = compose(read_source(str(tmp_path / "a.yml")), Library())
    assert value_of(found.root) == {"opt": {"lr": 0.1}, "lr": 0.1, "all": [{"lr": 0.1}, 1]}
    found = compose(read_source(str(tmp_path / "a.json")), Library())
    assert value_of(found.root) == {"opt": {"lr": 0.1}, "lr": 0.1}


def test_modules_of_a_package_are_found_in_the_folders_above(tmp_path: Path) -> None:
    files = {
        "lib/configs/run/a.py": "with read_base():\n    from lib.configs.base import lr as peak, opt\n    "
        "from mmdet.configs.base import *\nopt.update(lr=peak)\n",
        "lib/configs/base.py": "lr = 0.1\nopt = dict(type='SGD', lr=1)\nother = 2\n",
    }
    found = compose(read_source(str(write(Case(files, "lib/configs/run/a.py"), tmp_path))), Library())
    assert value_of(found.root) == {"peak": 0.1, "opt": {"type": "SGD", "lr": 0.1}}
    assert [(finding.code, finding.line) for finding in found.findings] == [("OC010", 3)]


def test_a_change_to_a_base_files_values_stays_in_the_file_that_makes_it(tmp_path: Path) -> None:
    files = {
        "a.py": "_base_ = 'base.py'\n_base_.opt.lr = 5\nopt = dict(wd=1)\n",
        "b.py": "_base_ = 'base.py'\nx = _base_.opt\nx.clear()\n",
        "c.py": "_base_ = 'base.py'\n",
        "base.py": "opt = dict(lr=1)\n",
    }
    write(Case(files, "a.py"), tmp_path)
    library = Library()
    trees = [value_of(compose(read_source(str(tmp_path / name)), library).root) for name in ("a.py", "b.py", "c.py")]
    assert trees[0] == {"opt": {"lr": 5, "wd": 1}}
    assert trees[2] == {"opt": {"lr": 1}}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("_base_ = ['nope.py']\n", "OC007", 1),
        ("_base_ = [\n    'base.py',\n    'nope.yaml',\n]\n", "OC007", 3),
        ("_base_ = 'mmdet::a.py'\n", "OC010", 1),
        ("_base_ = 'https://example.org/a.py'\n", "OC010", 1),
        ("_base_ = 'notes.txt'\n", "OC010", 1),
        ("_base_ = f'{x}.py'\n", "OC010", 1),
        ("_base_ = ['base.py', 'again.py']\n", "OC009", 1),
        ("_base_ = 'base.py'\nlr = dict(a=1)\n", "OC009", 2),
        ("with read_base():\n    from .nope import *\n", "OC007", 2),
        ("_base_ = 'folder.py'\n", "OC007", 1),
        ("_base_ = 'a\\0.py'\n", "OC007", 1),
    ],
)
def test_what_cannot_be_included_is_a_finding(text: str, code: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    files = {"a.py": text, "base.py": "lr = 1\n", "again.py": "lr = 2\n", "notes.txt": "lr = 3\n"}
    found = compose(read_source(str(write(Case(files, "a.py"), tmp_path))), Library())
    assert [(finding.code, finding.line) for finding in found.findings] == [(code, line)]


@pytest.mark.parametrize(
    ("text", "code"), [("a: [\n", "OC001"), ("a: caf\xe9\n", "OC002"), ("x: '" + "a" * 5_000_000 + "'\n", "OC005")]
)
def test_a_base_file_that_cannot_be_read_is_a_finding_in_its_place(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(text, encoding="latin-1")
    (tmp_path / "a.yml").write_text("_BASE_: base.yml\n")
    found = compose(read_source(str(tmp_path / "a.yml")), Library())
    assert [(finding.code, finding.file) for finding in found.findings] == [(code, str(tmp_path / "base.yml"))]
