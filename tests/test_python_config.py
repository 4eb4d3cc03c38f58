"""Python configs: what is worked out, where it is, what stays unknown, and that no text breaks the reader."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.config.nodes import MappingNode, Place, ScalarNode, SequenceNode
from onecycle_cli.config.python_config import parse_python
from onecycle_cli.config.python_text import UNKNOWN
from onecycle_cli.config.scalars import read_by_pyyaml, read_plain
from onecycle_cli.config.yaml_tree import UnreadableError
from onecycle_cli.findings import Finding

from .conftest import findings_in

CONFIG = """\
_base_ = ['../_base_/default_runtime.py']
max_epochs = 50
base_lr = 1e-3  # é😀
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=base_lr, betas=(0.9, 0.99)))
é = '😀'; param_scheduler = [dict(type='OneCycleLR', eta_max=base_lr * 10, total_steps=max_epochs, by_epoch=True,
                        pct_start=.2, div_factor=25.0,
                        convert_to_iter_based=True)]   # may hold further schedulers
train_cfg = {'by_epoch': True, "max_epochs": max_epochs}
"""


class Unknown(str):
    """What the reader says that it does not know, as the source has it."""

    __slots__ = ()


def value_of(node: Any) -> Any:
    """Turn a node into its value."""
    if isinstance(node, MappingNode):
        return {value_of(key): value_of(value) for key, value in node.entries}
    if isinstance(node, SequenceNode):
        return [value_of(item) for item in node.items]
    assert isinstance(node, ScalarNode)
    if node.tag is not None:
        assert node.tag == UNKNOWN
        return Unknown(node.text)
    return read_plain(node.text) if node.plain else node.text


def values(text: str) -> Any:
    return value_of(parse_python(text))


def last(text: str) -> Any:
    """Give the value of the name x."""
    return values(text)["x"]


def is_unknown(value: object) -> bool:
    return isinstance(value, Unknown)


def refused(text: str) -> Finding:
    with pytest.raises(UnreadableError) as error:
        parse_python(text)
    return error.value.finding


def at(text: str, *path: str | int) -> ScalarNode:
    node: Any = parse_python(text)
    for step in path:
        if isinstance(step, int):
            node = node.items[step]
        else:
            node = next(value for key, value in node.entries if key.text == step)
    assert isinstance(node, ScalarNode)
    return node


def test_a_config() -> None:
    assert values(CONFIG) == {
        "max_epochs": 50,
        "base_lr": 0.001,
        "optim_wrapper": {"optimizer": {"type": "AdamW", "lr": 0.001, "betas": [0.9, 0.99]}},
        "é": "😀",
        "param_scheduler": [
            {
                "type": "OneCycleLR",
                "eta_max": 0.01,
                "total_steps": 50,
                "by_epoch": True,
                "pct_start": 0.2,
                "div_factor": 25.0,
                "convert_to_iter_based": True,
            }
        ],
        "train_cfg": {"by_epoch": True, "max_epochs": 50},
    }
    assert "_base_" not in values(CONFIG)


def test_places_count_characters() -> None:
    assert at(CONFIG, "param_scheduler", 0, "eta_max").place == Place(5, 61)
    assert at(CONFIG, "param_scheduler", 0, "total_steps").place == Place(5, 87)
    assert at(CONFIG, "param_scheduler", 0, "total_steps").origin == Place(2, 14)
    assert at(CONFIG, "param_scheduler", 0, "pct_start") == ScalarNode(Place(6, 35), "0.2", plain=True)
    root = parse_python(CONFIG)
    assert root.place == Place(1, 1)
    keys = {key.text: key for key, _ in root.entries if isinstance(key, ScalarNode)}
    assert keys["param_scheduler"] == ScalarNode(Place(5, 10), "param_scheduler", plain=False)
    schedulers = dict(zip(keys, (node for _, node in root.entries), strict=True))["param_scheduler"]
    assert isinstance(schedulers, SequenceNode)
    assert schedulers.place == Place(5, 28)
    (scheduler,) = schedulers.items
    assert isinstance(scheduler, MappingNode)
    assert scheduler.place == Place(5, 29)
    assert [key.place for key, _ in scheduler.entries][:2] == [Place(5, 34), Place(5, 53)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_python_ends_them(end: str) -> None:
    text = f"a = '\u2028\x85'{end}\fb = '''{end}'''{end}x = 1"
    assert at(text, "x").place == Place(4, 5)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("1e-3", "0.001"),
        ("1e-5", "1.0e-05"),
        ("1e16", "1.0e+16"),
        ("1e999", ".inf"),
        ("-1e999", "-.inf"),
        ("1e999 - 1e999", ".nan"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("-3", "-3"),
        ("+3", "3"),
        ("- - 3", "3"),
        (".5", "0.5"),
        ("1.", "1.0"),
        ("-0.0", "-0.0"),
        ("True", "true"),
        ("False", "false"),
        ("None", "null"),
        ("10 ** -3", "0.001"),
        ("2 ** 10 - 1", "1023"),
        ("7 // 2 + 7 % 4", "6"),
        ("7 / 2", "3.5"),
        ("(1 + 2) * 3", "9"),
        ("True + 1", "2"),
    ],
)
def test_numbers(expression: str, text: str) -> None:
    node = at(f"x = {expression}\n", "x")
    assert node == ScalarNode(Place(1, 5 + (expression[0] == "(") * 0), text, plain=True)
    plain, by_pyyaml = read_plain(text), read_by_pyyaml(text)
    assert repr(plain) == repr(by_pyyaml)
    assert not isinstance(plain, str)


@given(st.floats() | st.integers(-(10**30), 10**30) | st.booleans() | st.none())
def test_numbers_come_through_both_yaml_versions(value: float | None) -> None:
    text = at(f"inf = 1e999\nnan = inf - inf\nx = {value!r}\n", "x").text
    assert repr(read_plain(text)) == repr(value)
    assert repr(read_by_pyyaml(text)) == repr(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x = r'\\d' '\\n'", "\\d\n"),
        ("x = '1e-3'", "1e-3"),
        ("x = 'a' \"b\"", "ab"),
        ("x = [1] + [2, *(3, 4)]", [1, 2, 3, 4]),
        ("x = 1,", [1]),
        ("x = ()", []),
        ("x = {}", {}),
        ("x: int = 3\ny: float", 3),
        ("x = 1\nx = 2", 2),
        ("x = y = 3", 3),
        ("y = dict(a=1)\nx = dict(y, b=2)", {"a": 1, "b": 2}),
        ("y = dict(a=1)\nx = dict(y, a=2)", {"a": 2}),
        ("y = dict(a=1)\nx = {'a': 2, **y}", {"a": 1}),
        ("y = dict(a=1)\nx = {**y, 'a': 3}", {"a": 3}),
        ("y = dict(a=1)\nx = dict(b=2, **y)", {"b": 2, "a": 1}),
        ("optimizer = dict(lr=0.05)\nx = optimizer['lr'] * 10", 0.5),
        ("y = [dict(a=1), 2]\nx = y[0]['a']", 1),
        ("y = [1, 2]\nx = y[-1]", 2),
        ("from m import OneCycleLR\nx = dict(type=OneCycleLR)", {"type": "OneCycleLR"}),
        ("x = {'type': mmengine.optim.OneCycleLR}", {"type": "mmengine.optim.OneCycleLR"}),
        ("class A: pass\nx = dict(type=A)", {"type": "A"}),
        ("A = 'B'\nx = dict(type=A)", {"type": "B"}),
        ("def f():\n    x = 2\nx = 1", 1),
        ("x = 1\ndef f():\n    x = 2\n", 1),
        ("x = dict(null=1, yes=2)", {"null": 1, "yes": 2}),
        ("# -*- coding: latin-1 -*-\nx = 'é'", "é"),
    ],
)
def test_what_is_worked_out(text: str, value: object) -> None:
    assert repr(last(text)) == repr(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x = y", "y"),
        ("x = f(1)", "f(1)"),
        ("x = os.environ['LR']", "os.environ['LR']"),
        ("x = _base_.model.lr * 2", "_base_.model.lr * 2"),
        ("x = {{_base_.model}}", "{{_base_.model}}"),
        ("x = '{{ fileDirname }}/a'", "'{{ fileDirname }}/a'"),
        ("x = f'{1}'", "f'{1}'"),
        ("x = b'a'", "b'a'"),
        ("x = ...", "..."),
        ("x = 1j", "1j"),
        ("x = {1, 2}", "{1, 2}"),
        ("x = [i for i in (1, 2)]", "[i for i in (1, 2)]"),
        ("x = 1 if y else 2", "1 if y else 2"),
        ("x = lambda: 1", "lambda: 1"),
        ("x = [1] * 10", "[1] * 10"),
        ("x = 'a' * 10", "'a' * 10"),
        ("x = '%s' % 1", "'%s' % 1"),
        ("x = 1 / 0", "1 / 0"),
        ("x = 1 % 0.0", "1 % 0.0"),
        ("x = 0 ** -1", "0 ** -1"),
        ("x = (-8) ** .5", "(-8) ** .5"),
        ("x = 9 ** 9 ** 9", "9 ** 9 ** 9"),
        ("x = 2 ** 10000", "2 ** 10000"),
        ("x = 10.0 ** 400", "10.0 ** 400"),
        ("x = 1 << 3", "1 << 3"),
        ("x = ~1", "~1"),
        ("x = -'a'", "-'a'"),
        ("x = 1 + None", "1 + None"),
        ("x = 'a' + 1", "'a' + 1"),
        ("x = [1][5]", "[1][5]"),
        ("x = [1][.5]", "[1][.5]"),
        ("x = [1][:1]", "[1][:1]"),
        ("x = dict(a=1)['b']", "dict(a=1)['b']"),
        ("x = dict([('a', 1)])", "dict([('a', 1)])"),
        ("x = dict(**y, lr=1)", "dict(**y, lr=1)"),
        ("x = [1, *y]", "[1, *y]"),
        ("from m import dict\nx = dict(a=3)", "dict(a=3)"),
        ("x = 'a' + 'b'", "'a' + 'b'"),
        ("x = int(3)", "int(3)"),
        ("x = float('inf')", "float('inf')"),
        ("y = [1]\nx = y[z]", "y[z]"),
        ("y, x = 1, 2", "y, x"),
        ("x = 1\nx += 1", "x += 1"),
        ("x = dict(a=1)\ndel x['a']", "del x['a']"),
        ("x = 1\ndel x", "del x"),
        ("x = 1\nx += y", "x += y"),
        ("x = f(\n    1)", "f( 1)"),
        ("x = f('" + "a" * 100 + "')", "f('" + "a" * 56 + "…"),
        ("é = '😀'; x = f('é')  # é", "f('é')"),
        ("x, y = f()", "x, y"),
        ("x, *y = 1, 2", "x, *y"),
        ("x = 1\nif a:\n    x = 2", "if a:…"),
        ("for x in (1, 2): pass", "for x in (1, 2): pass"),
        ("x = [1]\nfor i in (1, 2):\n    x.append(i)", "for i in (1, 2):…"),
        ("x = [1]\nx.append(2)", "x.append(2)"),
        ("x = dict(a=1)\nx[f()] = 2", "x[f()]"),
        ("x = dict(a=1)\ny = x.pop('a')", "x.pop('a')"),
        ("x = dict(a=1)\nx.update(f())", "x.update(f())"),
        ("x = dict(a=1)\ndef f():\n    x['a'] = 2", "def f():…"),
        ("x = 1\ndef f():\n    global x", "def f():…"),
        ("y = (x := 3)", "x := 3"),
        ("with read_base():\n    from .a import x", "from .a import x"),
    ],
)
def test_what_is_unknown(text: str, shown: str) -> None:
    value = last(text)
    assert is_unknown(value)
    assert value == shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x = dict(a=1)\nx['a'] = 2", {"a": 2}),
        ("y = dict(a=1)\nx = y\ny['b'] = 2", {"a": 1, "b": 2}),
        ("x = [dict(a=1)]\nx[0].update(a=2)", [{"a": 2}]),
        ("x = dict(a=1)\nx.update({'b': 2}, c=3)", {"a": 1, "b": 2, "c": 3}),
        ("from yacs.config import CfgNode as CN\nx = CN()\nx.a = CN()\nx.a.b = 2", {"a": {"b": 2}}),
        ("x = ml_collections.ConfigDict({'a': 1})\nx.b = x.a + 1", {"a": 1, "b": 2}),
        ("y = CN()\ny.a = 1\nx = y.clone()\ny.a = 2", {"a": 1}),
        ("y = dict(a=dict(b=1))\nx = copy.deepcopy(y)\ny['a']['b'] = 2", {"a": {"b": 1}}),
        ("x = CN()\nx.a = 1\ndef get_cfg():\n    return x.clone()", {"a": 1}),
    ],
)
def test_a_config_is_built_by_assignments(text: str, value: object) -> None:
    assert last(text) == value


@pytest.mark.parametrize(
    ("text", "keys"),
    [("x = CN()\nx.a = x", []), ("x = CN()\nx.a = CN()\nx.a.b = x", ["a"]), ("x = {}\nx.update(a=x)", [])],
)
def test_a_config_does_not_hold_itself(text: str, keys: list[str]) -> None:
    assert is_unknown(last(text)) or [key for key in last(text) if not is_unknown(key)] == keys


def test_an_unknown_value_is_unknown_under_every_name() -> None:
    assert is_unknown(values("x = dict(a=[1])\ny = x['a']\ny.append(2)\nz = x['a'][0]\n")["z"])
    read_values = values("x = [1]\ny = dict(a=x)\nx.pop()\n")
    assert is_unknown(read_values["x"])
    assert [is_unknown(each) for each in read_values["y"]["a"]] == [True]
    read_values = values("x = [1]\ny = dict(a=[x])\ny['a'][0].append(2)\n")
    assert is_unknown(read_values["y"])
    assert is_unknown(read_values["x"]) or read_values["x"] == ["y['a'][0].append(2)"]
    assert values("x = [1]\ny = f(x)\n")["x"] == "f(x)"
    assert values("x = 1\ny = f(x)\n")["x"] == 1
    assert at("x = f(1)\ny = x\n", "y") == ScalarNode(Place(2, 5), "f(1)", plain=True, tag=UNKNOWN, origin=Place(1, 5))


def test_a_class_is_its_name_as_the_type_alone() -> None:
    assert is_unknown(last("from m import A\nx = dict(kind=A)")["kind"])
    assert is_unknown(last("A = f()\nx = dict(type=A)")["type"])


def test_what_is_repeated_stays_too() -> None:
    mapping = parse_python("x = dict(a=1, a=2)\n").entries[0][1]
    assert isinstance(mapping, MappingNode)
    assert [value_of(value) for _, value in mapping.entries] == [1, 2]


def test_what_is_written_twice_stays_twice() -> None:
    root = parse_python("x = {'a': 1, 'b': 2, 'a': 3}\n")
    mapping = root.entries[0][1]
    assert isinstance(mapping, MappingNode)
    assert [(value_of(key), value_of(value), key.place.column) for key, value in mapping.entries] == [
        ("a", 1, 6),
        ("b", 2, 14),
        ("a", 3, 22),
    ]


def test_only_names_that_are_assigned_have_an_entry() -> None:
    text = "'''doc'''\nimport os.path\nfrom m import *\ndef f(): y = 1\nclass A: z = 2\nos.environ['a'] = '1'\nx = 1\n"
    assert values(text) == {"x": 1}
    assert values("") == {}
    assert list(values("x = 1\ny = 2\nx = 3\n")) == ["y", "x"]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a = [1\n", 1, 5, "not Python: '[' was never closed"),
        ("a = 1\nb = 'c\n", 2, 5, "not Python: unterminated string literal (detected at line 2)"),
        ("é = 1 2\n", 1, 7, "not Python: invalid syntax"),
        ("a = 1\n\tb = 2\n", 2, 1, "not Python: unexpected indent"),
        ("if a:\n\tb = 1\n        c = 2\n", 3, 1, "not Python: inconsistent use of tabs and spaces in indentation"),
        ("a = 1\nb = '\0'\n", 2, 6, "not Python: the character U+0000 is not allowed in Python"),
        ("a = '\ud800'\n", 1, 1, "not Python: a character that cannot be encoded"),
    ],
)
def test_what_is_not_python(text: str, line: int, column: int, message: str) -> None:
    finding = refused(text)
    assert (finding.code, finding.message) == ("OC006", message)
    assert finding.line == line
    assert finding.column == column or "indent" in message
    assert finding.hint


def test_python_2_is_not_python() -> None:
    finding = refused("print 'a'\n")
    assert (finding.code, finding.line, finding.column) == ("OC006", 1, 1)
    assert finding.hint == "write it in Python 3"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 150 + "]" * 150,
        "a = " + "-" * 150 + "1",
        "a = " + "-" * 100_000 + "1",
        "a = 1" + " + 1" * 100_000,
        "a = b" + ".b" * 100_000,
        "a = [0, 1]\n" + "a = a + a\n" * 60,
        "a = [0, 1]\n" + "a = [*a, *a]\n" * 60,
        "a = [" + "1," * 199_999 + "]",
        "a = 1\n" * 700_000,
        "a = [" + "1," * (2**21 - 10) + "]",
    ],
    ids=lambda text: f"{text[:20]!r} {len(text)}",
)
def test_what_is_too_much_is_refused_in_time(text: str) -> None:
    begin = time.process_time()
    assert refused(text).code == "OC005"
    assert time.process_time() - begin < 30


@pytest.mark.parametrize(
    "text",
    [
        "SCHEDULER\na = 0\n" + "a = [a]\n" * 5000 + "a.pop()\n",
        "SCHEDULER\na = [0]\n" + "a = [a, a]\n" * 60 + "a.pop()\n",
        "SCHEDULER\na = SCHEDULER\n" + "a = dict(b=a, c=a)\n" * 60,
        "SCHEDULER\na = SCHEDULER\n" + "a = dict(optimizer=a, optim=a)\n" * 2000,
        "optimizer = 0\n" + "optimizer = dict(optimizer=optimizer, optim=optimizer)\n" * 60 + "SCHEDULER\n",
        "SCHEDULER\na = {}\na['x'] = a\n",
        "SCHEDULER\na = []\na += [a]\n",
        "SCHEDULER\na = [0, 1]\n" + "a += a\n" * 60,
        "a = dict(" + ",".join(f"b{at}=0" for at in range(5000)) + ")\n" + "a['b'] = 1\n" * 5000 + "SCHEDULER\n",
        "a = " + "max(" * 90 + "f(" + "0," * 60_000 + ")" + ")" * 90 + "\nSCHEDULER\n",
        "a = " + "[*b, " * 90 + "f(" + "0," * 1_000 + ")" + "]" * 90 + "\nSCHEDULER\n",
    ],
    ids=lambda text: f"{text[:30]!r} {len(text)}",
)
def test_names_multiply_neither_time_nor_memory(text: str) -> None:
    begin = time.process_time()
    block = "dict(type='OneCycleLR', eta_max=0.1, total_steps=10, by_epoch=False)"
    found = findings_in(text.replace("SCHEDULER\n", f"s = {block}\n", 1).replace("SCHEDULER", block), "config.py")
    assert {each.code for each in found} <= {"OC005"}
    assert time.process_time() - begin < 30


def test_what_is_just_not_too_much() -> None:
    assert last("x = " + "[" * 99 + "]" * 99)
    assert last("x = 1" + " + 1" * 90) == 91
    assert is_unknown(last("x = 9\n" + "x = x * x\n" * 60))
    assert len(last("x = [" + "1," * 100_000 + "]")) == 100_000
    assert last("# " + "a" * 2**22 + "\nx = 1") == 1
    assert at("é = '" + "é" * 2**20 + "'; x = [" + "1," * 10_000 + "2]", "x", 10_000).place == Place(1, 2**20 + 20_014)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    try_to_parse(text)


WORDS = [
    *"()[]{}=+-*/%,:.#\\é😀xy\n\t\0\r\f",
    *("type", "dict", "+=", "**", "//", "'a'", '"b"', "f'{x}'", "1", "2.5", "1e-3", "None", "True", "if", "for", "in"),
    *("def", "with", "class", "del", "global", "lambda", "import", "from", "as", "int", "max", "round", "len", ":="),
    *("update", "append", "_base_", "..."),
]


@given(st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_no_words_break_it(text: str) -> None:
    try_to_parse(text)


@given(st.data())
def test_no_mutation_of_a_config_breaks_it(data: st.DataObject) -> None:
    text = CONFIG + "x = dict(train_cfg, a=[1, *param_scheduler])\nx['a'][0] += 2\nx.update(b=max(1, 2))\n"
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = begin + data.draw(st.integers(0, 12))
        text = text[:begin] + data.draw(st.sampled_from(WORDS) | st.text(max_size=3)) + text[end:]
    try_to_parse(text)


NAMES = st.sampled_from("abc")
EXPRESSIONS = st.recursive(
    NAMES | st.sampled_from(["1", "2.5", "-3", "'t'", "None", "10 ** 200", "f()", "'0'"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(NAMES, inner), max_size=2, unique_by=lambda pair: pair[0]).map(
            lambda pairs: f"dict({', '.join(f'{key}={value}' for key, value in pairs)})"
        ),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, inner).map(lambda pair: f"{{**{pair[0]}, 'a': {pair[1]}}}"),
        st.tuples(inner, inner).map(lambda pair: f"max({pair[0]}, {pair[1]})"),
        st.tuples(NAMES, inner).map(lambda pair: f"{pair[0]}[{pair[1]}]"),
    ),
    max_leaves=5,
)
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(" = ".join),
    st.tuples(NAMES, EXPRESSIONS).map(" += ".join),
    st.tuples(NAMES, EXPRESSIONS, EXPRESSIONS).map(lambda parts: f"{parts[0]}[{parts[1]}] = {parts[2]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda parts: f"{parts[0]}.update({parts[1]})"),
)


def known_agree(node: Any, value: object) -> None:
    """Hold what the reader knows against what Python makes of it."""
    if isinstance(node, MappingNode):
        if any(isinstance(key, ScalarNode) and key.tag for key, _ in node.entries):
            return
        assert isinstance(value, dict)
        assert {value_of(key) for key, _ in node.entries} == set(value)
        for key, each in node.entries:
            known_agree(each, value[value_of(key)])
    elif isinstance(node, SequenceNode):
        if len(node.items) == 1 and is_unknown(value_of(node.items[0])):
            return
        assert isinstance(value, list)
        for each, item in zip(node.items, value, strict=True):
            known_agree(each, item)
    elif node.tag is None:
        assert repr(value_of(node)) == repr(value)


@given(st.lists(STATEMENTS, max_size=6))
def test_what_is_known_is_what_python_makes_of_it(statements: list[str]) -> None:
    """Run small programs that do nothing but fold, and compare; where Python raises, the comparison ends."""
    text = ""
    scope: dict[str, Any] = {"__builtins__": {"dict": dict, "max": max}, "f": lambda: 0}
    for statement in statements:
        try:
            exec(statement, scope)
        except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError):
            break
        text += statement + "\n"
    names = {name: scope[name] for name in "abc" if name in scope}
    root = try_to_parse(text)
    if root is None:  # a list that holds itself
        return
    assert {value_of(key) for key, _ in root.entries} == set(names)
    for key, node in root.entries:
        known_agree(node, names[value_of(key)])


def try_to_parse(text: str) -> MappingNode | None:
    try:
        root = parse_python(text)
    except UnreadableError as error:
        finding = error.finding
    else:
        assert isinstance(value_of(root), dict)
        return root
    assert finding.code in ("OC005", "OC006")
    assert finding.line is not None
    assert finding.column is not None
    return None
