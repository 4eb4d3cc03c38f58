"""What is known of optimizers: whether their momentum can be cycled, and under which name.

Source: the optimizers of PyTorch 2.13, by what their `defaults` hold.
"""

from __future__ import annotations

WITH_MOMENTUM = frozenset({"sgd", "rmsprop", "muon"})
WITH_BETA1 = frozenset(
    {"adam", "adamw", "adamax", "nadam", "radam", "sparseadam", "lion", "lamb", "adamp", "adabelief"}
)
WITHOUT = frozenset({"adagrad", "adadelta", "rprop", "asgd", "lbfgs", "adafactor"})

KNOWN = WITH_MOMENTUM | WITH_BETA1 | WITHOUT


def plain_name(optimizer: str) -> str:
    """Strip a module path and case: `torch.optim.AdamW` is `adamw`."""
    return optimizer.rpartition(".")[2].strip().lower()


def momentum_word(optimizer: str | None) -> str:
    """Say what the optimizer calls the quantity that is cycled: `momentum`, or `beta1`."""
    return "beta1" if optimizer is not None and plain_name(optimizer) in WITH_BETA1 else "momentum"
