"""What a convention is: one framework's arithmetic and defaults, in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Defaults, Plan
    from onecycle_cli.policy.ramps import Phase


class Convention(Protocol):
    """The names that a convention's module holds; its docstring is the manual page.

    LACKS says, by setting, why the framework has none such.
    """

    NAME: str
    FRAMEWORK: str
    DEFAULTS: Defaults
    LACKS: Mapping[str, str]

    def phases(self, plan: Plan) -> tuple[Phase, ...]:
        """Cut the cycle into phases with their ramps, in order, covering the steps 0 … T-1.

        Raises ZeroDivisionError where the framework's arithmetic divides by zero.
        """

    def judge(self, plan: Plan) -> Iterator[Finding]:
        """Find what the framework fails on, or gets wrong, in this plan."""
