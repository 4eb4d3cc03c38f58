"""The project's settings: where they are found, what they change, and what is said about wrong ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.cli import main
from onecycle_cli.config.project import find_project, is_selected, read_codes
from onecycle_cli.findings import RULES

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "s: {type: OneCycleLR, max_lr: 1e-3, total_steps: 100.0}\noptimizer: {type: SGD, lr: 0.1}\n"
"""A config with the findings OC104, OC105 and OC511."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work" / "configs"
    folder.mkdir(parents=True)
    (folder / "run.yaml").write_text(CONFIG)
    (tmp_path / "work" / "old").mkdir()
    (tmp_path / "work" / "old" / "run.yaml").write_text(CONFIG)
    monkeypatch.chdir(folder)
    return tmp_path / "work"


def codes(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main(["validate", "--format", "json", *words])
    return code, [found["code"] for found in json.loads(capsys.readouterr().out)["findings"]]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], ["OC104", "OC105", "OC511"]),
        (["--select", "OC104"], ["OC104"]),
        (["--select", "oc1"], ["OC104", "OC105"]),
        (["--select", "OC1", "--ignore", "OC104"], ["OC105"]),
        (["--select", "OC104", "--ignore", "OC1"], ["OC104"]),
        (["--ignore", "OC104,OC5"], ["OC105"]),
        (["--ignore", "OC104", "--ignore", "OC105"], ["OC511"]),
        (["--ignore", "ALL"], []),
        (["--ignore", "ALL", "--select", "OC511"], ["OC511"]),
        (["--select", "ALL", "--ignore", "OC511"], ["OC104", "OC105"]),
        (["--select", "OC2"], []),
    ],
)
def test_codes_are_selected_and_ignored(
    words: list[str], wanted: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.exists()
    assert codes(capsys, *words, "run.yaml") == (0, wanted)
    assert codes(capsys, "--strict", *words, "run.yaml")[0] == int(bool(wanted))


@given(st.sampled_from(sorted(RULES)), st.lists(st.sampled_from(["OC", "OC1", "OC10", "OC104", "OC5", ""]), max_size=3))
def test_a_code_that_is_given_in_full_wins(code: str, others: list[str]) -> None:
    assert is_selected(code, (code,), tuple(word for word in others if word != code))
    assert not is_selected(code, tuple(others), (code,))


def test_what_cannot_be_read_is_always_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "configs" / "broken.yaml").write_text("max_lr: [0.1\n")
    assert codes(capsys, "--ignore", "ALL", "--select", "OC5", "broken.yaml") == (1, ["OC001"])


@pytest.mark.parametrize("word", ["OC", "OC1", "oc104", "ALL"])
def test_beginnings_of_codes_are_read(word: str) -> None:
    assert read_codes([word]) == ("" if word == "ALL" else word.upper(),)


@pytest.mark.parametrize("word", ["", "X", "OC9999", "104"])
def test_an_unknown_code_is_a_usage_error(word: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.exists()
    assert main(["validate", "--ignore", word, "run.yaml"]) == 2
    assert "a code or its beginning, such as OC" in capsys.readouterr().err


SETTINGS = 'ignore = ["OC104", "OC105"]\nexclude = ["old"]\nstrict = true\nset = ["optimizer.lr=0.001"]\n'


@pytest.mark.parametrize(
    ("name", "text"), [("pyproject.toml", f"[tool.onecycle]\n{SETTINGS}"), (".onecycle.toml", SETTINGS)]
)
def test_settings_are_found_upwards(
    name: str, text: str, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / name).write_text(text)
    assert codes(capsys, "run.yaml") == (0, [])
    assert codes(capsys, "--isolated", "run.yaml") == (0, ["OC104", "OC105", "OC511"])
    assert codes(capsys, "--ignore", "OC105", "run.yaml") == (1, ["OC104"])
    assert codes(capsys, "--ignore", "OC105", "--no-strict", "run.yaml") == (0, ["OC104"])
    assert codes(capsys, "--set", "optimizer.lr=5", "run.yaml") == (1, ["OC511"])
    monkeypatch.chdir(project)
    capsys.readouterr()
    assert main(["validate", "."]) == 0
    assert "1 file checked" in capsys.readouterr().out
    assert main(["show", "configs/run.yaml"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["show", "--isolated", "configs/run.yaml"]) == 0
    assert "OC104" in capsys.readouterr().err


def test_the_nearest_settings_count_and_a_file_without_them_does_not(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text('[tool.onecycle]\nignore = ["OC1"]\n')
    (project / "configs" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert codes(capsys, "run.yaml")[1] == ["OC511"]
    (project / "configs" / ".onecycle.toml").write_text('ignore = ["OC5"]\n')
    (project / "configs" / "pyproject.toml").write_text('[tool.onecycle]\nignore = ["OC104"]\n')
    assert codes(capsys, "run.yaml")[1] == ["OC104", "OC105"]


@pytest.mark.parametrize(
    "text", ["set = {optimizer = {lr = 0.001}}", '[set]\n"optimizer.lr" = 0.001\nelsewhere = "x"', 'set = ["a.b=1"]']
)
def test_values_may_be_a_table_and_need_not_have_an_effect(text: str, project: Path) -> None:
    (project / ".onecycle.toml").write_text(text)
    assert main(["validate", "run.yaml"]) == 0
    assert all("=" in word for word in find_project().set)


def test_an_error_that_stops_a_plan_cannot_be_ignored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".onecycle.toml").write_text('ignore = ["ALL"]\n')
    (project / "configs" / "bad.yaml").write_text("max_lr: -1.5\ntotal_steps: 100\n")
    assert main(["show", "bad.yaml"]) == 2
    assert "OC201" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ignore = [", "not TOML"),
        ("\nignroe = []", ":2: unknown setting ignroe"),
        ("strict = 1", ":1: strict is not true or false"),
        ('ignore = "OC104"', ":1: ignore is not a list of strings"),
        ("exclude = [1]", ":1: exclude is not a list of strings"),
        ('select = ["OC999"]', ":1: invalid select"),
        ('set = ["x"]', "use path=value"),
    ],
)
def test_wrong_settings_are_refused_with_their_place(
    text: str, said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".onecycle.toml").write_text(text)
    assert main(["validate", "run.yaml"]) == 2
    assert said in capsys.readouterr().err
    assert main(["validate", "--isolated", "run.yaml"]) == 0


def test_excluded_files_are_left_out_wherever_the_command_runs(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text('[tool.onecycle]\nexclude = ["old", "configs/r*.yaml"]\n')
    for folder in ("old", "configs"):
        monkeypatch.chdir(project / folder)
        assert codes(capsys, ".") == (0, [])
        assert codes(capsys, "--isolated", ".")[1] == ["OC104", "OC105", "OC511"]
        assert codes(capsys, "--exclude", "other", ".")[1] == ["OC104", "OC105", "OC511"]


@pytest.mark.parametrize(
    "text",
    [
        '[tool.ruff.lint]\nselect = ["X"]\n\n[tool.onecycle]\nselect = 1\n',
        '[tool.ruff]\nselect = ["X"]\n[tool]\n\nonecycle.select = 1\n',
        '[tool.ruff]\nselect = []\n[tool . "onecycle"]\nignore = []\n"select" = 1\n',
    ],
)
def test_the_line_of_a_setting_is_that_of_our_table(
    text: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text(text)
    assert main(["validate", "run.yaml"]) == 2
    assert "pyproject.toml:5: select is not a list" in capsys.readouterr().err


def test_a_pyproject_with_a_wrong_table_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text("[tool]\nonecycle = 1\n")
    assert main(["validate", "run.yaml"]) == 2
    assert "tool.onecycle is not a table" in capsys.readouterr().err
