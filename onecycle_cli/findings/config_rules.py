"""Rules about what a file says: its text and keys (OC0xx, OC1xx), and other programs' training configs (OC5xx)."""

from __future__ import annotations

from onecycle_cli.findings.rule import error, info, warning

_SCHEDULED = (
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  total_steps: 1000\n"
    "interval: step\n"
)
_SGD = "optimizer:\n  _target_: torch.optim.SGD\n  lr: 0.01\n"
_ADAMW = "optimizer:\n  _target_: torch.optim.AdamW\n  lr: 0.01\n  betas: [0.9, 0.99]\n"
_LIGHTNING_CLI = (
    "trainer:\n  max_epochs: 40\n"
    "optimizer:\n  class_path: torch.optim.SGD\n  init_args:\n    lr: 0.01\n"
    "lr_scheduler:\n  class_path: torch.optim.lr_scheduler.OneCycleLR\n"
    "  init_args:\n    max_lr: 0.01\n    total_steps: 40\n"
)
_ACCUMULATED = (
    "trainer:\n  max_epochs: 10\n  accumulate_grad_batches: 4\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.01\n  epochs: 10\n"
    "  total_steps: 1710\n"
    "interval: step\n"
)

# --- The file as a whole (OC0xx) --------------------------------------------------------------------------------

NOT_YAML = error(
    "OC001",
    "not YAML",
    "The file breaks YAML's grammar at the place shown, so nothing after it can be trusted. "
    "Usual causes: a tab for indentation, a missing space after a colon, a bracket or quote left open.",
    "max_lr: 0.1\ntotal_steps: [1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
NOT_TEXT = error(
    "OC002",
    "not UTF-8 text",
    "The file contains bytes that are not UTF-8. YAML files are UTF-8 (UTF-16 with a byte-order mark is read too). "
    "Usual causes: an editor that saved in another encoding, or a binary file.",
    "name: caf\ufffd\nmax_lr: 0.1\ntotal_steps: 1000\n",
    "name: café\nmax_lr: 0.1\ntotal_steps: 1000\n",
)
NOT_A_MAPPING = error(
    "OC003",
    "file contains no settings",
    "A config is one mapping of settings to values (`max_lr: 0.1`). An empty file, a list or a plain string has no "
    "settings.",
    "- max_lr\n- total_steps\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
SEVERAL_DOCUMENTS = error(
    "OC004",
    "several documents",
    "A line `---` after the first settings begins a second YAML document. One file holds one plan; the program cannot "
    "choose between several.",
    "max_lr: 0.1\ntotal_steps: 1000\n---\nmax_lr: 0.2\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
TOO_MUCH = error(
    "OC005",
    "too large or too deep",
    "The file exceeds a limit: 4 MiB, 100 levels or 200,000 values. Most often it is the wrong file.",
    "max_lr: " + "[" * 101 + "0.1" + "]" * 101 + "\ntotal_steps: 1000\n",
    "max_lr: [0.1]\ntotal_steps: 1000\n",
)
NOT_PYTHON = error(
    "OC006",
    "not Python",
    "The Python config breaks Python's grammar at the place shown. It is read without being run, with the grammar of "
    "the Python that runs onecycle. Usual causes: a missing comma, bracket or quote, a tab, Python 2.",
    "param_scheduler = dict(\n    type='OneCycleLR', eta_max=0.1, total_steps=1000\n",
    "param_scheduler = dict(\n    type='OneCycleLR', eta_max=0.1, total_steps=1000\n)\n",
)

MISSING_FILE = error(
    "OC007",
    "included file is missing",
    "The file names another one that does not exist: a base file (`_base_`, `_BASE_`, `read_base()`), without which "
    "the program stops, or an option of Hydra's defaults list. The latter is only a warning, since a program may "
    "register options of its own; `optional` items may be missing. Paths of base files are relative to the file that "
    "names them.",
    "_BASE_: ../missing.yaml\nscheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
    "scheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
)
INCLUDE_CYCLE = error(
    "OC008",
    "files include each other",
    "A base file leads back to the file that includes it, so the config has no end: programs that follow the files "
    "stop with RecursionError. The message names the chain.",
    "_BASE_: example.yaml\nscheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
    "scheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
)
NOT_COMBINED = error(
    "OC009",
    "files that cannot be combined",
    "The program that composes the files refuses them. Hydra: an override that matches no item, a group selected "
    "twice, `_self_` twice, overrides before other items. MMEngine: a key that two base files have, a dict where the "
    "base file has another value and `_delete_=True` is missing.",
    "defaults:\n  - _self_\n  - _self_\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
    "defaults:\n  - _self_\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
)
NOT_READ = info(
    "OC010",
    "included file that is not read",
    "The file names another one that is not here: in an installed package (`mmdet::…`), on another machine, under a "
    "name known only at run time, or beside a file that is piped to standard input. The plan lacks what it gives.",
    "_base_: mmdet::_base_/default_runtime.py\nscheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
    "scheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
)

# --- Keys and the types of their values (OC1xx) -----------------------------------------------------------------

UNKNOWN_KEY = error(
    "OC101",
    "unknown key",
    "The key is not a setting of a one-cycle schedule, so it would be ignored. Most often it is mistyped, or "
    "another framework's name: fastai's `div_final` and Paddle's `phase_pct` are `final_div_factor` and "
    "`pct_start` here. `onecycle schema` lists every setting.",
    "max_lr: 0.1\ntotal_steps: 1000\npct_strat: 0.25\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.25\n",
)
DUPLICATE_KEY = error(
    "OC102",
    "duplicate key",
    "The key is written twice. PyYAML silently keeps the last value; other parsers keep the first or fail. Most "
    "likely only one of the two was updated.",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_lr: 0.2\n",
    "max_lr: 0.2\ntotal_steps: 1000\n",
)
WRONG_TYPE = error(
    "OC103",
    "wrong type",
    "The value does not have the type of the setting, such as a string instead of a number.",
    "max_lr: fast\ntotal_steps: 1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
YAML_VERSIONS = warning(
    "OC104",
    "YAML 1.1 and 1.2 read it differently",
    "PyYAML, which most training scripts use, reads YAML 1.1: there `1e-3` is a string (a float needs a dot and a "
    "signed exponent), `010` is eight, `1_000` a thousand and `yes` true. YAML 1.2 readers, and this program, read "
    "`1e-3` as 0.001 and `010` as ten. Write the value so that both agree. In a training config the program that loads "
    "it decides: OmegaConf (Hydra: `_target_`, `${...}`, `???`, `defaults`), jsonargparse (LightningCLI: `class_path`) "
    "and yacs read `1e-3` as a number, so it is reported only where PyYAML loads the file.",
    "max_lr: 1e-3\ntotal_steps: 1000\n",
    "max_lr: 1.0e-3\ntotal_steps: 1000\n",
)
NUMBER_KIND = warning(
    "OC105",
    "a number type PyTorch rejects",
    "PyTorch's OneCycleLR checks the Python type: `pct_start` must be a float (1.0, not 1) and `total_steps` an int "
    "(100, not 100.0). The plan is computed as if the type were correct.",
    "max_lr: 0.1\ntotal_steps: 100.0\n",
    "max_lr: 0.1\ntotal_steps: 100\n",
)
UNKNOWN_CHOICE = error(
    "OC106",
    "unknown choice",
    "The setting accepts a fixed set of values, and this is not one of them.",
    "max_lr: 0.1\ntotal_steps: 1000\nanneal_strategy: cosine\n",
    "max_lr: 0.1\ntotal_steps: 1000\nanneal_strategy: cos\n",
)
MISSING_SETTING = error(
    "OC107",
    "missing setting",
    "A schedule needs a peak: `max_lr` has no default in any framework. In a training config without one it is an "
    "info: the training program has the peak when it runs.",
    "total_steps: 1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)

REMOVED_ARGUMENT = warning(
    "OC108",
    "argument that the framework no longer has",
    "The file gives the scheduler an argument that current releases of the framework do not accept. PyTorch 2.7 "
    "removed `verbose` from all its schedulers: with it, `OneCycleLR` raises TypeError, also if it is false.",
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n"
    "  verbose: false\n",
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: 1000\n",
)

# --- The schedule in a training config (OC50x) ------------------------------------------------------------------

NOT_KNOWN = info(
    "OC501",
    "value known only at run time",
    "The value is set when the training program runs: a reference to another file, an environment variable "
    "(`${oc.env:LR}`, `$LR`), a template (`{{ lr }}`), `auto`, `???` or -1. `validate` checks the rest of the schedule "
    "and passes the file; commands that need the plan stop. It is an error where nothing can set the value: a "
    "reference to itself, or `auto` in a config that only onecycle reads. "
    "Use `--set PATH=VALUE` for a value in the file (`--set trainer.max_steps=5000`), or the setting's flag; both "
    "work in every command.",
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: ${trainer.max_steps}\n",
    "trainer:\n  max_steps: 1000\n"
    "scheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.1\n  total_steps: ${trainer.max_steps}\n",
)
ANOTHER_SCHEDULE = error(
    "OC502",
    "another schedule",
    "This looks like a one-cycle schedule but is not: Ultralytics' `lrf` ends a decay without a peak of its own, and "
    "other libraries have a OneCycleLR with arithmetic of its own. No settings of a one-cycle schedule describe it.",
    "lr0: 0.01\nlrf: 0.1\nwarmup_epochs: 3.0\ncos_lr: true\n",
    "max_lr: 0.01\nepochs: 100\nsteps_per_epoch: 500\n",
)
CHAINED = warning(
    "OC503",
    "combined with another scheduler",
    "The schedule is in a list with others, or in a SequentialLR. It then covers only a part of the run, or is "
    "multiplied by the others, and the plan shows only the one-cycle schedule. It has its own warm-up and needs no "
    "other.",
    "scheduler:\n  class_name: SequentialLR\n  schedulers:\n    - {type: LinearLR, start_factor: 0.1}\n"
    "    - {type: OneCycleLR, max_lr: 0.1, total_steps: 1000}\n",
    "scheduler: {type: OneCycleLR, max_lr: 0.1, total_steps: 1000}\n",
)
DECIDED_ELSEWHERE = info(
    "OC504",
    "decided outside the file",
    "The training program gives its scheduler settings that this file does not contain: they are fixed in its code, or "
    "come from a config that is not read here. The plan has the framework's defaults for them. Give the program's own "
    "values by flags.",
    "trainer:\n  scheduler: OneCycleLR\n  canonical_lr: 0.00025\n  num_steps: 120000\n  anneal_strategy: linear\n",
    "trainer:\n  scheduler: OneCycleLR\n  max_lr: 0.00025\n  total_steps: 120100\n  anneal_strategy: linear\n"
    "  pct_start: 0.05\n  cycle_momentum: false\n",
)

# --- The optimizer, trainer and loader beside it (OC51x) --------------------------------------------------------

OPTIMIZER_RATE = warning(
    "OC511",
    "optimizer's lr is not the peak",
    "The scheduler overwrites the optimizer's learning rate before the first step, so the number has no effect and is "
    "misleading. Write the peak there, or refer to it (`max_lr: ${optimizer.lr}`). The initial rate, `max_lr / "
    "div_factor`, is accepted too. A rate above the peak is a warning: no step ever uses it. A rate below the peak is "
    "only an info.",
    _SGD.replace("0.01", "0.1") + _SCHEDULED,
    _SGD + _SCHEDULED,
)
OPTIMIZER_MOMENTUM = warning(
    "OC512",
    "the cycle overwrites momentum or betas",
    "`cycle_momentum` is on by default: the scheduler moves the optimizer's momentum (the first of the betas) between "
    "`max_momentum` and `base_momentum`, and the optimizer's own number has no effect. Set `cycle_momentum: false` to "
    "keep that number, or write `max_momentum` there to let it cycle. A number outside that range is a warning; one "
    "inside it is only an info, such as Adam's usual 0.9.",
    _ADAMW.replace("[0.9, 0.99]", "[0.5, 0.99]") + _SCHEDULED,
    _ADAMW.replace("[0.9, 0.99]", "[0.5, 0.99]")
    + _SCHEDULED.replace("  total_steps: 1000\n", "  total_steps: 1000\n  cycle_momentum: false\n"),
)
STEPPED_PER_EPOCH = warning(
    "OC513",
    "stepped once per epoch",
    "The scheduler takes one step per epoch, but total_steps is not the number of epochs. A longer cycle has barely "
    "begun when the run ends; PyTorch raises ValueError past the end of a shorter one. Lightning steps once per epoch "
    "unless `interval: step` is set beside the scheduler, and LightningCLI has no key for it: there, return the "
    "scheduler with its interval from `configure_optimizers`, or count the cycle in epochs. It is an error if the file "
    "itself states `interval: epoch` and the peak is never reached; where stepping per epoch is only the default, the "
    "program may override it, and it is a warning.",
    _LIGHTNING_CLI.replace("total_steps: 40", "total_steps: 50000"),
    _LIGHTNING_CLI,
)
RUN_LENGTH = warning(
    "OC514",
    "the run is shorter or longer than the cycle",
    "The trainer and the cycle have different numbers of steps. A shorter run ends before the learning rate has "
    "fallen to its end; a longer one stops with PyTorch's ValueError at step `total_steps`. If `max_steps` and epochs "
    "are both given, the smaller ends the run, as in Lightning. A cycle with as many steps as the run has epochs is an "
    "error if the scheduler is known to step once per batch, and only an info if that is not known.",
    _SCHEDULED.replace("total_steps: 1000", "total_steps: 4000"),
    _SCHEDULED,
)
INTERVAL = error(
    "OC515",
    "invalid interval",
    'Lightning (2.6.6) accepts `step` and `epoch`, in lower case, and fails on anything else with `The "interval" key '
    'in lr scheduler dict must be "step" or "epoch"`. (With manual optimization the key is ignored.) Other trainers '
    "have keys and values of their own, such as `call_on: batch`; those are accepted.",
    _SCHEDULED.replace("interval: step", "interval: steps"),
    _SCHEDULED,
)
BATCHES_AS_STEPS = warning(
    "OC516",
    "batches counted as steps",
    "`steps_per_epoch` counts optimizer updates. With gradient accumulation, one update takes several batches, and "
    "several devices share the batches of an epoch, so a number taken from the loader's length is too high and the "
    "run ends in the middle of the cycle. The number does not show whether it counts batches or steps; `total_steps` "
    "is unambiguous.",
    _ACCUMULATED.replace("total_steps: 1710", "steps_per_epoch: 684"),
    _ACCUMULATED,
)
SCALED_RATE = warning(
    "OC517",
    "scaling that the schedule undoes",
    "MMEngine's `auto_scale_lr` multiplies the optimizer's learning rate by batch size / `base_batch_size`. "
    "`OneCycleLR` then sets the learning rate from its own `eta_max`, which is not scaled, at every step: the "
    "scaling has no effect. Scale `eta_max` in the config instead.",
    "optim_wrapper:\n  optimizer: {type: AdamW, lr: 0.01}\n"
    "param_scheduler:\n  - {type: OneCycleLR, eta_max: 0.01, total_steps: 40}\n"
    "train_cfg: {max_epochs: 40}\n"
    "auto_scale_lr: {enable: true, base_batch_size: 16}\n",
    "optim_wrapper:\n  optimizer: {type: AdamW, lr: 0.01}\n"
    "param_scheduler:\n  - {type: OneCycleLR, eta_max: 0.01, total_steps: 40}\n"
    "train_cfg: {max_epochs: 40}\n"
    "auto_scale_lr: {enable: false, base_batch_size: 16}\n",
)
