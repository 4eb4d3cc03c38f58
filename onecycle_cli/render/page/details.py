"""The parts of a page beside its chart: what was found, what logs show, and each plan's settings, steps and code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, format_number, shorten
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.check_report import details, headline
from onecycle_cli.render.code import Framework, code
from onecycle_cli.render.findings_report import place_of
from onecycle_cli.render.page.markup import Markup, element
from onecycle_cli.render.plan_report import key_facts, key_steps
from onecycle_cli.render.step_table import columns, table_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.picture import Curve
    from onecycle_cli.run import Verdict

MOST_FOUND = 30
"""Findings that are shown; `onecycle validate` shows all."""

MOST_COLUMNS = 8
"""Columns of the table of steps beside the step and the epoch."""

LONGEST = 600
"""Characters of one message, setting or note: the name of a file or of a group may be very long."""

LONGEST_CODE = 8000


@dataclass(frozen=True, slots=True)
class PagePlan:
    """A plan of the page: its name, settings and curves, and in words where each setting comes from."""

    name: str
    settings: OneCycle
    curves: Sequence[Curve]
    origin: str
    with_all_code: bool

    @property
    def schedule(self) -> Schedule:
        """The plan's schedule."""
        return self.curves[0].schedule

    @property
    def convention(self) -> str:
        """The name of its convention."""
        return convention_of(self.settings).name


@dataclass(frozen=True, slots=True)
class PageLog:
    """A log of the page: its short name and its path, and what comparing it with the first plan gave."""

    name: str
    path: str
    plan: str
    verdict: Verdict
    notes: Sequence[str]


def found_section(findings: Sequence[Finding]) -> Markup:
    """Return the findings about all plans."""
    items = []
    for finding in findings[:MOST_FOUND]:
        place = element("p", shorten(place_of(finding), LONGEST), class_="place") if place_of(finding) else ""
        hint = element("p", "→ ", shorten(finding.hint, LONGEST), class_="advice") if finding.hint else ""
        head = element("p", element("b", f"{finding.severity} {finding.code}"), " ", shorten(finding.message, LONGEST))
        items.append(element("li", head, hint, place, class_=finding.severity.value))
    more = len(findings) - MOST_FOUND
    if more > 0:
        items.append(element("li", f"and {more:,} more: run `onecycle validate`"))
    content = element("ul", *items) if items else element("p", "Nothing found in the settings.", class_="fine")
    return element("section", element("h2", "Findings"), content, class_="card findings")


def log_section(log: PageLog) -> Markup:
    """Return what comparing a log with its plan gave."""
    found = log.verdict
    lines = [element("p", shorten(line.strip(), LONGEST)) for line in details(found)]
    notes = [element("p", shorten(note, LONGEST), class_="note") for note in log.notes]
    pill = element("span", found.verdict, class_=f"pill {found.verdict}")
    return element(
        "section",
        element("h2", pill, shorten(log.name, 200)),
        element("p", headline(found, log.plan), class_="headline"),
        *lines,
        *notes,
        element("p", shorten(log.path, LONGEST), class_="place") if log.path != log.name else "",
        class_="card log",
    )


def summary_section(plans: Sequence[PagePlan]) -> Markup:
    """Return the key numbers of one plan, or of each of several the rates and where its peak is."""
    if len(plans) == 1:
        return element("section", element("h2", "Summary"), _facts(plans[0]), class_="card")
    items = []
    for plan in plans:
        first = summarize(plan.schedule, 0)
        rates = " → ".join(map(format_number, (first.initial_lr, first.peak_lr, first.final_lr)))
        text = f"{count(plan.schedule.total_steps, 'step')}, lr {rates}, peak at step {first.peak_step:,}"
        items.append(element("li", element("b", shorten(plan.name, 80)), element("p", text)))
    return element("section", element("h2", "Summary"), element("ul", *items), class_="card")


def plan_section(plan: PagePlan, *, alone: bool) -> Markup:
    """Return the steps that matter of a plan, its settings and its code; its summary, too, if it is not alone."""
    word = plan.curves[0].momentum_word
    facing = [
        element("section", element("h3", "Key steps"), _steps(plan, word)),
        element("section", element("h3", "Settings"), _settings(plan)),
    ]
    if not alone:
        facing.insert(0, element("section", element("h3", "Summary"), _facts(plan)))
    code_part = element("section", element("h3", "Code"), *_code(plan), class_="code")
    heading = [] if alone else [element("h2", shorten(plan.name, 80))]
    parts = element("div", element("div", *facing, class_="facing"), code_part, class_="parts")
    return element("section", *heading, parts, class_="plan")


def _facts(plan: PagePlan) -> Markup:
    facts = key_facts(plan.schedule, plan.curves[0].momentum_word)
    items = [(element("dt", shorten(name, 60)), element("dd", shorten(text, LONGEST))) for name, text in facts]
    return element("dl", *(part for item in items for part in item))


def _settings(plan: PagePlan) -> Markup:
    """Return every setting in effect with where it comes from, as `onecycle show --verbose` does."""
    rows = []
    for line in plan.origin.splitlines():
        name, _, rest = line.partition(" ")
        value, _, origin = rest.strip().partition("  ")
        cells = [element("td", shorten(value, 200)), element("td", shorten(origin.strip(), 200), class_="soft")]
        rows.append(element("tr", element("th", name, scope="row"), *cells))
    return element("div", element("table", element("tbody", *rows), class_="settings"), class_="scroll")


def _steps(plan: PagePlan, word: str) -> Markup:
    schedule = plan.schedule
    names = columns(schedule)
    shown = [name for name in names if name in ("step", "epoch")]
    shown += [name for name in names if name not in shown][:MOST_COLUMNS]
    titles = [shorten(name.replace("momentum", word, 1) if name.startswith("momentum") else name, 40) for name in shown]
    rows = []
    for row in table_rows(schedule, key_steps(schedule)):
        cells = [f"{row[name]:,}" if name in ("step", "epoch") else format_number(row[name]) for name in shown]
        phase = next(phase.name for phase in schedule.phases if row["step"] <= phase.last_step)
        rows.append(element("tr", *(element("td", cell) for cell in cells), element("td", phase, class_="soft")))
    head = element("tr", *(element("th", title, scope="col") for title in [*titles, "phase"]))
    caption = element("caption", f"{plan.name}: {count(len(rows), 'step')} of {schedule.total_steps:,}", class_="aural")
    table = element("table", caption, element("thead", head), element("tbody", *rows), class_="steps")
    return element("div", table, class_="scroll")


def _code(plan: PagePlan) -> list[Markup]:
    """Return the plan as code: for every framework, one of which is shown, or for its own only."""
    frameworks: tuple[Framework, ...] = get_args(Framework)
    own = next((name for name in frameworks if name == plan.convention), frameworks[0])
    snippets = {}
    for framework in frameworks if plan.with_all_code else (own,):
        try:
            snippets[framework] = code(framework, plan.name, plan.settings, plan.schedule)
        except OnecycleError as error:
            snippets[framework] = f"# {error.message}\n"
    options = [element("option", name, value=name, selected=name == own) for name in snippets]
    choice = element("select", *options, aria_label="framework", class_="script")
    copy = element("button", "Copy", type="button", class_="script")
    texts = [
        element(
            "div",
            element("p", name, class_="framework"),
            element("pre", element("code", shorten(text, LONGEST_CODE)), tabindex=0),
            data_framework=name,
            class_="snippet shown" if name == own else "snippet",
        )
        for name, text in snippets.items()
    ]
    return [element("div", choice, copy, class_="choice"), *texts]
