"""Many files checked in one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onecycle_cli.config.files import find_sources
from onecycle_cli.config.judging import findings_of
from onecycle_cli.config.overrides import override
from onecycle_cli.config.reading import no_block, read
from onecycle_cli.policy.validation import validate_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onecycle_cli.config.config import Config
    from onecycle_cli.config.dotted import Given
    from onecycle_cli.config.files import Source
    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.findings import Finding


@dataclass(slots=True)
class Checked:
    """What a run over files gave: findings by file and place, the files, and the sources of those that have any."""

    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    skipped: int = 0
    unreadable: list[OnecycleError] = field(default_factory=list)

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the files that have findings, by path."""
        return {path: source.text for path, source in self.sources.items()}


def check(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    only_schedules: bool = False,
    given: Sequence[Given] = (),
    flags: Mapping[str, object] | None = None,
) -> Checked:
    """Check every file named, and every config in every folder named, with `given` and `flags` laid over each.

    A file in a folder that has no one-cycle schedule is counted as skipped; one that is named is an error, unless
    `only_schedules` passes over it too. A file that cannot be read does not keep the others from being checked.
    """
    checked = Checked()
    for source in find_sources(paths, checked.unreadable.append, exclude):
        configs = read(source, given)
        named = source.named and not only_schedules
        if configs[0].is_nothing and named:
            checked.unreadable.append(no_block(source.path))
            continue
        if not named and not any(config.is_ours for config in configs):
            checked.skipped += 1
            continue
        checked.files.append(source.path)
        _note(checked, source, [found for config in configs for found in judged(config, flags or {})])
    return checked


def judged(config: Config, flags: Mapping[str, object]) -> list[Finding]:
    """Give all findings of one plan, in their places."""
    if not config.readable:
        return config.place(config.findings)
    values, _ = override(config.values, flags)
    return config.place(findings_of(config, validate_settings(values), flags))


def _note(checked: Checked, source: Source, findings: list[Finding]) -> None:
    if findings:
        checked.findings += findings
        checked.sources[source.path] = source
