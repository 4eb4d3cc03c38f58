"""Safe fixes: words at the findings' places change, every other character stays, and the difference applies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.cli import main
from onecycle_cli.config.fix import difference, fix_text
from onecycle_cli.config.nodes import MappingNode, ScalarNode
from onecycle_cli.config.yaml_tree import parse
from onecycle_cli.findings import Finding, Fix
from onecycle_cli.findings.config_rules import YAML_VERSIONS

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def finding(line: int, column: int, old: str, new: str) -> Finding:
    return replace(YAML_VERSIONS.finding("", ""), line=line, column=column, fix=Fix(old, new))


@pytest.mark.parametrize(
    ("text", "line", "column", "fixed"),
    [
        ("max_lr: 1e-3\n", 1, 9, "max_lr: 1.0e-3\n"),
        ("max_lr: 1e-3", 1, 9, "max_lr: 1.0e-3"),
        ("max_lr: 1e-3 # 1e-3, as before\r\n", 1, 9, "max_lr: 1.0e-3 # 1e-3, as before\r\n"),
        ("a: 1e-3\r\nb:  1e-3\r\n", 2, 5, "a: 1e-3\r\nb:  1.0e-3\r\n"),
        ("a: 1\rb: 1e-3\r", 2, 4, "a: 1\rb: 1.0e-3\r"),
        ("a: [1e-3,1e-3]", 1, 10, "a: [1e-3,1.0e-3]"),
        ("{a: 1e-3}", 1, 5, "{a: 1.0e-3}"),
        ("é: 1e-3\n", 1, 4, "é: 1.0e-3\n"),
        ("😀: 1e-3\n", 1, 4, "😀: 1.0e-3\n"),
        ("# a\x85b: 1e-3\n", 2, 4, "# a\x85b: 1.0e-3\n"),
        ("# a\u2028b: 1e-3\n", 2, 4, "# a\u2028b: 1.0e-3\n"),
        ("1e-3: 1\n", 1, 1, "1.0e-3: 1\n"),
        ("'1e-3': 1\n", 1, 1, "'1.0e-3': 1\n"),
        ('{"1e-3":1}\n', 1, 2, '{"1.0e-3":1}\n'),
    ],
)
def test_a_word_is_fixed(text: str, line: int, column: int, fixed: str) -> None:
    assert fix_text(text, [finding(line, column, "1e-3", "1.0e-3")]) == fixed


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("max_lr: 1e-3\n", 1, 8),
        ("max_lr: 1e-3\n", 1, 10),
        ("max_lr: 1e-3\n", 2, 1),
        ("max_lr: 1e-3\n", 3, 1),
        ("max_lr: 1e-3\n", 0, 9),
        ("max_lr: 1e-3\n", 1, -5),
        ("max_lr: 1e-30\n", 1, 9),
        ("max_lr: 1e-3%\n", 1, 9),
        ("max_lr: 1e-3#\n", 1, 9),
        ("max_lr: 1e-3:5\n", 1, 9),
        ("max_lr: 1e-3*2\n", 1, 9),
        ("max_lr: 11e-3\n", 1, 10),
        ("max_lr: -1e-3\n", 1, 10),
        ("max_lr: '1e-3 '\n", 1, 9),
        ("max_lr: '1e-3\"\n", 1, 9),
        ("max_lr: &a 1e-3\n", 1, 9),
        ("# a\fb: 1e-3\n", 2, 4),
        ("a\nb: 1e-3\n", 1, 6),
    ],
)
def test_what_does_not_stand_there_is_left_alone(text: str, line: int, column: int) -> None:
    assert fix_text(text, [finding(line, column, "1e-3", "1.0e-3")]) == text


def test_several_on_a_line() -> None:
    text = "{pct_strat: 1, max_lr: 1e-3} # pct_strat: 1, max_lr: 1e-3\n"
    found = [finding(1, 24, "1e-3", "1.0e-3"), finding(1, 2, "pct_strat", "pct_start"), finding(1, 13, "1", "1.0")]
    assert fix_text(text, found) == "{pct_start: 1.0, max_lr: 1.0e-3} # pct_strat: 1, max_lr: 1e-3\n"


def test_overlapping_fixes_are_left_out_and_the_same_fix_is_made_once() -> None:
    text = "a: cos x\nb: 1\n"
    assert fix_text(text, [finding(2, 4, "1", "1.0"), finding(2, 4, "1", "1.0")]) == "a: cos x\nb: 1.0\n"
    assert fix_text(text, [finding(2, 4, "1", "1.0"), finding(2, 4, "1", "2")]) == text
    assert fix_text(text, [finding(1, 4, "cos x", "y"), finding(1, 8, "x", "z"), finding(2, 1, "b", "c")]) == (
        "a: cos x\nc: 1\n"
    )


def test_findings_without_a_fix_or_place_change_nothing() -> None:
    bare = YAML_VERSIONS.finding("", "")
    assert fix_text("a: 1\n", [bare, replace(bare, line=1, column=1), replace(bare, fix=Fix("a", "b"))]) == "a: 1\n"
    assert fix_text("a: 1\n", [finding(1, 1, "", "b")]) == "a: 1\n"


def test_quotes_stay_sound() -> None:
    assert fix_text("'a': 1\n", [finding(1, 1, "a", "it's")]) == "'a': 1\n"
    assert fix_text('"a": 1\n', [finding(1, 1, "a", "\\")]) == '"a": 1\n'


def test_python_counts_lines_in_its_own_way() -> None:
    text = "a = '\u2028'\nb = dict(lr=1e-3)\n"
    assert fix_text(text, [finding(2, 13, "1e-3", "0.001")], python=True) == "a = '\u2028'\nb = dict(lr=0.001)\n"
    assert fix_text(text, [finding(2, 13, "1e-3", "0.001")]) == text


LAYOUT = st.text(st.sampled_from(" #xé😀'\t\u2028\x85\ufeff"), max_size=8)
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])
WORDS = st.from_regex(r"[a-z0-9_.+-]{1,6}", fullmatch=True)
PIECES = st.lists(st.tuples(st.one_of(st.tuples(LAYOUT, BREAKS).map("".join), LAYOUT), WORDS, WORDS, st.booleans()))


def place_of(before: str) -> tuple[int, int]:
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1


@given(PIECES, LAYOUT)
def test_nothing_but_the_words_at_the_places_changes(pieces: list[tuple[str, str, str, bool]], rest: str) -> None:
    text = fixed = ""
    found = []
    for layout, old, new, change in pieces:
        text, fixed = f"{text}{layout} ", f"{fixed}{layout} "
        if change:
            found.append(finding(*place_of(text), old, new))
        text, fixed = f"{text}{old} ", fixed + (new if change else old) + " "
    assert fix_text(text + rest, found[::-1]) == fixed + rest


@given(
    st.text("a:1 -\n\r\x85\u2028[]{},'\"#", max_size=30),
    st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 9), st.text("a:1 -'\n", max_size=3), st.text(max_size=3))),
)
def test_no_finding_breaks_it(text: str, found: list[tuple[int, int, str, str]]) -> None:
    given_findings = [finding(*each) for each in found]
    assert fix_text(text, [replace(each, fix=None) for each in given_findings]) == text
    assert isinstance(fix_text(text, given_findings), str)


@given(st.lists(st.tuples(st.text("é😀a\t", max_size=4), BREAKS | st.sampled_from("\x85\u2028\u2029"))))
def test_lines_are_those_of_the_yaml_reader(comments: list[tuple[str, str]]) -> None:
    text = "".join(f"# {comment}{end}" for comment, end in comments) + "é: {x: 1e-3}\n"
    root = parse(text)
    assert isinstance(root, MappingNode)
    inner = root.entries[0][1]
    assert isinstance(inner, MappingNode)
    value = inner.entries[0][1]
    assert isinstance(value, ScalarNode)
    fixed = fix_text(text, [finding(value.place.line, value.place.column, "1e-3", "1.0e-3")])
    assert fixed == text.replace("1e-3", "1.0e-3")


# --- The difference ---------------------------------------------------------------------------------------------


def test_the_difference() -> None:
    before = "".join(f"a{at}: 1e-3\n" for at in range(20))
    after = before.replace("a1: 1e-3", "a1: 1.0e-3").replace("a2: 1e-3", "a2: 1.0e-3").replace("a15: 1e", "a15: 1.0e")
    assert difference("runs/a.yaml", before, after) == (
        "--- a/runs/a.yaml\n+++ b/runs/a.yaml\n@@ -1,6 +1,6 @@\n a0: 1e-3\n-a1: 1e-3\n-a2: 1e-3\n"
        "+a1: 1.0e-3\n+a2: 1.0e-3\n a3: 1e-3\n a4: 1e-3\n a5: 1e-3\n@@ -13,7 +13,7 @@\n a12: 1e-3\n a13: 1e-3\n"
        " a14: 1e-3\n-a15: 1e-3\n+a15: 1.0e-3\n a16: 1e-3\n a17: 1e-3\n a18: 1e-3\n"
    )


def test_no_newline_at_the_end() -> None:
    end = "\\ No newline at end of file\n"
    assert difference("a", "b: 1", "b: 2") == f"--- a/a\n+++ b/a\n@@ -1 +1 @@\n-b: 1\n{end}+b: 2\n{end}"


def test_nothing_differs() -> None:
    assert difference("a.yaml", "a: 1\n", "a: 1\n") == ""


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("a.yaml", "--- a/a.yaml"),
        ("./a.yaml", "--- a/a.yaml"),
        ("/tmp/a.yaml", "--- a/tmp/a.yaml"),
        ("my run/é.yaml", "--- a/my run/é.yaml\t"),
        ('a"\n.yaml', '--- "a/a\\042\\012.yaml"'),
    ],
)
def test_the_header(path: str, header: str) -> None:
    assert difference(path, "a\n", "b\n").split("\n")[0] == header


def applied(path: str, before: str, after: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, path)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(before.encode())
        patch = difference(path, before, after).encode()
        command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
        subprocess.run(command, input=patch, cwd=folder, check=True, timeout=120)
        return file.read_bytes()


@needs_git
@pytest.mark.parametrize("path", ["a.yaml", "./a.yaml", "a folder/my run.yaml", "é.yaml", 'a"b\\\n.yaml'])
def test_git_takes_every_path(path: str) -> None:
    assert applied(path, "a: 1\r\nb: 2", "a: 3\r\nb: 2") == b"a: 3\r\nb: 2"


TEXTS = st.lists(st.sampled_from(["a: 1", "b", "", "é\r", "\f\x85", "--- a", "\ufeffa"]), max_size=30).map("\n".join)


@needs_git
@given(TEXTS, st.sets(st.integers(0, 29)), st.booleans())
def test_git_applies_the_difference(text: str, changed: set[int], end: bool) -> None:
    before = "x\n" + text + "\n" * end
    lines = before.split("\n")
    after = "\n".join(f"{line}!" if line and at in changed else line for at, line in enumerate(lines))
    if before != after:
        assert applied("a.yaml", before, after) == after.encode()


@needs_git
@given(TEXTS, TEXTS)
def test_git_applies_the_difference_of_any_two_texts(before: str, after: str) -> None:
    if before != after and before and after:
        assert applied("a.yaml", before, after) == after.encode()


# --- The command ------------------------------------------------------------------------------------------------

WRONG = "# my run\nmax_lr: 1e-3      # peak\ntotal_step: 1000\npct_start: 1   # all\n"
RIGHT = "# my run\nmax_lr: 1.0e-3      # peak\ntotal_steps: 1000\npct_start: 1.0   # all\n"
DIFFERENCE = (
    "--- a/run.yaml\n+++ b/run.yaml\n@@ -1,4 +1,4 @@\n # my run\n"
    "-max_lr: 1e-3      # peak\n-total_step: 1000\n-pct_start: 1   # all\n"
    "+max_lr: 1.0e-3      # peak\n+total_steps: 1000\n+pct_start: 1.0   # all\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_diff_only_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--diff", "run.yaml"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == (DIFFERENCE, "1 file can be fixed\n")
    assert (folder / "run.yaml").read_text() == WRONG


@needs_git
def test_git_takes_the_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    main(["validate", "--diff", "run.yaml"])
    subprocess.run(["git", "apply", "-"], input=capsys.readouterr().out, text=True, check=True, cwd=folder, timeout=120)
    assert (folder / "run.yaml").read_text() == RIGHT


def test_fix_writes_shows_and_reports_what_is_left(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--fix", "--format", "concise", "run.yaml"]) == 0
    said = capsys.readouterr()
    assert said.err == "1 file fixed\n"
    assert said.out.startswith(DIFFERENCE)
    assert [line.split()[1] for line in said.out.removeprefix(DIFFERENCE).splitlines()] == ["warning[OC405]"]
    assert (folder / "run.yaml").read_text() == RIGHT
    assert main(["validate", "--fix", "run.yaml"]) == 0
    assert capsys.readouterr().err == "no safe fixes\n"


def test_the_json_stays_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--fix", "--format", "json", "run.yaml"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["files"] == 1
    assert said.err == DIFFERENCE + "1 file fixed\n"


@pytest.mark.parametrize(
    ("mark", "encoding"), [("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff", "utf-16-le"), ("\ufeff", "utf-16-be")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_line_ends_are_kept(mark: str, encoding: str, end: str, folder: Path) -> None:
    (folder / "run.yaml").write_bytes((mark + WRONG.replace("\n", end)).encode(encoding))
    assert main(["validate", "--fix", "run.yaml"]) == 0
    assert (folder / "run.yaml").read_bytes() == (mark + RIGHT.replace("\n", end)).encode(encoding)


@pytest.mark.parametrize(
    "text",
    [
        "max_lr: 0.1\ntotal_steps: 010\n",  # eight or ten?
        "max_lr: 0.1\ntotal_steps: 10\npct_strat: 0.3\npct_start: 0.2\n",  # which of the two?
        "max_lr: 0.1\ntotal_steps: 10\nbase_max_momentum: 0.9\n",
        "max_lr: &a !!float 1e-3\ntotal_steps: 10\n",
        "max_lr: 0.1\ntotal_steps: 10\nlr: 0.2\n",
        "max_lr: [0.1\n",
    ],
)
def test_what_only_the_author_knows_is_left_alone(text: str, folder: Path) -> None:
    (folder / "run.yaml").write_text(text)
    main(["validate", "--fix", "run.yaml"])
    assert (folder / "run.yaml").read_text() == text


def test_a_training_config_is_fixed_where_its_words_are(folder: Path) -> None:
    text = (
        "peak: {lr: &lr 1e-3}  # the peak\nscheduler:\n  type: OneCycleLR\n"
        "  max_lr: *lr\n  total_step: 10\ninterval: steps\n"
    )
    (folder / "run.yaml").write_text(text)
    assert main(["validate", "--fix", "run.yaml"]) == 0
    fixed = text.replace("1e-3", "1.0e-3").replace("total_step:", "total_steps:").replace("steps\n", "step\n")
    assert (folder / "run.yaml").read_text() == fixed


def test_the_report_goes_to_a_file_and_a_summary_to_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--format", "json", "--output-file", "report.json", "run.yaml"]) == 1
    assert capsys.readouterr().out == "1 file checked: 2 errors, 3 warnings\n"
    assert json.loads((folder / "report.json").read_text())["files"] == 1
    assert main(["validate", "--output-file", "gone/report.txt", "run.yaml"]) == 2
    assert "cannot write gone/report.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["old"], ["a.yaml", "new/c.yaml"]),
        (["old/"], ["a.yaml", "new/c.yaml"]),
        (["old/*.yaml"], ["a.yaml", "new/c.yaml"]),
        (["*.yaml"], []),
        (["a.yaml", "c.*"], ["old/b.yaml"]),
    ],
)
def test_files_and_folders_are_left_out(
    patterns: list[str], left: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "old/b.yaml", "new/c.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("max_lr: -1\n")
    words = [word for pattern in patterns for word in ("--exclude", pattern)]
    code = main(["validate", ".", "--format", "json", *words])
    answer = json.loads(capsys.readouterr().out)
    assert sorted({each["path"] for each in answer["findings"]}) == left
    assert code == (1 if left else 0)


def test_under_github_actions_the_format_is_githubs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "run.yaml").write_text("max_lr: -1\ntotal_steps: 10\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["validate", "run.yaml"]) == 1
    assert capsys.readouterr().out.startswith("::error file=run.yaml,line=1,col=9,title=OC201 ")
    assert main(["validate", "--format", "full", "run.yaml"]) == 1
    assert capsys.readouterr().out.startswith("error[OC201]: ")
