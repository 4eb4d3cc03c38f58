"""A schedule in a notebook: its chart and its key numbers, a piece of HTML without script."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from onecycle_cli.render.page.assembly import MOST_GROUPS, assemble
from onecycle_cli.render.page.markup import Markup, element
from onecycle_cli.render.page.panels import chart_markup, swatch
from onecycle_cli.render.picture import Curve
from onecycle_cli.render.plan_report import key_facts

if TYPE_CHECKING:
    from onecycle_cli.policy.schedule import Schedule


def schedule_html(schedule: Schedule, name: str, momentum_word: str) -> str:
    """Return a schedule as the output of a notebook's cell, which takes its colours from the notebook."""
    groups = schedule.groups[:MOST_GROUPS]
    curves = [Curve(own, schedule, at, momentum_word) for at, own in enumerate(groups)]
    facts = key_facts(schedule, momentum_word)
    title = name or "one-cycle schedule"
    rows = [
        element("tr", element("th", word, scope="row"), element("td", text), class_=None if word else "oc-more")
        for word, text in facts
    ]
    legend = []
    if len(curves) > 1:
        legend = [
            element("span", swatch(at, is_log=False, has_logs=False), curve.label) for at, curve in enumerate(curves)
        ]
    return element(
        "div",
        element("style", stylesheet("chart.css"), stylesheet("cell.css")),
        element("div", title, class_="oc-title"),
        element("div", *legend, class_="oc-legend") if legend else "",
        chart_markup(assemble([curves]), f"{title}: " + "; ".join(f"{word} {text}".strip() for word, text in facts)),
        element("table", *rows, class_="oc-facts"),
        class_="oc-cell",
    )


def stylesheet(name: str) -> Markup:
    """Return one of the style sheets beside this module."""
    return Markup(resources.files(__package__).joinpath(name).read_text("utf-8"))
