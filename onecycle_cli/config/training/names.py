"""What other programs call a one-cycle scheduler, its settings, and the keys that lead to them.

Names are compared in plain form: lower case, letters and digits only, so that `max_lr`, `MAX_LR` and `maxLr` are one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import plain
from onecycle_cli.config.raw_plan import ALIASES
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Set

CLASSES = frozenset(
    {
        "onecyclelr", "onecycle", "1cycle", "onecyclepolicy", "onecyclescheduler", "onecyclelrscheduler",
        "onecyclelrwithwarmup",
    }
)  # fmt: skip
"""The classes that may be of any convention, without their module; each convention's own ones are its `classes`."""


@dataclass(frozen=True, slots=True)
class OtherSchedule:
    """A scheduler that is called one-cycle and has another curve: its name, and its classes or arguments."""

    name: str
    curve: str
    classes: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


OTHERS = (
    OtherSchedule(
        "the OneCycleLR of the package onecyclelr",
        "linear between the two numbers of lr_range and back, then a linear end over annihilation_frac of the steps",
        keys=frozenset({"annihilationfrac"}),
    ),
    OtherSchedule(
        "Catalyst's OneCycleLRWithWarmup",
        "linear from init_lr up to the first number of lr_range, down to the second, and a decay to the third",
        classes=frozenset({"onecyclelrwithwarmup"}),
        keys=frozenset({"lrrange"}),
    ),
    OtherSchedule(
        "keras-one-cycle's OneCycleLR",
        "linear up to max_lr and back over 1 - end_percentage of the steps, then a linear end",
        keys=frozenset({"endpercentage", "scalepercentage"}),
    ),
    OtherSchedule(
        "the Keras callback OneCycleScheduler",
        "linear from start_rate to max_rate and back, then linear to last_rate over last_iterations",
        keys=frozenset({"lastiterations", "lastrate"}),
    ),
    OtherSchedule(
        "OneCyclePolicy",
        "several libraries have a class of this name, each with arithmetic of its own",
        classes=frozenset({"onecyclepolicy"}),
    ),
)

CLASS_KEYS = frozenset(
    {
        "target", "classpath", "classname", "type", "name", "policy", "class", "cls", "schedulertype",
        "schedulername", "schedulerclass", "lrschedulertype", "lrschedulername", "fn", "func", "function", "object",
        "schedclass", "schedname", "schedtype",
    }
)  # fmt: skip
"""Keys that name the class of their mapping: the keys beside them are its arguments."""

ARGUMENTS = re.compile(
    r"(.*?)(initargs|args|params|kwargs|parameters|arguments|options|opts|config|conf|cfg|settings|hparams|hyperparams"
    r"|hyperparameters)"
)
"""Keys of a class's arguments, with what they are about before it: `scheduler_params`."""

NOT_ITS = ("optim", "opt", "model", "data", "loss", "train", "metric", "logger", "callback")
"""How keys of another object's arguments begin."""

BESIDE = frozenset(
    {
        "target", "classpath", "classname", "type", "name", "partial", "recursive", "convert", "args", "optimizer",
        "interval", "frequency", "monitor", "strict", "callon", "stepon", "step", "reduceonplateau", "verbose",
        "schedulerinterval", "byepoch", "begin", "end", "converttoiterbased", "laststep", "paramname", "epochlength",
        "dictkwargs", "defaults", "hydra", *CLASS_KEYS,
        # Of DeepSpeed and Cerebras; `programs` makes settings of them
        "initiallearningrate",
        "cycleminlr", "cyclefirststepsize", "cyclesecondstepsize", "decaystepsize", "decaylrrate", "decaymomrate",
        "cyclefirststaircount", "cyclesecondstaircount",
    }
)  # fmt: skip
"""Keys among a scheduler's arguments that are not settings of the cycle."""

OF_THE_RUN = frozenset({"groups", "strategy", "stepsize", "convention"})
"""Keys that are settings to a scheduler, and something else among a whole run's settings."""

OURS_ALONE = frozenset({"lr_decay", "samples", "then", "tokens", "tokens_per_step"})
"""Settings that no framework's scheduler has: in a training config these words mean something else."""

_WHOLE = ("max", "total", "train", "training", "maxnum", "totalnum", "numtotal", "numtrain", "numtraining", "ntrain",
          "maxtrain", "maxtraining", "totaltrain", "totaltraining")  # fmt: skip
_COUNTED = ("", "num", "n", "nb", "numberof")

EPOCHS = frozenset(
    {
        "endepoch", "stopepoch", "noepochs",
        *(f"{how}epoch{end}" for how in _WHOLE + _COUNTED for end in ("", "s", "es", "num", "nums", "snum", "count")),
    }
)  # fmt: skip
"""Keys of a number of epochs: `epochs`, `max_epochs`, `NUM_EPOCHS`, `num_train_epochs` …"""

_UNITS = ("step", "steps", "iter", "iters", "iteration", "iterations", "update", "updates")

STEPS = frozenset(f"{how}{unit}" for how in _WHOLE for unit in _UNITS)
"""Keys of the run's number of steps: `max_steps`, `total_iters`, `num_training_steps` …"""

MAYBE_STEPS = frozenset(f"{how}{unit}" for how in _COUNTED for unit in _UNITS if how or unit.endswith("s"))
"""Keys of a number of steps, such as `num_steps`, that is the run's where nothing else gives its length."""

SETTING_NAMES = {
    **dict.fromkeys(sorted(EPOCHS), "epochs"),
    **dict.fromkeys(sorted(STEPS | MAYBE_STEPS), "total_steps"),
    **{re.sub("[^a-z0-9]", "", name): setting for name, setting in ALIASES.items()},
    **{re.sub("[^a-z0-9]", "", setting): setting for setting in SETTINGS if setting not in OURS_ALONE},
    "batchsizepergpu": "batch_size",
    "perdevicetrainbatchsize": "batch_size",
    "itersperepoch": "steps_per_epoch",
    "iterationsperepoch": "steps_per_epoch",
    "batchesperepoch": "steps_per_epoch",
    "learningratemax": "max_lr",
    "baselr": "max_lr",
    "canonicallr": "max_lr",
    "finaldiv": "final_div_factor",
    "warmupratio": "pct_start",
    "warmupfraction": "pct_start",
    "warmupproportion": "pct_start",
}
"""By plain name: the setting that it gives."""

WARMUPS = {
    "warmupepochs": "epochs",
    "warmupepoch": "epochs",
    "warmupsteps": "total_steps",
    "warmupiters": "total_steps",
    "numwarmupsteps": "total_steps",
}
"""Lengths of the warm-up: by the length of the whole, they give pct_start."""

MOMENTUM_PAIRS = frozenset({"moms", "momentums", "momenta"})
"""Lists of the momentum at the start and at the peak (and, to fastai, at the end)."""

RATES = frozenset({"lr", "learningrate", "baselr"})
"""The peak if nothing else gives it; beside a peak, the optimizer's learning rate."""


_SHAPE = ("pct_start", "div_factor", "final_div_factor", "three_phase", "anneal_strategy")


def _names_of(*settings: str) -> frozenset[str]:
    aliases = [each.aliases[name] for each in CONVENTIONS.values() for name in settings if name in each.aliases]
    return frozenset(map(plain, [*settings, *aliases]))


PEAKS = _names_of("max_lr") | {"lrmax", "maxlearningrate", "peaklr"}
BESIDE_A_PEAK = _names_of(*_SHAPE)
"""Names of the peak, and of settings that only one-cycle schedules have: two such keys make a schedule."""

PREFIXED = (SETTING_NAMES.keys() | WARMUPS.keys() | MOMENTUM_PAIRS) - OF_THE_RUN - MAYBE_STEPS
"""Settings that may have a prefix."""

PREFIXES = ("onecyclelr", "onecyclescheduler", "onecycle", "lrscheduler", "lrschedule", "lrsched", "scheduler",
            "schedule", "sched", "lr")  # fmt: skip
"""What programs put before a setting's name where all their settings are in one mapping: `onecycle_max_lr`."""


def without_prefix(name: str) -> str:
    """Return a plain name without the scheduler's prefix, if a setting's name follows it."""
    for prefix in PREFIXES if name not in SETTING_NAMES else ():
        rest = name.removeprefix(prefix)
        if rest == name:
            continue
        if rest in (BESIDE_A_PEAK if prefix == "lr" else PREFIXED):
            return rest
        rest = rest.removeprefix("lr")  # onecycle_lr_max_lr
        if rest in BESIDE_A_PEAK | PEAKS:
            return rest
    return name


_BY_CLASS = {plain(name): convention.name for convention in CONVENTIONS.values() for name in convention.classes}
_BY_MODULE = {module: convention.name for convention in CONVENTIONS.values() for module in convention.modules}
_BY_CLASS_KEY = {key: convention.name for convention in CONVENTIONS.values() for key in convention.class_keys}
_BY_SIGNATURE = {
    frozenset(map(plain, convention.signature)): convention.name
    for convention in CONVENTIONS.values()
    if convention.signature
}
_BY_KEY = dict(sorted((plain(key), each.name) for each in CONVENTIONS.values() for key in each.aliases.values()))


def one_cycle_class(name: str) -> str | None:
    """Return the plain name of the one-cycle class that a string names, with or without its module; None for others."""
    if len(name) > 200 or "cycle" not in name.lower() or name.startswith("/"):
        return None
    last = plain(re.split(r"[.:/]", name.strip())[-1])
    return last if last in CLASSES or last in _BY_CLASS else None


def convention_of(name: str, named_by: str, keys: Set[str]) -> str | None:
    """Return a block's convention by its class, the key that names it, or its keys; None for the default one."""
    by_class = _BY_CLASS.get(one_cycle_class(name) or "")
    by_module = _BY_CLASS_KEY.get(named_by) or _BY_MODULE.get(name.strip().partition(".")[0])
    by_signature = next((found for signature, found in _BY_SIGNATURE.items() if signature <= keys), None)
    by_key = next((found for key, found in _BY_KEY.items() if key in keys), None)
    return by_class or by_module or by_signature or by_key
