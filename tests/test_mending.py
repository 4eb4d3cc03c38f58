"""Mending: the words at the findings' places change, and not one other character; the difference applies."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.config.mending import difference, mend
from onecycle_cli.config.nodes import Mapping, Scalar
from onecycle_cli.config.tree import parse
from onecycle_cli.findings import Finding, Fix
from onecycle_cli.findings.keys import YAML_VERSIONS

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def finding(line: int, column: int, old: str, new: str) -> Finding:
    return replace(YAML_VERSIONS.finding("", ""), line=line, column=column, fix=Fix(old, new))


@pytest.mark.parametrize(
    ("text", "line", "column", "mended"),
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
def test_a_word_is_mended(text: str, line: int, column: int, mended: str) -> None:
    assert mend(text, [finding(line, column, "1e-3", "1.0e-3")]) == mended


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
    assert mend(text, [finding(line, column, "1e-3", "1.0e-3")]) == text


def test_several_on_a_line() -> None:
    text = "{pct_strat: 1, max_lr: 1e-3} # pct_strat: 1, max_lr: 1e-3\n"
    found = [finding(1, 24, "1e-3", "1.0e-3"), finding(1, 2, "pct_strat", "pct_start"), finding(1, 13, "1", "1.0")]
    assert mend(text, found) == "{pct_start: 1.0, max_lr: 1.0e-3} # pct_strat: 1, max_lr: 1e-3\n"


def test_overlapping_mends_are_left_out_and_the_same_mend_is_made_once() -> None:
    text = "a: cos x\nb: 1\n"
    assert mend(text, [finding(2, 4, "1", "1.0"), finding(2, 4, "1", "1.0")]) == "a: cos x\nb: 1.0\n"
    assert mend(text, [finding(2, 4, "1", "1.0"), finding(2, 4, "1", "2")]) == text
    assert mend(text, [finding(1, 4, "cos x", "y"), finding(1, 8, "x", "z"), finding(2, 1, "b", "c")]) == (
        "a: cos x\nc: 1\n"
    )


def test_findings_without_a_mend_or_place_change_nothing() -> None:
    bare = YAML_VERSIONS.finding("", "")
    assert mend("a: 1\n", [bare, replace(bare, line=1, column=1), replace(bare, fix=Fix("a", "b"))]) == "a: 1\n"
    assert mend("a: 1\n", [finding(1, 1, "", "b")]) == "a: 1\n"


def test_quotes_stay_sound() -> None:
    assert mend("'a': 1\n", [finding(1, 1, "a", "it's")]) == "'a': 1\n"
    assert mend('"a": 1\n', [finding(1, 1, "a", "\\")]) == '"a": 1\n'


def test_python_counts_lines_in_its_own_way() -> None:
    text = "a = '\u2028'\nb = dict(lr=1e-3)\n"
    assert mend(text, [finding(2, 13, "1e-3", "0.001")], python=True) == "a = '\u2028'\nb = dict(lr=0.001)\n"
    assert mend(text, [finding(2, 13, "1e-3", "0.001")]) == text


LAYOUT = st.text(st.sampled_from(" #xé😀'\t\u2028\x85\ufeff"), max_size=8)
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])
WORDS = st.from_regex(r"[a-z0-9_.+-]{1,6}", fullmatch=True)
PIECES = st.lists(st.tuples(st.one_of(st.tuples(LAYOUT, BREAKS).map("".join), LAYOUT), WORDS, WORDS, st.booleans()))


def place_of(before: str) -> tuple[int, int]:
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1


@given(PIECES, LAYOUT)
def test_nothing_but_the_words_at_the_places_changes(pieces: list[tuple[str, str, str, bool]], rest: str) -> None:
    text = mended = ""
    found = []
    for layout, old, new, change in pieces:
        text, mended = f"{text}{layout} ", f"{mended}{layout} "
        if change:
            found.append(finding(*place_of(text), old, new))
        text, mended = f"{text}{old} ", mended + (new if change else old) + " "
    assert mend(text + rest, found[::-1]) == mended + rest


@given(
    st.text("a:1 -\n\r\x85\u2028[]{},'\"#", max_size=30),
    st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 9), st.text("a:1 -'\n", max_size=3), st.text(max_size=3))),
)
def test_no_finding_breaks_it(text: str, found: list[tuple[int, int, str, str]]) -> None:
    given_findings = [finding(*each) for each in found]
    assert mend(text, [replace(each, fix=None) for each in given_findings]) == text
    assert isinstance(mend(text, given_findings), str)


@given(st.lists(st.tuples(st.text("é😀a\t", max_size=4), BREAKS | st.sampled_from("\x85\u2028\u2029"))))
def test_lines_are_those_of_the_yaml_reader(comments: list[tuple[str, str]]) -> None:
    text = "".join(f"# {comment}{end}" for comment, end in comments) + "é: {x: 1e-3}\n"
    root = parse(text)
    assert isinstance(root, Mapping)
    inner = root.entries[0][1]
    assert isinstance(inner, Mapping)
    value = inner.entries[0][1]
    assert isinstance(value, Scalar)
    mended = mend(text, [finding(value.place.line, value.place.column, "1e-3", "1.0e-3")])
    assert mended == text.replace("1e-3", "1.0e-3")


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
