"""Rules about the cycle's length and what it leaves of the phases (OC3xx)."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

NO_LENGTH = Rule(
    "OC301",
    Severity.ERROR,
    "no length",
    "How many steps the cycle has must be known: `total_steps`, or `epochs` and `steps_per_epoch`, or `epochs`, "
    "`dataset_size` and `batch_size`. A step is one optimizer update, not one batch and not one epoch.",
    "max_lr: 0.1\nepochs: 90\n",
    "max_lr: 0.1\nepochs: 90\nsteps_per_epoch: 1252\n",
)
WARMUP_OF_ONE = Rule(
    "OC302",
    Severity.ERROR,
    "pct_start × total_steps is exactly 1",
    "The warm-up would end on the step it starts on, and its length, one less than the product, is 0. PyTorch "
    "raises ZeroDivisionError while the scheduler is made; R torch sets the first learning rate to NaN.",
    "max_lr: 0.1\ntotal_steps: 20\npct_start: 0.05\n",
    "max_lr: 0.1\ntotal_steps: 20\npct_start: 0.1\n",
)
EMPTY_PHASE = Rule(
    "OC303",
    Severity.ERROR,
    "an empty phase",
    "A phase of the cycle holds no step, so the schedule jumps across it. It happens when three phases are "
    "asked of a cycle too short for them.",
    "max_lr: 0.1\ntotal_steps: 4\nthree_phase: true\n",
    "max_lr: 0.1\ntotal_steps: 40\nthree_phase: true\n",
)
NO_ROOM_TO_ANNIHILATE = Rule(
    "OC304",
    Severity.ERROR,
    "three_phase with pct_start above 0.5",
    "With three phases the warm-up and its mirror image take `2 × pct_start` of the cycle. Above one half nothing "
    "is left for the annihilation: PyTorch says nothing, and the run ends at a sizeable part of the peak.",
    "max_lr: 0.1\ntotal_steps: 100\nthree_phase: true\npct_start: 0.6\n",
    "max_lr: 0.1\ntotal_steps: 100\nthree_phase: true\npct_start: 0.45\n",
)
NOTHING_LEFT = Rule(
    "OC305",
    Severity.ERROR,
    "last_epoch at or past the end",
    "`last_epoch = k` says that k + 1 steps are behind us. With k + 1 at or past `total_steps` no step is left. "
    "Despite its name it counts steps, as `scheduler.last_epoch` in a checkpoint does.",
    "max_lr: 0.1\ntotal_steps: 1000\nlast_epoch: 999\n",
    "max_lr: 0.1\ntotal_steps: 1000\nlast_epoch: 499\n",
)
