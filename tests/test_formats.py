"""What CI systems read of us: workflow commands, SARIF, JUnit XML, the action, the hook, the README's snippets."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.config.files import STDIN_NAME
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import RULES, Finding, Fix, Severity
from onecycle_cli.formatting import printable
from onecycle_cli.render.ci import (
    STDIN,
    descriptor,
    escape_data,
    escape_property,
    from_root,
    github_lines,
    junit,
    repository_root,
    sarif,
    uri,
)
from onecycle_cli.render.config_template import config_template, json_schema
from onecycle_cli.render.findings_report import concise_lines

from .conftest import DATA, ROOT

ERROR, WARNING, INFO = (next(rule for rule in RULES.values() if rule.severity is each) for each in Severity)


def found(rule: Any = ERROR, message: str = "said", **fields: Any) -> Finding:
    place = {"file": "configs/a.yaml", "line": 3, "column": 5}
    finding: Finding = rule.finding(message, "do this")
    return replace(finding, **{**place, **fields})


ANY_TEXT = st.text(st.characters(), max_size=30)
ANY_FINDING = st.builds(
    Finding,
    st.sampled_from(list(RULES.values())),
    st.sampled_from(Severity),
    ANY_TEXT,
    ANY_TEXT,
    setting=st.none() | ANY_TEXT,
    file=st.none() | st.just("<stdin>") | st.text(st.characters(), min_size=1, max_size=30),
    line=st.none() | st.integers(1, 10**6),
    column=st.none() | st.integers(1, 10**6),
    flag=st.none() | ANY_TEXT,
    fix=st.none() | st.builds(Fix, ANY_TEXT, ANY_TEXT),
)
ANY_FINDINGS = st.lists(ANY_FINDING, max_size=8)
MANY = st.lists(st.sampled_from([ERROR, ERROR, WARNING, INFO]), max_size=60)


# --- Places -----------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository's root, and work in a folder of it."""
    (tmp_path / "train").mkdir()
    monkeypatch.chdir(tmp_path / "train")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a.yaml", "train/a.yaml"),
        ("./x/../a.yaml", "train/a.yaml"),
        ("../b.yaml", "b.yaml"),
        ("../../c.yaml", None),
    ],
)
def test_paths_are_counted_from_the_root(path: str, place: str | None, checkout: Path) -> None:
    assert from_root(path, str(checkout)) == (place or str(checkout.parent / "c.yaml"))
    assert from_root(str(checkout / "train" / path), str(checkout)) == (place or str(checkout.parent / "c.yaml"))


def test_a_root_named_through_a_link_is_the_same_root(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(checkout)
    (checkout / "train" / "real.yaml").write_text("")
    (checkout / "train" / "alias.yaml").symlink_to("real.yaml")
    assert from_root("a.yaml", str(link)) == "train/a.yaml"
    assert from_root("alias.yaml", str(checkout)) == "train/alias.yaml"


def test_a_root_elsewhere_counts_for_nothing(checkout: Path) -> None:
    assert from_root("a.yaml", str(checkout / "other")) == "a.yaml"


def test_standard_input_has_one_name() -> None:
    assert STDIN == STDIN_NAME


def test_each_system_names_its_root() -> None:
    assert repository_root({}) == os.curdir
    assert repository_root({"CI_PROJECT_DIR": "/builds/x"}) == "/builds/x"
    assert repository_root({"GITHUB_WORKSPACE": "/w", "WORKSPACE": "/other"}) == "/w"
    assert repository_root({"GITHUB_WORKSPACE": ""}) == os.curdir


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("configs/a.yaml", "configs/a.yaml"),
        ("my configs/100% ü.yaml", "my%20configs/100%25%20%C3%BC.yaml"),
        ("a:b#c?d.yaml", "a%3Ab%23c%3Fd.yaml"),
        ("/etc/a b.yaml", "file:///etc/a%20b.yaml"),
        (os.fsdecode(b"\xff.yaml"), "%FF.yaml"),
    ],
)
def test_uris_are_percent_encoded(place: str, expected: str) -> None:
    assert uri(place) == expected


# --- GitHub -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data", "value"),
    [
        ("plain", "plain", "plain"),
        ("50%", "50%25", "50%25"),
        ("%0A", "%250A", "%250A"),
        ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
        ("a:b,c", "a:b,c", "a%3Ab%2Cc"),
        ("::error::x", "::error::x", "%3A%3Aerror%3A%3Ax"),
        ("bell\a\x1b[31m", "bell\ufffd\ufffd[31m", "bell\ufffd\ufffd[31m"),
    ],
)
def test_escapes_are_githubs(text: str, data: str, value: str) -> None:
    assert (escape_data(text), escape_property(text)) == (data, value)


def test_a_command_says_where_and_what() -> None:
    rule = RULES["OC104"]
    each = found(rule, "1e-3 is 100% a text: yes, it is", file="configs/a,b.yaml")
    first, *log = github_lines([each])
    assert first == (
        "::warning file=configs/a%2Cb.yaml,line=3,col=5,title=OC104 YAML 1.1 and 1.2 read it differently"
        "::1e-3 is 100%25 a text: yes, it is%0Ado this\n"
    )
    assert (
        log
        == list(concise_lines([each]))
        == ["configs/a,b.yaml:3:5: warning[OC104] 1e-3 is 100% a text: yes, it is (do this)\n"]
    )


@pytest.mark.parametrize(("rule", "word"), [(ERROR, "error"), (WARNING, "warning"), (INFO, "notice")])
def test_each_severity_has_its_command(rule: Any, word: str) -> None:
    assert next(iter(github_lines([found(rule)]))).startswith(f"::{word} file=configs/a.yaml,line=3,col=5,title=")


@pytest.mark.parametrize("path", [None, "<stdin>"])
def test_what_is_in_no_file_names_none(path: str | None) -> None:
    each = found(file=path, line=None, column=None)
    assert next(iter(github_lines([each]))) == f"::error title={ERROR.code} {ERROR.title}::said%0Ado this\n"


def test_no_more_commands_than_github_shows_and_the_log_has_all() -> None:
    counts = {INFO: 2, WARNING: 11, ERROR: 13}
    findings = [found(rule, f"{rule.code} {n}") for rule, count in counts.items() for n in range(count)]
    lines = list(github_lines(findings))
    commands = [line for line in lines if line.startswith("::")]
    words = [re.match(r"::(\w+)", line)[1] for line in commands]  # type: ignore[index]
    assert words == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 2
    assert [f"{ERROR.code} {n}%0A" in line for n, line in enumerate(commands[:10])] == [True] * 10
    assert "4 of 26" in lines[22]
    assert lines[23:] == list(concise_lines(findings))


def test_nothing_found_prints_nothing() -> None:
    assert list(github_lines([])) == []


REGISTERED = {"error", "warning", "notice", "add-mask", "set-env", "add-path", "stop-commands", "debug", "group"}


def as_the_runner_reads(line: str) -> tuple[str, dict[str, str], str] | None:
    """Read a line of output as GitHub's runner does, its older `##[command]` included; None for plain text."""
    line = line.rstrip("\n").lstrip()
    if match := re.match(r"::(.*?)::(.*)", line, re.DOTALL):
        word, _, rest = match[1].partition(" ")
        if word in REGISTERED:
            pairs = [part.split("=", 1) for part in rest.strip().split(",") if "=" in part]
            return word, {name: unescaped(value, "\r\n:,%") for name, value in pairs}, unescaped(match[2], "\r\n%")
    if match := re.search(r"##\[([^\] ]*)[^\]]*\]", line):
        return (match[1], {}, "") if match[1] in REGISTERED else None
    return None


def unescaped(text: str, characters: str) -> str:
    for character in characters:
        text = text.replace(f"%{ord(character):02X}", character)
    return text


@pytest.mark.parametrize(
    "text",
    ["##[add-mask]e", "x ##[set-env name=PATH]/evil", "::add-mask::e", "\n::debug::x", "##[debug]x\n::notice::y"],
)
def test_no_config_runs_a_command(text: str) -> None:
    lines = list(github_lines([found(message=text, file=text), replace(found(file=None), hint=text)]))
    assert [as_the_runner_reads(line) is not None for line in lines] == [True, True, False, False]


@given(MANY)
def test_each_kind_is_cut_at_its_limit(rules: list[Any]) -> None:
    lines = list(github_lines([found(rule) for rule in rules]))
    commands = sum(line.startswith("::") for line in lines)
    assert commands == sum(min(10, rules.count(rule)) for rule in (ERROR, WARNING, INFO))
    assert len(lines) == commands + len(rules) + (commands < len(rules))


@given(ANY_FINDINGS)
def test_the_runner_reads_all_annotations(findings: list[Finding]) -> None:
    lines = list(github_lines(findings))
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in lines)
    read = [as_the_runner_reads(line) for line in lines]
    commands = [each for each in read if each is not None]
    by_severity = [[each for each in findings if each.severity is severity][:10] for severity in Severity]
    expected = [each for group in by_severity for each in group]
    assert read[: len(expected)] == commands
    for (_, properties, data), each in zip(commands, expected, strict=True):
        assert properties["title"] == f"{each.code} {each.rule.title}"
        parts = [part for part in (each.message, each.hint) if part]
        assert data == "".join(char if char in "\r\n" else printable(char) for char in "\n".join(parts))


# --- SARIF ------------------------------------------------------------------------------------------------------

SARIF = Draft202012Validator(
    json.loads((DATA / "schemas" / "sarif-2.1.0.json").read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def run_of(findings: Sequence[Finding], **rest: Any) -> dict[str, Any]:
    """Give the run of the log that we write; its form is what the standard's schema asks for."""
    log = json.loads(sarif(findings, "1.2.3", **rest))
    assert [error.message for error in SARIF.iter_errors(log)] == []
    (run,) = log["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return dict(run)


def test_the_schema_is_the_standards_and_refuses_what_is_wrong() -> None:
    Draft202012Validator.check_schema(SARIF.schema)
    log = json.loads(sarif([found()], "1.2.3"))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not SARIF.is_valid(log)


def test_a_result_says_where_and_what() -> None:
    run = run_of([found(WARNING), found(file="my configs/ü.yaml")])
    assert run["tool"]["driver"].keys() == {"name", "version", "rules"}
    assert (run["tool"]["driver"]["name"], run["tool"]["driver"]["version"]) == ("onecycle", "1.2.3")
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["invocations"] == [{"executionSuccessful": True}]
    first, second = run["results"]
    assert (first["ruleId"], first["level"], first["message"]) == (WARNING.code, "warning", {"text": "said\ndo this"})
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "configs/a.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3, "startColumn": 5},
            }
        }
    ]
    place = second["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "my%20configs/%C3%BC.yaml", "uriBaseId": "%SRCROOT%"}


def test_only_rules_that_occur_are_described() -> None:
    run = run_of([found(INFO), found(ERROR), found(INFO)])
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == sorted({INFO.code, ERROR.code})
    assert [result["level"] for result in run["results"]] == ["note", "error", "note"]


@pytest.mark.parametrize("code", RULES)
def test_every_rule_is_described_as_code_scanning_takes_it(code: str) -> None:
    told = descriptor(RULES[code])
    assert re.fullmatch(r"[A-Z0-9][A-Za-z0-9]{1,254}", told["name"])
    assert all(0 < len(told[field]["text"]) <= 1024 for field in ("shortDescription", "fullDescription"))
    assert told["help"]["text"].startswith(f"{code} (")
    assert told["help"]["markdown"].count("```") == 4
    assert told["defaultConfiguration"]["level"] in {"error", "warning", "note"}
    assert run_of([found(RULES[code])])["tool"]["driver"]["rules"] == [told]


def test_fingerprints_outlive_a_line_and_tell_findings_apart() -> None:
    def prints(*findings: Finding) -> list[str]:
        return [each["partialFingerprints"]["onecycleFinding/v1"] for each in run_of(findings)["results"]]

    before = prints(found(setting="max_lr"), found(setting="epochs"), found(), found(), found(file="b.yaml"))
    moved = prints(*(found(setting=each, line=90, column=1, message="line 90") for each in ("max_lr", "epochs")))
    assert len(set(before)) == 5
    assert before[:2] == moved


def test_a_fix_is_written() -> None:
    text = 'name: "🎢"  \nmax_lr: 1e-3\n'
    each = found(WARNING, line=2, column=9, fix=Fix("1e-3", "1.0e-3"))
    (result,) = run_of([each])["results"]
    (change,) = result["fixes"][0]["artifactChanges"]
    (replacement,) = change["replacements"]
    assert change["artifactLocation"] == {"uri": "configs/a.yaml", "uriBaseId": "%SRCROOT%"}
    assert replacement == {
        "deletedRegion": {"startLine": 2, "startColumn": 9, "endColumn": 13},
        "insertedContent": {"text": "1.0e-3"},
    }
    region, line = replacement["deletedRegion"], text.splitlines()[1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "1e-3"


def test_whole_files_standard_input_and_flags_have_their_places() -> None:
    whole, stdin, flags = run_of(
        [found(line=None, column=None), found(file="<stdin>"), found(file=None, line=None, column=None)]
    )["results"]
    assert whole["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert stdin["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "%3Cstdin%3E"}
    assert "locations" not in flags


def test_unreadable_files_are_reported() -> None:
    (invocation,) = run_of([], unreadable=[OnecycleError("no such file: a.yaml", "check the path")])["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told == {"level": "error", "message": {"text": "no such file: a.yaml\ncheck the path"}}


def test_nothing_found_is_a_run_without_results() -> None:
    assert run_of([])["results"] == []


def test_no_text_becomes_a_link() -> None:
    text = run_of([found(message="[0.1, 0.2] and [here](https://example.org)")])["results"][0]["message"]["text"]
    assert text.startswith("[0.1, 0.2] and \\[here](https://example.org)")


@given(ANY_FINDINGS)
def test_all_findings_give_valid_sarif(findings: list[Finding]) -> None:
    run = run_of(findings)
    assert [each["ruleId"] for each in run["results"]] == [each.code for each in findings]
    for result in run["results"]:
        for location in result.get("locations", []):
            place = location["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"(file://)?[\w.~!$&'()*+,;=:@/%-]+", place, re.ASCII)
            assert unquote(place)


# --- JUnit ------------------------------------------------------------------------------------------------------

FORM: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"tests", "failures", "errors"}, {"time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"time"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"time", "file"}, {"failure", "error", "system-out"}),
    "failure": ({"message", "type"}, set(), set()),
    "error": ({"message", "type"}, set(), set()),
    "system-out": (set(), set(), set()),
}
"""By element, as Jenkins' and GitLab's parsers have them: attributes it must and may have, and elements in it."""


def report(*arguments: Any, **rest: Any) -> list[ElementTree.Element]:
    """Give the test cases of the report that we write, whose form is that of JUnit."""
    text = junit(*arguments, **rest)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    assert text.isascii()
    suites = ElementTree.fromstring(text)
    assert suites.tag == "testsuites"
    for element in suites.iter():
        must, may, inside = FORM[element.tag]
        assert must <= set(element.attrib) <= must | may
        assert {child.tag for child in element} <= inside
    (suite,) = suites
    cases = list(suite)
    for counted in (suites, suite):
        assert int(counted.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error")):
            assert int(counted.attrib[name]) == len(list(suite.iter(tag)))
    assert all(len(case.findall("failure")) <= 1 for case in cases)
    keys = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
    assert len(set(keys)) == len(keys)
    return cases


def test_a_case_a_file() -> None:
    files = ["configs/a.yaml", "configs/b.yaml"]
    first, second = report([found(message="100 % & <more>")], files)
    assert first.attrib == {
        "classname": "onecycle.validate",
        "name": "configs/a.yaml",
        "file": "configs/a.yaml",
        "time": "0",
    }
    (failure,) = first
    assert failure.attrib == {"message": f"{ERROR.code}: 100 % & <more>", "type": ERROR.code}
    assert failure.text == f"configs/a.yaml:3:5: error[{ERROR.code}] 100 % & <more> (do this)\n"
    assert list(second) == []


def test_one_failure_has_the_errors_of_a_file_and_the_output_has_the_rest() -> None:
    findings = [found(), found(WARNING, "hm"), found(message="again"), found(INFO, "fyi")]
    (case,) = report(findings, ["configs/a.yaml"])
    failure, output = case
    assert failure.attrib["message"] == f"2 findings: {ERROR.code}"
    assert failure.text == "".join(concise_lines([findings[0], findings[2]]))
    assert output.text == "".join(concise_lines([findings[1], findings[3]]))


def test_warnings_fail_where_they_are_said_to() -> None:
    (case,) = report([found(WARNING)], ["configs/a.yaml"])
    assert [child.tag for child in case] == ["system-out"]
    (case,) = report([found(WARNING)], ["configs/a.yaml"], {Severity.ERROR, Severity.WARNING})
    assert [child.tag for child in case] == ["failure"]


def test_what_is_no_file_and_what_cannot_be_read_has_a_case_too() -> None:
    unreadable = [OnecycleError("no such file: b.yaml", "check the path")]
    stdin, flags, missing = report([found(file=None, line=None, column=None)], ["<stdin>"], unreadable=unreadable)
    assert (stdin.attrib["name"], flags.attrib["name"]) == ("<stdin>", "(settings)")
    assert "file" not in stdin.attrib.keys() | flags.attrib.keys() | missing.attrib.keys()
    (error,) = missing
    assert error.attrib == {"message": "no such file: b.yaml", "type": "unreadable"}
    assert error.text == "no such file: b.yaml\ncheck the path\n"


def test_it_is_the_same_each_time() -> None:
    arguments = ([found(), found(WARNING)], ["configs/a.yaml", "configs/b.yaml"])
    assert junit(*arguments) == junit(*arguments)
    assert junit([], []).endswith(
        '<testsuites tests="0" failures="0" errors="0" time="0">\n'
        '  <testsuite name="onecycle validate" tests="0" failures="0" errors="0" time="0" />\n</testsuites>\n'
    )


@given(ANY_FINDINGS, st.sets(st.sampled_from("abc")).map(sorted))
def test_all_findings_give_valid_xml(findings: list[Finding], files: list[str]) -> None:
    text = junit(findings, files)
    cases = list(ElementTree.fromstring(text)[0])
    assert len(cases) == len({each.file or "(settings)" for each in findings} | set(files))


def test_real_findings_of_every_rule_pass_in_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for code, rule in RULES.items():
        Path(f"{code}.yaml").write_text(rule.example, encoding="utf-8")
    paths = sorted(str(path) for path in Path().glob("*.yaml"))
    loaded = load(Request(tuple(paths), every_plan=True))
    findings = loaded.findings
    assert len(findings) >= len(RULES) - 5
    assert len(run_of(findings)["results"]) == len(findings)
    assert len(report(findings, paths)) == len(paths)
    assert all(as_the_runner_reads(line) for line in list(github_lines(findings))[:20])


# --- The action, the hook and what the README tells to paste ------------------------------------------------------

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
SNIPPETS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/how-to/ci.md").read_text(), re.DOTALL)


def snippets(key: str) -> list[str]:
    """Return the YAML blocks of the guide to CI that have a key; GitLab's stands below the job's name."""
    return [text for text in SNIPPETS if re.search(rf"^ *{key}:", text, re.MULTILINE)]


def check_jsonschema(schema: Sequence[str], *files: Path) -> None:
    """Hold files against a schema that check-jsonschema brings along, or another, by its own command line."""
    if find_spec("check_jsonschema") is None:
        pytest.skip("check-jsonschema is not installed")
    words = [sys.executable, "-m", "check_jsonschema", *schema, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_is_one() -> None:
    check_jsonschema(["--builtin-schema", "vendor.github-actions"], ROOT / "action.yml")


@pytest.mark.parametrize("text", snippets("jobs"))
def test_the_workflows_are_githubs(text: str, tmp_path: Path) -> None:
    (tmp_path / "ci.yaml").write_text(text)
    check_jsonschema(["--builtin-schema", "vendor.github-workflows"], tmp_path / "ci.yaml")


@pytest.mark.parametrize("text", snippets("script"))
def test_the_pipeline_is_gitlabs(text: str, tmp_path: Path) -> None:
    path = tmp_path / ".gitlab-ci.yml"
    path.write_text(text)
    check_jsonschema(["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"], path)


def pre_commit(*words: str) -> None:
    if find_spec("pre_commit") is None:
        pytest.skip("pre-commit is not installed")
    done = subprocess.run([sys.executable, "-m", "pre_commit", *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_takes_the_hook() -> None:
    pre_commit("validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))


@pytest.mark.parametrize("text", snippets("repos"))
def test_pre_commit_takes_the_guides_config(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text)
    pre_commit("validate-config", str(tmp_path / "config.yaml"))


def test_the_guide_shows_each_way_with_names_that_exist() -> None:
    assert (len(snippets("repos")), len(snippets("jobs")), len(snippets("script"))) == (1, 2, 1)
    (repo,) = yaml.safe_load(snippets("repos")[0])["repos"]
    assert [hook["id"] for hook in repo["hooks"]] == [hook["id"] for hook in HOOKS]
    steps = [step for text in snippets("jobs") for step in yaml.safe_load(text)["jobs"]["onecycle"]["steps"]]
    (used,) = [step for step in steps if str(step.get("uses")).startswith("OWNER/onecycle-cli@")]
    assert set(used["with"]) <= set(ACTION["inputs"])


def test_the_hook_passes_over_what_is_no_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docker.yaml").write_text("services:\n  web: {image: nginx}\n")
    Path("sound.yaml").write_text("max_lr: 0.1\ntotal_steps: 1000\n")
    Path("wrong.yaml").write_text("max_lr: fast\ntotal_steps: 1000\n")
    (hook,) = HOOKS
    program, *words = shlex.split(hook["entry"])
    assert program == "onecycle"
    assert main([*words, "docker.yaml"]) == 0
    assert main([*words, "docker.yaml", "sound.yaml"]) == 0
    assert main([*words, "docker.yaml", "wrong.yaml"]) == 1
    assert "docker.yaml" not in capsys.readouterr().out
    Path("train.py").write_text(
        "from torch.optim.lr_scheduler import OneCycleLR\ns = OneCycleLR(o, 0.1, 20, pct_start=30)\n"
    )
    Path("setup.py").write_text("from setuptools import setup\nsetup()\n")
    assert main([*words, "setup.py"]) == 0
    assert main([*words, "setup.py", "train.py"]) == 1
    assert {"yaml", "python", "json"} == {*hook["types_or"]}


def test_the_action_writes_no_input_into_its_scripts() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(scripts) == 2
    assert not any("${{" in script for script in scripts)
    given_on = json.dumps([step.get("env", {}) | step.get("with", {}) for step in ACTION["runs"]["steps"]])
    assert all(f"inputs.{name} " in given_on for name in ACTION["inputs"])


@pytest.fixture
def words_of(tmp_path: Path) -> Iterator[Any]:
    """Give what runs the action's last script, and gives the words that reach the program."""
    if os.name == "nt":
        pytest.skip("a script is not a program on Windows")
    program = tmp_path / "onecycle"
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\nsys.exit(1)\n")
    program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(ACTION["runs"]["steps"][-1]["run"])

    def run(**inputs: str) -> list[str]:
        variables = {
            "PATHS": ".",
            "STRICT": "false",
            "FORMAT": "",
            "OUTPUT_FILE": "",
            "EXCLUDE": "",
            "SET": "",
            "ARGS": "",
        }
        variables |= inputs
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            env={"ONECYCLE": str(program), "PATH": os.environ["PATH"], **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1, done.stderr
        return list(json.loads(done.stdout))

    yield run
    assert {path.name for path in tmp_path.iterdir()} == {"onecycle", "script"}


def test_the_action_passes_its_inputs_on(words_of: Any) -> None:
    assert words_of() == ["validate", "--", "."]
    assert words_of(STRICT="true", FORMAT="sarif", OUTPUT_FILE="a b.sarif", PATHS="my configs\n\n-x.yaml\n") == [
        "validate", "--strict", "--format", "sarif", "--output-file", "a b.sarif", "--", "my configs", "-x.yaml",
    ]  # fmt: skip


def test_the_action_passes_lines_on_as_one_word_each(words_of: Any) -> None:
    given = {"EXCLUDE": "old/*.yaml\nmy data\n", "SET": "trainer.max_steps=5", "ARGS": "--ignore=OC5\n\n--no-strict\n"}
    assert words_of(**given) == [
        "validate", "--exclude=old/*.yaml", "--exclude=my data", "--set=trainer.max_steps=5", "--ignore=OC5",
        "--no-strict", "--", ".",
    ]  # fmt: skip


def test_no_input_of_the_action_runs(words_of: Any) -> None:
    evil = '$(touch pwned)`touch pwned`";touch pwned;"'
    assert words_of(PATHS=f"{evil}\n*", FORMAT=evil) == ["validate", "--format", evil, "--", evil, "*"]
    words = ["validate", f"--exclude={evil}", f"--set={evil}", evil, "*", "--", "."]
    assert words_of(EXCLUDE=evil, SET=evil, ARGS=f"{evil}\n*") == words


# --- Our configs against our schema, by others' validators --------------------------------------------------------

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def test_the_template_begins_with_its_schema() -> None:
    first, *rest = config_template().splitlines()
    assert first == "# yaml-language-server: $schema=onecycle.schema.json"
    assert any("onecycle schema > onecycle.schema.json" in line for line in rest[:5])


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_ours_passes_the_schema(path: Path) -> None:
    values = yaml.safe_load(path.read_text())
    assert [error.message for error in Draft7Validator(json_schema()).iter_errors(values)] == []


def test_another_program_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = tmp_path / "onecycle.schema.json"
    schema.write_text(capsys.readouterr().out)
    (tmp_path / "onecycle.yaml").write_text(config_template())
    check_jsonschema(["--check-metaschema"], schema)
    check_jsonschema(["--schemafile", str(schema)], tmp_path / "onecycle.yaml", *CONFIGS)
