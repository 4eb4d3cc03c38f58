"""What can go wrong outside this program: its errors, each with the exit code it leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.findings import Finding


class OnecycleError(Exception):
    """Something could not be done; the message says what, where, and the one thing to do."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the message and the hint apart, so that each can be shown in its place."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class PlanError(OnecycleError, ValueError):
    """The settings are invalid, or make no schedule; `findings` say why, and the message is the first of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Take the first finding's words as the message."""
        message, hint = "the settings make no schedule", ""
        if findings:
            message, hint = f"{findings[0].code}: {findings[0].message}", findings[0].hint
        super().__init__(message, hint)
        self.findings = tuple(findings)


class StepError(OnecycleError, IndexError):
    """A step outside the cycle was asked for."""


class GroupError(OnecycleError, IndexError):
    """A parameter group was asked for that the plan does not have."""
