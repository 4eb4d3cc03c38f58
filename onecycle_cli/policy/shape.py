"""Where a convention's curve turns, in real steps, so that another convention can be asked to turn there too.

The final rate comes with the last step in PyTorch's family, and one step after it in fastai, optax and OpenPCDet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import (
    fastai,
    mmengine,
    openpcdet,
    optax_linear,
    paddle,
    r_torch,
    smith,
    torch,
)
from onecycle_cli.policy.conventions.family import torch_ends

if TYPE_CHECKING:
    from onecycle_cli.policy.plan import Plan

FAMILY = (torch.NAME, r_torch.NAME, paddle.NAME, mmengine.NAME)
"""The conventions whose last step has the final rate."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A curve's turns, in real steps, and its initial rate's share at the end.

    Attributes:
        source: the convention that the curve is drawn in.
        plan: the numbers that it is drawn from.
        peak: where it peaks.
        turn: where a third phase begins, if there is one.
        end: where the final rate comes.
        final_div: the initial rate / the final rate.
    """

    source: str
    plan: Plan
    peak: float
    turn: float | None
    end: int
    final_div: float


def shape_of(source: str, plan: Plan) -> Shape | None:
    """Find where a convention's curve turns; None for one that other conventions have no settings for."""
    total, rise = plan.total_steps, plan.pct_start * plan.total_steps
    final_div = _final_div(source, plan)
    if source == smith.NAME or final_div is None:
        return None
    if source in FAMILY:
        ends = torch_ends(plan)
        return Shape(source, plan, ends[0], ends[1] if plan.three_phase else None, total - 1, final_div)
    peak = rise if source == fastai.NAME else int(rise)
    turn = int(plan.pct_final * total) if source == optax_linear.NAME else None
    return Shape(source, plan, peak, turn, total, final_div)


def _final_div(source: str, plan: Plan) -> float | None:
    """Give what the initial rate is divided by at the end; None where it ends at 0."""
    if source == openpcdet.NAME:
        return openpcdet.FINAL_DIV
    if plan.final_lr is not None and source in (*FAMILY, fastai.NAME):
        return plan.groups[0].max_lr / plan.div_factor / plan.final_lr if plan.final_lr else None
    return plan.final_div_factor / plan.div_factor if source == fastai.NAME else plan.final_div_factor
