"""Weights & Biases' CSV export of a chart: columns are called `run - metric`, with __MIN and __MAX beside each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.naming import find_lr

if TYPE_CHECKING:
    from collections.abc import Sequence

BETWEEN = " - "
ENVELOPE = ("__MIN", "__MAX")


def labels_of_chart(names: Sequence[str]) -> dict[str, str]:
    """Give the metrics' columns by metric, and the axis by its own name; nothing where this is no such chart.

    Raises:
        OnecycleError: several runs have a learning rate.
    """
    split = {name: name.rpartition(BETWEEN) for name in names if not name.strip().endswith(ENVELOPE)}
    metrics = {name: (run.strip(), metric.strip()) for name, (run, between, metric) in split.items() if between}
    if not metrics:
        return {}
    _check_one_run({name: run for name, (run, metric) in metrics.items() if find_lr([metric])[1]})
    axes = {name.strip(): name for name in split if name not in metrics}
    return axes | {metric: name for name, (_, metric) in metrics.items()}


def _check_one_run(runs: dict[str, str]) -> None:
    if len(set(runs.values())) > 1:
        listed = ", ".join(sorted(set(runs.values())))
        first = next(iter(runs))
        raise OnecycleError(f"the chart holds several runs: {listed}", f"name one: --column 'lr={first}'")
