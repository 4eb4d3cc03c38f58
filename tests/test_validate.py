"""`onecycle validate` from outside: which files it reads, what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from rich.cells import cell_len

from onecycle_cli.cli import main
from onecycle_cli.config.yaml_tree import MOST_NODES

from .conftest import posix
from .screens import on_a_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

SOUND = "max_lr: 0.1\ntotal_steps: 1000\n"
WRONG = "max_lr: fast\ntotal_steps: 1000\n"
FOREIGN = "services:\n  web: {image: nginx}\n"

ANSWER = {
    "type": "object",
    "required": ["version", "files", "findings"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": 1},
        "files": {"type": "integer", "minimum": 0},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "line", "column", "code", "severity", "message", "hint"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string"},
                    "line": {"type": "integer", "minimum": 1},
                    "column": {"type": "integer", "minimum": 1},
                    "code": {"type": "string", "pattern": "^OC[0-9]{3}$"},
                    "severity": {"enum": ["error", "warning", "info"]},
                    "message": {"type": "string", "minLength": 1},
                    "hint": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder, and work in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Validate with JSON; give the exit code and the answer."""
    code = main(["validate", "--format", "json", *arguments])
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(parsed, ANSWER)
    return code, parsed


def paths(parsed: Mapping[str, Any]) -> list[str]:
    return [finding["path"].replace(os.sep, "/") for finding in parsed["findings"]]


# --- Which files ------------------------------------------------------------------------------------------------


def test_a_sound_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"run.yaml": SOUND})
    assert main(["validate", "run.yaml"]) == 0
    assert capsys.readouterr() == ("1 file checked: nothing found\n", "")


def test_folders_are_searched_in_a_stable_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, dict.fromkeys(["b/z.yaml", "b/a.yml", "a/deep/er/x.yaml", "c.yaml", "a/y.yaml"], WRONG))
    code, parsed = answer(capsys, ".")
    assert code == 1
    assert paths(parsed) == ["c.yaml", "a/y.yaml", "a/deep/er/x.yaml", "b/a.yml", "b/z.yaml"]
    assert parsed["files"] == 5


def test_hidden_files_and_other_endings_are_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, dict.fromkeys([".a.yaml", ".git/b.yaml", "c.json", "d.yaml.bak", "e.txt", "yaml"], WRONG))
    write(folder, {"run.yaml": SOUND})
    code, parsed = answer(capsys, ".")
    assert (code, parsed["files"]) == (0, 1)


def test_hidden_files_are_read_where_they_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {".a.yaml": WRONG, ".hidden/b.yaml": WRONG, "c.json": WRONG})
    code, parsed = answer(capsys, ".a.yaml", ".hidden", "c.json")
    assert code == 1
    assert paths(parsed) == [".a.yaml", ".hidden/b.yaml", "c.json"]


def test_files_that_are_not_ours_are_skipped_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"run.yaml": SOUND, "compose.yaml": FOREIGN, "list.yaml": "- a\n", "empty.yaml": ""})
    assert main(["validate", "."]) == 0
    assert capsys.readouterr().out == ("1 file checked (3 files without a one-cycle schedule skipped): nothing found\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: Service\n---\nkind: Pod\n", id="several documents"),
        pytest.param("{{ .Values.image }}\n", id="template"),
        pytest.param("{{- if .Values.image }}\nimage: x\n{{- end }}\n", id="template that is no YAML"),
        pytest.param("{}\n", id="empty mapping"),
        pytest.param("a: [" + "1, " * MOST_NODES + "]\n", id="large"),
    ],
)
def test_what_is_odd_and_not_ours_is_no_finding_in_a_folder(
    text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"run.yaml": SOUND, "odd.yaml": text})
    code, parsed = answer(capsys, ".")
    assert (code, parsed["files"], paths(parsed)) == (0, 1, [])


def test_ours_broken_is_a_finding_in_a_folder_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"a.yaml": "max_lr: [0.1\ntotal_steps: 10\n", "b.yaml": SOUND + "---\n" + SOUND})
    code, parsed = answer(capsys, ".")
    assert code == 1
    assert [finding["code"] for finding in parsed["findings"]] == ["OC001", "OC004"]


def test_a_file_named_must_have_a_schedule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"compose.yaml": FOREIGN, "run.yaml": WRONG})
    assert main(["validate", "--format", "concise", "compose.yaml", "run.yaml"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: no one-cycle schedule in compose.yaml\nhint: name OneCycleLR ")
    assert said.out.startswith("run.yaml:1:9: ")


@pytest.mark.parametrize("order", [["compose.yaml", "."], [".", "compose.yaml"]])
def test_naming_it_holds_also_beside_its_folder(
    order: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"compose.yaml": FOREIGN, "run.yaml": SOUND})
    assert main(["validate", *order]) == 2
    assert "no one-cycle schedule in compose.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("again", ["run.yaml", "./run.yaml", ".", "sub/../run.yaml", "{folder}/run.yaml"])
def test_each_file_once(again: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"run.yaml": WRONG, "sub/foreign.yaml": FOREIGN})
    code, parsed = answer(capsys, "run.yaml", again.format(folder=folder))
    assert (code, parsed["files"], len(parsed["findings"])) == (1, 1, 1)


def test_standard_input(folder: Path) -> None:
    ran = run(["validate", "--format", "concise", "-"], folder, stdin=WRONG.encode())
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert ran.stdout.startswith(b"<stdin>:1:9: error[OC103] max_lr ")


def test_standard_input_twice_is_read_once(folder: Path) -> None:
    ran = run(["validate", "-", "-"], folder, stdin=SOUND.encode())
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"1 file checked: nothing found\n", b"")


def test_standard_input_that_is_closed(folder: Path) -> None:
    ran = shell("{onecycle} validate - <&-", folder)
    assert ran.returncode == 2
    assert b"Traceback" not in ran.stderr
    assert ran.stderr.startswith(b"error: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.yaml"], "error: no such file: nothing.yaml\nhint: "),
        ([""], "error: no such file: "),
        (["run.yaml/x"], "error: cannot read run.yaml/x: "),
        (["x" * 5000], "error: cannot read xxxx"),
        (["nul\0.yaml"], "error: cannot read 'nul\\x00.yaml'"),
        ([], "error: PATH is missing"),
        (["--format", "xml", "run.yaml"], "error: invalid --format 'xml'\nhint: use full, concise, "),
        (["--colour", "run.yaml"], "error: unknown option --colour\nhint: see `onecycle validate --help`"),
    ],
)
def test_what_cannot_be_done_exits_2(
    arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"run.yaml": SOUND, "foreign/compose.yaml": FOREIGN})
    assert main(["validate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(("name", "skipped"), [("empty", "0 files"), ("foreign", "1 file")])
def test_a_folder_without_a_schedule_is_fine_and_says_so(
    name: str, skipped: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"foreign/compose.yaml": FOREIGN})
    (folder / "empty").mkdir()
    assert main(["validate", name]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"note: no config with a one-cycle schedule ({skipped} skipped)\n"
    assert main(["validate", "--format", "json", name]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": 1, "files": 0, "findings": []}


@pytest.mark.parametrize("sound", [0, 1])
def test_each_named_file_without_a_schedule_has_a_line(
    sound: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{at:02}.yaml" for at in range(90)]
    write(folder, dict.fromkeys(names, FOREIGN) | {"sound.yaml": SOUND})
    assert main(["validate", *names, *["sound.yaml"][:sound]]) == 2
    out, err = capsys.readouterr()
    *lines, hint = err.splitlines()
    assert lines == [f"error: no one-cycle schedule in {name}" for name in names]
    assert hint.startswith("hint: name OneCycleLR")
    checked = "1 file" if sound else "0 files"
    assert out == f"{checked} checked, 90 files not checked: nothing found\n"


def test_the_missing_peak_is_given_by_its_flag(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.yaml": "total_steps: 10\n", "run.yaml": "s: {type: OneCycleLR, total_steps: 10}\n"})
    for given in (["own.yaml"], ["run.yaml"], ["--total-steps", "10"]):
        assert main(["show", *given]) == 2
        error = capsys.readouterr().err
        assert "error[OC107]" in error
        assert "use --max-lr 0.1" in error
        assert main(["show", *given, "--max-lr", "0.1"]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "max_lr: {description: the peak, default: 0.1}\npct_start: {description: a share, default: 0.3}\n",
        "max_lr:\n  expected_impact: 3\ntotal_steps:\n  expected_impact: 2\n",
        "OneCycleLR:\n  max_lr: {ui_display_name: Peak}\n  pct_start: {ui_display_name: Share}\n",
        "trainer:\n  max_lr: {min: 0, max: 1}\n  pct_start: {min: 0, max: 1}\n  div_factor: {min: 1, max: 100}\n",
        "scheduler:\n  type: OneCycleLR\n  max_lr: {type: float}\n  total_steps: {type: int}\n",
        "scheduler: {type: OneCycleLR, args: {max_lr: {default: 0.1}, total_steps: {default: 10}}}\n",
        '{"type": "object", "properties": {"max_lr": {"type": "number"}, "pct_start": {"type": "number"}}}\n',
    ],
)
def test_what_describes_settings_is_no_config(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"schema.yaml": text})
    assert main(["validate", "."]) == 0
    assert capsys.readouterr() == ("", "note: no config with a one-cycle schedule (1 file skipped)\n")


def test_a_missing_file_does_not_keep_the_others_from_being_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"run.yaml": WRONG})
    assert main(["validate", "--format", "concise", "gone.yaml", "run.yaml", "lost.yaml"]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("run.yaml:1:9: error[OC103]")
    assert "gone.yaml" in captured.err
    assert "lost.yaml" in captured.err


def forbid(path: Path) -> None:
    """Let nobody read a path; skip the test where that keeps nobody out, as for root."""
    path.chmod(0)
    if os.access(path, os.R_OK):
        path.chmod(0o700)
        pytest.skip("this user may read everything")


def test_an_unreadable_file_in_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"sub/secret.yaml": SOUND, "sub/wrong.yaml": WRONG})
    forbid(folder / "sub" / "secret.yaml")
    assert main(["validate", "--format", "concise", "sub"]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("sub/wrong.yaml:1:9: ")
    assert "cannot read sub/secret.yaml: Permission denied" in captured.err


def test_an_unreadable_folder_in_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"sub/closed/run.yaml": WRONG, "sub/run.yaml": SOUND})
    forbid(folder / "sub" / "closed")
    try:
        assert main(["validate", "sub"]) == 2
        assert "sub/closed" in capsys.readouterr().err
    finally:
        (folder / "sub" / "closed").chmod(0o700)


def test_links(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"sub/run.yaml": WRONG})
    (folder / "sub" / "loop").symlink_to("../sub", target_is_directory=True)
    code, parsed = answer(capsys, "sub")
    assert (code, paths(parsed)) == (1, ["sub/run.yaml"])
    (folder / "sub" / "gone.yaml").symlink_to("nowhere")
    assert main(["validate", "sub"]) == 2
    assert "sub/gone.yaml" in capsys.readouterr().err


def test_a_pipe_in_a_folder_does_not_stop_it(folder: Path) -> None:
    write(folder, {"sub/run.yaml": WRONG})
    if sys.platform == "win32":
        pytest.skip("Windows has no named pipes")
    os.mkfifo(folder / "sub" / "pipe.yaml")
    ran = run(["validate", "--format", "concise", "sub"], folder)
    assert ran.stdout.startswith(b"sub/run.yaml:1:9: ")


@posix
def test_a_pipe_that_is_named_is_read(folder: Path) -> None:
    ran = shell("printf 'max_lr: fast\\ntotal_steps: 10\\n' | {onecycle} validate --format concise /dev/stdin", folder)
    assert ran.stdout.startswith(b"/dev/stdin:1:9: error[OC103]")
    assert ran.returncode == 1


# --- Odd names --------------------------------------------------------------------------------------------------

ODD = ["new\nline.yaml", "esc\x1b[31m.yaml", "bell\a.yaml", "spa ce.yaml", "[bold]markup[/bold].yaml", "é学🚀.yaml"]


@posix
@pytest.mark.parametrize("name", ODD)
def test_a_names_control_characters_do_not_reach_the_terminal(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {name: WRONG})
    for form in ("full", "concise"):
        assert main(["validate", "--format", form, name]) == 1
        printed = capsys.readouterr().out
        assert all(char.isprintable() for char in printed.replace("\n", ""))
        shown = "".join(char if char.isprintable() else "�" for char in name.replace("\n", " "))
        assert f"{shown}:1:9" in printed
        assert printed.count("\n") == {"full": 8, "concise": 1}[form]


@posix
@pytest.mark.parametrize("name", ODD)
def test_nor_where_the_file_is_missing(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", name]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert all(char.isprintable() for char in said.replace("\n", ""))


@posix
@pytest.mark.parametrize("name", ODD)
def test_json_gives_the_name_itself(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {name: WRONG})
    _, parsed = answer(capsys, ".")
    assert paths(parsed) == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize(
    ("form", "name", "shown"),
    [("full", b"inv\xff.yaml", "--> inv"), ("concise", b".", "inv"), ("json", b".", '"path": "inv')],
)
def test_a_name_that_is_not_utf_8(form: str, name: bytes, shown: str, folder: Path) -> None:
    Path(os.fsdecode(b"inv\xff.yaml")).write_text(WRONG)
    ran = run(["validate", "--format", form, os.fsdecode(name)], folder)
    printed = ran.stdout.decode("utf-8")
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert "OC103" in printed
    assert shown in printed


def test_escape_codes_in_the_text_do_not_reach_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {
        "a.yaml": SOUND + '"\\e[31mkey\\n": 1\n',
        "b.yaml": 'max_lr: "\\e[31m"\ntotal_steps: 10\n',
        "c.yaml": SOUND + 'optimizer: "\\e]0;x\\a.adagrad"\n',
        "d.yaml": "max_lr: \x1b[31m0.1\n",
        "e.yaml": SOUND + "anneal_strategy: '\u202ecos'\n",
    }
    write(folder, texts)
    for form in ("full", "concise"):
        assert main(["validate", "--format", form, *texts]) == 1
        assert all(char.isprintable() or char == "\n" for char in capsys.readouterr().out)


# --- Streams and encodings --------------------------------------------------------------------------------------


def plain_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(
    arguments: list[str], folder: Path, *, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the program in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "onecycle_cli", *arguments],
        cwd=folder,
        env=plain_environment(**environment),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in a folder; `{onecycle}` is replaced by the program."""
    return subprocess.run(
        ["/bin/sh", "-c", line.format(onecycle=f"'{sys.executable}' -m onecycle_cli")],
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("form", "encoding"), [("full", "ascii"), ("concise", "ascii"), ("json", "ascii"), ("full", "latin-1")]
)
def test_any_encoding_of_the_terminal(form: str, encoding: str, folder: Path) -> None:
    write(folder, {"größe.yaml": "größe: 1\nmax_lr: 0.1\ntotal_steps: 1001\n"})
    ran = run(["validate", "--format", form, "."], folder, PYTHONIOENCODING=encoding)
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert "OC901" in ran.stdout.decode(encoding)


def test_an_old_locale(folder: Path) -> None:
    write(folder, {"run.yaml": "größe: 1\n" + SOUND})
    ran = run(["validate", "run.yaml"], folder, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert b"error[OC101]" in ran.stdout


AMOUNTS = [("full", 1), ("json", 1), ("concise", 1000)]
"""What fits into the stream's buffer and fails when the program ends, and what fails while it is written."""


@pytest.mark.parametrize(("form", "keys"), AMOUNTS)
def test_a_reader_that_goes_away_ends_it_with_141(form: str, keys: int, folder: Path) -> None:
    write(folder, {"run.yaml": SOUND + "".join(f"key_{at}: 1\n" for at in range(keys))})
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "onecycle_cli", "validate", "--format", form, "run.yaml"],
        cwd=folder,
        env=plain_environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("form", "keys"), AMOUNTS)
def test_a_full_disk_is_reported(form: str, keys: int, folder: Path) -> None:
    write(folder, {"run.yaml": SOUND + "".join(f"key_{at}: 1\n" for at in range(keys))})
    ran = shell(f"{{onecycle}} validate --format {form} run.yaml >/dev/full", folder)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"error: cannot write: No space left on device\n")
    assert ran.stderr.count(b"\n") == 2


@posix
@pytest.mark.parametrize(
    ("redirection", "file"),
    [(">&-", "wrong.yaml"), (">&-", "gone.yaml"), (">/dev/null 2>&-", "gone.yaml"), (">&- 2>&-", "run.yaml")],
)
def test_closed_streams_are_no_bug_of_ours(redirection: str, file: str, folder: Path) -> None:
    write(folder, {"run.yaml": SOUND, "wrong.yaml": WRONG})
    ran = shell(f"{{onecycle}} validate {file} {redirection}", folder)
    assert ran.returncode in {"run.yaml": {0, 2}, "wrong.yaml": {1, 2}, "gone.yaml": {2}}[file]
    assert b"Traceback" not in ran.stderr


# --- The full format --------------------------------------------------------------------------------------------


def full(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Validate a text; give each finding's source line and the line with the caret, without their margin."""
    (folder / "run.yaml").write_text(text, encoding="utf-8")
    main(["validate", "run.yaml"])
    printed = capsys.readouterr().out
    return re.findall(r"^\d+ \| (.*)\n +\| ( *\^+)$", printed, re.MULTILINE)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("name: run, ", id="plain"),
        pytest.param("name: '学習率', ", id="wide"),
        pytest.param("name: 'ｶﾅ カナ 🚀', ", id="half and full width"),
        pytest.param("name: 'e\u0301n\u0303', ", id="combining"),
        pytest.param("name:\t'a\tb',\t", id="tabs"),
        pytest.param("name:\t'学\t率',\t\t", id="tabs and wide"),
    ],
)
def test_the_caret_is_under_the_value(before: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((source, caret),) = full(f"{{{before}max_lr: fast, total_steps: 1000}}\n", folder, capsys)
    assert caret.count("^") == len("fast")
    assert len(caret) - len("fast") == cell_len(source[: source.index("fast")])
    assert "\t" not in source


@pytest.mark.parametrize("padding", [10, 60, 99, 100, 101, 500, 5000])
@pytest.mark.parametrize("char", ["x", "学"])
def test_long_lines_are_cut_around_the_value(
    padding: int, char: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"{{name: '{char * padding}', max_lr: fast, total_steps: 1000, optimizer: sgd}}"
    ((source, caret),) = full(f"{line}{' ' * padding}# {char * padding}\n", folder, capsys)
    assert source.strip() in f"{line}{' ' * padding}# {char * padding}"
    assert len(source) <= 100
    assert len(caret) - len("fast") == cell_len(source[: source.index("fast")])
    assert caret.count("^") == len("fast")


def test_a_caret_never_runs_past_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((source, caret),) = full(f"{SOUND}optimizer: {'x' * 500}\n", folder, capsys)
    assert len(caret) <= len(source) <= 100


def test_the_full_format_to_the_letter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [*["# a line"] * 9, "max_lr: fast", "total_steps: 1000", "pct_start: 0.95", ""]
    write(folder, {"run.yaml": "\n".join(lines)})
    assert main(["validate", "run.yaml"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[:6] == [
        "error[OC103]: max_lr must be a number or a list of numbers, one per parameter group, not 'fast'",
        "  --> run.yaml:10:9",
        "   |",
        "10 | max_lr: fast",
        "   |         ^^^^",
        "hint: write a value such as 0.1",
    ]
    assert captured.out.splitlines()[-1] == "1 file checked: 1 error, 1 warning"


def test_a_finding_past_the_last_line_has_no_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"run.yaml": "max_lr: [0.1,\n"})
    assert main(["validate", "run.yaml"]) == 1
    assert "error[OC001]" in capsys.readouterr().out


# --- Colour -----------------------------------------------------------------------------------------------------

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d(?:;\d+)*m")


def test_a_terminal_gets_colour(folder: Path) -> None:
    write(folder, {"run.yaml": WRONG})
    _, written = on_a_terminal(["validate", "run.yaml"], folder)
    assert COLOUR.search(written)
    assert "1 file checked: 1 error" in written


def test_no_color_holds(folder: Path) -> None:
    write(folder, {"run.yaml": WRONG})
    _, written = on_a_terminal(["validate", "run.yaml"], folder, environment={"NO_COLOR": "1"})
    assert not COLOUR.search(written)
    assert "error[OC103]" in written


@pytest.mark.parametrize("form", ["full", "concise"])
def test_a_pipe_gets_no_escape_codes_and_whole_lines(form: str, folder: Path) -> None:
    write(folder, {"run.yaml": WRONG})
    ran = run(["validate", "--format", form, "run.yaml"], folder, TERM="xterm-256color", COLUMNS="20")
    assert b"\x1b" not in ran.stdout
    assert b"max_lr must be a number or a list of numbers, one per parameter group, not 'fast'" in ran.stdout


# --- JSON -------------------------------------------------------------------------------------------------------


def test_json_without_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"run.yaml": SOUND})
    assert answer(capsys, "run.yaml") == (0, {"version": 1, "files": 1, "findings": []})


def test_json_to_the_letter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"run.yaml": SOUND + "pct_start: 0.95\n"})
    code, parsed = answer(capsys, "run.yaml")
    assert code == 0
    (finding,) = parsed["findings"]
    message = finding.pop("message")
    assert "0.95" in message
    assert finding == {
        "path": "run.yaml",
        "line": 3,
        "column": 12,
        "code": "OC405",
        "severity": "warning",
        "hint": "set pct_start to 0.3, the frameworks' default, unless this is intended",
    }


def test_json_where_nothing_was_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "gone.yaml") == (2, {"version": 1, "files": 0, "findings": []})


def test_json_of_a_file_with_every_kind_of_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"a.yaml": "max_lr: 1e-3\ntotal_steps: 1001\nlr: 0\n", "b.yaml": "", "c.yaml": "["})
    code, parsed = answer(capsys, "a.yaml", "b.yaml", "c.yaml")
    assert code == 1
    assert {finding["severity"] for finding in parsed["findings"]} >= {"error", "warning"}
    assert paths(parsed) == sorted(paths(parsed))
