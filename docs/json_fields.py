"""The page of what `--format json` writes: its fields are those that the commands write, each with its meaning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from docs.examples import ROOT, run_onecycle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOG = f"{ROOT}/docs/logs/cifar10-resnet18.csv"
GOOD_LOG = f"{ROOT}/docs/logs/cifar10-resnet18-fixed.csv"
PLAN = f"{ROOT}/configs/cifar10-resnet18-30-epochs.yaml"
GROUPS = f"{ROOT}/configs/pets-finetune-adamw.yaml"

RUNS = {
    "show": [f"show {PLAN} --at 0,100", "show --max-lr 0.1 --total-steps 10 --at 5"],
    "extend": [f"extend {PLAN} --at 2100 --epochs 40"],
    "validate": [f"validate {ROOT}/tests/data/invalid"],
    "check": [f"check {PLAN} {LOG}", f"check {PLAN} {GOOD_LOG}"],
    "check, several logs": [f"check {PLAN} {LOG} {ROOT}/LICENSE"],
    "range": [f"range {ROOT}/docs/logs/range-test.csv", f"range {ROOT}/tests/data/logs/range-test-short.csv"],
    "fit": [f"fit {GOOD_LOG}"],
    "compare": [
        "compare --max-lr 0.1 --total-steps 10 --convention torch,fastai",
        f"compare {GROUPS} {GROUPS} --convention torch,r-torch",
    ],
}
"""Commands that together write every field."""

BY_SETTING = ("settings", "settings_that_differ")
"""Fields whose own fields are settings."""

MEANINGS = {
    "show": {
        "name": "the plan's name: its `name` setting, else its file's name",
        "total_steps": "steps in the cycle",
        "steps_per_epoch": "steps in an epoch; null if not known",
        "length_from": "the settings that gave the length",
        "convention": "whose arithmetic it is",
        "groups[]": "one entry per parameter group",
        "groups[].name": "the group's name, or its number",
        "groups[].initial_lr": "learning rate of the first step",
        "groups[].peak_lr": "the largest learning rate",
        "groups[].peak_step": "the first step that has it",
        "groups[].final_lr": "learning rate of the last step",
        "groups[].initial_momentum": "momentum (beta1 for Adam) of the first step; null if it is not cycled",
        "groups[].lowest_momentum": "the lowest momentum",
        "groups[].highest_momentum": "the highest momentum",
        "groups[].momentum_rises": "whether momentum rises with the learning rate: `base_momentum` is the larger one",
        "groups[].final_momentum": "momentum of the last step",
        "phases[]": "the phases that have at least one step, in order",
        "phases[].name": "warm-up, anneal or annihilation; hold after the cycle",
        "phases[].first_step": "its first step",
        "phases[].last_step": "its last step",
        "phases[].start_lr": "the learning rate it begins with, in the first group",
        "phases[].end_lr": "the learning rate it ends with, in the first group",
        "warmup.steps": "steps up to and including the peak",
        "warmup.fraction": "these steps as a fraction of the cycle",
        "rows[]": "one entry per step of `--at` or `--every`",
        "rows[].step": "the step, from 0",
        "rows[].epoch": "its epoch, from 0, if steps_per_epoch is known",
        "rows[].lr": "its learning rate; with several groups `lr_NAME` for each",
        "rows[].momentum": "its momentum; with several groups `momentum_NAME` for each",
    },
    "extend": {
        "name": "the plan's name",
        "convention": "whose arithmetic it is",
        "at": "the step at which the run goes on: as many are done",
        "old_total_steps": "steps of the plan so far",
        "total_steps": "steps of the run in its new length",
        "steps_per_epoch": "steps in an epoch; null if not known",
        "last_step_done.step": "the last step that is done",
        "last_step_done.phase": "its phase",
        "last_step_done.groups[].name": "the parameter group",
        "last_step_done.groups[].lr": "its learning rate in that step",
        "last_step_done.groups[].momentum": "its momentum; null if it is not cycled",
        "state_restored": "what a loaded scheduler state does; null where that does not have the length",
        "state_restored.total_steps": "the length that it restores",
        "state_restored.last_step": "the last step that is then trained",
        "state_restored.raises": "whether the scheduler raises an error there",
        "state_restored.groups[]": "how each group's values change in that step",
        "state_restored.groups[].name": "the parameter group",
        "state_restored.groups[].lr_before": "its learning rate in the step before",
        "state_restored.groups[].lr": "its learning rate in the step",
        "state_restored.groups[].lr_change": "the second minus the first",
        "state_restored.groups[].lr_change_of_peak": "the same as a share of the group's highest learning rate",
        "state_restored.groups[].momentum_before": "its momentum in the step before; null if it is not cycled",
        "state_restored.groups[].momentum": "its momentum in the step",
        "state_restored.groups[].momentum_change": "the second minus the first",
        "new_length": "what happens with a schedule of the new length; null if there is none",
        "new_length.phase": "the phase that the run is in",
        "new_length.peak_step": "the first step with the largest learning rate",
        "new_length.groups[]": "how each group's values change at the step: the fields of `state_restored.groups[]`",
        "ways[]": "the plans that go on smoothly",
        "ways[].way": "hold, anneal or cycle",
        "ways[].from": "the first step that is not in the plan so far",
        "ways[].settings": "the settings of the whole run",
        "ways[].groups[]": "how each group's values change at that step: the fields of `state_restored.groups[]`, and",
        "ways[].groups[].peak_lr": "the largest learning rate of the whole run",
        "ways[].groups[].final_lr": "the last learning rate",
        "ways[].groups[].area_ahead": "the sum of the learning rates still ahead",
        "ways[].notes[]": "what is good to know of it",
        "notes[]": "why a way is not possible",
    },
    "validate": {
        "version": "the version of this format",
        "files": "the number of files that were checked",
        "findings[]": "one entry per finding, in the order of the files",
        "findings[].path": "the file",
        "findings[].line": "the line, from 1; null if the finding has none",
        "findings[].column": "the column in characters, from 1",
        "findings[].code": "the [finding](findings.md)",
        "findings[].severity": "error, warning or info",
        "findings[].message": "what is wrong",
        "findings[].hint": "the one thing to do",
    },
    "check": {
        "verdict": "ok, diverges or incomplete",
        "compared": "the number of values that were compared",
        "first_divergence": "the first value that differs; null if none does",
        "first_divergence.step": "its step, in `step_unit`",
        "first_divergence.field": "lr or momentum; with several groups with the group's name",
        "first_divergence.planned": "the planned value; null if the plan has none there",
        "first_divergence.logged": "the logged value",
        "cause": "a short name for the cause; `none` if the log follows the plan, `unknown` if no cause explains it",
        "advice": "the one thing to do",
        "summary": "the cause in a sentence, with its numbers",
        "fit": "the fraction of the values that the cause explains",
        "step_unit": "what a row counts: step, epoch, microbatch, sample, log-call or row",
        "offset": "what to add to a logged step to get the step of the plan",
        "tolerance": "the relative difference that counts as equal",
        "precision": "how precisely the log's numbers are written",
        "first_missing_step": "the first step of the plan after the log's end; null if it is complete",
        "coverage.steps": "the number of different steps that were logged",
        "coverage.of": "the number of steps of the plan",
        "coverage.first": "the first logged step",
        "coverage.last": "the last logged step",
        "coverage.gaps[]": "first and last step of each part that is missing",
        "coverage.groups[]": "the parameter groups that were compared",
        "coverage.groups_not_checked[]": "those that the log does not show",
        "coverage.columns_not_compared[]": "the log's learning rates that belong to no group of the plan",
        "coverage.momentum": "compared, not logged or not cycled",
        "notes[]": "what else is good to know",
    },
    "check, several logs": {
        "verdict": "the worst verdict",
        "logs[]": "one entry per log, with the fields above and",
        "logs[].log": "the log's path",
        "logs[].verdict": "ok, diverges, incomplete or unreadable",
        "logs[].error": "what is wrong with a log that cannot be read",
        "logs[].hint": "the one thing to do about it",
    },
    "range": {
        "log": "the log's path",
        "rows": "rows of the test, those without a finite loss too",
        "lr.column": "the column with the learning rates",
        "lr.first": "the first learning rate",
        "lr.last": "the last one with a finite loss",
        "lr.decades": "the powers of ten between them",
        "lr.spacing": "exponential (by equal factors), linear (by equal amounts) or irregular",
        "loss.column": "the column with the losses",
        "loss.is_raw": "whether they were raw in the log, and smoothed here",
        "loss.fell": "whether the loss fell by more than its noise",
        "loss.first": "the first smoothed loss",
        "loss.lowest": "the lowest smoothed loss",
        "loss.lowest_lr": "the learning rate that has it",
        "loss.last": "the last smoothed loss",
        "rules[]": "one entry per rule",
        "rules[].rule": "its name",
        "rules[].kind": "suggestion, or limit: a peak should be below it",
        "rules[].lr": "the learning rate; null if the rule gives none",
        "rules[].step": "the step in the log at which it is read",
        "rules[].loss": "the smoothed loss there",
        "rules[].how": "what the rule takes",
        "rules[].source": "the framework and version that compute it so",
        "rules[].smoothing": "how the losses were smoothed for it; `as logged` if they were already",
        "rules[].first_row": "the first row that it looks at, from 0",
        "rules[].last_row": "the last one",
        "rules[].without_spikes": "the learning rate without single high losses; null if there are none",
        "rules[].why_not": "why it gives none",
        "span": "from the lowest to the highest suggestion; null if there is none",
        "span.low": "the lowest",
        "span.high": "the highest",
        "span.factor": "their ratio",
        "summary": "how far the rules are apart, in a sentence",
        "spikes[]": "the learning rates with single high losses",
        "doubts[]": "why the test may not answer its question",
        "doubts[].code": "few-rows, narrow-range, never-falls, never-diverges, starts-high, linear-spacing, "
        "irregular-spacing, not-rising, not-finite, stairs or spikes",
        "doubts[].message": "what is wrong, and what to do",
        "notes[]": "how the log was read",
        "points[]": "one entry per learning rate",
        "points[].step": "its step in the log",
        "points[].lr": "the learning rate",
        "points[].loss": "the loss in the log",
        "points[].smoothed": "the smoothed loss",
    },
    "fit": {
        "settings": "the recovered settings, by name",
        "offset": "what to add to a logged step to get the step of the schedule",
        "explained": "the fraction of the values that the settings reproduce",
        "tolerance": "the relative difference that counts as equal",
        "precision": "how precisely the log's numbers are written",
        "accepted": "whether `check` accepts the settings on the same log",
        "undetermined[]": "the settings that the log does not determine",
        "notes[]": "what the log does not determine and what is used instead, in sentences",
    },
    "compare": {
        "equal": "whether all plans are equal to the first, within the tolerance",
        "summary[]": "the result in sentences, one for each plan that differs and one for all that do not",
        "tolerance": "the relative difference that counts as equal",
        "reference": "the plan that the others are compared with",
        "plans[]": "one entry per plan, the reference first",
        "plans[].name": "its name",
        "plans[].convention": "whose arithmetic it is",
        "plans[].total_steps": "its steps",
        "plans[].warmup_steps": "steps up to and including the peak",
        "plans[].peak_step": "the first step with the largest learning rate",
        "plans[].peak_lr": "the largest learning rate",
        "plans[].final_lr": "learning rate of the last step",
        "plans[].area": "the sum of the learning rates of all steps",
        "plans[].groups[]": "the five fields above for each group, if there are several",
        "plans[].first_difference": "the first value that differs; null if none does",
        "plans[].first_difference.step": "its step",
        "plans[].first_difference.field": "lr or momentum",
        "plans[].first_difference.group": "its parameter group",
        "plans[].first_difference.values[]": "the reference's value and the plan's",
        "plans[].first_visible_difference": "the first one that shows where values have six digits; null if none does",
        "plans[].first_visible_difference.step": "its step",
        "plans[].first_visible_difference.field": "lr or momentum",
        "plans[].first_visible_difference.group": "its parameter group",
        "plans[].first_visible_difference.values[]": "the reference's value and the plan's",
        "plans[].largest_difference": "of the learning rates",
        "plans[].largest_difference.step": "its step",
        "plans[].largest_difference.group": "its parameter group",
        "plans[].largest_difference.absolute": "the difference",
        "plans[].largest_difference.relative": "the difference as a fraction of the reference's peak",
        "plans[].largest_momentum_difference": "the same fields for momentum",
        "plans[].sampled": "whether not every step was compared, because there are too many",
        "plans[].settings_that_differ": "by setting: the value of the reference and of the plan",
        "plans[].translation": "the settings with which the plan's framework comes closest to the reference",
        "plans[].translation.settings": "these settings, by name",
        "plans[].translation.largest_difference": "what difference remains, with the fields above",
        "plans[].translation.note": "what is good to know about it",
        "rows[]": "one entry per shown step",
        "rows[].step": "the step, from 0",
        "rows[].lr[]": "the learning rate in each plan",
        "rows[].momentum[]": "the momentum in each plan",
    },
}
"""What each field means. A test fails if a command writes a field that is not here, or no longer writes one that is."""


INTRO = (
    "`--format json` writes one object. New fields may be added; those here keep their meaning. Numbers read back as "
    "the same float64. What is not known or does not apply is `null`."
)


def json_page() -> str:
    """Return the page.

    Raises:
        RuntimeError: a field has no meaning here, or is not written.
    """
    lines = [
        "<!-- Generated by `python -m docs.update` from the code; do not edit. -->\n",
        "# JSON\n",
        INTRO,
    ]
    for command, runs in RUNS.items():
        types: dict[str, set[str]] = {}
        for run in runs:
            _, printed = run_onecycle([*run.split(), "--format", "json"], errors=False)
            for path, kind in _fields(json.loads(printed)):
                types.setdefault(path, set()).add(kind)
        _compare(command, types, MEANINGS[command])
        lines += [f"\n## {command}\n", "| field | type | meaning |", "| --- | --- | --- |"]
        for path, meaning in MEANINGS[command].items():
            kinds = sorted(types[path] - {"null"}) + sorted(types[path] & {"null"})
            lines.append(f"| `{path}` | {' or '.join(kinds)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each field with the type of its value; `[]` is the items of a list."""
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        items = inner if isinstance(inner, list) else None
        if items is not None:
            here += "[]"
        yield here, _type(inner)
        for item in [inner] if items is None else items:
            if isinstance(item, dict) and name not in BY_SETTING:
                yield from _fields(item, here)


def _type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
    return "object"


def _compare(command: str, types: Mapping[str, set[str]], meanings: Mapping[str, str]) -> None:
    """Raise RuntimeError unless every field that is written has a meaning, and is written if it has one.

    A field whose meaning refers to the fields of another needs no list of its own.
    """
    refers = tuple(f"{path}." for path, meaning in meanings.items() if "fields" in meaning)
    known = {path.rpartition(".")[0] for path in meanings} | set(meanings)
    unknown = [path for path in types if path not in known and not path.startswith(refers)]
    unwritten = [path for path in meanings if path not in types]
    if unknown or unwritten:
        raise RuntimeError(
            f"`{command} --format json` writes {unknown} without a meaning in docs/json_fields.py, "
            f"and no longer writes {unwritten}"
        )
