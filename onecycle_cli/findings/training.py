"""Rules about training configs of other programs (OC50x): what of the schedule they tell."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

NOT_KNOWN = Rule(
    "OC501",
    Severity.ERROR,
    "a value the file does not tell",
    "The value is filled in when the training program runs: a reference that leads out of the file, a variable of the "
    "environment, `???`, or -1. `--set` gives what stands at the path named (`--set trainer.max_steps=5000`), a flag "
    "the setting itself; both work in every command.",
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: ${trainer.max_steps}\n",
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: ${trainer.max_steps}\n",
)
ANOTHER_SCHEDULE = Rule(
    "OC502",
    Severity.ERROR,
    "another schedule",
    "What stands here is taken for a one-cycle schedule, and is another: Ultralytics' `lrf` ends a decay without a "
    "peak of its own, and DeepSpeed's OneCycle goes up and down in straight lines of given lengths and then decays "
    "without end. No setting of a one-cycle schedule says the same.",
    "lr0: 0.01\nlrf: 0.1\nwarmup_epochs: 3.0\ncos_lr: true\n",
    "max_lr: 0.01\nepochs: 100\nsteps_per_epoch: 500\n",
)
CHAINED = Rule(
    "OC503",
    Severity.WARNING,
    "another scheduler acts beside it",
    "The schedule stands in a list with others, or in a SequentialLR. It then holds for a part of the run only, or is "
    "multiplied with what the others do, and the plan shown is that of the one-cycle schedule alone. It has a warm-up "
    "of its own and needs no other.",
    "scheduler:\n  class_name: SequentialLR\n  schedulers:\n    - {type: LinearLR, start_factor: 0.1}\n"
    "    - {type: OneCycleLR, max_lr: 0.1, total_steps: 1000}\n",
    "scheduler: {type: OneCycleLR, max_lr: 0.1, total_steps: 1000}\n",
)
