"""Rules about a plan: its values (OC2xx), its length (OC3xx), doubtful settings (OC4xx), and notes (OC9xx)."""

from __future__ import annotations

from onecycle_cli.findings.rule import error, info, warning

# --- Single values and their lists (OC2xx) ----------------------------------------------------------------------

OUT_OF_RANGE = error(
    "OC201",
    "number out of range",
    "The number is not finite or is outside the setting's range. PyTorch accepts a negative `max_lr` or a NaN "
    "silently and trains with it; a factor of 0 is a division by zero.",
    "max_lr: -0.1\ntotal_steps: 1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
PCT_START_RANGE = error(
    "OC202",
    "pct_start outside 0…1",
    "`pct_start` is a fraction of the cycle, despite its name: 30 % is 0.3.",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 30\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.30\n",
)
LIST_LENGTHS = error(
    "OC203",
    "unequal list lengths",
    "`max_lr`, `base_momentum` and `max_momentum` take one value for all parameter groups or a list with one "
    "value per group; all lists, and `groups` where given, must agree.",
    "max_lr: [0.1, 0.01]\nmax_momentum: [0.95, 0.95, 0.9]\ntotal_steps: 1000\n",
    "max_lr: [0.1, 0.01]\nmax_momentum: [0.95, 0.9]\ntotal_steps: 1000\n",
)
NO_MOMENTUM = error(
    "OC204",
    "the optimizer has no momentum to cycle",
    "`cycle_momentum` is on (the default), and the optimizer has neither `momentum` nor `betas`. PyTorch raises "
    "`optimizer must support momentum or beta1` when the scheduler is constructed.",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adagrad\n",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adagrad\ncycle_momentum: false\n",
)
UNSUPPORTED = error(
    "OC205",
    "not supported by this convention",
    "The convention's framework has no such setting, so it cannot run this plan.",
    "max_lr: 0.1\ntotal_steps: 1000\nconvention: r-torch\nthree_phase: true\n",
    "max_lr: 0.1\ntotal_steps: 1000\nthree_phase: true\n",
)
GROUP_NAMES = error(
    "OC206",
    "invalid group names",
    "`groups` is a number from 1 to 1,000 or a list of up to 1,000 distinct names; the names appear in export column "
    "names (`lr_backbone`).",
    "max_lr: 0.1\ntotal_steps: 1000\ngroups: [head, head]\n",
    "max_lr: 0.1\ntotal_steps: 1000\ngroups: [backbone, head]\n",
)

LAYER_PEAKS = error(
    "OC207",
    "lr_decay without its groups",
    "`lr_decay` makes one peak per parameter group from a single `max_lr`: the last of n groups has `max_lr`, and the "
    "one before it `max_lr × lr_decay`, down to `max_lr × lr_decay^(n-1)` for the first. It needs `groups`, and "
    "excludes a list of peaks.",
    "max_lr: 0.1\ntotal_steps: 1000\nlr_decay: 0.8\n",
    "max_lr: 0.1\ntotal_steps: 1000\nlr_decay: 0.8\ngroups: 12\n",
)

# --- The length of the cycle and its phases (OC3xx) -------------------------------------------------------------

NO_LENGTH = error(
    "OC301",
    "no length",
    "The number of steps must be known: `total_steps`, or `epochs` and `steps_per_epoch`, or `epochs`, `dataset_size` "
    "and `batch_size`, or `samples` and `batch_size`, or `tokens` and `tokens_per_step`. A step is one optimizer "
    "update, not one batch and not one epoch. In a training config it is an info: the training program knows the "
    "length when it runs.",
    "max_lr: 0.1\nepochs: 90\n",
    "max_lr: 0.1\nepochs: 90\nsteps_per_epoch: 1252\n",
)
WARMUP_OF_ONE = error(
    "OC302",
    "pct_start × total_steps is exactly 1",
    "The warm-up would end on the step it starts on, and its length, one less than the product, is 0. PyTorch raises "
    "ZeroDivisionError when the scheduler is constructed; R torch sets the first learning rate to NaN.",
    "max_lr: 0.1\ntotal_steps: 20\npct_start: 0.05\n",
    "max_lr: 0.1\ntotal_steps: 20\npct_start: 0.1\n",
)
EMPTY_PHASE = error(
    "OC303",
    "an empty phase",
    "A phase of the cycle contains no steps, so the schedule skips it. This happens if the cycle is too short.",
    "max_lr: 0.1\ntotal_steps: 4\nthree_phase: true\n",
    "max_lr: 0.1\ntotal_steps: 40\nthree_phase: true\n",
)
NO_ROOM_TO_ANNIHILATE = error(
    "OC304",
    "three_phase with pct_start above 0.5",
    "With three phases the warm-up and its mirror image take `2 × pct_start` of the cycle. Above one half no steps "
    "are left for the annihilation: PyTorch accepts it, and the run ends at a large fraction of the peak.",
    "max_lr: 0.1\ntotal_steps: 100\nthree_phase: true\npct_start: 0.6\n",
    "max_lr: 0.1\ntotal_steps: 100\nthree_phase: true\npct_start: 0.45\n",
)
NOTHING_LEFT = error(
    "OC305",
    "last_epoch at or past the end",
    "`last_epoch = k` means that k + 1 steps are already done. With k + 1 at or past `total_steps` none remain. "
    "Despite its name it counts steps, and it is what OneCycleLR takes as its argument. In a checkpoint, "
    "`scheduler.last_epoch` is k + 1, the step that comes next.",
    "max_lr: 0.1\ntotal_steps: 1000\nlast_epoch: 999\n",
    "max_lr: 0.1\ntotal_steps: 1000\nlast_epoch: 499\n",
)

SEGMENT_STEPS = error(
    "OC306",
    "a segment that does not follow",
    "A segment after the cycle (`then`) begins at `from`, or where what comes before it ends, and has the steps up to "
    "its `total_steps`, which counts from the run's first step. It may cut short what comes before it, but must leave "
    "at least one step of it, must not leave a gap, and must have a step itself.",
    "max_lr: 0.1\ntotal_steps: 1000\nthen: [{shape: hold, from: 1200, total_steps: 1500}]\n",
    "max_lr: 0.1\ntotal_steps: 1000\nthen: [{shape: hold, from: 1000, total_steps: 1500}]\n",
)

# --- Settings that work, and most likely do not do what their author thinks (OC4xx) -----------------------------

LENGTHS_DISAGREE = warning(
    "OC401",
    "two lengths disagree",
    "The length is given in two ways that disagree. As in the frameworks, the more direct one wins: `total_steps`, "
    "then `steps_per_epoch`, then the data settings, then `samples`, then `tokens`. If the loop runs for the other "
    "number of steps, the cycle is cut short or overruns.",
    "max_lr: 0.1\ntotal_steps: 1000\nepochs: 3\nsteps_per_epoch: 300\n",
    "max_lr: 0.1\nepochs: 3\nsteps_per_epoch: 300\n",
)
NO_WARMUP = warning(
    "OC402",
    "no warm-up",
    "`pct_start × total_steps` is below 1, so the warm-up contains no steps: the first step already starts near the "
    "peak. Most often the cycle is counted in epochs where steps were meant.",
    "max_lr: 0.1\ntotal_steps: 10\npct_start: 0.05\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.05\n",
)
FACTOR_BELOW_ONE = warning(
    "OC403",
    "a factor below 1",
    "The frameworks divide by `div_factor` and `final_div_factor`. Below 1 the cycle starts above its peak, or "
    "ends above its start.",
    "max_lr: 0.1\ntotal_steps: 1000\ndiv_factor: 0.04\n",
    "max_lr: 0.1\ntotal_steps: 1000\ndiv_factor: 25\n",
)
MOMENTUM_UPSIDE_DOWN = warning(
    "OC404",
    "base_momentum above max_momentum",
    "Momentum moves opposite to the learning rate: `max_momentum` at the start and the end, `base_momentum` at the "
    "peak. With the base above the maximum both rise together.",
    "max_lr: 0.1\ntotal_steps: 1000\nbase_momentum: 0.95\nmax_momentum: 0.85\n",
    "max_lr: 0.1\ntotal_steps: 1000\nbase_momentum: 0.85\nmax_momentum: 0.95\n",
)
LATE_PEAK = warning(
    "OC405",
    "nearly all warm-up",
    "With `pct_start` at 0.9 or more the learning rate rises for nearly the whole run and hardly anneals. Most of the "
    "benefit comes from annealing.",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.95\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.3\n",
)
UNKNOWN_OPTIMIZER = warning(
    "OC406",
    "unknown optimizer",
    "This program does not know the optimizer, or whether it has a momentum to cycle; the plan assumes that it has.",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adammw\n",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adamw\n",
)
TWO_FINALS = warning(
    "OC407",
    "two final learning rates",
    "`final_lr` replaces `final_div_factor`; with both given, `final_lr` wins.",
    "max_lr: 0.1\ntotal_steps: 1000\nfinal_lr: 1.0e-6\nfinal_div_factor: 100\n",
    "max_lr: 0.1\ntotal_steps: 1000\nfinal_lr: 1.0e-6\n",
)
MOMENTUM_OF_ONE = warning(
    "OC408",
    "momentum of 1 or more",
    "With a momentum (or beta1) of 1 past gradients never decay: SGD diverges, and Adam divides by zero.",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_momentum: 1.0\n",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_momentum: 0.95\n",
)
KNOWN_BUG = warning(
    "OC409",
    "known bug in a released framework version",
    "The convention allows this plan, but a bug in a released version of the framework makes it fail there.",
    "max_lr: 0.1\ntotal_steps: 1000\nconvention: r-torch\nanneal_strategy: linear\n",
    "max_lr: 0.1\ntotal_steps: 1000\nconvention: r-torch\nanneal_strategy: cos\n",
)
NO_EFFECT = warning(
    "OC410",
    "setting has no effect",
    "The setting is given, but another one disables it. Keys of a training config that its scheduler does not read, "
    "such as OpenPCDet's `LR_DECAY` beside `adam_onecycle`, are an info, once per file.",
    "max_lr: 0.1\ntotal_steps: 1000\ncycle_momentum: false\nmax_momentum: 0.9\n",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_momentum: 0.9\n",
)

EPOCHS_AS_STEPS = warning(
    "OC411",
    "as many steps as epochs",
    "`total_steps` counts optimizer updates, and is equal to `epochs` here, so the cycle takes one step per epoch. "
    "Most often the number of epochs was written where the number of updates was meant.",
    "max_lr: 0.1\ntotal_steps: 100\nepochs: 100\n",
    "max_lr: 0.1\nepochs: 100\nsteps_per_epoch: 500\n",
)

SEGMENT_MOVES_BACK = warning(
    "OC412",
    "a segment that moves the wrong way",
    "A cycle after the first one rises from the rate of the step before it, and an anneal falls from there. With a "
    "peak that is not above that rate, or a final rate above it, it moves the other way.",
    "max_lr: 0.1\ntotal_steps: 1000\nthen: [{shape: cycle, from: 300, total_steps: 1500, max_lr: 0.05}]\n",
    "max_lr: 0.1\ntotal_steps: 1000\nthen: [{shape: cycle, from: 1000, total_steps: 1500, max_lr: 0.05}]\n",
)

# --- Good to know (OC9xx) ---------------------------------------------------------------------------------------

PEAK_OFF_GRID = info(
    "OC901",
    "the peak falls between two steps",
    "If `pct_start × total_steps` is not an integer, the peak lies between two steps, and the highest learning rate "
    "used stays a little below `max_lr`.",
    "max_lr: 0.1\ntotal_steps: 1001\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
PEAK_NEVER_REACHED = info(
    "OC902",
    "max_lr is never reached",
    "The phase that ends or begins at the peak contains no steps, so the highest learning rate used is not `max_lr`.",
    "max_lr: 0.1\ntotal_steps: 10\npct_start: 0.05\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.05\n",
)
