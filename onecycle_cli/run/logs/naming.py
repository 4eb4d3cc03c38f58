"""How columns are named: a table of the names trainers give learning rates, momenta and steps.

Names are compared without the spaces around them, and whether letters are capitals does not matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LR = r"(?:lr|learning[-_ ]?rate)"


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to name learning rates; what the pattern's `group` matches names the parameter group.

    `single`: the names the pattern matches all mean the same, so that the first is taken.
    """

    name: str
    pattern: re.Pattern[str]
    single: bool = False


def _rule(name: str, pattern: str, *, single: bool = False) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), single)


RULES = (
    # LearningRateMonitor: lr-SGD, lr-SGD-1 (the second of its type), lr-AdamW/pg1, lr-AdamW/backbone
    _rule("monitor", r"(?:.*[/.])?lr-(?P<group>[a-z]\w*(?:-\d+)?(?:/.+)?)"),
    # lr, learning_rate, LearningRate; lr_step is what Lightning makes of a metric logged per step and per epoch
    _rule("plain", rf"{LR}(?:_step)?", single=True),
    # lr_0, lr_backbone, lr/pg0, lr.0, lr[0], lr0
    _rule("grouped", rf"{LR}(?:[-_/.:\[](?P<group>[^\]]+)\]?|(?P<number>\d+))"),
    # train/lr, train_lr, optim.learning_rate, and head/lr beside body/lr
    _rule("below", rf"(?P<group>.+)[-_/.: ]{LR}"),
    # train/lr/pg0, train/lr_backbone
    _rule("grouped below", rf".+[-_/.: ]{LR}(?:[-_/.:\[](?P<group>[^\]]+)\]?|(?P<number>\d+))"),
)
"""In the order they are tried: the first that matches a name makes the choice."""

SETTINGS_BEFORE = frozenset(
    {
        "base", "end", "final", "highest", "init", "initial", "lowest", "max", "min", "peak", "planned", "start",
        "target", "warmup",
    }
)  # fmt: skip
"""Words that make `base_lr` a setting, not what the optimizer uses."""

SETTINGS_AFTER = frozenset(
    {
        "decay", "epoch", "factor", "final", "find", "finder", "init", "initial", "max", "min", "mult", "multiplier",
        "patience", "policy", "ratio", "scale", "sched", "schedule", "scheduler", "warmup",
    }
)  # fmt: skip
"""Words that make `lr_scale` something else than a learning rate."""

OTHER_VALUES = re.compile(r".*[-_/.](momentum|mom|beta_?1|betas|weight_decay|wd)(/\d+)?", re.IGNORECASE)

STEPS = (
    "step", "global_step", "trainer/global_step", "train/global_step", "trainer/step", "train/step", "iteration",
    "global_iteration", "iter", "iterations", "global_iter", "train_step", "update", "num_updates", "_step", "batch",
)  # fmt: skip
"""Columns that count steps, the best first."""

EPOCHS = ("epoch", "trainer/epoch", "train/epoch")

MOMENTA = (
    "momentum",
    "mom",
    "beta1",
    "beta_1",
    "betas/0",
    "betas",
    "lr_momentum",
    "train/momentum",
    "optimizer/momentum",
)


def find_lr(names: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """Find the learning rates among names: the rule's name, and each name with its parameter group."""
    candidates = [name for name in names if not OTHER_VALUES.fullmatch(name)]
    for rule in RULES:
        found = [(name, group) for name in candidates if (group := _group(rule, name)) is not None]
        if found:
            return rule.name, _short(rule.name, found[:1] if rule.single else found)
        if rule.name == "monitor" and (partners := list(_with_partner(candidates, names))):
            return rule.name, _short(rule.name, partners)
    return "", []


def _group(rule: Rule, name: str) -> str | None:
    """Give the group that a name holds, "" where it holds none; None where the name is no learning rate."""
    match = rule.pattern.fullmatch(name)
    if match is None:
        return None
    parts = match.groupdict()
    group = parts.get("group") or parts.get("number") or ""
    words = [word for word in re.split(r"[\W_]+", group.casefold()) if word]
    if words and (words[-1] in SETTINGS_BEFORE if rule.name == "below" else words[0] in SETTINGS_AFTER):
        return None
    return group


def _with_partner(candidates: Iterable[str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give the names that a scheduler was given by hand: the monitor puts `-momentum` behind them."""
    everything = set(names)
    for name in candidates:
        if f"{name}-momentum" in everything or f"{name}-weight_decay" in everything:
            yield name, name


def _short(rule: str, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Shorten the groups' names as far as they stay apart: without the optimizer's, none at all for a single one."""
    behind = [group.partition("/")[2] for _, group in found]
    if all(behind) and len(set(behind)) == len(behind):
        groups = behind
    elif len(found) == 1:
        groups = [found[0][1] if rule.startswith("grouped") else ""]
    else:
        groups = [group for _, group in found]
        if not all(groups) or len(set(groups)) < len(groups):
            groups = [name for name, _ in found]
    return [(name, group) for (name, _), group in zip(found, groups, strict=True)]


def find_step(names: Sequence[str]) -> str | None:
    """Find the column that counts steps."""
    return _first(names, STEPS) or _first([name for name in names if "/" in name], ("step", "global_step"), last=True)


def find_epoch(names: Sequence[str]) -> str | None:
    """Find the column that counts epochs."""
    return _first(names, EPOCHS)


def find_momentum(names: Sequence[str], lr: Sequence[str]) -> list[str | None]:
    """Find the momentum that belongs to each learning rate; nothing where there is none at all."""
    by_key = {name.casefold(): name for name in reversed(names)}
    found = [next((by_key[key] for key in _partners(name) if key in by_key), None) for name in lr]
    if len(lr) == 1 and found == [None]:
        found = [_first(names, MOMENTA)]
    return found if any(found) else []


def _partners(lr: str) -> Iterator[str]:
    """Give the names that the momentum beside a learning rate may have."""
    key = lr.casefold()
    yield f"{key}-momentum"
    word = re.compile(rf"(?<![a-z]){LR}(?![a-z])")
    for momentum in ("momentum", "mom", "beta1", "beta_1", "betas", "betas/0"):
        partner = word.sub(momentum, key, count=1)
        if partner != key:
            yield partner


def _first(names: Sequence[str], wanted: Sequence[str], *, last: bool = False) -> str | None:
    """Give the first wanted name there is; `last`: only what follows the last slash is compared."""
    by_key = {(name.rpartition("/")[2] if last else name).casefold(): name for name in reversed(names)}
    return next((by_key[key] for key in wanted if key in by_key), None)
