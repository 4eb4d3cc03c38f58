"""Hypothesis strategies: settings with extreme numbers, and command lines with every option that there is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from onecycle_cli.cli import COMMANDS, make_command
from onecycle_cli.cli.export import FRAMEWORKS
from onecycle_cli.policy.settings import SETTINGS, Setting

from .case import STDIN, Case
from .mutation import NUMBERS, PIECES

EXTREME = (
    0.0, -0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-308, 1e-155, 1e-45, 1e-16, 0.9999999999999999, 1.0,
    1.0000000000000002, 1.5, 2.0, 1e8, 9007199254740992.0, 1e17, 1e154, 1e155, 1e300, 1e308, 1.7976931348623157e308,
)  # fmt: skip
COUNTS = (1, 2, 3, 4, 5, 7, 10, 99, 1000, 10**6, 2**31, 10**9, 2**53 - 1, 2**53, 2**53 + 1)
BROKEN: tuple[object, ...] = (
    -1,
    0,
    -1e-9,
    float("nan"),
    float("inf"),
    10**309,
    "0.1",
    "1e-3",
    "auto",
    True,
    None,
    [],
    [0.1, 0.2],
    {},
)

RATES = st.one_of(st.floats(1e-8, 10), st.floats(5e-324, 1e308), st.sampled_from(EXTREME))
SHARES = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 5e-324, 1e-16, 0.3, 0.5, 0.999, 1.0)))
WHOLE = st.one_of(st.integers(1, 60), st.sampled_from(COUNTS), st.integers(1, 2**53))

LENGTHS: tuple[tuple[str, ...], ...] = (
    ("total_steps",),
    ("total_steps",),
    ("epochs", "steps_per_epoch"),
    ("epochs", "dataset_size", "batch_size"),
    ("samples", "batch_size"),
    ("tokens", "tokens_per_step"),
)

MOST_ROWS = 300


def _values(name: str, setting: Setting) -> st.SearchStrategy[Any]:
    """Return values of a setting that its declaration allows."""
    if setting.choices:
        return st.sampled_from(sorted(setting.choices))
    if setting.parts:
        own = {part: _values(part, declared) for part, declared in setting.parts.items()}
        required = {part: own.pop(part) for part, declared in setting.parts.items() if declared.required}
        one = st.fixed_dictionaries(required, optional=own)
        return st.one_of(one, st.lists(one, max_size=3))
    if name == "groups":
        return st.one_of(st.integers(1, 5), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    if name in ("optimizer", "name"):
        return st.sampled_from(["sgd", "adamw", "Adagrad", "", "日本", "x" * 300, "\x1b[2J"])
    single: dict[type, st.SearchStrategy[Any]] = {bool: st.booleans(), int: WHOLE}
    if setting.single in single:
        return single[setting.single]
    number = SHARES if setting.at_most == 1 or "momentum" in name else RATES
    return st.one_of(number, st.lists(number, max_size=3)) if setting.item is float else number


VALUES = {name: _values(name, setting) for name, setting in SETTINGS.items()}
OTHERS = sorted(set(SETTINGS) - {"max_lr"} - {name for names in LENGTHS for name in names})


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Draw settings: a peak, a length and a few others, now and then one of them broken."""
    names = [
        "max_lr",
        *draw(st.sampled_from(LENGTHS)),
        *draw(st.lists(st.sampled_from(OTHERS), max_size=5, unique=True)),
    ]
    values = {name: draw(VALUES[name]) for name in names}
    if draw(st.integers(0, 19)) == 0:
        values[draw(st.sampled_from(names))] = draw(st.sampled_from(BROKEN))
    return values


def flags(values: Mapping[str, Any]) -> list[str]:
    """Return settings as the flags that give them."""
    found = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            found.append(flag if value else f"--no-{flag[2:]}")
        elif value is not None and not SETTINGS[name].parts:  # which only a config can give
            items = value if isinstance(value, list) else [value]
            found.append(f"{flag}={','.join(map(str, items))}")
    return found


COMMANDS_OF_PLANS: tuple[tuple[str, ...], ...] = (
    ("show",),
    ("show", "--format", "json"),
    ("show", "-v"),
    ("show", "--at", "0"),
    ("export", "--to", str(MOST_ROWS)),
    ("export", "--format", "jsonl", "--to", str(MOST_ROWS)),
    ("compare", "--convention", "torch,fastai,optax,optax-linear"),
    ("compare", "--convention", "paddle,smith,r-torch", "--format", "json"),
    ("plot", "--terminal"),
    ("report", "-o", "-"),
    ("sweep", "--vary", "max_lr=0.1,1e300"),
    ("extend", "--at", "3", "--epochs", "15"),
    ("extend", "--at", "9", "--epochs", "15", "--way", "cycle", "-o", "-"),
    ("check", "log.csv"),
    ("check", "log.csv", "--format", "json"),
    *(("code", "--framework", name) for name in FRAMEWORKS),
)


@st.composite
def commands(draw: st.DrawFn) -> Case:
    """Draw a command with extreme settings: in flags, or in a config."""
    command, values = draw(st.sampled_from(COMMANDS_OF_PLANS)), draw(plans())
    if "compare" in command:
        values.pop("convention", None)
    names = sorted(values, key=lambda name: not SETTINGS[name].parts)
    in_file = names[: draw(st.integers(0, len(names)))]
    given = flags({name: value for name, value in values.items() if name not in in_file})
    return Case(
        (*command[:1], *given, *(["plan.yaml"] if in_file else []), *_reordered(command)),
        {"plan.yaml": _yaml({name: values[name] for name in in_file}), "log.csv": LOG},
    )


def _reordered(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words behind the command, of a check the log last."""
    rest = command[1:]
    return (*rest[1:], rest[0]) if command[0] == "check" else rest


def _yaml(values: Mapping[str, Any]) -> bytes:
    import yaml

    return yaml.safe_dump(dict(values), allow_unicode=True).encode("utf-8", "surrogatepass")


LOG = b"step,lr\n" + b"".join(b"%d,%.3g\n" % (step, 0.004 + 0.001 * step) for step in range(20))
PLAN = b"max_lr: 0.1\ntotal_steps: 20\n"
SCRIPT = b"scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps=20)\n"
FILES: dict[str, bytes] = {
    "plan.yaml": PLAN,
    "typo.yaml": b"max_lrr: 0.1\ntotal_steps: 20\n",
    "many.yaml": b"a: {_target_: OneCycleLR, max_lr: 0.1, total_steps: 20}\nb: {_target_: OneCycleLR, max_lr: 1}\n",
    "train.py": SCRIPT,
    "log.csv": LOG,
    "empty": b"",
    "binary": bytes(range(256)),
    "folder/plan.yaml": PLAN,
    STDIN: PLAN,
}

ODD_WORDS = (
    "", "-", "--", ".", "0", "nofile", "\0", "a\0b", "\udcff.yaml", "-1", "=", ",", "a=b", "=b", "lr=lr",
    "step=step", "momentum=lr", "lr=", "trainer.max_steps=5", "a[0]=1", "[=]", "torch,optax", "OC1", "OC412,OC9", "*",
    "[", "**/x", "9x5", "1e9x1", "0x0", "800x600px", "{lr}", "step {step} lr {lr}", "{", "{}{}{}", "1,2,3", "1,000",
    "json", "csv", "out.png", "out.svg", "out.csv", "out.npz", "out.html", "out.yaml", "new/out.csv", "/dev/null",
    "--help", "--version", "help",
)  # fmt: skip

WORDS = st.one_of(
    st.sampled_from(sorted(FILES)),
    st.sampled_from(ODD_WORDS),
    st.sampled_from(NUMBERS),
    st.sampled_from(PIECES),
    st.text(),
).filter(lambda word: word == os.devnull or not (word.startswith("/") or ".." in word))
"""Words that lead nowhere outside the folder: nothing there is to be read or written."""

ENVIRONMENTS: st.SearchStrategy[dict[str, str]] = st.dictionaries(
    st.sampled_from(["COLUMNS", "LINES"]),
    st.sampled_from(["", "0", "1", "-5", "20", "200", "x", "1e9", "9" * 20]),
    max_size=2,
)


@cache
def _options(command: str) -> tuple[st.SearchStrategy[list[str]], ...]:
    """Return what may follow a command: its arguments, and each of its options with values."""
    _, loaded, _ = make_command().resolve_command(None, [command])
    own = ((name, option) for option in loaded.params for name in (*option.opts, *option.secondary_opts) or ("",))
    return (st.just(["--help"]), *(_given(name, option) for name, option in own))


def _given(name: str, option: Any) -> st.SearchStrategy[list[str]]:
    if option.param_type_name == "argument":
        return WORDS.map(lambda word: [word])
    if option.is_flag:
        return st.just([name])
    sound: list[st.SearchStrategy[str]] = []
    if option.name in VALUES:
        sound.append(VALUES[option.name].map(_word))
    if option.type_descriptor.choices:
        sound.append(st.sampled_from(list(map(str, option.type_descriptor.choices))))
    value = st.one_of(*sound, WORDS)
    return st.one_of(value.map(lambda word: [name, word]), value.map(lambda word: [f"{name}={word}"]))


def _word(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@st.composite
def command_lines(draw: st.DrawFn) -> Case:
    """Draw a command with any of its options, and words that may mean anything."""
    command = draw(st.sampled_from([*COMMANDS, "help", "--help", "--version", ""]))
    words = [command]
    if command in COMMANDS:
        if draw(st.booleans()):
            words += draw(st.sampled_from(STARTS.get(command, ((),))))
        for option in draw(st.lists(st.sampled_from(_options(command)), max_size=4)):
            words += draw(option)
    else:
        words += draw(st.lists(WORDS, max_size=2))
    return Case((*words, *_bounds(words)), FILES, draw(ENVIRONMENTS))


STARTS: dict[str, Sequence[tuple[str, ...]]] = {
    **dict.fromkeys(
        ("show", "plot", "export", "compare", "report", "sweep"),
        (("plan.yaml",), ("train.py",), ("many.yaml",), ("--max-lr", "0.1", "--total-steps", "30"), ("-",)),
    ),
    "code": tuple(("plan.yaml", "--framework", name) for name in FRAMEWORKS),
    "extend": (("plan.yaml", "--at", "9", "--total-steps", "40"),),
    "tune": (("plan.yaml",),),
    "check": (("plan.yaml", "log.csv"), ("--max-lr", "0.1", "--total-steps", "30", "log.csv")),
    **dict.fromkeys(("fit", "range"), (("log.csv",),)),
    "validate": (("plan.yaml", "typo.yaml"), ("folder",), ("-",)),
}
"""By command: words with which it works, to which others are added."""


def _bounds(words: Sequence[str]) -> list[str]:
    """Return options that keep a command from writing rows, or waiting for some, for ever."""
    if words[0] == "export":
        return ["--to", str(MOST_ROWS)]
    return ["--interval", "0.01", "--timeout", "0.01"] if words[0] == "check" else []
