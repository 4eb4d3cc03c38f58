"""Configs: text in, plans and findings out. `load` is the one way from files and flags to plans."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.config.files import STDIN_NAME, find_sources, read_source
from onecycle_cli.findings import RULES, Severity
from onecycle_cli.findings.config_rules import NOT_KNOWN
from onecycle_cli.formatting import flag_name
from onecycle_cli.policy.checks.ranges import unsupported
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.validation import validate_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from onecycle_cli.config.composition.library import Library
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.key_paths import Assignment
    from onecycle_cli.config.raw_plan import RawPlan
    from onecycle_cli.config.scaling import Scaling
    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule

DATA = ("dataset_size", "batch_size", "gradient_accumulation", "world_size", "drop_last")

UNREADABLE = frozenset(code for code in RULES if code < "OC1")
"""The codes of files that cannot be read, so that nothing else in them is checked."""

RIVALS: dict[str, tuple[str, ...]] = {
    "total_steps": ("samples", "tokens"),
    "epochs": ("total_steps", "samples", "tokens"),
    "steps_per_epoch": ("total_steps",),
    **dict.fromkeys(DATA, ("total_steps", "steps_per_epoch")),
    "samples": ("total_steps", "epochs", "tokens"),
    "tokens": ("total_steps", "epochs", "samples"),
    "final_lr": ("final_div_factor",),
    "final_div_factor": ("final_lr",),
}
"""By flag: the settings of a file that would otherwise win over it."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Values of settings that make a plan of their own, and the words that name it."""

    words: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked to plan, or to validate.

    Attributes:
        configs: files, `-` for standard input, and with `every_plan` also folders; none for the flags alone.
        conventions: the conventions to plan in; none for the config's own.
        flags: values by setting, which override a config's.
        assignments: `path=value` for each value to set in the configs.
        defaults: assignments of the project, which need not have an effect; `assignments` override them.
        select: codes to report, or their beginnings; all if empty.
        ignore: codes not to report, or their beginnings.
        strict: whether warnings fail, too.
        block: the path of the block to read where a config has several.
        every_plan: read every plan of every file and folder, and go on after a file that cannot be read.
        exclude: patterns of files and folders to leave out.
        exclude_from: the folder that the patterns are relative to; without one, the paths count as they are given.
        only_schedules: skip named files without a one-cycle schedule, too.
        leave_out_unsupported: leave out, with a note, what a convention asked for does not support.
        variations: what distinguishes the plans to make of each config, over its values and the flags.
        scaling: how to scale the peak by the batch.
    """

    configs: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)
    assignments: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    block: str | None = None
    every_plan: bool = False
    exclude: tuple[str, ...] = ()
    exclude_from: str = ""
    only_schedules: bool = False
    leave_out_unsupported: bool = False
    variations: tuple[Variation, ...] = ()
    scaling: Scaling | None = None

    def reports(self, finding: Finding) -> bool:
        """Return whether a finding is asked for. What keeps a file or a plan from being read is always reported."""
        if not (self.select or self.ignore) or finding.code in UNREADABLE:
            return True
        from onecycle_cli.config.project import is_selected

        is_needed = finding.severity is Severity.ERROR and not self.every_plan
        return is_needed or is_selected(finding.code, self.select, self.ignore)


@dataclass(frozen=True, slots=True)
class NamedPlan:
    """A plan without errors, ready to be rendered.

    `stem` names its files, `full_name` is shown in tables, and `label` in legends: it includes the convention if that
    was asked for. `variation` is what distinguishes it from other plans of its config, in words.
    """

    stem: str
    name: str
    label: str
    settings: OneCycle
    schedule: Schedule
    variation: str = ""

    @property
    def full_name(self) -> str:
        """The name, with what distinguishes the plan from others of its config."""
        return f"{self.name} ({self.variation})" if self.variation else self.name


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """One plan as it was loaded.

    Attributes:
        plan: the plan; None if it has errors, or if every plan of the files was asked for.
        settings: its settings; None if the values are not valid settings.
        findings: everything that was found, in the order of the file.
        notes: what was left out, and why.
        file: the file, as it is shown; empty for flags alone.
        source: the file as it was read; None for flags alone.
        in_file: the settings that the file gives.
        flags: the settings that flags give.
        values: what both give, as a config would have it.
        includes: the other files that the file is composed of.
    """

    plan: NamedPlan | None
    settings: OneCycle | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    file: str = ""
    source: Source | None = None
    in_file: Collection[str] = ()
    flags: Collection[str] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    includes: Collection[str] = ()


@dataclass(slots=True)
class Loaded:
    """Everything that was loaded.

    Attributes:
        plans: the plans.
        files: the files that have them.
        given: all files that were asked for, also those without a plan.
        sources: every file that a finding points into.
        readers: for each of these, the file with which it was read, which may be itself.
        skipped: how many files have no one-cycle schedule.
        unreadable: the errors of files that cannot be read.
    """

    plans: list[LoadedPlan] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    sources: dict[str, Source] = field(default_factory=dict)
    readers: dict[str, Source] = field(default_factory=dict)
    skipped: int = 0
    unreadable: list[OnecycleError] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """The findings of all plans, each once."""
        found: dict[tuple[object, ...], Finding] = {}
        for plan in self.plans:
            for each in plan.findings:
                # Aliases lead to one place in several ways: hints differ, and the paths of what is not known.
                message = "" if each.rule is NOT_KNOWN else each.message
                place = each.file, each.line, each.column, each.flag
                found.setdefault(
                    (each.code, each.severity, message, each.setting, each.index, each.needs, *place), each
                )
        return list(found.values())

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the files that have findings, by path."""
        return {path: source.text for path, source in self.sources.items()}


def load(request: Request) -> Loaded:
    """Load every plan asked for: of each config, or of the flags alone, in each convention.

    With `every_plan`, a file in a folder that has no one-cycle schedule is skipped; for a named file that is an
    error, unless `only_schedules` skips it, too. Such errors are in `unreadable`.

    Raises:
        OnecycleError: an assignment has no effect on any plan. Without `every_plan`: a config cannot be read, or does
            not hold exactly one plan.
    """
    loaded = Loaded()
    if not request.configs:
        loaded.plans = _load_plans(None, request)
        return loaded
    from onecycle_cli.config.composition.base_files import includes_one_cycle
    from onecycle_cli.config.composition.library import Library
    from onecycle_cli.config.key_paths import dotted

    assignments = _assignments(request)
    library = Library()
    if request.every_plan:
        is_wanted = partial(includes_one_cycle, library)
        sources = find_sources(
            request.configs, loaded.unreadable.append, request.exclude, is_wanted, request.exclude_from
        )
    else:
        sources = map(read_source, request.configs)
    required = assignments[len(request.defaults) :]
    ineffective: list[tuple[RawPlan, set[str]]] = []
    for source in sources:
        raw = _load_source(loaded, source, assignments, request, library)
        ineffective += [
            (plan, {dotted(given.path) for given in plan.ineffective if given in required})
            for plan in raw
            if plan.readable
        ]
    if ineffective and (unused := set.intersection(*(paths for _, paths in ineffective))):
        from onecycle_cli.config.suggestions import no_effect

        raise no_effect(ineffective[0][0], min(unused))
    _leave_needs_to_children(loaded)
    return loaded


def findings_of(source: Source, request: Request, changed: Source | None = None) -> list[Finding]:
    """Return all findings of a source's plans; `changed` is the source itself or a file in it, with another text."""
    from onecycle_cli.config.composition.library import Library

    loaded = Loaded()
    if changed is not None and changed.path == source.path:
        source = changed
    library = Library([changed] if changed is not None else [])
    _load_source(loaded, source, _assignments(request), replace(request, every_plan=True), library)
    return loaded.findings


def load_text(source: Source, block: str | None = None) -> LoadedPlan:
    """Load the one plan of a text that need not be in its file yet, or the plan of a block.

    Raises:
        OnecycleError: it does not hold exactly one plan.
    """
    from onecycle_cli.config.composition.library import Library

    loaded = Loaded()
    _load_source(loaded, source, (), Request((source.path,), block=block), Library())
    [found] = loaded.plans
    return found


def _assignments(request: Request) -> tuple[Assignment, ...]:
    from onecycle_cli.config.key_paths import read_assignments

    defaults = read_assignments(request.defaults, "the project's set") if request.defaults else ()
    return (*defaults, *read_assignments(request.assignments))


def _leave_needs_to_children(loaded: Loaded) -> None:
    """Drop what a base file lacks if files that include it were read too: they give it, or lack it themselves."""
    included = {path for plan in loaded.plans for path in plan.includes}
    loaded.plans = [
        replace(plan, findings=tuple(found for found in plan.findings if not found.needs))
        if plan.file in included and not plan.includes
        else plan
        for plan in loaded.plans
    ]


def _load_source(
    loaded: Loaded, source: Source, assignments: Sequence[Assignment], request: Request, library: Library
) -> Sequence[RawPlan]:
    """Load the plans of a source; return those of them that were asked for, as they were read."""
    from onecycle_cli.config.block_choice import choose, no_block
    from onecycle_cli.config.reader import read

    plans = read(source, assignments, library)
    loaded.given.add(source.path)
    named = source.named and not request.only_schedules
    if not request.every_plan:
        plans = [choose(plans, request.block)]
    elif plans[0].is_empty and named:
        loaded.unreadable.append(no_block(plans[0]))
        return ()
    elif not named and not any(plan.is_one_cycle for plan in plans):
        loaded.skipped += 1
        return ()
    made = [replace(loaded_plan, source=source) for plan in plans for loaded_plan in _load_plans(plan, request)]
    loaded.files.append(source.path)
    loaded.plans += made
    known = {source.path: source, **{path: other for plan in plans for path, other in plan.others.items()}}
    for path in {finding.file for plan in made for finding in plan.findings}:
        if path in known:
            loaded.sources.setdefault(path, known[path])
            loaded.readers.setdefault(path, source)
    return plans


def _load_plans(raw: RawPlan | None, request: Request) -> list[LoadedPlan]:
    """Load what is asked for of one plan: every variation of it, in each convention."""
    conventions, variations = request.conventions or (None,), request.variations or (Variation("", {}),)
    return [_load_plan(raw, name, variation, request) for name in conventions for variation in variations]


def _load_plan(raw: RawPlan | None, convention: str | None, variation: Variation, request: Request) -> LoadedPlan:
    if raw is not None and not raw.readable:
        found = tuple(finding for finding in raw.all_findings((), ()) if request.reports(finding))
        return LoadedPlan(None, None, found, file=raw.path)
    flags = {**request.flags, **variation.values}
    if convention is not None:
        flags["convention"] = convention
    file, in_file = ("", {}) if raw is None else (raw.path, raw.values)
    values, notes = override(in_file, flags)
    if raw is not None and raw.note:
        notes.insert(0, raw.note)
    if request.leave_out_unsupported and convention is not None:
        notes += _leave_out_unsupported(values, convention)
    if request.scaling is not None:
        notes += request.scaling.scale(values)
    given = dict(values)
    open_warmup = [] if raw is None or not raw.warmups or "pct_start" in flags else _take_warmup(raw, values)
    validated = validate_settings(values, raw.context if raw is not None else None)
    findings = [
        replace(finding, flag=flag_name(finding.setting))
        if finding.setting is not None and finding.setting in flags
        else finding
        for finding in (*open_warmup, *validated.findings)
    ]
    if raw is not None:
        findings = raw.all_findings(findings, flags)
    if not request.every_plan:
        findings = [replace(found, severity=Severity.ERROR) if found.needs else found for found in findings]
    findings = [finding for finding in findings if request.reports(finding)]
    settings, plan = validated.settings, None
    has_errors = any(finding.severity is Severity.ERROR for finding in findings)
    if settings is not None and not request.every_plan and not has_errors:
        stem = "onecycle" if file in ("", STDIN_NAME) else Path(file).stem
        name = settings.name or stem
        asked = ", ".join(word for word in (convention, variation.words) if word)
        label = f"{name} ({asked})" if asked and file else asked or name
        plan = NamedPlan(stem, name, label, settings, settings.schedule(strict=False), variation.words)
    includes = () if raw is None else raw.others.keys()
    return LoadedPlan(
        plan,
        settings,
        tuple(findings),
        tuple(notes),
        file,
        in_file=in_file.keys(),
        flags=flags.keys(),
        values=given,
        includes=includes,
    )


def _take_warmup(raw: RawPlan, values: dict[str, object]) -> list[Finding]:
    """Turn a warm-up in epochs or steps into pct_start; return the finding that says if the whole is not known."""
    from onecycle_cli.policy.plan import find_length

    settings = validate_settings({**values, "max_lr": 1.0}).settings
    length = None if settings is None else find_length(settings)
    total_steps = None if length is None else length.total_steps
    if beyond := raw.cycle_beyond(total_steps):
        return beyond
    found = raw.shares_of_length({**values, "total_steps": total_steps}.get)
    values.update(found)
    # Without a length there is a finding about that, and the warm-up follows from it.
    return [] if found or length is None or "pct_start" in values else raw.open_warmups()


def override(values: Mapping[str, object], flags: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """Return a file's values with flags over them, and a note for each setting of the file that is dropped."""
    merged = {**values, **flags}
    notes = []
    for flag in flags:
        for rival in RIVALS.get(flag, ()):
            if rival in flags or merged.get(rival) is None:
                continue
            if rival == "total_steps" and flag != "epochs" and merged.get("epochs") is None:
                continue  # the flag gives no other length: steps_per_epoch then only numbers the epochs
            notes.append(f"{flag_name(flag)} replaces the file's {rival} ({merged[rival]})")
            del merged[rival]
    return merged, notes


def _leave_out_unsupported(values: dict[str, object], name: str) -> list[str]:
    """Remove the settings that a convention does not support; return a note for each."""
    notes = []
    for setting, reason in list(unsupported(values, CONVENTIONS[name])):
        notes.append(f"{setting} is ignored for {name}: {reason}")
        value = values.pop(setting)
        if isinstance(value, list | tuple) and values.get("groups") is None:
            values["groups"] = len(value)  # an ignored list still defines the number of groups
    return notes
