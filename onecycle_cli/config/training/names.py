"""What other programs call a one-cycle scheduler, its settings, and the keys that lead to them.

Names are compared in plain form: lower case, letters and digits only, so that `max_lr`, `MAX_LR` and `maxLr` are one.
"""

from __future__ import annotations

import re

from onecycle_cli.policy.settings import Settings
from onecycle_cli.policy.validation import ALIASES

CLASSES = {
    "onecyclelr": None,
    "onecycle": None,
    "1cycle": None,
    "onecyclepolicy": None,
    "onecyclescheduler": None,
    "onecyclelrscheduler": None,
    "onecyclelrwithwarmup": None,
    "lronecycle": "r-torch",
    "fitonecycle": "fastai",
    "adamonecycle": "openpcdet",
    "cosineonecycleschedule": "optax",
    "linearonecycleschedule": "optax-linear",
}
"""By name, without its module: the convention that it is sure to follow, or None."""

MODULES = {"paddle": "paddle", "mmengine": "mmengine", "fastai": "fastai", "optax": "optax"}
"""By the first part of a dotted name: the convention of the classes there."""

OWN_KEYS = {
    "etamax": "mmengine",
    "endlearningrate": "paddle",
    "phasepct": "paddle",
    "dividefactor": "paddle",
    "divfinal": "fastai",
    "peakvalue": "optax",
}
"""Keys of a block that only one framework has."""

CLASS_KEYS = frozenset(
    {
        "target", "classpath", "classname", "type", "name", "policy", "class", "cls", "schedulertype",
        "schedulername", "schedulerclass", "lrschedulertype", "lrschedulername", "fn", "func", "function", "object",
        "schedclass", "schedname", "schedtype",
    }
)  # fmt: skip
"""Keys that name the class of the mapping they stand in, so that what stands beside them are its arguments."""

ARGUMENTS = re.compile(r"(.*?)(initargs|args|params|kwargs|parameters|arguments|options|config|cfg|settings)")
"""Keys under which a class's arguments stand, with what they may be about before it: `scheduler_params`."""

NOT_ITS = ("optim", "opt", "model", "data", "loss", "train", "metric", "logger", "callback")
"""How keys of arguments begin that are another object's."""

BESIDE = frozenset(
    {
        "target", "classpath", "classname", "type", "name", "partial", "recursive", "convert", "args", "optimizer",
        "interval", "frequency", "monitor", "strict", "callon", "stepon", "step", "reduceonplateau", "verbose",
        "schedulerinterval", "byepoch", "begin", "end", "converttoiterbased", "laststep", "paramname", "epochlength",
        "dictkwargs", "defaults", "hydra", *CLASS_KEYS,
    }
)  # fmt: skip
"""Keys that stand among a scheduler's arguments without being settings of the cycle."""

OF_THE_RUN = frozenset({"groups", "strategy", "stepsize", "convention"})
"""Keys that are settings to a scheduler, and something else where a whole run's settings stand together."""

SETTINGS = {
    **{re.sub("[^a-z0-9]", "", name): setting for name, setting in ALIASES.items()},
    **{re.sub("[^a-z0-9]", "", setting): setting for setting in Settings.model_fields},
    "batchsizepergpu": "batch_size",
    "perdevicetrainbatchsize": "batch_size",
    "numtrainepochs": "epochs",
    "numepoch": "epochs",
    "maxepoch": "epochs",
    "nbepochs": "epochs",
    "nepoch": "epochs",
    "itersperepoch": "steps_per_epoch",
    "iterationsperepoch": "steps_per_epoch",
    "batchesperepoch": "steps_per_epoch",
    "totaliters": "total_steps",
    "maxiters": "total_steps",
    "learningratemax": "max_lr",
    "baselr": "max_lr",
    "warmupratio": "pct_start",
    "warmupfraction": "pct_start",
    "warmupproportion": "pct_start",
}
"""By plain name: the setting that it gives."""

WARMUPS = {"warmupepochs": "epochs", "warmupsteps": "total_steps"}
"""Lengths of the warm-up: by the length of the whole, they give pct_start."""

MOMENTUM_PAIRS = frozenset({"moms", "momentums", "momenta"})
"""Lists of the momentum at the start and at the peak (and, to fastai, at the end)."""

RATES = frozenset({"lr", "learningrate", "baselr"})
"""The peak where nothing else gives it; beside a peak, the optimizer's learning rate."""

DEAD_IN_OPENPCDET = frozenset({"momentum", "decaysteplist", "lrdecay", "lrclip", "lrwarmup", "warmupepoch"})
"""Keys of OpenPCDet's OPTIMIZATION that act on its other optimizers only."""


def plain(name: str) -> str:
    """Bring a name into plain form."""
    return re.sub("[^a-z0-9]", "", name.lower())


def one_cycle_class(name: str) -> str | None:
    """Give the plain name of the one-cycle class that a text names, with or without its module; None for others."""
    if len(name) > 200 or "cycle" not in name.lower():
        return None
    last = plain(re.split(r"[.:/]", name.strip())[-1])
    return last if last in CLASSES else None


def convention_of(name: str, named_by: str, keys: frozenset[str]) -> str | None:
    """Tell a block's convention from the class, the key that names it, and its keys; None where it is PyTorch's."""
    # mmcv's hooks are named by their policy; that of the learning rate leaves momentum alone, as MMEngine's does.
    by_class = CLASSES[one_cycle_class(name) or "onecycle"] or ("mmengine" if named_by == "policy" else None)
    by_module = MODULES.get(name.strip().partition(".")[0])
    by_key = next((OWN_KEYS[key] for key in sorted(keys) if key in OWN_KEYS), None)
    return by_class or by_module or by_key
