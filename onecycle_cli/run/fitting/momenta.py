"""The momenta of a draft, each the shortest decimal with which all values are still met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.run.fitting.numbers import cost, decimals, first_fit, neighbours
from onecycle_cli.run.fitting.part import Part, is_told
from onecycle_cli.run.fitting.solving import solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.drafts import Draft
    from onecycle_cli.run.fitting.evidence import Column


def momenta_of(draft: Draft, design: FloatArray, columns: Sequence[Column], limit: float) -> Part:
    """Find the momenta of each group; one number where all groups have the same."""
    if not columns:
        return Part({}, 0.0)
    defaults = CONVENTIONS[draft.convention].defaults
    names = ("max_momentum", "base_momentum", "final_momentum")[: design.shape[1]]
    usual = (defaults.max_momentum, defaults.base_momentum, None)
    found: dict[str, list[float]] = {name: [] for name in names}
    undetermined = set()
    for column in columns:
        known: dict[int, float] = {}
        # The lowest first: it is the peak's, which nearly every log tells.
        for at in sorted(range(len(names)), key=lambda each: each != 1):
            known[at], told = _momentum(design, column, known, at, usual[at], limit)
            found[names[at]].append(known[at])
            if not told:
                undetermined.add(names[at])
    settings = {name: values[0] if len(set(values)) == 1 else values for name, values in found.items()}
    spent = sum(cost(value, usual[at]) for at, name in enumerate(names) for value in set(found[name]))
    return Part({"cycle_momentum": True, **settings}, spent, frozenset(undetermined))


def _momentum(
    design: FloatArray, column: Column, known: dict[int, float], at: int, usual: float | None, limit: float
) -> tuple[float, bool]:
    """Find one momentum of a group, and whether the log tells it."""
    solution = solve(design, column, known)
    estimate = solution.corners[at]
    tried = (*(() if usual is None else (usual,)), *decimals(estimate), *neighbours(estimate))
    value = first_fit(tried, lambda each: solve(design, column, {**known, at: each}).misfit, limit)
    return (estimate if value is None else value), is_told(solution, at)
