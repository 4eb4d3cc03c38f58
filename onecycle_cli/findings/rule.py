"""A rule of ours, and a finding: one place where a rule does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error stops the commands, a warning stops only `--strict`."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Fix:
    """A safe change that mends a finding: the word that stands at its place, and the word to write instead."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about one place; `setting` and `index` name what it is about.

    `line` and `column` are 1-based; `path`, `line` and `column` are None where no file is concerned. `mend` is there
    where a program may mend it without asking.
    """

    rule: Rule
    message: str
    hint: str
    setting: str | None = None
    index: int | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    fix: Fix | None = None

    @property
    def code(self) -> str:
        """The stable code, such as ``OC101``."""
        return self.rule.code

    @property
    def severity(self) -> Severity:
        """The rule's severity."""
        return self.rule.severity


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means: a page for `onecycle explain`, with a config that breaks it and one that does not."""

    code: str
    severity: Severity
    title: str
    means: str
    example: str
    fixed: str

    def finding(self, message: str, hint: str, setting: str | None = None, index: int | None = None) -> Finding:
        """Make a finding of this rule about one setting (or one item of its list)."""
        return Finding(self, message, hint, setting, index)
