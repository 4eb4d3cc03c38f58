"""How the peak follows the batch, where `--scale-lr` asks for it.

Sources: linear, Goyal et al., "Accurate, Large Minibatch SGD" (arXiv:1706.02677); square root, Krizhevsky, "One weird
trick for parallelizing convolutional neural networks" (arXiv:1404.5997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import format_number
from onecycle_cli.policy.plan import samples_per_step
from onecycle_cli.policy.validation import validate_settings

PER_STEP = ("batch_size", "gradient_accumulation", "world_size")
"""The settings that give the samples per step."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """By which rule, `linear` or `sqrt`, the peak is scaled, and from how many samples per step."""

    rule: str
    from_batch: int

    def scale(self, values: dict[str, object]) -> list[str]:
        """Scale the max_lr of a plan's values; return a note with the sum. Where values are wrong, nothing is scaled.

        Raises:
            OnecycleError: the samples per step are not known.
        """
        validated = validate_settings({**values, "max_lr": 1.0, "lr_decay": None})
        if any(found.severity is Severity.ERROR and found.setting in PER_STEP for found in validated.findings):
            return []
        batch = None if validated.settings is None else samples_per_step(validated.settings)
        if batch is None:
            hint = "give --batch-size, the samples in one batch of one process"
            raise OnecycleError("--scale-lr needs batch_size", hint)
        ratio = batch / self.from_batch
        factor = ratio if self.rule == "linear" else math.sqrt(ratio)
        given = values.get("max_lr")
        items = given if isinstance(given, list | tuple) else [given]
        peaks = [peak for peak in items if isinstance(peak, int | float) and not isinstance(peak, bool)]
        if len(peaks) < len(items):
            return []
        scaled = [peak * factor for peak in peaks]
        values["max_lr"] = scaled if isinstance(given, list | tuple) else scaled[0]
        before, after = (", ".join(map(format_number, each)) for each in (peaks, scaled))
        by = f"{batch:,} / {self.from_batch:,}"
        by = by if self.rule == "linear" else f"√({by})"
        return [f"max_lr {before} × {by} samples per step = {after} (--scale-lr {self.rule})"]
