"""Rules that only inform (OC9xx): what a plan does that its numbers do not show."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

PEAK_OFF_GRID = Rule(
    "OC901",
    Severity.INFO,
    "the peak falls between two steps",
    "Where `pct_start × total_steps` is not whole, the peak lies between two steps, and the highest learning rate "
    "that is trained with stays a little below `max_lr`.",
    "max_lr: 0.1\ntotal_steps: 1001\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
PEAK_NEVER_REACHED = Rule(
    "OC902",
    Severity.INFO,
    "max_lr is never reached",
    "The phase at whose edge the peak lies holds no step, so the highest learning rate that is trained with is "
    "another than `max_lr`.",
    "max_lr: 0.1\ntotal_steps: 10\npct_start: 0.05\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.05\n",
)
