"""Reading YAML: what a scalar means, where it is, and that no text breaks the reader."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.config.marks import mark_of
from onecycle_cli.config.nodes import TOP, ScalarNode
from onecycle_cli.findings import RULES
from onecycle_cli.policy.settings import MOST_STEPS, SETTINGS
from onecycle_cli.policy.validation import validate_settings

from .conftest import ROOT, findings_in, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Value = str | int | float | bool | None

NAN, INF = math.nan, math.inf


read = read_text
findings = findings_in


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings(text)]


def same(one: object, other: object) -> bool:
    """Say whether two values are equal, NaN like NaN, and of one kind where that matters: True is not 1."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


# --- What a scalar means ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("1", 1),
        ("-0.5", -0.5),
        ("+0.5", 0.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1.0e-3", 0.001),
        ("1.5E+3", 1500.0),
        (".5e-1", 0.05),
        (".inf", INF),
        ("+.INF", INF),
        ("-.Inf", -INF),
        (".nan", NAN),
        (".NaN", NAN),
        ("1.0e+400", INF),
        ("1.0e-400", 0.0),
        ("0x1F", 31),
        ("00", 0),
        ("01", 1),
        ("-0", 0),
    ],
)
def test_numbers_on_which_both_yaml_versions_agree(text: str, value: float) -> None:
    config = read(f"max_lr: {text}\n")
    assert same(config.values["max_lr"], value)
    assert config.findings == ()
    assert same(yaml.safe_load(text), value)


@pytest.mark.parametrize(
    ("text", "value", "hint"),
    [
        ("1e-3", 0.001, "write 1.0e-3"),
        ("1e3", 1000.0, "write 1.0e+3"),
        ("1E-3", 0.001, "write 1.0e-3"),
        ("-1e-3", -0.001, "write -1.0e-3"),
        ("1.e3", 1000.0, "write 1.e+3"),
        ("1.5e3", 1500.0, "write 1.5e+3"),
        (".5e1", 5.0, "write 0.5e+1"),
        ("-.5", -0.5, "write -0.5"),
        ("010", 10, "write 10"),
        ("08", 8, "write 8"),
        ("0o10", 8, "write 8"),
        ("0b11", 3, "write 3"),
        ("-0x1F", -31, "write -31"),
        ("1_000", 1000, "write 1000"),
        ("0.000_1", 0.0001, "write 0.0001"),
    ],
)
def test_numbers_on_which_they_differ(text: str, value: float, hint: str) -> None:
    config = read(f"max_lr: {text}\n")
    assert same(config.values["max_lr"], value)
    (finding,) = config.findings
    assert (finding.code, finding.hint) == ("OC104", hint)
    assert repr(yaml.safe_load(text)) != repr(value) or "_" in text or text[:2] == "0b" or text[:3] == "-0x"


@pytest.mark.parametrize("text", ["1e-3", "1e3", "1.e3", ".5e1", "-.5", "010", "0o10", "1_000", "yes", "Off", "1e-300"])
def test_what_the_hint_says_is_read_alike_by_both(text: str) -> None:
    setting = "cycle_momentum" if text.isalpha() else "max_lr"
    (finding,) = read(f"{setting}: {text}\n").findings
    better = finding.hint.removeprefix("write ")
    again = read(f"{setting}: {better}\n")
    assert again.findings == ()
    assert same(again.values[setting], yaml.safe_load(better))
    assert same(again.values[setting], read(f"{setting}: {text}\n").values[setting])


@pytest.mark.parametrize(
    "text", ["1:30", "1e", "e3", "0x", "1.2.3", "2024-01-01", "--1", "1e400x", "０.１", "½", "=", "1,5"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    (finding,) = [each for each in findings(f"max_lr: {text}\ntotal_steps: 1000\n") if each.setting == "max_lr"]
    assert finding.code == "OC103"
    assert "without quotes" not in finding.hint


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "Infinity", "NaN"])
def test_pythons_names_of_numbers_are_texts_and_no_quotes_are_to_blame(text: str) -> None:
    (finding,) = findings(f"max_lr: {text}\ntotal_steps: 1000\n")
    assert (finding.code, finding.hint) == ("OC103", "write a value such as 0.1")


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_truths_on_which_they_agree(text: str) -> None:
    config = read(f"three_phase: {text}\n")
    assert config.values["three_phase"] is (text.lower() == "true")
    assert config.findings == ()


@pytest.mark.parametrize("text", ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"])
def test_truths_on_which_they_differ(text: str) -> None:
    config = read(f"three_phase: {text}\n")
    assert config.values["three_phase"] is (text.lower() in ("yes", "on"))
    (finding,) = config.findings
    assert finding.code == "OC104"


@pytest.mark.parametrize("text", ["y", "n", "t", "tRUE", "1", "'true'"])
def test_what_is_no_truth_is_refused(text: str) -> None:
    assert "OC103" in codes(f"max_lr: 0.1\ntotal_steps: 1000\nthree_phase: {text}\n")


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
@pytest.mark.parametrize("setting", ["max_lr", "total_steps", "pct_start", "anneal_strategy", "groups", "name"])
def test_null_counts_as_not_given(setting: str, text: str) -> None:
    given_ = {"max_lr": "0.1", "total_steps": "1000"}
    without = "".join(f"{key}: {value}\n" for key, value in given_.items() if key != setting)
    assert codes(without + f"{setting}: {text}\n") == codes(without)


@pytest.mark.parametrize("setting", ["epochs", "steps_per_epoch"])
def test_whole_floats_are_reported_where_pytorch_refuses_them(setting: str) -> None:
    other = {"epochs": "steps_per_epoch", "steps_per_epoch": "epochs"}[setting]
    config = read(f"max_lr: 0.1\n{other}: 10\n{setting}: 10.0\n")
    assert [finding.code for finding in config.findings] == ["OC105"]
    assert same(config.values[setting], 10)
    assert isinstance(config.values[setting], int)


@pytest.mark.parametrize("setting", ["dataset_size", "batch_size", "world_size", "gradient_accumulation", "groups"])
def test_pytorch_is_not_blamed_for_settings_it_does_not_have(setting: str) -> None:
    assert not [finding for finding in read(f"{setting}: 2.0\n").findings if "PyTorch" in finding.message]


def test_the_largest_length_that_floats_can_count() -> None:
    assert codes(f"max_lr: 0.1\ntotal_steps: {MOST_STEPS}\n") == []
    assert "OC201" in codes(f"max_lr: 0.1\ntotal_steps: {MOST_STEPS + 1}\n")


SHORT = st.text("0123456789+-._eExXobaf", max_size=10)
WORDS = st.sampled_from(
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "false",
        "True",
        "NULL",
        "null",
        "~",
        "inf",
        ".inf",
        "-.INF",
        ".nan",
        "nan",
        "1e3",
        "010",
        "1_000",
    ]
)


@given(st.sampled_from(["max_lr", "total_steps", "pct_start", "cycle_momentum", "groups"]), SHORT | WORDS)
@example("max_lr", "1e-3")
@example("groups", "0x_")
def test_what_is_not_reported_means_the_same_to_pyyaml(setting: str, text: str) -> None:
    config = read(f"{setting}: {text}\n")
    value = config.values.get(setting)
    if not config.readable or isinstance(value, str | list) or "OC104" in [each.code for each in config.findings]:
        return
    assert same(value, yaml.safe_load(f"{setting}: {text}\n")[setting])


@given(st.lists(SHORT | WORDS, min_size=1, max_size=4))
def test_so_do_the_items_of_lists(texts: list[str]) -> None:
    document = "max_lr:\n" + "".join(f"  - {text}\n" for text in texts)
    config = read(document)
    values = config.values.get("max_lr")
    if not isinstance(values, list) or len(values) != len(texts):
        return
    reported = {each.index for each in config.findings if each.code == "OC104"}
    for index, by_pyyaml in enumerate(yaml.safe_load(document)["max_lr"] if len(reported) < len(texts) else ()):
        if index not in reported and not isinstance(values[index], str | list):
            assert same(values[index], by_pyyaml)


# --- Where it is -----------------------------------------------------------------------------------------------

NUMERIC = sorted(name for name in SETTINGS if SETTINGS[name].single in (int, float))
KEPT = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff")
COMMENTS = st.none() | st.text(KEPT, max_size=12)
Placed = dict[tuple[str, int | None], tuple[int, int]]


class Writer:
    """Writes a config piece by piece, and knows line and column."""

    def __init__(self) -> None:
        self.text = ""

    @property
    def place(self) -> tuple[int, int]:
        """Give line and column, 1-based, of the next character."""
        return self.text.count("\n") + 1, len(self.text) - self.text.rfind("\n")

    def write(self, text: str) -> None:
        """Append a text."""
        self.text += text


def quoted(text: str, quote: str) -> str:
    return f"{quote}{text}{quote}"


@st.composite
def configs_full_of_errors(draw: st.DrawFn) -> tuple[str, Placed]:
    """Draw a config in which every value is of the wrong type, and the place of each."""
    flow = draw(st.booleans())
    writer, placed = Writer(), Placed()
    quotes = st.sampled_from(["", "'", '"'])
    writer.write(draw(st.sampled_from(["", "\n\n", "# é 学\n", "---\n"])))
    writer.write("{" if flow else "")
    if flow:
        writer.write('name: "' + draw(st.text(KEPT, max_size=8)).replace("\\", "").replace('"', "") + '", ')
    for setting in draw(st.lists(st.sampled_from(NUMERIC), min_size=1, max_size=5, unique=True)):
        writer.write(quoted(setting, draw(quotes)) + ":" + draw(st.sampled_from([" ", "   ", " \n    "])))
        if SETTINGS[setting].item is not None and setting != "groups" and draw(st.booleans()):
            writer.write("[0.5," + draw(st.sampled_from([" ", "\n  "])))
            placed[setting, 1] = writer.place
            writer.write(quoted("wrong", draw(quotes)) + "]")
        else:
            placed[setting, None] = writer.place
            writer.write(quoted("wrong", draw(quotes)))
        if flow:
            writer.write("," + draw(st.sampled_from(["", " ", "\n  "])))
        else:
            comment = draw(COMMENTS)
            writer.write("\n" if comment is None else f"  # {comment}\n" + draw(st.sampled_from(["", "\n", "  # -\n"])))
    writer.write("}\n" if flow else "")
    return writer.text, placed


@given(configs_full_of_errors(), st.sampled_from(["\n", "\r\n"]))
def test_line_and_column_point_at_the_value(drawn: tuple[str, Placed], line_end: str) -> None:
    text, placed = drawn
    found = {
        (each.setting, each.index): (each.line, each.column)
        for each in findings(text.replace("\n", line_end))
        if each.code == "OC103"
    }
    assert found == placed


@given(st.text(KEPT, max_size=20))
def test_columns_count_characters_not_bytes(name: str) -> None:
    name = name.replace("'", "")
    text = f"{{'name': '{name}', max_lr: wrong, total_steps: 10}}\n"
    (finding,) = findings(text)
    assert finding.line == 1
    assert finding.column == text.index("wrong, total") + 1


def test_a_byte_order_mark_is_no_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        path = tmp_path / f"{encoding}.yaml"
        path.write_bytes("max_lr: wrong\ntotal_steps: 10\n".encode(encoding))
        assert main(["validate", "--format", "concise", str(path)]) == 1
        assert f"{path}:1:9: error[OC103]" in capsys.readouterr().out


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_forbidden_character_is_found_with_any_line_ends(line_end: str) -> None:
    (finding,) = findings(line_end.join(["max_lr: 0.1", "name: é\x07", "total_steps: 10", ""]))
    assert (finding.code, finding.line, finding.column) == ("OC001", 2, 8)


# --- There and back ---------------------------------------------------------------------------------------------

POSITIVE = st.floats(5e-324, allow_infinity=False)
MOMENTUM = st.floats(0, 1e300)
COUNT = st.integers(1, MOST_STEPS)
# A name with "cycle" in it may be a scheduler's, which makes a training config of the file. Hypothesis draws such
# names, too, from the constants in the modules that are loaded.
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Zl", "Zp"]), max_size=20).filter(
    # A name such as $LR is what a program fills in at run time.
    lambda name: "cycle" not in name.lower() and mark_of(ScalarNode(TOP, name, plain=False)) is None
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "div_factor": POSITIVE,
    "final_div_factor": POSITIVE,
    "final_lr": st.floats(0, allow_infinity=False),
    **dict.fromkeys(("total_steps", "epochs", "steps_per_epoch", "dataset_size", "batch_size", "world_size"), COUNT),
    "pct_start": st.floats(0, 1),
    "anneal_strategy": st.sampled_from(["cos", "linear"]),
    **dict.fromkeys(("three_phase", "cycle_momentum", "drop_last", "verbose"), st.booleans()),
    "base_momentum": MOMENTUM | st.lists(MOMENTUM, max_size=3),
    "max_momentum": MOMENTUM | st.lists(MOMENTUM, max_size=3),
    "convention": st.sampled_from(["torch", "r-torch"]),
    "optimizer": NAMES,
    "groups": st.integers(1, 1000) | st.lists(NAMES, max_size=3),
    "last_epoch": st.integers(-1, MOST_STEPS),
    "name": NAMES,
}
ANY_SETTINGS = st.fixed_dictionaries({"max_lr": POSITIVE | st.lists(POSITIVE, max_size=3)}, optional=VALUES)


@given(ANY_SETTINGS, st.booleans(), st.booleans())
def test_settings_survive_yaml_and_back(given_: dict[str, Any], flow: bool, unicode: bool) -> None:
    settings = OneCycle(**given_)
    dumped = settings.given
    text = yaml.safe_dump(dumped, default_flow_style=flow, allow_unicode=unicode)
    config = read(text)
    made = validate_settings(config.values).settings
    assert made is not None
    assert made.given == settings.given
    assert [each for each in config.findings if each.code != "OC105"] == []


@given(ANY_SETTINGS)
def test_settings_survive_json_and_back(given_: dict[str, Any]) -> None:
    settings = OneCycle(**given_)
    dumped = settings.given
    config = read(json.dumps(dumped, ensure_ascii=False))
    made = validate_settings(config.values).settings
    assert made is not None
    assert made.given == settings.given
    assert {each.code for each in config.findings} <= {"OC104", "OC105"}


# --- No text breaks it ------------------------------------------------------------------------------------------

TOKENS = st.sampled_from(
    [
        *SETTINGS,
        *(
            ": ",
            ":",
            "- ",
            "? ",
            "\n",
            "\n  ",
            "\n\t",
            " ",
            ", ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!int ",
            "!!str ",
            "! ",
        ),
        *(
            "<<",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "# ",
            "'",
            '"',
            "|\n  ",
            ">-\n  ",
            "\\",
            "\x00",
            "\x85",
            "\u2028",
            "\ufeff",
        ),
        *("0.1", "1e3", "010", "0x1F", "1_0", ".nan", "-.inf", "yes", "null", "9" * 401, "1" + "0" * 399, "-1", "1:30"),
        *("cos", "linear", "r-torch", "adagrad", "# onecycle: ignore[OC101]", "é学🚀"),
    ]
)


@given(st.text(max_size=200) | st.lists(TOKENS, max_size=30).map("".join))
@example("max_lr: 0.1\ntotal_steps: 1" + "0" * 399)
@example("name: a\u2028max_lr: \x00")
@example("max_lr: 0.1\nepochs: 1" + "0" * 300 + "\nsteps_per_epoch: 1" + "0" * 300)
def test_no_text_breaks_the_reader(text: str) -> None:
    lines = text.splitlines() or [""]
    for finding in findings(text):
        assert finding.code in RULES
        assert finding.line is not None
        assert finding.column is not None
        assert 1 <= finding.line <= len(lines) + 1
        source = lines[finding.line - 1] if finding.line <= len(lines) else ""
        assert 1 <= finding.column <= len(source) + 1


@st.composite
def entries(draw: st.DrawFn) -> str:
    """Draw a config of settings with any values, mostly sound."""
    values = st.sampled_from(
        [
            *("0", "1", "-1", "0.5", "1.0", "2", "10", "1e-3", "1e400", "5e-324", "9" * 17, "9" * 401),
            *("1" + "0" * 399, "-1" + "0" * 399, ".nan", "-.inf", "true", "no", "~", "''", "'0.1'", "!!float 1"),
            *("cos", "linear", "torch", "r-torch", "sgd", "adagrad", '"\\e[31m"', "[]", "[1, 2]", "[a, a]"),
            *("[1e-3, -1, .nan]", "[0.1, [0.1]]", "{}", "{a: 1}"),
        ]
    )
    keys = st.lists(st.sampled_from([*SETTINGS, "lr"]), max_size=8)
    return "".join(f"{key}: {draw(values)}\n" for key in draw(keys))


def run(arguments: list[str]) -> tuple[int, str]:
    """Run the command line in this process; give its exit code and standard error."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        code = main(arguments)
    return code, errors.getvalue()


@given(
    st.binary(max_size=200)
    | entries().map(str.encode)
    | st.lists(TOKENS, max_size=20).map(lambda each: "".join(each).encode())
)
@example(b"\xff\xfea\x00b")
@example(b"\xef\xbb\xbf\xff")
def test_no_file_breaks_the_command_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    for arguments in (["validate", str(path)], ["validate", "--format", "json", str(path)]):
        code, errors = run(arguments)
        assert code in {0, 1} or (code == 2 and errors.startswith("error: no one-cycle schedule in ")), errors
        assert (errors == "") == (code < 2)


IN_TWO_GIBIBYTES = ("sh", "-c", 'ulimit -v 2097152; exec "$@"', "sh") if sys.platform == "linux" else ()
"""What limits a program's memory; other systems have no such limit."""


def validate(texts: Mapping[str, str | bytes], folder: Path) -> dict[str, tuple[int, str]]:
    """Run the program on files, with 2 GiB of memory and a minute; return each one's exit code and what it printed.

    All of them in one process: the memory of one must be free again for the next.
    """
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    ran = subprocess.run(
        [*IN_TWO_GIBIBYTES, sys.executable, "-m", "onecycle_cli", "validate", "--format", "concise", *texts],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ran.stderr.decode()
    printed = {
        name: "".join(line for line in ran.stdout.decode().splitlines(keepends=True) if line.startswith(f"{name}:"))
        for name in texts
    }
    without = {name for name in texts if f"no one-cycle schedule in {name}" in ran.stderr.decode()}
    codes = {name: 2 if name in without else int(": error[" in printed[name]) for name in texts}
    assert ran.returncode == max(codes.values())
    return {name: (codes[name], printed[name]) for name in texts}


RUBBISH: dict[str, tuple[str | bytes, str]] = {
    "10 MiB of noise": (random.Random(1).randbytes(10 * 2**20), "OC005"),
    "10 MiB of brackets": ("[" * 10 * 2**20, "OC005"),
    "a million lines": ("max_lr: 0.1\n" * 2**20, "OC005"),
    "4 MiB of brackets": ("[" * 4 * 2**20, "OC005"),
    "keys on one line": ("a: " * 2**20, "OC001"),
    "one long comment": ("#" * 4 * 2**20, "OC003"),
    "a number of 4 MB": ("max_lr: " + "9" * 4_000_000 + "\ntotal_steps: 10\n", "OC201"),
    "a text of 4 MB": ("epochs: " + "x " * 2_000_000, "OC107"),
    "a quarter million values": ("max_lr: [" + "1.0, " * 250_000 + "]", "OC005"),
    "nested lists": ("[" * 50_000, "OC005"),
    "nested lists, closed": ("max_lr: " + "[" * 50_000 + "]" * 50_000, "OC005"),
    "nested mappings": ("{a: " * 50_000, "OC005"),
    "nested keys": ("{? " * 50_000, "OC005"),
    "nested dashes": ("- " * 50_000 + "1", "OC005"),
    "nested question marks": ("? " * 50_000 + "1", "OC005"),
}


def test_rubbish_is_refused_with_a_reason(tmp_path: Path) -> None:
    answers = validate({name: text for name, (text, _) in RUBBISH.items()}, tmp_path)
    for name, (status, printed) in answers.items():
        assert status == 1, name
        assert f"[{RUBBISH[name][1]}]" in printed, name
        assert len(printed) < 10_000, name


SOUND = "max_lr: 0.1\ntotal_steps: 1000\n"


MUCH = {
    "many names": (SOUND + f"groups: [{', '.join(f'g{at}' for at in range(100_000))}]\n", "OC206"),
    "many groups": (SOUND + f"convention: r-torch\ngroups: {10**12}\n", "OC201"),
    "a line of findings": (
        f"total_steps: 10\nmax_lr: [{', '.join(f'{at}e-9' for at in range(1, 20_001))}]\n",
        "OC203",
    ),
    "an alias again and again": ("name: &a [" + "1, " * 2000 + "]\n" + "max_lr: *a\n" * 20_000, "OC102"),
    "many unknown keys": (SOUND + "".join(f"key_{at}: 1\n" for at in range(3_000)), "OC101"),
}


def test_much_of_anything_ends_in_time(tmp_path: Path) -> None:
    answers = validate({name: text for name, (text, _) in MUCH.items()}, tmp_path)
    for name, (status, printed) in answers.items():
        code = MUCH[name][1]
        assert code in printed, name
        assert status == (RULES[code].severity == "error"), name


def validate_one(lines: list[str], folder: Path) -> tuple[int, str]:
    return validate({"config.yaml": "\n".join(lines)}, folder)["config.yaml"]


def test_an_alias_bomb_costs_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 60)]
    status, printed = validate_one([*lines, "max_lr: *a59", "total_steps: 10", ""], tmp_path)
    assert status == 1
    assert "max_lr[0] must be a number, not a list" in printed


def test_deep_merges_cost_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: 1}", *(f"a{at}: &a{at} {{<<: [*a{at - 1}, *a{at - 1}]}}" for at in range(1, 1000))]
    status, printed = validate_one([*lines, "<<: *a999", "max_lr: 0.1", "total_steps: 10", ""], tmp_path)
    assert status == 1
    assert printed.count("[OC101]") == 1001


def test_a_config_that_holds_itself(tmp_path: Path) -> None:
    expected = {
        "&a {max_lr: *a, total_steps: *a}": 1,
        "&a {*a : 1}": 2,
        "&a [*a]": 1,
        "&a {<<: *a, max_lr: 0.1}": 1,
        "&a {scheduler: *a, type: OneCycleLR, max_lr: 0.1, total_steps: *a}": 1,
        "x: &a {y: [*a], scheduler: {_target_: OneCycleLR, max_lr: '${x.y}'}}": 1,
    }
    answers = validate({f"{at}.yaml": text for at, text in enumerate(expected)}, tmp_path)
    assert [status for status, _ in answers.values()] == list(expected.values())


@pytest.mark.parametrize(
    "setting", ["total_steps", "samples", "batch_size", "world_size", "dataset_size", "epochs", "last_epoch", "groups"]
)
def test_integers_of_more_digits_than_python_writes_are_out_of_range(setting: str) -> None:
    values = {"max_lr": "0.1", "total_steps": "100", setting: "1" + "0" * 4400}
    found = findings_in("".join(f"{name}: {value}\n" for name, value in values.items()))
    assert found
    assert all(len(finding.message) < 400 for finding in found)


@pytest.mark.parametrize("digits", [300, 308, 309, 400, 4400])
@pytest.mark.parametrize(
    "text",
    [
        "{type: OneCycleWarmupDecayLr, base_learning_rate: 0.0, lr_ratio_peak: %s}",
        "scheduler: {type: OneCycle, params: {cycle_max_lr: %s, cycle_min_lr: 0.1}}",
        "scheduler: {type: OneCycleLR, max_lr: 0.1, warmup_epochs: 5}\ntrainer: {max_epochs: %s}",
        "scheduler: {type: OneCycleLR, max_lr: 0.1, warmup_steps: 5, total_steps: %s}",
    ],
)
def test_a_number_beyond_the_floats_is_not_computed_with(text: str, digits: int) -> None:
    assert findings_in(text % ("9" * digits))
