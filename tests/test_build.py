"""What is published: the same bytes of the same sources wherever they are built, and what the metadata says."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml

from onecycle_cli.version import __version__

from .conftest import ROOT

pytest.importorskip("hatchling", reason="hatchling is not installed; `pip install hatchling` runs these tests")

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SOURCES = [*PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"], "LICENSE", "README.md", ".gitignore"]
WORKFLOWS = {path.name: path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").iterdir()}
MADE = 1_700_000_000  # 14 November 2023, 22:13:20 UTC
NAMES = [f"onecycle_cli-{__version__}-py3-none-any.whl", f"onecycle_cli-{__version__}.tar.gz"]


def copy_sources(to: Path) -> None:
    """Copy what belongs to the project, not what is made beside it."""
    to.mkdir(parents=True)
    for name in ("pyproject.toml", *SOURCES):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
        else:
            shutil.copy(ROOT / name, to / name)


def build(sources: Path, made: int = MADE, wheel_only: bool = False, **variables: str) -> dict[str, bytes]:
    """Build in a folder; give the files by their names."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", "made", *(["-t", "wheel"] if wheel_only else [])],
        cwd=sources,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(made), **variables},
        check=True,
        capture_output=True,
        timeout=300,
    )
    return {path.name: path.read_bytes() for path in sorted((sources / "made").iterdir())}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """Give the folder in which the project was built, and what came out."""
    folder = tmp_path_factory.mktemp("build") / "sources"
    copy_sources(folder)
    return folder, build(folder)


@pytest.fixture(scope="module")
def metadata(built: tuple[Path, dict[str, bytes]]) -> Message:
    """Give the wheel's metadata."""
    with zipfile.ZipFile(built[0] / "made" / NAMES[0]) as wheel:
        return email.message_from_bytes(wheel.read(f"onecycle_cli-{__version__}.dist-info/METADATA"))


def test_another_place_time_umask_and_language_change_no_byte(
    built: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = tmp_path / "another place" / "deeper"
    copy_sources(folder)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
        os.utime(path, (1e9, 1e9))
    again = build(folder, LC_ALL="C", TZ="Asia/Kathmandu", PYTHONHASHSEED="1", HOME=str(tmp_path))
    assert sorted(again) == sorted(built[1]) == NAMES
    assert {name: again[name] == built[1][name] for name in NAMES} == dict.fromkeys(NAMES, True)


def test_the_wheel_of_the_sdist_is_the_wheel(built: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    with tarfile.open(built[0] / "made" / NAMES[1]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    assert build(tmp_path / f"onecycle_cli-{__version__}", wheel_only=True) == {NAMES[0]: built[1][NAMES[0]]}


def test_every_file_has_the_time_that_is_given(built: tuple[Path, dict[str, bytes]]) -> None:
    with zipfile.ZipFile(built[0] / "made" / NAMES[0]) as wheel:
        assert {each.date_time for each in wheel.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    with tarfile.open(built[0] / "made" / NAMES[1]) as sdist:
        assert {each.mtime for each in sdist} == {MADE}
        assert {(each.uid, each.gid, each.uname, each.gname) for each in sdist} == {(0, 0, "", "")}


def test_the_sdist_has_all_that_is_in_the_repository(built: tuple[Path, dict[str, bytes]]) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("these sources are not in a git repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    tracked = {name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()}
    with tarfile.open(built[0] / "made" / NAMES[1]) as sdist:
        assert tracked - {each.name.partition("/")[2] for each in sdist} == set()


def test_the_licence_is_an_expression_and_its_text_is_inside(metadata: Message, built: tuple[Path, Any]) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert "License" not in metadata
    assert not [each for each in metadata.get_all("Classifier", []) if each.startswith("License")]
    with zipfile.ZipFile(built[0] / "made" / NAMES[0]) as wheel:
        text = wheel.read(f"onecycle_cli-{__version__}.dist-info/licenses/LICENSE")
    assert text == (ROOT / "LICENSE").read_bytes()


def test_each_python_that_is_declared_is_tested(metadata: Message) -> None:
    declared = re.findall(r"Python :: (3\.\d+)$", "\n".join(metadata.get_all("Classifier", [])), re.MULTILINE)
    assert metadata["Requires-Python"] == f">={declared[0]}"
    jobs = yaml.safe_load(WORKFLOWS["tests.yml"])["jobs"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == declared
    assert set(jobs["musl"]["strategy"]["matrix"]["python"]) <= set(declared)


def test_the_extra_for_tests_is_the_group_for_tests(metadata: Message) -> None:
    extras, groups = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]
    assert extras["test"] == groups["test"]
    assert extras.keys() & groups.keys() == {"test"}
    assert metadata.get_all("Provides-Extra") == sorted(extras)


@pytest.mark.parametrize("name", ["action.yml", *WORKFLOWS])
def test_each_action_is_pinned_by_its_commit_and_says_its_version(name: str) -> None:
    text = WORKFLOWS.get(name) or (ROOT / name).read_text("utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/tests\.yml", action)


def test_only_the_job_that_publishes_may_sign() -> None:
    tests, release = (yaml.safe_load(WORKFLOWS[name]) for name in ("tests.yml", "release.yml"))
    assert tests["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in tests["jobs"].values())
    assert release["permissions"] == {}
    rights = {name: job["permissions"] for name, job in release["jobs"].items()}
    assert [name for name, right in rights.items() if "id-token" in right] == ["publish"]
    assert all(right == {"contents": "read"} for name, right in rights.items() if name != "publish")
    assert release["jobs"]["publish"]["environment"]["name"] == "pypi"
    assert "secrets." not in "".join(WORKFLOWS.values())
    assert release[True] == {"push": {"tags": ["v*"]}}, "YAML reads `on` as true"
