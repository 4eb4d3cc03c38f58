"""What readers refuse: the line of each bad row and the reason for it, and the file that each message names."""

from __future__ import annotations

import math
import sqlite3
from array import array
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from onecycle_cli import OnecycleError
from onecycle_cli.run.logs import read_log
from onecycle_cli.run.logs.builder import MOST_BAD_ROWS, LogBuilder
from onecycle_cli.run.logs.cells import CELL_SHOWN, items_of, shown, value_of_json, value_of_text
from onecycle_cli.run.logs.columns import NAME_SHOWN, NAMES_SHOWN, check_wanted, find_lr
from onecycle_cli.run.logs.documents import JsonText
from onecycle_cli.run.logs.format import LONGEST_LINE, Head
from onecycle_cli.run.logs.log import CUT_OFF, MOST_STEPS, BadRow, Columns, Log, NotYetError
from onecycle_cli.run.logs.log_files import readable
from onecycle_cli.run.logs.mlflow import MetricFileReader
from onecycle_cli.run.logs.named_values import NamedValues
from onecycle_cli.run.logs.pattern import parse_pattern
from onecycle_cli.run.logs.protobuf import BYTES, FIXED32, FIXED64, VARINT, fields, signed, varint
from onecycle_cli.run.logs.records import LONGEST_RECORD, MANY_LINES, plain_columns, rejoined
from onecycle_cli.run.logs.tensorboard import EventReader

ENDLESS = "0" * (LONGEST_LINE + 1)
LONGEST = f"longer than {LONGEST_LINE:,} characters"


def read(tmp_path: Path, text: str, columns: dict[str, list[str]] | None = None, name: str = "a log") -> Log:
    path = tmp_path / name
    path.write_text(text)
    return read_log(str(path), columns or {})


@pytest.mark.parametrize(
    ("text", "steps", "bad"),
    [
        (f"step,lr\n0,0.5\n{ENDLESS}\n2,0.25\n", [0, 2], [(3, LONGEST)]),
        ('step,lr\n0,0.5\n"1" 2,0.1\n2,0.25\n', [0, 2], [(3, "1 2")]),
        ('step,lr\n0,0.5\n1,"0.1\n2,0.25\n', [0, 2], [(3, "a quote is never closed")]),
        ("step,lr\n0,0.5\n1,2,3\n2,0.25\n", [0, 2], [(3, "3 cells, but the header has 2")]),
        ("step,lr\n0,0.5\n1\n2,0.25\n", [0, 2], [(3, "1 cells, but the header has 2")]),
        ("step,lr\n0,0.5\n1,x\n2,0.25\n", [0, 2], [(3, "lr: 'x' is not a number")]),
        ("step,lr\n0,0.5\n1,1_0\n2,0.25\n", [0, 2], [(3, "lr: '1_0' is not a number")]),
        ("step,lr\n0,0.5\n1,1 2\n2,0.25\n", [0, 2], [(3, "lr: '1 2' is not a number")]),
        ("step,lr\n0,0.5\n1.5,1\n2,0.25\n", [0, 2], [(3, "invalid step 1.5")]),
        ("step,lr\n0,0.5\n,1\n2,0.25\n", [0, 2], [(3, "no step in this row")]),
        ("epoch,lr\n0,0.5\n-1,1\n2,0.25\n", [0, 2], [(3, "invalid epoch -1")]),
        ("epoch,lr\n0,0.5\nnan,1\n2,0.25\n", [0, 2], [(3, "no epoch in this row")]),
        ('{"step": 0, "lr": 0.5}\n[1]\n{"step": 2, "lr": 1}\n', [0, 2], [(2, "not a JSON object")]),
        ('{"step": 0, "lr": 0.5}\n{"step"\n{"step": 2, "lr": 1}\n', [0, 2], [(2, "not valid JSON: Expecting ':'")]),
        (f'{{"step": 0, "lr": 0.5}}\n{ENDLESS}\n{{"step": 2, "lr": 1}}\n', [0, 2], [(2, LONGEST)]),
        ('{"step": 0, "lr": 0.5}\n{"step": 1, "lr": true}\n', [0], [(2, "True is not a number")]),
        ('{"step": 0, "lr": 0.5}\n{"step": 1, "lr": 1' + "0" * 400 + "}\n", [0], [(2, "an integer too large")]),
        (
            '[{"step": 0, "lr": 0.5},\n7,\n{"step": 2.5, "lr": 1}]',
            [0],
            [(2, "not a JSON object"), (3, "invalid step 2.5")],
        ),
    ],
)
def test_a_bad_row_has_its_line_and_the_reason(
    text: str, steps: list[int], bad: list[tuple[int, str]], tmp_path: Path
) -> None:
    log = read(tmp_path, text)
    assert log.steps.tolist() == steps
    assert [row.line for row in log.bad_rows] == [line for line, _ in bad]
    for row, (_, why) in zip(log.bad_rows, bad, strict=True):
        assert why in row.why


def test_a_quote_is_open_for_a_limited_number_of_lines(tmp_path: Path) -> None:
    rows = "".join(f"{step},0.5\n" for step in range(2, LONGEST_RECORD + 20))
    log = read(tmp_path, f'step,lr,note\n0,0.5,"a\nb"\n1,0.25,"\n{rows.replace(chr(10), "," + chr(10))}')
    assert log.steps.tolist() == [0, *range(2, LONGEST_RECORD + 20)]
    assert log.bad_rows == (BadRow(4, "a quote is never closed"),)


def test_a_metric_file_names_the_lines_that_are_not_values(tmp_path: Path) -> None:
    lines = ["1700000000000 0.5 0", "1700000000001 0.25 1", "x", "", "1700000000002 y 2", "1700000000003 0.5 -2"]
    log = read(tmp_path, "\n".join([*lines, "1700000000004 0.125 3\r\n"]), name="lr")
    assert (log.format, log.steps.tolist(), log.lr[:, 0].tolist()) == ("mlflow", [0, 1, 3], [0.5, 0.25, 0.125])
    assert [row.line for row in log.bad_rows] == [3, 5, 6]
    for row, why in zip(log.bad_rows, ["'x' is not a time", "'y' is not a number", "invalid step -2"], strict=True):
        assert why in row.why


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", {}),
        ("step,loss\n0,1\n", {}),
        ("step,lr\n", {}),
        ("step,lr\nx,1\n", {}),
        ("step,lr\n0,1\n", {"lr": ["lt"]}),
        ("[]", {}),
        ("[1, 2]", {}),
        ("[1, 2", {}),
        ('{"log_history": []}', {}),
        ('{"a": {"b": {"x": [1], "y": [2', {}),
        ("\x7fELF\0\0\0", {}),
        ("BZh91AY&SY", {}),
        ('"step,lr\n0,1\n', {}),
        ("a: 1\nb: 2\n", {}),
        ("step 0 loss 1\n" * 5, {}),
    ],
)
def test_a_refusal_names_the_file(text: str, columns: dict[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(OnecycleError) as caught:
        read(tmp_path, text, columns)
    assert str(tmp_path / "a log") in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "columns", "hint"),
    [
        ("step,lr\n0,1\n", {"lr": ["learning"]}, "it has step, lr"),
        ("step,rate\n0,1\n", {"lr": ["rat"]}, "did you mean rate?"),
        ("step,loss\n0,1\n", {}, "--column lr=NAME"),
        ("step 0 loss 1\n" * 5, {}, "--pattern"),
    ],
)
def test_a_refusal_has_the_one_hint(text: str, columns: dict[str, list[str]], hint: str, tmp_path: Path) -> None:
    with pytest.raises(OnecycleError) as caught:
        read(tmp_path, text, columns)
    assert hint in caught.value.hint


def test_a_message_lists_a_limited_number_of_columns(tmp_path: Path) -> None:
    names = [f"{'c' * 2 * NAME_SHOWN}{number}" for number in range(NAMES_SHOWN + 3)]
    with pytest.raises(OnecycleError) as caught:
        read(tmp_path, ",".join(names) + "\n")
    assert caught.value.message.count("ccc,") + caught.value.message.count("…,") <= NAMES_SHOWN
    assert caught.value.message.endswith(" and 3 more")
    assert len(caught.value.message) < NAMES_SHOWN * (NAME_SHOWN + 4) + len(str(tmp_path)) + 80
    with pytest.raises(OnecycleError) as caught:
        read(tmp_path, ",".join(f"c{number}" for number in range(NAMES_SHOWN)) + "\n")
    assert caught.value.message.endswith(f", c{NAMES_SHOWN - 1}")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"rate": ["a"]}, "unknown --column key 'rate'"),
        ({"lr": ["a", "a"]}, "--column lr= names a column twice"),
        ({"momentum": ["a", "b", "a"]}, "--column momentum= names a column twice"),
        ({"step": ["a", "b"]}, "--column step= is given twice"),
        ({"lr": ["a", "b"], "momentum": ["c"]}, "2 learning rates but 1 momenta"),
    ],
)
def test_columns_are_checked_before_the_log_is_read(wanted: dict[str, list[str]], message: str) -> None:
    with pytest.raises(OnecycleError) as caught:
        check_wanted(wanted)
    assert message in caught.value.message
    assert "--column" in caught.value.message + caught.value.hint
    with pytest.raises(OnecycleError) as caught:
        read_log("a file that does not exist", wanted)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "wanted",
    [{}, {"step": ["a"]}, {"lr": ["a", "b"]}, {"momentum": ["a", "b"]}, {"lr": ["a", "b"], "momentum": ["b", "a"]}],
)
def test_columns_that_fit_one_another_pass(wanted: dict[str, list[str]]) -> None:
    check_wanted(wanted)


def test_more_momenta_than_rates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OnecycleError, match=r"2 momenta, but the log has 1 learning rate$"):
        read(tmp_path, "step,lr,a,b\n0,1,2,3\n", {"momentum": ["a", "b"]})
    log = read(tmp_path, "step,lr_0,lr_1,a\n0,1,2,3\n", {"momentum": ["a"]})
    assert log.momentum is not None
    assert np.array_equal(log.momentum, [[3.0, math.nan]], equal_nan=True)


@pytest.mark.parametrize(
    ("bad", "good", "passes"), [(3, 1, True), (4, 36, True), (4, 35, False), (10, 90, True), (11, 98, False)]
)
def test_a_tenth_of_the_rows_may_be_bad(bad: int, good: int, passes: bool, tmp_path: Path) -> None:
    text = "step,lr\n" + "".join(f"{step},0.5\n" for step in range(good)) + "x,1\n" * bad
    if passes:
        assert len(read(tmp_path, text).bad_rows) == bad
    else:
        with pytest.raises(OnecycleError, match=f"{bad} of {bad + good} rows of .* cannot be read: line {good + 2}: "):
            read(tmp_path, text)


def test_reading_stops_at_too_many_bad_rows() -> None:
    builder = LogBuilder("a log")
    builder.add(BadRow(line, "bad") for line in range(1, MOST_BAD_ROWS + 1))
    with pytest.raises(OnecycleError, match=f"more than {MOST_BAD_ROWS} rows of a log cannot be read: line 1: bad"):
        builder.add([BadRow(0, "bad")])


COLUMNS = Columns("made-up", "step", ("lr",), (), ("",))


def test_a_log_without_good_rows_is_refused() -> None:
    builder = LogBuilder("a log")
    with pytest.raises(NotYetError, match="no row of a log has a learning rate"):
        builder.build(COLUMNS)
    builder.add([BadRow(7, "why")])
    with pytest.raises(OnecycleError, match="none of the rows of a log can be read: line 7: why") as caught:
        builder.build(COLUMNS)
    assert not isinstance(caught.value, NotYetError)


@pytest.mark.parametrize(
    ("step", "epochs", "why"),
    [
        (0, False, None),
        (MOST_STEPS - 1, False, None),
        (MOST_STEPS, False, "invalid step 9007199254740992"),
        (MOST_STEPS, True, "invalid epoch 9007199254740992"),
        (-1, False, "invalid step -1"),
        (0.5, False, "invalid step 0.5"),
        (0.5, True, None),
        (-0.5, True, "invalid epoch -0.5"),
        (math.nan, False, "no step in this row"),
        (math.nan, True, "no epoch in this row"),
        (math.inf, True, "invalid epoch inf"),
    ],
)
def test_which_steps_are_valid(step: float, epochs: bool, why: str | None) -> None:
    columns = Columns("made-up", "step", ("lr",), (), ("",), counts_epochs=epochs)
    assert columns.are_steps(np.array([0.0, step])) is (why is None)
    assert columns.are_steps(np.array([])) is True
    if why is None:
        assert columns.check_step(step) == step
    else:
        with pytest.raises(ValueError, match=f"^{why}$"):
            columns.check_step(step)


def test_which_columns_must_be_numbers() -> None:
    columns = Columns("f", "step", ("lr", "x"), ("m", "y"), ("", "x"), others=1, epoch="epoch")
    assert (columns.values, columns.measured) == (("lr", "x", "m", "y", "epoch"), 4)
    assert columns.optional == {"x", "y", "epoch"}
    assert columns.is_row([math.nan, math.nan, math.nan, 1.0, 0.0])
    assert not columns.is_row([math.nan, math.nan, math.nan, math.nan, 1.0])


CELLS = [
    ("0.5", 0.5), (" 1e-3 ", 1e-3), ("", math.nan), (" NA ", math.nan), ("NaN", math.nan), ("None", math.nan),
    ("null", math.nan), ("inf", math.inf), ("-2", -2.0), ("[0.5]", 0.5), ("[None]", math.nan),
    ("tensor(nan)", math.nan),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "number"), CELLS)
def test_a_cell_is_a_number(cell: str, number: float) -> None:
    assert np.array_equal(value_of_text(cell), number, equal_nan=True)
    assert np.array_equal(value_of_json(cell), number, equal_nan=True)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("x", "'x' is not a number"),
        ("1_0", "'1_0' is not a number"),
        ("[1, 2]", "is 2 numbers"),
        ("1,5", "'1,5' is not"),
    ],
)
def test_a_cell_is_not_a_number(cell: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("[", r"\[").replace("]", r"\]")):
        value_of_text(cell)


def test_a_comma_may_be_the_point() -> None:
    assert value_of_text("1,5e-3", decimal_comma=True) == 1.5e-3
    assert value_of_text("0.5", decimal_comma=True) == 0.5
    with pytest.raises(ValueError, match="'1,000,5' is not a number"):
        value_of_text("1,000,5", decimal_comma=True)


@pytest.mark.parametrize(
    ("value", "number"),
    [(0.5, 0.5), (3, 3.0), (None, math.nan), ("0.5", 0.5), (2**60, float(2**60)), (-math.inf, -math.inf)],
)
def test_a_json_value_is_a_number(value: object, number: float) -> None:
    found = value_of_json(value)
    assert type(found) is not int
    assert np.array_equal(found, number, equal_nan=True)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (True, "True is not a number"),
        ([1], "[1] is not a number"),
        ({}, "{} is not a number"),
        (10**400, "an integer too large"),
    ],
)
def test_a_json_value_is_not_a_number(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=r"number|too large") as caught:
        value_of_json(value)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[0.1, 0.2]", ["0.1", "0.2"]),
        ("(0.1 0.2)", ["0.1", "0.2"]),
        ("[0.1,]", ["0.1"]),
        ("[]", []),
        ("0.1", []),
        ("[x]", []),
        ("[0.1", []),
        ("f(0.1, name='x y')", ["0.1"]),
        ("[nan, None]", ["nan", "None"]),
        ("<0.1>", []),
        ("x[0.1]", []),
        ("[" + "0.5, " * 390 + "0.5]", ["0.5"] * 391),
        ("[" + "0.5, " * 400 + "0.5]", []),
    ],
)
def test_the_numbers_in_a_printed_list(text: str, items: list[str]) -> None:
    assert items_of(text) == items


def test_a_message_shows_the_beginning_of_a_cell() -> None:
    assert shown("x") == "'x'"
    assert shown(1.5) == "1.5"
    assert len(shown("x" * 10**6)) <= CELL_SHOWN
    assert shown("x" * 10**6).startswith("'xxx")
    assert shown("x" * (CELL_SHOWN - 2)) == "'" + "x" * (CELL_SHOWN - 2) + "'"


def test_a_bad_value_of_a_name_that_is_not_read_does_not_count() -> None:
    values = NamedValues()
    values.add(1, "lr", 0.0, 0.5)
    values.add_bad(BadRow(2, "bad"), "loss")
    values.add_bad(BadRow(3, "bad"), "lr")
    values.add(4, "lr", 1.5, 0.5)
    values.add(5, "loss", -1.0, 0.5)
    builder = LogBuilder("a log")
    values.add_to(builder, COLUMNS)
    log = builder.build(COLUMNS)
    assert (log.steps.tolist(), log.lr.tolist()) == ([0], [[0.5]])
    assert log.bad_rows == (BadRow(3, "bad"), BadRow(4, "invalid step 1.5"))


def test_values_that_come_many_at_once_have_one_line() -> None:
    values = NamedValues()
    values.add(1, "lr", 0.0, 0.25)
    values.add_all(9, "lr", array("d", [1.0, -1.0, 2.5, 3.0, MOST_STEPS]), array("d", [1.0, 2.0, 3.0, 4.0, 5.0]))
    builder = LogBuilder("a log")
    values.add_to(builder, COLUMNS)
    log = builder.build(COLUMNS)
    assert (log.steps.tolist(), log.lr[:, 0].tolist()) == ([0, 1, 3], [0.25, 1.0, 4.0])
    assert log.bad_rows == (
        BadRow(9, "invalid step -1"),
        BadRow(9, "invalid step 2.5"),
        BadRow(9, f"invalid step {MOST_STEPS}"),
    )


def test_a_scalars_document_has_one_row_per_pair(tmp_path: Path) -> None:
    text = '{"lr": {\n"body": {"x": [0, 1, 2], "y": [0.5, 0.25]}, "head": {"y": [1, 2], "x": [0, 1]}}}'
    log = read(tmp_path, text)
    assert (log.format, log.groups) == ("clearml", ("body", "head"))
    assert (log.steps.tolist(), log.lr.tolist()) == ([0, 1], [[0.5, 1.0], [0.25, 2.0]])
    with pytest.raises(OnecycleError, match="is not valid JSON: Extra data in line 2"):
        read(tmp_path, text + "}")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\x08", "an integer is cut off"),
        (b"\x08\xff", "an integer is cut off"),
        (b"\x08" + b"\xff" * 9 + b"\x80\x01", "an integer of more than 64 bits"),
        (b"\x0a\x02a", "a field is cut off"),
        (b"\x09" + b"\0" * 7, "a field is cut off"),
        (b"\x0d" + b"\0" * 3, "a field is cut off"),
        (b"\x0b", "a field of kind 3"),
    ],
)
def test_what_is_not_a_message(message: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        list(fields(message))


def test_the_fields_of_a_message() -> None:
    message = b"\x08\x01\x12\x02ab\x19" + b"\1" * 8 + b"\x25" + b"\2" * 4 + b"\x80\x01\x80\x02"
    assert list(fields(message)) == [
        (1, VARINT, 1),
        (2, BYTES, b"ab"),
        (3, FIXED64, b"\1" * 8),
        (4, FIXED32, b"\2" * 4),
        (16, VARINT, 256),
    ]
    assert list(fields(b"")) == []
    assert varint(b"\xff" * 9 + b"\x01", 0) == (2**64 - 1, 10)
    assert varint(b"\0\x7f", 1) == (0x7F, 2)
    assert (signed(2**63 - 1), signed(2**63), signed(2**64 - 1)) == (2**63 - 1, -(2**63), -1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("step", "it has no placeholder such as {lr}"),
        ("{}", "it has no placeholder such as {lr}"),
        ("{lr} {lr}", "{lr} at character 6 is there twice"),
        ("{step}{lr}", "nothing is between {lr} at character 7 and the placeholder before it"),
        ("a (?P<lr>x)", "it is not a regular expression"),
        ("{lr", "character 1"),
        ("lr} {lr}", "character 3"),
        ("a {1}", "character 3"),
    ],
)
def test_an_invalid_pattern_is_shown_with_the_place(text: str, why: str) -> None:
    with pytest.raises(OnecycleError) as caught:
        parse_pattern(text)
    assert why in caught.value.message
    assert repr(text) in caught.value.message
    assert "{lr}" in caught.value.hint


@pytest.mark.parametrize(("data", "answer"), [(b"", None), (b"\n\n", None), (b"x\n", False), (b"\0\n", False)])
def test_a_metric_file_is_known_by_its_first_lines(data: bytes, answer: bool | None) -> None:
    assert MetricFileReader.recognizes(Head(data)) is answer
    assert MetricFileReader.recognizes(Head(data, complete=True)) is False
    line = b"1700000000000 0.5 0\n"
    assert MetricFileReader.recognizes(Head(line)) is True
    assert MetricFileReader.recognizes(Head(line.strip(), complete=True)) is True
    assert MetricFileReader.recognizes(Head(line + b"x\n")) is False
    assert MetricFileReader.recognizes(Head(line * 2 + b"x\n")) is True


@pytest.mark.parametrize("count", [3, MANY_LINES])
def test_plain_columns_are_numbers_or_empty(count: int) -> None:
    def columns(last: str, delimiter: str = ",", width: int = 3) -> list[list[float]] | None:
        return plain_columns([*["1,2,x".replace(",", delimiter)] * (count - 1), last], delimiter, width, [0, 1])

    ones, twos = [1.0] * (count - 1), [2.0] * (count - 1)
    assert columns("3,4,y") == [[*ones, 3.0], [*twos, 4.0]]
    assert columns("3;4;y", ";") == [[*ones, 3.0], [*twos, 4.0]]
    empty = columns(",,")
    assert empty is not None
    assert np.array_equal(empty, [[*ones, math.nan], [*twos, math.nan]], equal_nan=True)
    for other in ("3,4", "3,4,5,6", "3,x,y", "3,1_0,y", "3", ""):
        assert columns(other) is None
    assert columns("3,4,y", width=2) is None
    assert plain_columns([], ",", 2, [0]) is None
    assert plain_columns([f"{ENDLESS},1"], ",", 2, [1]) is None
    assert plain_columns(["1,2", "3\n4,5"], ",", 2, [0]) is None


def test_quoted_and_empty_cells_in_plain_columns() -> None:
    texts = ['1,"a",,,0.5', '2,"b, c",,,', ',"d",3,,7'] * MANY_LINES
    found = plain_columns(texts, ",", 5, [0, 2, 3, 4])
    assert found is not None
    nan = math.nan
    assert np.array_equal(
        np.array(found, dtype=np.float64)[:, :3],
        [[1, 2, nan], [nan, nan, 3], [nan, nan, nan], [0.5, nan, 7]],
        equal_nan=True,
    )


@pytest.mark.parametrize(
    ("cells", "joined"),
    [
        (["1", "[2", " 3]", "4"], ["1", "[2, 3]", "4"]),
        (["<a", "(b", "c)", "d>", "e"], ["<a,(b,c),d>", "e"]),
        (["a]", "b"], ["a]", "b"]),
        (["[a", "b"], ["[a,b"]),
    ],
)
def test_a_list_without_quotes_is_one_cell(cells: list[str], joined: list[str]) -> None:
    assert rejoined(cells, ",") == joined


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
def test_a_document_is_read_in_pieces(cut: int) -> None:
    document = '{ "a":\n[1.5e-3 , -2,\n"x y", [1,2],],\n "b": {"c": -Infinity} ,}\n '
    data = document.encode()
    text = JsonText([data[at : at + cut] for at in range(0, len(data), cut)])
    members = text.members()
    assert (next(members), text.peek(), text.line) == ("a", "[", 2)
    assert [(text.line, text.value()) for _ in text.items()] == [(2, 0.0015), (2, -2), (3, "x y"), (3, [1, 2])]
    assert (next(members), text.value(), text.line) == ("b", {"c": -math.inf}, 4)
    assert next(members, None) is None
    text.end()
    assert (text.position, text.line) == (len(document), 5)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "cannot read a log: Permission denied"),
        (OSError("odd"), "cannot read a log: odd"),
        (FileNotFoundError(2, "No such file"), "no such file: a log"),
        (ValueError("embedded null byte"), "cannot read 'a log': invalid file name"),
        (UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed"), "cannot read 'a log': invalid file name"),
    ],
)
def test_the_system_s_errors_are_messages(error: Exception, message: str) -> None:
    with pytest.raises(OnecycleError) as caught, readable("a log"):
        raise error
    assert caught.value.message == message
    assert caught.value.hint.startswith("check the path")
    with pytest.raises(ValueError, match=r"^other$"), readable("a log"):
        raise ValueError("other")


@pytest.mark.parametrize(
    ("data", "answer"),
    [(b"", False), (b"\x18\0", None), (b"abc", False), (b"\x18" + b"\0" * 10, None), (b"step,lr\n0,1\n2,3", False)],
)
def test_an_event_file_is_known_by_its_first_event(data: bytes, answer: bool | None) -> None:
    assert EventReader.recognizes(Head(data)) is answer
    event = b"\x18" + b"\0" * 11 + b"\x09" + b"\0" * 8 + b"\x1a\x0dbrain.Event:2"
    assert EventReader.recognizes(Head(event)) is True
    assert EventReader.recognizes(Head(event.replace(b"brain", b"train"))) is False
    assert EventReader.recognizes(Head(b"\x18\x02" + event[2:])) is False  # longer than such an event is


def test_an_epoch_beside_each_value_counts_once() -> None:
    values = NamedValues()
    for line, step in ((1, 0.0), (2, 0.0), (3, 1.0), (4, 0.0)):
        values.add_once(line, "epoch", step, float(line))
    values.add(5, "lr", 0.0, 0.5)
    values.add_once(6, "epoch", -1.0, 0.0)
    columns = Columns("made-up", "step", ("epoch",), (), ("",))
    builder = LogBuilder("a log")
    values.add_to(builder, columns)
    log = builder.build(columns)
    assert (log.steps.tolist(), log.lr[:, 0].tolist()) == ([0, 1, 0], [1.0, 3.0, 4.0])
    assert log.bad_rows == (BadRow(6, "invalid step -1"),)


@pytest.mark.parametrize(
    ("names", "naming", "found"),
    [
        (["base_lr", "optim_base_lr", "lr"], "plain", ["lr"]),
        (["optim_base_lr", "optim_lr"], "prefixed", ["optim_lr"]),
        (["lr_scale_factor", "lr_head"], "grouped", ["lr_head"]),
        (["lr_head_scale"], "grouped", ["lr_head_scale"]),
        (["lr_scheduler", "train/base_lr", "lr-min"], "", []),
        (["lr", "lr"], "plain", ["lr"]),
        (["lr_0", "lr_1", "train/lr"], "grouped", ["lr_0", "lr_1"]),
        (["lr-SGD", "lr_0"], "monitor", ["lr-SGD"]),
        (["lr-SGD-momentum", "loss"], "", []),
        (["encoder", "encoder-momentum"], "monitor", ["encoder"]),
    ],
)
def test_which_names_are_learning_rates(names: list[str], naming: str, found: list[str]) -> None:
    kind, rates = find_lr(names)
    assert (kind, [name for name, _ in rates]) == (naming, found)


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["lr-AdamW/pg1", "lr-AdamW/pg2"], ["pg1", "pg2"]),
        (["lr-SGD/head", "lr-AdamW/head"], ["SGD/head", "AdamW/head"]),
        (["lr-SGD"], [""]),
        (["lr_backbone"], ["backbone"]),
        (["train/lr"], [""]),
        (["body/lr", "head/lr"], ["body", "head"]),
        (["lr0", "lr[1]"], ["0", "1"]),
    ],
)
def test_groups_are_called_by_the_shortest_names_that_differ(names: list[str], groups: list[str]) -> None:
    assert [group for _, group in find_lr(names)[1]] == groups


def test_a_database_without_such_a_run(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs (run_uuid TEXT, name TEXT)")
        database.execute(
            "CREATE TABLE metrics (run_uuid TEXT, key TEXT, value REAL, step INT, timestamp INT, is_nan INT)"
        )
        database.commit()
        with pytest.raises(OnecycleError, match=r"mlflow\.db has no runs$") as caught:
            read_log(str(path))
        assert caught.value.hint == "check the file"
        database.executemany("INSERT INTO runs VALUES (?, ?)", [("u1", "first"), ("u2", None)])
        rows = [("u1", "lr", 0.5, 0, 1, 0), ("u1", "lr", 0.25, 1, 2, 0), ("u2", "lr", 0.125, 0, 3, 0)]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.execute("INSERT INTO metrics VALUES ('u2', 'loss', 1, 0, 9, 0)")
        database.commit()
    with pytest.raises(OnecycleError, match=r"has no run zzz$") as caught:
        read_log(f"{path}/zzz")
    assert caught.value.hint == "name one of u2, first"
    newest = read_log(str(path))
    assert newest.lr.tolist() == [[0.125]]
    assert f"read run u2, the newest of 2 with a learning rate; for another, name {path}/RUN" in newest.notes
    named = read_log(f"{path}/first")
    assert (named.lr[:, 0].tolist(), named.notes) == ([0.5, 0.25], ())
    assert read_log(f"{path}/u1").lr[:, 0].tolist() == [0.5, 0.25]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(OnecycleError, match=r"mlflow\.db is not a database of MLflow"):
        read_log(str(path))


def test_a_document_may_be_one_object(tmp_path: Path) -> None:
    log = read(tmp_path, '{\n"step": 3,\n"lr": 0.5\n}\n')
    assert (log.steps.tolist(), log.lr.tolist(), log.bad_rows) == ([3], [[0.5]], ())


def test_a_cell_may_be_too_long_for_a_quote(tmp_path: Path) -> None:
    cell = "a" * 200_000
    log = read(tmp_path, f'step,lr,note\n0,0.5,\n1,0.25,"{cell}"\n2,0.125,\n')
    assert log.steps.tolist() == [0, 2]
    assert [row.line for row in log.bad_rows] == [3]
    assert "field larger than field limit" in log.bad_rows[0].why


@pytest.mark.parametrize(
    ("epochs", "counts"),
    [([0, 0, 1, 1, 2, 2, 3, 4], "epoch"), ([0, 0, 1, 1, 2, 2, 3, 3], "row"), ([0, 1], "epoch"), ([0, 0], "row")],
)
def test_epochs_count_rows_where_few_repeat(epochs: list[int], counts: str, tmp_path: Path) -> None:
    log = read(tmp_path, "epoch,lr\n" + "".join(f"{epoch},0.5\n" for epoch in epochs))
    assert log.counts == counts
    assert log.steps.dtype == np.int64
    assert log.steps.tolist() == (epochs if counts == "epoch" else list(range(len(epochs))))
    assert log.epochs is not None
    assert log.epochs.tolist() == epochs


def test_the_last_line_of_a_metric_file_may_have_no_end(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    for text, steps, notes in (
        ("1700000000000 0.5 7", [7], (CUT_OFF,)),
        ("1700000000000 0.5 7\n1700000000001 0.5 8", [7, 8], (CUT_OFF,)),
        ("1700000000000 0.5 7\n1700000000001 0.5 8\n", [7, 8], ()),
    ):
        (tmp_path / "metrics" / "lr").write_text(text)
        for path in (tmp_path, tmp_path / "metrics" / "lr"):
            log = read_log(str(path))
            assert (log.format, log.steps.tolist()) == ("mlflow", steps)
            assert [note for note in log.notes if note == CUT_OFF] == list(notes)


def test_a_link_to_nothing_is_not_a_log(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").symlink_to(tmp_path / "missing")
    (tmp_path / "results.csv").write_text("step,lr\n0,0.5\n")
    (tmp_path / "scalars.json").write_text("")
    log = read_log(str(tmp_path))
    assert log.path == str(tmp_path / "results.csv")
    assert not any("also holds" in note for note in log.notes)
