"""The page of `onecycle report`: one HTML file with the chart of plans and logs, and all that is known about them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from onecycle_cli.formatting import count, format_number, printable, shorten
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.checks_report import worst
from onecycle_cli.render.page.assembly import MOST_GROUPS, assemble
from onecycle_cli.render.page.details import found_section, log_section, plan_section, summary_section
from onecycle_cli.render.page.markup import Markup, element, escaped, joined
from onecycle_cli.render.page.panels import chart_markup, short_name, swatch
from onecycle_cli.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.page.details import PageLog, PagePlan
    from onecycle_cli.render.page.panels import Chart

NONE = "–"
AFTER_THE_END = "after the end"
MOST_NAMES = 4
"""Plans that are named in the title."""


@dataclass(frozen=True, slots=True)
class Readout:
    """Where the chart is read: the number of one of its steps, and what is there; no phase where plans differ in it."""

    index: int
    step: int
    epoch: int | None
    phase: str


def report_page(plans: Sequence[PagePlan], logs: Sequence[PageLog], findings: Sequence[Finding]) -> str:
    """Return the page: the same text on every run.

    Raises:
        OnecycleError: a learning rate cannot be drawn, or there are too many curves.
    """
    chart = assemble([plan.curves for plan in plans], [(log.name, log.verdict) for log in logs])
    read = _first_readout(chart, plans)
    title = _title(plans)
    script = _file("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    aside = [*map(log_section, logs), summary_section(plans), found_section(findings)]
    body = joined(
        [
            _header(title, plans, logs),
            element(
                "main",
                element("div", _figure(chart, plans, read), element("aside", *aside), class_="top"),
                *(plan_section(plan, alone=len(plans) == 1) for plan in plans),
            ),
            element("footer", f"Made by onecycle-cli {__version__}. This page needs no network."),
        ]
    )
    return Template(_file("report.html")).substitute(
        title=escaped(title),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        style=_file("chart.css") + _file("report.css"),
        body=body,
        data=_json(_data(chart, plans, read)),
        script=script,
    )


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _json(value: object) -> str:
    """Return JSON that cannot end the element it is in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _title(plans: Sequence[PagePlan]) -> str:
    names = list(dict.fromkeys(shorten(printable(plan.name), 60) for plan in plans))
    return ", ".join(names) if len(names) <= MOST_NAMES else count(len(plans), "plan")


def _header(title: str, plans: Sequence[PagePlan], logs: Sequence[PageLog]) -> Markup:
    totals = sorted({plan.schedule.total_steps for plan in plans})
    length = count(totals[0], "step") if len(totals) == 1 else f"{totals[0]:,} to {totals[-1]:,} steps"
    facts = [length]
    groups = len(plans[0].schedule.groups)
    if len(plans) == 1 and groups > 1:
        facts.append(count(groups, "parameter group"))
    elif len(plans) == 1:
        first = summarize(plans[0].schedule, 0)
        facts.append("lr " + " → ".join(map(format_number, (first.initial_lr, first.peak_lr, first.final_lr))))
        facts.append(f"peak at step {first.peak_step:,}")
    conventions = list(dict.fromkeys(plan.convention for plan in plans))
    facts.append(f"{', '.join(conventions)} convention" + ("s" if len(conventions) > 1 else ""))
    verdicts = [log.verdict.verdict for log in logs]
    if len(logs) > 1:
        facts.insert(0, f"{verdicts.count('ok')} of {count(len(logs), 'log')} followed the plan")
    pill = element("span", worst(verdicts), class_=f"pill {worst(verdicts)}") if verdicts else ""
    return element("header", element("h1", title), element("p", pill, " · ".join(facts), class_="facts"))


# --- The chart with its readout ---------------------------------------------------------------------------------------


def _first_readout(chart: Chart, plans: Sequence[PagePlan]) -> Readout:
    """Return the peak of the first plan, where the chart is read before anyone points at it."""
    step = summarize(plans[0].schedule, 0).peak_step
    per_epoch = chart.steps_per_epoch
    phases = {
        next((phase.name for phase in plan.schedule.phases if step <= phase.last_step), AFTER_THE_END) for plan in plans
    }
    return Readout(
        chart.steps.tolist().index(step),
        step,
        None if per_epoch is None else step // per_epoch,
        phases.pop() if len(phases) == 1 else "",
    )


def _figure(chart: Chart, plans: Sequence[PagePlan], read: Readout) -> Markup:
    has_logs = any(trace.is_log for trace in chart.traces)
    switches = [_switch("log-scale", "log scale", checked=False)]
    if has_logs:
        switches.append(_switch("show-logs", "logs", checked=True))
    caption = "; ".join(
        f"{plan.name}: {count(plan.schedule.total_steps, 'step')}, peak {format_number(first.peak_lr)} at step "
        f"{first.peak_step:,}"
        for plan in plans
        if (first := summarize(plan.schedule, 0))
    )
    where = [element("b", "step ", element("span", f"{read.step:,}", id="at-step"))]
    if read.epoch is not None:
        where.append(element("span", "epoch ", element("span", f"{read.epoch:,}", id="at-epoch")))
    where.append(element("span", read.phase, id="at-phase"))
    last = chart.total_steps - 1
    inset = f"--inset:{50 / chart.total_steps:.4g}%" if chart.is_stairs else None
    slider = element(
        "input", type="range", id="at", min=0, max=last, value=read.step, style=inset, aria_label="step to read"
    )
    hidden = sum(max(len(plan.schedule.groups) - MOST_GROUPS, 0) for plan in plans)
    more = element("p", f"and {hidden:,} more parameter groups", class_="hint") if hidden else ""
    return element(
        "section",
        element("div", *switches, class_="switches"),
        chart_markup(chart, f"Learning rate and momentum over the steps. {caption}"),
        element("div", slider, class_="slide"),
        element("div", *where, class_="where", aria_live="polite"),
        element("div", _legend(chart, read), class_="scroll"),
        more,
        element("p", _how_to_read(chart), class_="hint script"),
        class_="figure",
    )


def _how_to_read(chart: Chart) -> str:
    steps = chart.steps
    words = "Point at the chart, or use the arrow keys, to read values."
    if len(steps) < chart.total_steps:
        words += f" {len(steps):,} of {chart.total_steps:,} steps are in this page."
    return words


def _switch(name: str, text: str, *, checked: bool) -> Markup:
    return element("label", element("input", type="checkbox", id=name, checked=checked), text, class_="script")


def _legend(chart: Chart, read: Readout) -> Markup:
    """Return a row for each curve: a box to hide it, its line, its name, and its values at the step that is read."""
    has_logs = any(trace.is_log for trace in chart.traces)
    words = list(dict.fromkeys(trace.momentum_word for trace in chart.traces if trace.momentum is not None))
    head = ["curve", "learning rate", *([" / ".join(words)] if words else [])]
    rows = [element("tr", *(element("th", word, scope="col") for word in head))]
    for number, trace in enumerate(chart.traces):
        name = short_name(trace.label)
        label = element(
            "label",
            element("input", type="checkbox", checked=True, data_show=number, class_="script"),
            swatch(number, is_log=trace.is_log, has_logs=has_logs),
            element("span", name),
        )
        at = read.index if not trace.is_log and read.index < len(trace.steps) else None
        cells = [element("td", _value(trace.lr, at), data_field="lr")]
        if words:
            cells.append(element("td", _value(trace.momentum, at), data_field="momentum"))
        kind = "logged" if trace.is_log else "planned"
        rows.append(element("tr", element("th", label, scope="row"), *cells, data_row=number, class_=kind))
    return element("table", element("thead", rows[0]), element("tbody", *rows[1:]), class_="legend")


def _value(values: FloatArray | None, at: int | None) -> str:
    return NONE if values is None or at is None else format_number(float(values[at]))


# --- What the page's script reads -------------------------------------------------------------------------------------


def _data(chart: Chart, plans: Sequence[PagePlan], read: Readout) -> dict[str, object]:
    """Return the values of all curves as people read them, in texts with spaces between, which are short."""
    return {
        "across": chart.across,
        "steps": _integers(chart.steps.tolist()),
        "perEpoch": chart.steps_per_epoch,
        "at": read.index,
        "afterTheEnd": AFTER_THE_END,
        "phases": [[[phase.name, phase.last_step] for phase in plan.schedule.phases] for plan in plans],
        "curves": [
            {
                "plan": trace.plan,
                "log": trace.is_log,
                "steps": _integers(trace.steps.tolist()) if trace.is_log else "",
                "lr": _numbers(trace.lr),
                "momentum": "" if trace.momentum is None else _numbers(trace.momentum),
            }
            for trace in chart.traces
        ],
    }


def _integers(values: Iterable[int]) -> str:
    return " ".join(map(str, values))


def _numbers(values: FloatArray) -> str:
    return " ".join(format_number(value) if math.isfinite(value) else NONE for value in values.tolist())
