"""What a file says of one plan, with places for whatever is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.ignores import ignored_codes
from onecycle_cli.config.nodes import Place, place_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext

Places = dict[tuple[str, int | None], Place]
"""By setting (or dotted path) and index in its list, None for the whole: where its value stands."""


WHOLE = ""
"""In places: the block as a whole."""


@dataclass(frozen=True, slots=True)
class Config:
    """A plan as a file gives it: its settings' values, where each stands, and what was found while reading.

    Attributes:
        path: the file, as it is shown.
        text: the file's text.
        values: values by setting.
        places: where values stand.
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
    places: Places = field(default_factory=dict)
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

    @property
    def line(self) -> int:
        """The line in which the plan begins."""
        return self.places[WHOLE, None].line if (WHOLE, None) in self.places else 1

    def place(self, findings: Iterable[Finding]) -> list[Finding]:
        """Give findings their place in the file, drop those that a comment silences, sort by place."""
        placed = _once(self._place(finding) for finding in findings)
        ignored = ignored_codes(self.text) if placed else {}
        kept = [each for each in placed if each.line is None or each.code not in ignored.get(each.line, ())]
        return sorted(kept, key=lambda each: (each.line or 0, each.column or 0, each.code))

    def _place(self, finding: Finding) -> Finding:
        if finding.path is not None:
            return finding
        place = Place(finding.line or 1, finding.column or 1)
        if finding.line is None:
            about = finding.setting or WHOLE
            whole = self.places.get((about, None), self.places.get((WHOLE, None), place))
            place = self.places.get((about, finding.index), whole)
        placed = place_at(finding, place)
        return placed if placed.path is not None else replace(placed, path=self.path)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Say once how a word is written, however many settings stand for it."""
    found: dict[object, Finding] = {}
    for each in findings:
        written = (each.code, each.line, each.column) if each.fix is not None else len(found)
        found.setdefault(written, each)
    return list(found.values())
