"""Exceptions, each with its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.findings import Finding


BUG = 3
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Exit codes of a process that ends for another reason than an OnecycleError."""


class OnecycleError(Exception):
    """Base class of this package's errors. The message says what is wrong and where, the hint what to do."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        """Store the message and the hint separately, because they are printed separately."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class PlanError(OnecycleError, ValueError):
    """The settings are invalid or have no schedule; `findings` say why, and the message is the first of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Use the first finding's message and hint."""
        message, hint = "the settings make no schedule", ""
        if findings:
            first, others = findings[0], len(findings) - 1
            place = ":".join(str(part) for part in (first.file, first.line) if part is not None)
            more = f" (and {others} more: see `findings`)" if others else ""
            message, hint = f"{place}{': ' if place else ''}{first.code}: {first.message}{more}", first.hint
        super().__init__(message, hint)
        self.findings = tuple(findings)

    def __reduce__(self) -> tuple[type[PlanError], tuple[tuple[Finding, ...]]]:
        """Pickle the findings: the message, which an exception is otherwise made from again, follows from them."""
        return type(self), (self.findings,)


class StepError(OnecycleError, IndexError):
    """The step is outside the cycle."""


class GroupError(OnecycleError, IndexError):
    """The plan has no such parameter group."""
