"""A rule, and a finding: one violation of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Severity(StrEnum):
    """Severity of a finding: errors stop a command; warnings fail only with `--strict`."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Fix:
    """A safe edit that fixes a finding: the word at its place, and its replacement."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about a plan. Every field has one meaning, and is None where it does not apply.

    Attributes:
        rule: the rule that is broken, with the code.
        severity: how severe this case is; mostly its rule's severity.
        message: what is wrong, with the numbers in it.
        hint: the one thing to do.
        setting: the setting it is about, such as ``max_lr``.
        index: which item of the setting's list, from 0.
        key: the dotted path of the value it is about, if that is outside the schedule in a training config.
        needs: the setting that a plan needs here, and that a training program has only at run time.
        file: the file it was found in, as the user named it.
        line: the line in that file, from 1.
        column: the column in that line, in characters, from 1.
        flag: what the user typed, where the value comes from the command line: ``--max-lr``, ``--set a.b=1``.
        fix: the edit that fixes it, if it is safe to make without asking.
    """

    rule: Rule
    severity: Severity
    message: str
    hint: str
    setting: str | None = None
    index: int | None = None
    key: str | None = None
    needs: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    flag: str | None = None
    fix: Fix | None = None

    @property
    def code(self) -> str:
        """The stable code, such as ``OC101``."""
        return self.rule.code


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means: a page for `onecycle explain`, with a config that breaks it and one that does not.

    `severity` is that of most cases; a finding may have another one, and then `means` says when.
    """

    severity: Severity
    code: str
    title: str
    means: str
    example: str
    fixed: str

    def finding(
        self,
        message: str,
        hint: str,
        setting: str | None = None,
        index: int | None = None,
        *,
        key: str | None = None,
        needs: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding of this rule about a setting (or an item of its list), or about another key of the file."""
        return Finding(self, severity or self.severity, message, hint, setting, index, key, needs)


error = partial(Rule, Severity.ERROR)
warning = partial(Rule, Severity.WARNING)
info = partial(Rule, Severity.INFO)
