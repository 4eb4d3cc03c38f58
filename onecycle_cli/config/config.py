"""What a file says of one plan, with places for whatever is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.ignores import ignored_codes
from onecycle_cli.config.nodes import TOP, Place, place_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext

Places = dict[tuple[str, int | None], Place]
"""By setting and index in its list, None for the whole: where its value is."""


@dataclass(frozen=True, slots=True)
class Config:
    """A plan as a file gives it: its settings' values, where each stands, and what was found while reading.

    Attributes:
        path: the file, as it is shown.
        text: the file's text.
        values: values by setting.
        begin: where the plan begins.
        places: where the settings' values are.
        keys: where other values of a training config are, by dotted path.
        findings: what was found while reading.
        readable: False where there is no mapping of settings to judge.
        is_ours: False where nothing tells of a one-cycle schedule.
        block: in a training config, the dotted path of the schedule's block ("" at the root); None in ours.
        arguments: the dotted path of the block's arguments, under which `--set` gives them.
        surroundings: what a training config says beside its schedule; None in ours.
        unused: paths given by `--set` that the file has not, and that nothing in it refers to.
    """

    path: str
    text: str
    values: dict[str, object] = field(default_factory=dict)
    begin: Place = TOP
    places: Places = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    readable: bool = True
    is_ours: bool = True
    block: str | None = None
    arguments: str = ""
    context: TrainingContext | None = None
    unused: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the file holds no schedule, and nothing that is wrong."""
        return not (self.readable or self.is_ours or self.findings)

    def place(self, findings: Iterable[Finding]) -> list[Finding]:
        """Give findings their place in the file, drop those that a comment silences, sort by place."""
        placed = _once(self._place(finding) for finding in findings)
        ignored = ignored_codes(self.text) if placed else {}
        kept = [each for each in placed if each.line is None or each.code not in ignored.get(each.line, ())]
        return sorted(kept, key=lambda each: (each.line or 0, each.column or 0, each.code))

    def _place(self, finding: Finding) -> Finding:
        finding = replace(finding, file=self.path)
        if finding.flag is not None or finding.line is not None:
            return finding
        if finding.key is not None:
            return place_at(finding, self.keys.get(finding.key, self.begin))
        setting = finding.setting or ""
        whole = self.places.get((setting, None), self.begin)
        return place_at(finding, self.places.get((setting, finding.index), whole))


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Say once how a word is written, however many settings stand for it."""
    found: dict[object, Finding] = {}
    for each in findings:
        written = (each.code, each.line, each.column) if each.fix is not None else len(found)
        found.setdefault(written, each)
    return list(found.values())
