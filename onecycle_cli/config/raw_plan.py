"""A plan as a file gives it: values that are not validated yet, and the places for what is found in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.config.loaders import OMEGACONF, OURS
from onecycle_cli.config.nodes import TOP, SequenceNode, is_merge, place_at
from onecycle_cli.config.setting_values import read_value
from onecycle_cli.findings import Fix, Severity
from onecycle_cli.findings.config_rules import DECIDED_ELSEWHERE, DUPLICATE_KEY, MISSING_SETTING, NOT_KNOWN, UNKNOWN_KEY
from onecycle_cli.findings.plan_rules import LENGTHS_DISAGREE, NO_LENGTH
from onecycle_cli.formatting import flag_name, shorten
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.conventions.base import fraction_of
from onecycle_cli.policy.settings import MOST_STEPS, SETTINGS
from onecycle_cli.policy.validation import LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from onecycle_cli.config.files import Source
    from onecycle_cli.config.key_paths import Assignment, Unknown
    from onecycle_cli.config.loaders import Loader
    from onecycle_cli.config.nodes import MappingNode, Node, Place, ScalarNode
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext

KEY_SETTINGS = frozenset(
    {
        "max_lr", "total_steps", "pct_start", "anneal_strategy", "cycle_momentum", "base_momentum",
        "max_momentum", "div_factor", "final_div_factor", "three_phase",
    }
)  # fmt: skip
"""Keys that distinguish a config of ours, or a schedule's block, from any other YAML file."""

ALIASES = {
    **{alias: name for convention in CONVENTIONS.values() for name, alias in convention.aliases.items()},
    "final_learning_rate": "final_lr",
    "learning_rate": "max_lr",
    "lr": "max_lr",
    "lr_max": "max_lr",
    "max_learning_rate": "max_lr",
    "max_steps": "total_steps",
    "min_lr": "final_lr",
    "max_epochs": "epochs",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "num_gpus": "world_size",
    "accumulate_grad_batches": "gradient_accumulation",
    "gradient_accumulation_steps": "gradient_accumulation",
    "num_training_steps": "total_steps",
    "peak_lr": "max_lr",
    "strategy": "anneal_strategy",
    "warmup_pct": "pct_start",
}
"""What frameworks, trainers and other programs call our settings."""

MOST_SUGGESTIONS = 200
"""Findings of a file after which unknown keys are reported without the nearest setting, which takes time to find."""

MOST_SAID = 4
"""Values of a call that are named of those that are known only at run time."""

LONGEST_KEY = 24
"""Characters above which a key is not taken for a mistyped setting."""

CLOSE = 0.85
"""difflib's ratio from which on a key is taken for a mistyped setting: about one letter in ten may be wrong."""

NEAR = 0.61
"""difflib's ratio from which on a setting is suggested for an unknown key; weight_decay and lr_decay have 0.6."""

OPEN = (NOT_KNOWN, DECIDED_ELSEWHERE)
"""Rules about settings that a flag may give."""

_IGNORE = re.compile(r"(?:^|\s)#\s*onecycle:\s*ignore\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Warmup:
    """A warm-up that is given as a length: how long, under which key, and where."""

    length: float
    key: str
    place: Place

    def shares(self, whole: int) -> dict[str, float]:
        """Return the settings that follow once the whole length is known."""
        return {"pct_start": self.length / whole}


@dataclass(frozen=True, slots=True)
class StepCycle(Warmup):
    """A cycle that is given in steps: how many it has, and by what the initial rate decays per step after it."""

    cycle: int
    decay: float

    def shares(self, whole: int) -> dict[str, float]:
        """Return the settings that follow once the whole length is known."""
        return {
            "pct_start": fraction_of(int(self.length), whole),
            "pct_final": fraction_of(self.cycle, whole),
            "final_div_factor": 1 + self.decay * max(whole - self.cycle, 0),
        }


@dataclass(frozen=True, slots=True)
class RawPlan:
    """One plan of a file, as it is read.

    Attributes:
        path: the file, as it is shown.
        text: the file's text.
        values: values by setting.
        begin: where the plan begins.
        places: where the settings' values are, by setting and index in its list, None for the whole.
        open: the values that are known only at run time, by setting.
        keys: where other values of a training config are, by dotted path.
        warmups: lengths of the warm-up, by the setting of the whole length in the same unit.
        findings: what was found while reading.
        readable: False where the file gives no settings.
        is_one_cycle: False where nothing speaks of a one-cycle schedule.
        block: in a training config, the dotted path of the schedule's block ("" at the root); None in our own.
        arguments: the dotted path of the block's arguments, where `--set` gives them.
        context: what a training config says beside its schedule; None in our own.
        root: the file's tree, with the files in it; None where it cannot be read.
        others: the other files of which it is composed, by path.
        note: what it was read with, if that is not the file alone.
        foreign: what `--set` gives at paths that the file neither contains nor names.
        used: the flags of what `--set` gives and the search for the plan read.
        loader: the program that loads the file.
        is_call: whether it is a call in a script.
    """

    path: str
    text: str
    values: dict[str, object] = field(default_factory=dict)
    begin: Place = TOP
    places: dict[tuple[str, int | None], Place] = field(default_factory=dict)
    open: dict[str, Unknown] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    warmups: dict[str, Warmup] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    readable: bool = True
    is_one_cycle: bool = True
    block: str | None = None
    arguments: str = ""
    context: TrainingContext | None = None
    root: MappingNode | None = None
    others: Mapping[str, Source] = field(default_factory=dict)
    note: str = ""
    foreign: tuple[Assignment, ...] = ()
    used: Collection[str] = frozenset()
    loader: Loader = OURS
    is_call: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the file contains no schedule and no error."""
        has_errors = any(finding.severity is Severity.ERROR for finding in self.findings)
        return not (self.readable or self.is_one_cycle or has_errors)

    @property
    def ineffective(self) -> list[Assignment]:
        """What `--set` gives and nothing reads; nearly the path of a reference is not that path."""
        places = {self.begin, *self.places.values(), *self.keys.values()}
        used = {place.flag for place in places} | {finding.flag for finding in self.findings} | {*self.used}
        open_paths = [unknown.path for unknown in self.open.values()]
        return [
            given
            for given in self.foreign
            if given.node.place.flag not in used or get_close_matches(".".join(given.path), open_paths, 1, 0.95)
        ]

    def leave_open(self, setting: str, unknown: Unknown, value: str = "") -> Finding:
        """Note that a setting's value is known only at run time; return the finding that says so.

        `value` is an example of what to put at the path, if that is not the setting itself.
        """
        self.places[setting, None] = unknown.place
        self.open[setting] = unknown
        example = unknown.default or SETTINGS[setting].example
        flag = flag_name(setting) + ("" if SETTINGS[setting].single is bool else f" {example}")
        flags = f" or {flag}" if SETTINGS[setting].has_flag else ""
        named = setting if unknown.index is None else f"{setting}[{unknown.index}]"
        message = f"{named} is {shorten(unknown.written or 'empty', 60)}: {unknown.why}"
        if self.loader is OMEGACONF and unknown.written.startswith("${oc.env:") and SETTINGS[setting].single is not str:
            message += f"; oc.env gives text, and ${{oc.decode:{unknown.written}}} a number"
        hint = f"use --set {unknown.path}={value or example}{flags}"
        severity = Severity.ERROR if unknown.is_mistake else None
        finding = NOT_KNOWN.finding(message, hint, setting, unknown.index, needs=setting, severity=severity)
        return place_at(finding, unknown.place)

    def shares_of_length(self, total: Callable[[str], object]) -> dict[str, float]:
        """Return the pct_start of a warm-up in epochs or steps, if the whole length in them is known."""
        for whole, warmup in self.warmups.items():
            length = total(whole)
            if isinstance(length, int) and 1 <= length <= MOST_STEPS:
                found = warmup.shares(length)
                self.places.update(((setting, None), warmup.place) for setting in found)
                return found
        return {}

    def cycle_beyond(self, total_steps: int | None) -> list[Finding]:
        """Return the finding for a cycle in steps that the run is too short for."""
        cycle = self.warmups.get("total_steps")
        if not isinstance(cycle, StepCycle) or total_steps is None or cycle.cycle <= total_steps:
            return []
        message = f"the cycle has {cycle.cycle:,} steps, but the run ends after {total_steps:,}"
        hint = f"train {cycle.cycle:,} steps, or set smaller step sizes"
        return [place_at(LENGTHS_DISAGREE.finding(message, hint, severity=Severity.ERROR), cycle.place)]

    def open_warmups(self) -> list[Finding]:
        """Return the findings about warm-ups whose share of the cycle is not known."""
        return [
            place_at(
                NOT_KNOWN.finding(
                    f"pct_start is {warmup.key} / {whole}, {warmup.length:g} / ?: {whole} is not given",
                    f"use {flag_name(whole)} {SETTINGS[whole].example} or {flag_name('pct_start')} 0.3",
                    "pct_start",
                    needs="pct_start",
                ),
                warmup.place,
            )
            for whole, warmup in self.warmups.items()
        ]

    def take(self, setting: str, node: Node) -> list[Finding]:
        """Note a setting's value and its place; return what is found in how it is written."""
        value, findings = read_value(setting, node, self.loader)
        self.values[setting] = value
        self.places[setting, None] = node.place
        if isinstance(node, SequenceNode):
            self.places.update(((setting, at), item.place) for at, item in enumerate(node.items))
        return [
            finding if finding.line else place_at(finding, self.places[setting, finding.index]) for finding in findings
        ]

    def all_findings(self, validated: Iterable[Finding], flags: Collection[str]) -> list[Finding]:
        """Return what was found in reading and in validation, in the order of the file, without ignored ones.

        An error about a value known only at run time is dropped if a flag sets it or if the length is known without it.
        """
        found = list(validated)
        length_known = all(finding.rule is not NO_LENGTH for finding in found)
        given = {*flags, *LENGTH} if length_known else {*flags}
        read = [finding for finding in self.findings if finding.rule not in OPEN or finding.setting not in given]
        unknown = {finding.setting for finding in read if finding.rule is NOT_KNOWN}
        if not unknown.isdisjoint(LENGTH):
            found = [finding for finding in found if finding.rule is not NO_LENGTH]
        if "max_lr" in unknown:
            found = [finding for finding in found if finding.rule is not MISSING_SETTING]
        if self.block is not None:
            read = [self._with_steps_hint(finding, flags) for finding in read]
            found = [self._at_run_time(finding) for finding in found]
        all_found = self._with_one_need([*read, *found]) if self.is_call else [*read, *found]
        placed = _without_repeated_fixes(self._place(finding) for finding in all_found)
        texts = {self.path: self.text, **{path: source.text for path, source in self.others.items()}}
        ignored = {file: _ignored_codes(texts.get(file or "", "")) for file in {finding.file for finding in placed}}
        kept = [finding for finding in placed if finding.code not in ignored[finding.file].get(finding.line or 0, ())]
        return sorted(kept, key=self._order)

    def _with_one_need(self, findings: list[Finding]) -> list[Finding]:
        """Say in one finding what a script's call has only at run time, with all the flags that give it."""
        open_ones = [finding for finding in findings if finding.needs and finding.severity is Severity.INFO]
        if not open_ones:
            return findings
        open_ones.sort(key=lambda finding: [*SETTINGS].index(str(finding.needs)))
        needs = [str(finding.needs) for finding in open_ones]
        if "epochs" in needs and "steps_per_epoch" not in needs and "steps_per_epoch" not in self.values:
            needs.insert(needs.index("epochs") + 1, "steps_per_epoch")
        flags = [
            flag_name(name) + ("" if SETTINGS[name].single is bool else f" {SETTINGS[name].example}") for name in needs
        ]
        length = [name for name in needs if name in LENGTH]
        merged = replace(
            open_ones[0],
            hint=f"use {' '.join(flags)}",
            needs=length[0] if len(length) == 1 else "total_steps" if length else needs[0],
        )
        if len(open_ones) > 1:
            texts = [finding.message.partition(": it is computed")[0] for finding in open_ones]
            said = [text.rpartition("is known only at run time: ")[2] for text in texts]
            more = [f"{len(said) - MOST_SAID} more"] if len(said) > MOST_SAID else []
            message = f"known only at run time: {'; '.join([*said[:MOST_SAID], *more])}"
            merged = replace(merged, message=message, line=self.begin.line, column=self.begin.column)
        return [merged, *(finding for finding in findings if finding not in open_ones)]

    def _order(self, finding: Finding) -> tuple[bool, str, int, int, str]:
        is_elsewhere = finding.file != self.path
        return is_elsewhere, finding.file or "", finding.line or 0, finding.column or 0, finding.code

    def _with_steps_hint(self, finding: Finding, flags: Collection[str]) -> Finding:
        """Say with unknown epochs that the steps of an epoch are not given either."""
        if finding.rule is not NOT_KNOWN or finding.setting != "epochs":
            return finding
        if "steps_per_epoch" in flags or self.values.get("steps_per_epoch") is not None:
            return finding
        if "dataset_size" in self.values or any(other.setting == "steps_per_epoch" for other in self.findings):
            return finding
        return replace(finding, hint=f"{finding.hint}, and --steps-per-epoch 100; or only --total-steps 1000")

    def _at_run_time(self, finding: Finding) -> Finding:
        """Say that a training config's program has a missing length or peak when it runs, and how to give it here."""
        known = finding.setting
        if finding.rule is MISSING_SETTING:
            missing = "max_lr"
        elif finding.rule is NO_LENGTH and finding.message.startswith(NO_LENGTH.title):  # else it makes no batch
            missing = "steps_per_epoch" if self.values.get("epochs") else "total_steps"
            known = known or next(
                (name for name in ("total_steps", "steps_per_epoch") if (name, None) in self.places), None
            )
        else:
            return finding
        what, why = "the length", finding.message.removeprefix("no length: ")
        example = SETTINGS[missing].example
        context = self.context
        if missing == "max_lr":
            what, why = "the peak", "max_lr is not given"
        elif missing == "total_steps" and context is not None and context.epochs and context.unit == "epoch":
            example = str(context.epochs.value)
            why = f"{context.epochs.path} is {context.epochs.value:,}, and the scheduler is stepped once per epoch"
        path = f"{self.arguments}.{missing}" if self.arguments else missing
        return replace(
            finding,
            message=f"{what} is known only at run time: {why}",
            hint=f"use {flag_name(missing)} {example} or --set {path}={example}",
            setting=known,
            needs=missing,
            severity=Severity.INFO,
        )

    def _place(self, finding: Finding) -> Finding:
        if finding.file is None:
            finding = replace(finding, file=self.path)
        if finding.flag is not None or finding.line is not None:
            return finding
        if finding.key is not None:
            place = self.keys.get(finding.key, self.begin)
        else:
            setting = finding.setting or ""
            whole = self.places.get((setting, None), self.begin)
            place = self.places.get((setting, finding.index), whole)
        if finding.rule is NO_LENGTH and place.file not in (None, self.begin.file or self.path):
            place = self.begin  # the block lacks it, and not the file with the rest of the length
        return place_at(finding, replace(place, file=place.file or self.path))


def resembles_key_setting(key: str) -> bool:
    """Return whether a key is a key setting, mistyped or not."""
    if len(key) > LONGEST_KEY:
        return False
    letters = {*key}
    # The ratio counts the letters that two words share, so one with too many of its own letters missing is not close.
    close = [name for name in KEY_SETTINGS if len({*name} - letters) <= len(name) - CLOSE * (len(name) + len(key)) / 2]
    return bool(close and get_close_matches(key, close, 1, CLOSE))


def meant(key: str) -> str | None:
    """Return the setting that a foreign or mistyped key probably means."""
    plain = key.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in SETTINGS:
        return plain
    return ALIASES.get(plain) or next(iter(get_close_matches(plain[:60], SETTINGS, 1, NEAR)), None)


def unknown_key(key: ScalarNode, given: set[str], before: int = 0) -> Finding:
    """Return the finding for a key that is not a setting; `given` are the keys beside it.

    After many findings, as `before` counts them, the nearest setting is not looked for any more.
    """
    if is_merge(key):
        hint = "merge a mapping, such as one under an anchor: <<: *base"
        return place_at(UNKNOWN_KEY.finding("unknown key '<<'", hint), key.place)
    text, near = key.text, meant(key.text) if before < MOST_SUGGESTIONS else None
    hint = f"did you mean {near}?" if near else "remove it; `onecycle schema` lists the settings"
    finding = place_at(UNKNOWN_KEY.finding(f"unknown key {shorten(text, 60)!r}", hint), key.place)
    # A mistyped key is fixed if it can mean one setting only, and that is not given itself.
    close = near and get_close_matches(text[:LONGEST_KEY].lower().replace("-", "_"), SETTINGS, 2, 0.8)
    if near is None or close != [near] or near in given or len(text) > LONGEST_KEY:
        return finding
    given.add(near)  # of two keys mistyped for one setting, only the first may become it
    return replace(finding, fix=Fix(text, near))


def duplicate(key: ScalarNode, first: Place) -> Finding:
    """Return the finding for a duplicate key."""
    message = f"duplicate key {key.text}: lines {first.line} and {key.place.line}; PyYAML keeps the last"
    return place_at(DUPLICATE_KEY.finding(message, "remove one of the two"), key.place)


def _without_repeated_fixes(findings: Iterable[Finding]) -> list[Finding]:
    """Keep one finding about how a word is written, however many settings refer to it."""
    found: dict[object, Finding] = {}
    for finding in findings:
        written = (finding.code, finding.file, finding.line, finding.column) if finding.fix is not None else len(found)
        found.setdefault(written, finding)
    return list(found.values())


def _ignored_codes(text: str) -> dict[int, frozenset[str]]:
    """Return the codes that comments silence, by line: `# onecycle: ignore[OC104]`, or several with commas."""
    if "ignore[" not in text:
        return {}
    comments = ((number, _IGNORE.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return {
        number: frozenset(code.strip() for code in comment[1].split(",")) for number, comment in comments if comment
    }
