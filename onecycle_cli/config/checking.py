"""Many files checked in one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onecycle_cli.config.files import find_sources
from onecycle_cli.config.native import Config, read_config, tells_of_a_schedule
from onecycle_cli.policy.admission import admit

if TYPE_CHECKING:
    from onecycle_cli.config.files import Source
    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.findings import Finding


@dataclass(slots=True)
class Checked:
    """What a run over files gave: findings by file and place, and the texts of the files that have any."""

    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    files: int = 0
    skipped: int = 0
    unreadable: list[OnecycleError] = field(default_factory=list)


def check(paths: list[str]) -> Checked:
    """Check every file named, and every config in every folder named.

    A file in a folder that has no one-cycle settings is counted as skipped. A file that cannot be read does not keep
    the others from being checked.
    """
    checked = Checked()
    for source in find_sources(paths, checked.unreadable.append):
        config = read(source)
        if not source.named and not config.is_ours:
            checked.skipped += 1
            continue
        checked.files += 1
        judged = admit(config.values).findings if config.readable else ()
        found = config.place([*config.findings, *judged])
        if found:
            checked.findings += found
            checked.texts[source.path] = source.text
    return checked


def read(source: Source) -> Config:
    """Read a source as a config; what keeps it from being text is a finding like any other."""
    if source.finding is not None:
        is_ours = tells_of_a_schedule(source.text)
        return Config(source.path, source.text, findings=(source.finding,), readable=False, is_ours=is_ours)
    return read_config(source.path, source.text)
