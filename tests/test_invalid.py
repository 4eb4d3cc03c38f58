"""Each config in data/invalid against the findings that a person wrote down beside it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.findings import RULES, Rule, Severity
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.render.findings_report import concise_lines, listed

from .conftest import findings_in

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA = Path(__file__).parent / "data" / "invalid"
CONFIGS = sorted(path.name for path in DATA.iterdir() if path.suffix in (".yaml", ".py"))
LINE = re.compile(r"(?P<path>\S+):(?P<line>\d+):(?P<column>\d+): (?P<severity>\w+)\[(?P<code>OC\d{3})\] (?P<said>.+)\n")
NOT_PYTHON = "OC006"
NESTED_TOO_DEEP = "OC005"
NO_TEXT_SHOWS = frozenset({"OC002"})
"""Codes whose example cannot be given as a text: the file must hold bytes that are none."""


class Entry(TypedDict):
    """A finding in JSON."""

    path: str
    line: int
    column: int
    code: str
    severity: str
    message: str
    hint: str


def expected(config: str) -> list[str]:
    """Return the expected lines, with `{conventions}` filled in: that list grows."""
    with (DATA / config).with_suffix(".errors.txt").open(encoding="utf-8", newline="") as stream:
        return [line.replace("{conventions}", ", ".join(CONVENTIONS)) for line in stream]


def severities(lines: Iterable[str]) -> set[str]:
    return {match["severity"] for line in lines if (match := LINE.fullmatch(line))}


@pytest.fixture(autouse=True)
def _in_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)


def test_every_config_has_its_expectation_and_the_other_way_round() -> None:
    expectations = {path.name.removesuffix(".errors.txt") for path in DATA.glob("*.errors.txt")}
    assert expectations == {Path(config).stem for config in CONFIGS}


@pytest.mark.parametrize("config", CONFIGS)
def test_expectations_are_well_formed(config: str) -> None:
    lines = expected(config)
    assert lines
    for line in lines:
        match = LINE.fullmatch(line)
        assert match, line
        assert match["path"] == config
        assert match["code"] in RULES
        assert re.search(r" \(.+\)$", match["said"]), "every finding hints at its fix"


@pytest.mark.parametrize("config", CONFIGS)
def test_the_library_finds_it(config: str) -> None:
    loaded = load(Request((config,), every_plan=True))
    assert list(concise_lines(loaded.findings)) == expected(config)
    assert (loaded.files, loaded.skipped, loaded.unreadable) == ([config], 0, [])


def of_every_mixture() -> list[str]:
    """Return one config for every set of severities that a config's findings have."""
    mixtures = {frozenset(severities(expected(config))): config for config in reversed(CONFIGS)}
    return sorted(mixtures.values())


@pytest.mark.parametrize("config", of_every_mixture())
def test_the_exit_code_follows_the_severities(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = severities(expected(config))
    for options, failing in (([], {"error"}), (["--strict"], {"error", "warning"})):
        code = main(["validate", "--format", "concise", *options, config])
        assert capsys.readouterr() == ("".join(expected(config)), "")
        assert code == bool(found & failing)


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", "--format", "json", *CONFIGS])
    answer = json.loads(capsys.readouterr().out)
    entries: list[Entry] = answer["findings"]
    assert answer == {"version": 1, "files": len(CONFIGS), "findings": entries}
    assert [_as_line(entry) for entry in entries] == [line for config in CONFIGS for line in expected(config)]


def test_the_full_format_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", *CONFIGS])
    printed = re.findall(r"^(\w+)\[(OC\d{3})\]: .+\n +--> (\S+:\d+:\d+)$", capsys.readouterr().out, re.MULTILINE)
    findings = listed(load(Request(tuple(CONFIGS), every_plan=True)).findings)
    assert printed == [
        (found.severity.value, found.code, f"{found.file}:{found.line}:{found.column}") for found in findings
    ]


def _as_line(entry: Entry) -> str:
    place = f"{entry['path']}:{entry['line']}:{entry['column']}"
    return f"{place}: {entry['severity']}[{entry['code']}] {entry['message']} ({entry['hint']})\n"


@pytest.mark.slow
def test_the_whole_folder_in_one_run_of_the_program() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        [sys.executable, "-m", "onecycle_cli", "validate", "--format", "concise", *CONFIGS],
        cwd=DATA,
        env={**environment, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ran.stderr.decode() == ""
    assert ran.stdout.decode().splitlines() == [line.rstrip("\n") for config in CONFIGS for line in expected(config)]
    assert ran.returncode == 1


def test_every_code_is_shown_by_some_config() -> None:
    shown = {match["code"] for config in CONFIGS for line in expected(config) if (match := LINE.fullmatch(line))}
    assert shown == set(RULES)


@pytest.mark.parametrize("code", sorted(RULES))
def test_a_page_shows_its_examples_whole(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code]) == 0
    assert ("…\n" in capsys.readouterr().out) == (code == NESTED_TOO_DEEP)


def codes(text: str, rule: str) -> set[str]:
    return {finding.code for finding in findings_in(text, "example.py" if rule == NOT_PYTHON else "example.yaml")}


@pytest.mark.parametrize("code", sorted(set(RULES) - NO_TEXT_SHOWS))
def test_a_rules_example_breaks_it(code: str) -> None:
    assert code in codes(RULES[code].example, code)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rules_fixed_example_has_nothing_worse(rule: Rule) -> None:
    left = codes(rule.fixed, rule.code)
    assert rule.code not in left
    assert not {code for code in left if RULES[code].severity is Severity.ERROR}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_is_explained(rule: Rule, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", rule.code]) == 0
    page = capsys.readouterr().out
    for text in (rule.code, rule.severity.value, rule.title):
        assert text in page


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(RULES["OC002"].fixed.encode("latin-1"))
    assert [finding.code for finding in load(Request((str(path),), every_plan=True)).findings] == ["OC002"]
