"""Rules about settings that work, and most likely do not do what their author thinks (OC4xx)."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

LENGTHS_DISAGREE = Rule(
    "OC401",
    Severity.WARNING,
    "two lengths disagree",
    "The length is given in two ways that give two numbers. As in the frameworks the more direct one wins: "
    "`total_steps`, then `steps_per_epoch`, then the data settings. If the loop runs for the other number of "
    "steps, the cycle is cut short or overruns.",
    "max_lr: 0.1\ntotal_steps: 1000\nepochs: 3\nsteps_per_epoch: 300\n",
    "max_lr: 0.1\nepochs: 3\nsteps_per_epoch: 300\n",
)
NO_WARMUP = Rule(
    "OC402",
    Severity.WARNING,
    "no warm-up",
    "`pct_start × total_steps` is below 1, so no step falls into the warm-up: the first step already trains near "
    "the peak. Most often the cycle is counted in epochs where steps were meant.",
    "max_lr: 0.1\ntotal_steps: 10\npct_start: 0.05\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.05\n",
)
FACTOR_BELOW_ONE = Rule(
    "OC403",
    Severity.WARNING,
    "a factor below 1",
    "The frameworks divide by `div_factor` and `final_div_factor`. Below 1 the cycle starts above its peak, or "
    "ends above its start.",
    "max_lr: 0.1\ntotal_steps: 1000\ndiv_factor: 0.04\n",
    "max_lr: 0.1\ntotal_steps: 1000\ndiv_factor: 25\n",
)
MOMENTUM_UPSIDE_DOWN = Rule(
    "OC404",
    Severity.WARNING,
    "base_momentum above max_momentum",
    "Momentum goes against the learning rate: `max_momentum` at the start and the end, `base_momentum` at the "
    "peak. With the base above the maximum both rise together.",
    "max_lr: 0.1\ntotal_steps: 1000\nbase_momentum: 0.95\nmax_momentum: 0.85\n",
    "max_lr: 0.1\ntotal_steps: 1000\nbase_momentum: 0.85\nmax_momentum: 0.95\n",
)
LATE_PEAK = Rule(
    "OC405",
    Severity.WARNING,
    "nearly all warm-up",
    "With `pct_start` at 0.9 or more the learning rate rises for nearly the whole run and hardly anneals; what a "
    "one-cycle schedule gains, it gains while annealing.",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.95\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.3\n",
)
UNKNOWN_OPTIMIZER = Rule(
    "OC406",
    Severity.WARNING,
    "unknown optimizer",
    "The optimizer is none that we know, so whether it has a momentum to cycle is not known; the plan assumes that "
    "it has.",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adammw\n",
    "max_lr: 0.1\ntotal_steps: 1000\noptimizer: adamw\n",
)
TWO_FINALS = Rule(
    "OC407",
    Severity.WARNING,
    "two final learning rates",
    "`final_lr` stands in place of `final_div_factor`; with both given, `final_lr` wins.",
    "max_lr: 0.1\ntotal_steps: 1000\nfinal_lr: 1.0e-6\nfinal_div_factor: 100\n",
    "max_lr: 0.1\ntotal_steps: 1000\nfinal_lr: 1.0e-6\n",
)
MOMENTUM_OF_ONE = Rule(
    "OC408",
    Severity.WARNING,
    "momentum of 1 or more",
    "A momentum (or beta1) of 1 never forgets a gradient: SGD runs away, and Adam divides by zero.",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_momentum: 1.0\n",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_momentum: 0.95\n",
)
KNOWN_BUG = Rule(
    "OC409",
    Severity.WARNING,
    "a released version of the framework fails on this",
    "A bug in a released version of the framework keeps the plan from running there as written, although the "
    "convention allows it.",
    "max_lr: 0.1\ntotal_steps: 1000\nconvention: r-torch\nanneal_strategy: linear\n",
    "max_lr: 0.1\ntotal_steps: 1000\nconvention: r-torch\nanneal_strategy: cos\n",
)
NO_EFFECT = Rule(
    "OC410",
    Severity.WARNING,
    "a setting without effect",
    "The setting is given, and another one keeps it from acting.",
    "max_lr: 0.1\ntotal_steps: 1000\ncycle_momentum: false\nmax_momentum: 0.9\n",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_momentum: 0.9\n",
)
