"""What was recovered from a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.run.verdict import Tolerance


@dataclass(frozen=True, slots=True)
class Fitted:
    """The settings that a log was made with, as far as it tells them.

    Attributes:
        settings: our settings with their values; what is not told and not needed is left out.
        offset: what is added to a logged step to get the schedule's step: -1 where the log counts from 1.
        explained: the share of logged values, from 0 to 1, that the settings give within the tolerance.
        tolerance: how precisely the log was written.
        undetermined: what the log does not tell, a sentence each.
    """

    settings: dict[str, object]
    offset: int
    explained: float
    tolerance: Tolerance
    undetermined: tuple[str, ...]
