"""Rules about single values and their lists (OC2xx)."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

OUT_OF_RANGE = Rule(
    "OC201",
    Severity.ERROR,
    "number out of range",
    "The number is not finite, or not above (or at) 0 where it must be. PyTorch takes a negative `max_lr` or a "
    "NaN without a word and trains with it; a factor of 0 is a division by zero.",
    "max_lr: -0.1\ntotal_steps: 1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
PCT_START_RANGE = Rule(
    "OC202",
    Severity.ERROR,
    "pct_start outside 0…1",
    "`pct_start` is a fraction of the cycle, despite its name: 30 % is 0.3.",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 30\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.30\n",
)
LIST_LENGTHS = Rule(
    "OC203",
    Severity.ERROR,
    "unequal list lengths",
    "`max_lr`, `base_momentum` and `max_momentum` take one value for all parameter groups or a list with one "
    "value a group; all lists, and `groups` where given, must agree.",
    "max_lr: [0.1, 0.01]\nmax_momentum: [0.95, 0.95, 0.9]\ntotal_steps: 1000\n",
    "max_lr: [0.1, 0.01]\nmax_momentum: [0.95, 0.9]\ntotal_steps: 1000\n",
)
NO_MOMENTUM = Rule(
    "OC204",
    Severity.ERROR,
    "the optimizer has no momentum to cycle",
    "`cycle_momentum` is on (the default), and the optimizer has neither `momentum` nor `betas`. PyTorch raises "
    "`optimizer must support momentum or beta1` when the scheduler is made.",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adagrad\n",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adagrad\ncycle_momentum: false\n",
)
UNSUPPORTED = Rule(
    "OC205",
    Severity.ERROR,
    "not supported by this convention",
    "The framework of the plan's convention has no such setting, so the plan could not be trained there as it is "
    "written.",
    "max_lr: 0.1\ntotal_steps: 1000\nconvention: r-torch\nthree_phase: true\n",
    "max_lr: 0.1\ntotal_steps: 1000\nthree_phase: true\n",
)
GROUP_NAMES = Rule(
    "OC206",
    Severity.ERROR,
    "parameter groups badly named",
    "`groups` is a number from 1 to 1,000 or a list of that many distinct names; the names head the columns of "
    "an export.",
    "max_lr: 0.1\ntotal_steps: 1000\ngroups: [head, head]\n",
    "max_lr: 0.1\ntotal_steps: 1000\ngroups: [backbone, head]\n",
)
