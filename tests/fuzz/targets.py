"""What is fuzzed: for each target where its inputs come from, what is run with them, and how many there are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from onecycle_cli.cli.flag_values import positive, whole
from onecycle_cli.cli.logs import read_columns
from onecycle_cli.cli.options import codes, read_steps
from onecycle_cli.cli.pictures import figure_options
from onecycle_cli.config import Request, load
from onecycle_cli.config.changes import with_settings
from onecycle_cli.config.files import read_source
from onecycle_cli.config.key_paths import read_assignments
from onecycle_cli.config.scalars import read_by_pyyaml, read_plain
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import json_text
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.validation import validate_settings
from onecycle_cli.render.plan_report import key_steps, plan_json
from onecycle_cli.run.logs import read_log
from onecycle_cli.run.logs.cells import value_of_text
from onecycle_cli.run.logs.pattern import parse_pattern

from . import runs, samples
from .case import Case
from .mutation import mutated, special
from .promises import check_schedule, read_json
from .strategies import command_lines, commands, plans
from .watch import Run, run_command

Inputs = Callable[[Random], Case] | st.SearchStrategy[Case]


@dataclass(frozen=True)
class Target:
    """One part of the program.

    Attributes:
        name: its name in the table.
        share: its inputs of 10,000; the more time one takes, the fewer there are.
        inputs: cases, made from random numbers or drawn by Hypothesis.
        run: what is run with a case; it returns the exit code.
    """

    name: str
    share: int
    inputs: Inputs
    run: Run = run_command


def read_config(case: Case) -> int:
    """Read and check a config, as `validate` does before it prints what it found."""
    loaded = load(Request(case.words[1:], every_plan=True))
    found = loaded.findings
    if loaded.unreadable:
        raise loaded.unreadable[0]
    return int(any(finding.severity is Severity.ERROR for finding in found))


def read_logged(case: Case) -> int:
    """Read a log, as `fit` does before it looks for settings."""
    read_log(case.words[1])
    return 0


CHANGES: dict[str, object] = {"max_lr": 0.3, "total_steps": 77, "pct_start": 0.4, "anneal_strategy": "linear"}


def change(case: Case) -> int:
    """Write another value of a setting into a config, as `sweep` does; what is written must be read back."""
    _, _, variation, name = case.words
    setting = variation.partition("=")[0]
    with_settings(read_source(name), {setting: CHANGES[setting]})
    return 0


def compute(case: Case) -> int:
    """Compute the schedule of a config in JSON, as `show --format json` does, and check it."""
    [data] = case.files.values()
    validated = validate_settings(json.loads(data))
    settings = validated.settings
    if settings is None or any(finding.severity is Severity.ERROR for finding in validated.findings):
        return 2
    schedule = settings.schedule()
    check_schedule(schedule)
    read_json(json_text(plan_json("", schedule, convention_of(settings).name, key_steps(schedule))))
    return 0


PLAN = ("--max-lr", "0.1", "--total-steps", "30")
READERS: dict[tuple[str, ...], Callable[[str], object]] = {
    ("export", *PLAN, "--to"): whole,
    ("export", *PLAN, "--every"): positive,
    ("show", *PLAN, "--at"): lambda text: read_steps([text], 30),
    ("validate", ".", "--select"): codes,
    ("show", "plan.yaml", "--set"): lambda text: read_assignments([text]),
    ("plot", *PLAN, "--size"): figure_options,
    ("fit", "log.csv", "--column"): lambda text: read_columns([text]),
    ("fit", "log.csv", "--pattern"): parse_pattern,
    ("show", "plan.yaml", "--set", "max_lr"): lambda text: (read_plain(text), read_by_pyyaml(text)),
    ("fit", "log.csv", "cell"): lambda text: value_of_text(text, decimal_comma=True),
}
"""By the words before it: what reads a value."""


def read_value(case: Case) -> int:
    """Read a single value."""
    try:
        READERS[case.words[:-1]](case.words[-1])
    except ValueError:
        return 2
    return 0


def _mutants(name: str, words: Sequence[str], *sources: Callable[[], samples.Samples]) -> Callable[[Random], Case]:
    """Return what makes cases with one file of this name."""

    def make(draw: Random) -> Case:
        data = mutated(draw, draw.choice(sources)(), samples.words())
        return Case((*words, name), {name: gzip.compress(data) if words[0] == "fit" and draw.random() < 0.02 else data})

    return make


def _values(draw: Random) -> Case:
    text = special(draw)
    while draw.random() < 0.5:
        text = draw.choice(
            (text + special(draw), special(draw) + text, text[:-1], text + draw.choice("0123456789.,e-=:{}[]"))
        )
    return Case((*draw.choice(list(READERS)), text[:300]))


def _runs(draw: Random) -> Case:
    """Return a run's folder: of MLflow, or with a log of a known name."""
    if draw.random() < 0.5:
        files = {
            "run/meta.yaml": b"",
            "run/metrics/lr": b"".join(b"170000000000%d 0.%d %d\n" % (n, n, n) for n in range(9)),
        }
    else:
        name = draw.choice(
            ("metrics.csv", "trainer_state.json", "vis_data/scalars.json", "checkpoint-5/trainer_state.json")
        )
        files = {f"run/{name}": runs.log(draw, runs.plan(draw)), "run/hparams.yaml": b"lr: 0.1\n"}
    at = draw.choice(sorted(files))
    return Case(("fit", "run"), {**files, at: mutated(draw, [files[at]], samples.words())})


def _log(draw: Random, settings: runs.Plan) -> bytes:
    data = runs.log(draw, settings)
    return mutated(draw, [data], samples.words()) if draw.random() < 0.4 else data


def _checks(draw: Random) -> Case:
    settings = runs.plan(draw)
    words = [*draw.choice(((), ("--partial",), ("--format", "json"), ("--tolerance", "1e-3"), ("--row-is", "epoch")))]
    words += draw.choice(((), (), ("--column", "lr=lr"), ("--column", "lr=lr", "--column", "momentum=lr")))
    return Case(
        ("check", *words, "plan.json", "run.log"), {"plan.json": json_bytes(settings), "run.log": _log(draw, settings)}
    )


def _fits(draw: Random) -> Case:
    words = draw.choice(((), ("--format", "json"), ("-o", "out.yaml")))
    return Case(("fit", *words, "run.log"), {"run.log": _log(draw, runs.plan(draw))})


def _ranges(draw: Random) -> Case:
    words = draw.choice(
        ((), ("--format", "json"), ("--format", "csv"), ("--raw",), ("--set-in", "plan.yaml", "--diff"))
    )
    data = runs.range_test(draw)
    data = mutated(draw, [data], samples.words()) if draw.random() < 0.3 else data
    return Case(("range", *words, "run.log"), {"run.log": data, "plan.yaml": b"max_lr: 0.1\ntotal_steps: 20\n"})


def _binary_checks(draw: Random) -> Case:
    columns = draw.choice(((), ("--column", "lr=lr"), ("--column", "lr=lr", "--column", "momentum=lr")))
    data = mutated(draw, samples.binaries(), samples.words())
    return Case(("check", *PLAN, *columns, "run.log"), {"run.log": data})


def _validations(draw: Random) -> Case:
    name, source = draw.choice(
        (
            ("plan.yaml", samples.configs),
            ("run.yaml", samples.training),
            ("train.py", samples.python),
            ("run.ipynb", samples.notebooks),
        )
    )
    form = draw.choice(("full", "concise", "json", "github", "sarif", "junit"))
    words = draw.choice((("--diff",), ("--fix",), ("--strict",), ("--set", "trainer.max_steps=5"), ("-v",)))
    command = (
        ("validate", "--format", form, *words) if draw.random() < 0.7 else ("show", *draw.choice(((), ("-v",), PLAN)))
    )
    return Case((*command, name), {name: mutated(draw, source(), samples.words())})


PROJECT = (
    b'[tool.onecycle]\nselect = ["OC4"]\nignore = ["OC412"]\nexclude = ["old/*.yaml"]\nset = ["max_lr=1"]\n',
    b'select = "ALL"\nexclude = ["."]\n',
)


def _changes(draw: Random) -> Case:
    name, source = draw.choice(
        (
            ("plan.yaml", samples.configs),
            ("plan.json", samples.native_json),
            ("run.yaml", samples.training),
            ("train.py", samples.python),
        )
    )
    data = mutated(draw, source(), samples.words()) if draw.random() < 0.7 else draw.choice(source())
    setting, value = draw.choice(list(CHANGES.items()))
    return Case(("sweep", "--vary", f"{setting}={value}", name), {name: data})


def _projects(draw: Random) -> Case:
    name = draw.choice(("pyproject.toml", ".onecycle.toml"))
    data = mutated(draw, PROJECT, samples.words())
    return Case(("validate", "."), {name: data, "a.yaml": b"max_lr: 0.1\ntotal_steps: 20\n"})


def json_bytes(values: object) -> bytes:
    """Return values as a config in JSON."""
    return json.dumps(values).encode()


TARGETS = (
    Target("values", 2500, _values, read_value),
    Target("native YAML", 1500, _mutants("plan.yaml", ["validate"], samples.configs), read_config),
    Target("native JSON", 800, _mutants("plan.json", ["validate"], samples.native_json), read_config),
    Target("training YAML", 900, _mutants("run.yaml", ["validate"], samples.training), read_config),
    Target("Python", 900, _mutants("train.py", ["validate"], samples.python), read_config),
    Target("notebooks", 200, _mutants("run.ipynb", ["validate"], samples.notebooks), read_config),
    Target("changes", 200, _changes, change),
    Target("tables", 1100, _mutants("run.log", ["fit"], samples.tables), read_logged),
    Target("JSON logs", 800, _mutants("run.log", ["fit"], samples.objects), read_logged),
    Target("text logs", 500, _mutants("run.log", ["fit"], samples.texts), read_logged),
    Target("binary logs", 300, _mutants("run.log", ["fit"], samples.binaries), read_logged),
    Target("run folders", 60, _runs, read_logged),
    Target(
        "numbers",
        150,
        plans().map(lambda values: Case(("show", "plan.json"), {"plan.json": json_bytes(values)})),
        compute,
    ),
    Target("validate", 40, _validations),
    Target("projects", 10, _projects),
    Target("flags", 40, command_lines()),
    Target("commands", 20, commands()),
    Target("check", 10, _checks),
    Target("check events", 5, _binary_checks),
    Target("fit", 5, _fits),
    Target("range", 5, _ranges),
)
"""Every target, the cheap ones first."""
