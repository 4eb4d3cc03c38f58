"""Rules about what stands around a schedule in a training config (OC51x): optimizer, trainer, loader."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

OPTIMIZER_RATE = Rule(
    "OC511",
    Severity.WARNING,
    "optimizer's lr is not the peak",
    "The scheduler overwrites the optimizer's learning rate before the first step, so the number there acts on "
    "nothing, and whoever reads the config takes it for the rate that trains. Write the peak there, or refer to it "
    "(`max_lr: ${optimizer.lr}`). The initial rate, `max_lr / div_factor`, is not objected to.",
    "trainer:\n  max_steps: 1000\n"
    "optimizer:\n  _target_: torch.optim.SGD\n  lr: 0.001\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: step\n",
    "trainer:\n  max_steps: 1000\n"
    "optimizer:\n  _target_: torch.optim.SGD\n  lr: 0.01\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: step\n",
)
OPTIMIZER_MOMENTUM = Rule(
    "OC512",
    Severity.WARNING,
    "the cycle overwrites momentum or betas",
    "`cycle_momentum` is on by default: the scheduler moves the optimizer's momentum (the first of the betas) between "
    "`max_momentum` and `base_momentum`, and the number given to the optimizer acts on nothing. Set "
    "`cycle_momentum: false` to keep that number, or write `max_momentum` there to let it cycle.",
    "trainer:\n  max_steps: 1000\n"
    "optimizer:\n  _target_: torch.optim.AdamW\n  lr: 0.01\n  betas: [0.9, 0.99]\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: step\n",
    "trainer:\n  max_steps: 1000\n"
    "optimizer:\n  _target_: torch.optim.AdamW\n  lr: 0.01\n  betas: [0.9, 0.99]\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "  cycle_momentum: false\n"
    "interval: step\n",
)
STEPPED_PER_EPOCH = Rule(
    "OC513",
    Severity.WARNING,
    "stepped once an epoch",
    "The scheduler takes one step an epoch, and the cycle is not as many steps long as the run has epochs. A longer "
    "cycle is hardly begun when the run ends; past the end of a shorter one PyTorch raises ValueError. Lightning "
    "steps once an epoch unless `interval: step` stands beside the scheduler, and LightningCLI has no key for it: "
    "there, return the scheduler with its interval from `configure_optimizers`, or count the cycle in epochs.",
    "trainer:\n  max_epochs: 40\n"
    "optimizer:\n  class_path: torch.optim.SGD\n  init_args:\n    lr: 0.01\n"
    "lr_scheduler:\n  class_path: torch.optim.lr_scheduler.OneCycleLR\n"
    "  init_args:\n    max_lr: 0.01\n    total_steps: 50000\n",
    "trainer:\n  max_epochs: 40\n"
    "optimizer:\n  class_path: torch.optim.SGD\n  init_args:\n    lr: 0.01\n"
    "lr_scheduler:\n  class_path: torch.optim.lr_scheduler.OneCycleLR\n"
    "  init_args:\n    max_lr: 0.01\n    total_steps: 40\n",
)
RUN_LENGTH = Rule(
    "OC514",
    Severity.WARNING,
    "the run is shorter or longer than the cycle",
    "The trainer makes another number of steps than the cycle has. A shorter run ends at a learning rate that was "
    "meant to fall further; a longer one stops with PyTorch's ValueError at step `total_steps`. Where `max_steps` and "
    "epochs are both given, the smaller ends the run, as in Lightning.",
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 4000\n"
    "interval: step\n",
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: step\n",
)
INTERVAL = Rule(
    "OC515",
    Severity.ERROR,
    "interval mistyped",
    "Lightning (2.6.6) knows two intervals, `step` and `epoch`, in small letters. At any other word it refuses to "
    'start, with `The "interval" key in lr scheduler dict must be "step" or "epoch"`. (With manual optimization the '
    "key is ignored.) Other trainers have keys and words of their own, such as `call_on: batch`; those are not "
    "objected to.",
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: steps\n",
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: step\n",
)
BATCHES_AS_STEPS = Rule(
    "OC516",
    Severity.WARNING,
    "batches counted as steps",
    "`steps_per_epoch` counts optimizer updates. With accumulated gradients several batches make one, and several "
    "devices share the batches of an epoch, so a number taken from the loader's length is too high and the run ends "
    "in the middle of the cycle. Whether the number counts batches or steps cannot be seen; `total_steps` says it "
    "plainly, and is not objected to.",
    "trainer:\n  max_epochs: 10\n  accumulate_grad_batches: 4\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  epochs: 10\n"
    "  steps_per_epoch: 684\n"
    "interval: step\n",
    "trainer:\n  max_epochs: 10\n  accumulate_grad_batches: 4\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  epochs: 10\n"
    "  total_steps: 1710\n"
    "interval: step\n",
)
