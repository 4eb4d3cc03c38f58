"""The columns of a log: how trainers name them, and which of them are read.

Names are compared without the spaces around them and without regard to case.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, join_words, shorten
from onecycle_cli.run.logs.log import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from onecycle_cli.run.logs.format import Format

TEXT = "text"
"""The name of the format of text for people."""

LOSS = "loss"
KEYS = ("step", "lr", "momentum", LOSS)
"""What a user can name a column for. The loss is read only where this key is given, also without a name."""

LR = r"(?:lr|learning[-_ ]?rate)"


NAMINGS = {
    # LearningRateMonitor: lr-SGD, lr-SGD-1 (the second of its type), lr-AdamW/pg1, lr-AdamW/backbone
    "monitor": re.compile(r"(?i)(?:.*[/.])?lr-(?P<group>[a-z]\w*(?:-\d+)?(?:/.+)?)"),
    # lr, learning_rate, LearningRate; Lightning logs lr as lr_step if it is logged per step and per epoch; fastai's
    # recorder has lrs
    "plain": re.compile(rf"(?i){LR}(?:_step|s)?"),
    # lr_0, lr_backbone, lr/pg0, lr.0, lr[0], lr0
    "grouped": re.compile(rf"(?i){LR}(?:[-_/.:\[](?P<group>[^\]]+)\]?|(?P<number>\d+))"),
    # train/lr, train_lr, optim.learning_rate, and head/lr beside body/lr
    "prefixed": re.compile(rf"(?i)(?P<group>.+)[-_/.: ]{LR}"),
    # train/lr/pg0, train/lr_backbone
    "grouped and prefixed": re.compile(rf"(?i).+[-_/.: ]{LR}(?:[-_/.:\[](?P<group>[^\]]+)\]?|(?P<number>\d+))"),
}
"""Ways to name learning rates, in the order they are tried: the first one that matches any column is used for all.

A pattern's group `group` or `number` is the name of the parameter group.
"""

SETTINGS_BEFORE = frozenset(
    {
        "base", "end", "final", "highest", "init", "initial", "lowest", "max", "min", "peak", "planned", "start",
        "target", "warmup",
    }
)  # fmt: skip
"""Words that make `base_lr` a setting, not the rate that the optimizer uses."""

SETTINGS_AFTER = frozenset(
    {
        "decay", "epoch", "factor", "final", "find", "finder", "init", "initial", "max", "min", "mult", "multiplier",
        "patience", "policy", "ratio", "scale", "sched", "schedule", "scheduler", "warmup",
    }
)  # fmt: skip
"""Words that make `lr_scale` something other than a learning rate."""

OTHER_VALUES = re.compile(r".*[-_/.](momentum|mom|beta_?1|betas|weight_decay|wd)(/\d+)?", re.IGNORECASE)

STEPS = (
    "step", "global_step", "trainer/global_step", "train/global_step", "trainer/step", "train/step", "iteration",
    "global_iteration", "acc_iter", "iter", "iterations", "global_iter", "train_step", "update", "num_updates", "_step",
    "batch",
)  # fmt: skip
"""Columns that count steps, the most reliable first."""

EPOCHS = ("epoch", "trainer/epoch", "train/epoch")

MOMENTA = (
    "momentum", "mom", "beta1", "beta_1", "betas/0", "betas", "mom/0", "lr_momentum", "train/momentum",
    "optimizer/momentum",
)  # fmt: skip

MOMENTUM_WORDS = ("momentum", "mom", "beta1", "beta_1", "betas", "betas/0")
"""What may be written in place of a learning rate in the name of the momentum beside it."""

LOSSES = (
    re.compile(r"(?i)loss(?:es)?"),
    # train_loss, train/loss, training_loss_step, loss/train, Train/Samples/train_loss, batch_loss
    re.compile(r"(?i)(?:.*[/.])?(?:(?:train(?:ing)?|batch)[-_/. ])?loss(?:es)?(?:_step|[-_/. ]train(?:ing)?)?"),
    # lm loss, train/total_loss, loss_total, cross_entropy_loss; a smoothed one only where there is no other
    re.compile(r"(?i)(?!.*smooth).+[-_/. ]loss(?:_step)?|(?!.*smooth)loss[-_/. ].+"),
    re.compile(r"(?i).*smooth.*loss|loss.*smooth.*"),
)
"""Ways to name the loss of a training step, in the order they are tried."""

OTHER_LOSSES = re.compile(
    r"(?i)(?:.*[-_/. ])?(?:val|valid|validation|test|eval|best|lowest|min|epoch|scale|scaler|weight|ratio)"
    r"(?:[-_/. ].*)?"
)
"""Words that make a loss one of other data than a training step's, or another number."""

MOST_OTHERS = 16
"""Columns that are read besides, as they may be learning rates, too."""

NAMES_SHOWN = 20
NAME_SHOWN = 60
"""Names and characters that a message shows at most."""


class Names:
    """The names of a file's columns, as formats look at them."""

    def __init__(self, names: Sequence[str]) -> None:
        """Take the names as they are written in the file."""
        self.written = tuple(names)
        self.keys = frozenset(name.strip().casefold() for name in names)

    @cached_property
    def counts_epochs(self) -> bool:
        """Whether a column counts epochs, and none counts steps."""
        known = list(stripped(self.written))
        return find_step(known) is None and find_epoch(known) is not None


def stripped(names: Sequence[str]) -> dict[str, str]:
    """Return the columns by their names without the spaces around them; the first of several with one name."""
    columns: dict[str, str] = {}
    for name in names:
        columns.setdefault(name.strip(), name)
    return columns


def check_wanted(wanted: Mapping[str, Sequence[str]]) -> None:
    """Check the columns that a user names, without the log.

    Raises:
        OnecycleError: a key is unknown, a column is named twice, or the counts of names differ.
    """
    for key, names in wanted.items():
        if key not in KEYS:
            known = join_words([f"{known}=" for known in KEYS if known != LOSS or LOSS in wanted], "or")
            raise OnecycleError(f"unknown --column key {key[:NAME_SHOWN]!r}", f"use --column {known}")
        if len(set(names)) < len(names):
            raise OnecycleError(f"--column {key}= names a column twice", "name each column once")
    for key in ("step", LOSS):
        if len(wanted.get(key, ())) > 1:
            raise OnecycleError(f"--column {key}= is given twice", "give it once")
    lr, momentum = wanted.get("lr", ()), wanted.get("momentum", ())
    if lr and momentum and len(lr) != len(momentum):
        message = f"--column names {len(lr)} learning rates but {len(momentum)} momenta"
        raise OnecycleError(message, "name one momentum per learning rate, in the same order")


def choose_columns(
    path: str, names: Sequence[str], wanted: Mapping[str, Sequence[str]], formats: Iterable[Format]
) -> Columns:
    """Return the columns to read: those the user names, else those the format declares, else those known by name.

    Args:
        path: the file's name in messages.
        names: all columns, as they are written in the file.
        wanted: the user's own names, by step, lr, momentum and loss.
        formats: the formats of the file's reader.

    Raises:
        OnecycleError: no column is a learning rate (or a loss, where one is wanted), a named column does not exist, or
            the file holds several runs.
    """
    looked_at = Names(names)
    format_ = next(format_ for format_ in formats if format_.matches(looked_at))
    given = {key: [_find(path, names, name) for name in wanted.get(key, ())] for key in KEYS}
    columns = stripped(names) if given["lr"] else format_.metrics(names)
    known = list(columns)
    own = {key: given[key] or (_declared(known, key, format_) if key != LOSS else []) for key in KEYS}
    several = len(own["lr"]) > 1
    rates = [(name.strip(), name.strip() if several else "") for name in own["lr"]] or find_lr(known)[1]
    if not rates:
        found = f"its columns are {_listed(names)}" if names else "it has no columns"
        is_text = len(names) == 1 and " " in names[0].strip()
        hint = "say where it is: --pattern 'step {step} lr {lr}'" if is_text else "name it: --column lr=NAME"
        raise OnecycleError(f"no learning-rate column in {path}: {found}", hint)
    lr = [name for name, _ in rates]
    others = [] if own["lr"] else find_others(known, lr)
    step = next(iter(own["step"]), None) or find_step(known)
    epoch = find_epoch(known)
    momentum: list[str | None] = [name.strip() for name in own["momentum"]] or [*find_momentum(known, lr)]
    if len(momentum) > len(lr):
        message = f"--column names {len(momentum)} momenta, but the log has {count(len(lr), 'learning rate')}"
        raise OnecycleError(message, "name the learning rates too, with --column lr=")
    counter = step or epoch
    momentum = _with_others(momentum, lr, known, others)
    lr += others
    loss = next(iter(own[LOSS]), None) or (
        find_loss(path, known, lr, is_text=format_.name == TEXT) if LOSS in wanted else None
    )
    return Columns(
        format=format_.name,
        step=None if counter is None else columns.get(counter, counter),
        lr=tuple(columns.get(name, name) for name in lr),
        momentum=tuple(None if name is None else columns.get(name, name) for name in momentum),
        groups=(*(group for _, group in rates), *others),
        others=len(others),
        counts_epochs=step is None and epoch is not None,
        epoch=columns.get(epoch) if step is not None and epoch not in (None, step) else None,
        loss=None if loss is None else columns.get(loss, loss),
        notes=() if counter else ("no column counts steps: the rows are numbered from 0",),
    )


def _declared(known: Sequence[str], key: str, format_: Format) -> list[str]:
    """Return the column that the format declares; the step, unlike the others, need not be a column of the file."""
    name: str | None = getattr(format_, key)
    found = _first(known, [name])
    return [found] if found else [name] if name and key == "step" else []


def _with_others(
    momentum: list[str | None], lr: Sequence[str], known: Sequence[str], others: Sequence[str]
) -> list[str | None]:
    """Return the momentum of each learning rate, the other ones among them; nothing where there is none at all."""
    partners = [None if name in momentum else name for name in partners_of(known, others)]
    padded = [*momentum, *[None] * (len(lr) - len(momentum)), *partners]
    return padded if any(padded) else []


def _find(path: str, names: Sequence[str], wanted: str) -> str:
    """Return the column that the user named: exactly, without the spaces around it, or with dots for slashes."""
    if wanted in names:
        return wanted
    plain = [_plain(name) for name in names]
    if _plain(wanted) in plain:
        return names[plain.index(_plain(wanted))]
    shown = [name.strip()[:NAME_SHOWN] for name in names]
    close = get_close_matches(wanted[:NAME_SHOWN], shown, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"it has {_listed(names)}"
    raise OnecycleError(f"{path} has no column {wanted}", hint)


def _plain(name: str) -> str:
    return name.strip().replace(".", "/")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    listed = ", ".join(shorten(name.strip(), NAME_SHOWN) for name in names[:NAMES_SHOWN])
    return listed + (f" and {more} more" if more > 0 else "")


def find_lr(names: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """Return the learning rates among names: the naming's name, and each column with its parameter group."""
    everything = set(names)
    candidates = [name for name in names if not OTHER_VALUES.fullmatch(name)]
    for naming in NAMINGS:
        found = [(name, group) for name in candidates if (group := _group(naming, name)) is not None]
        if not found and naming == "monitor":  # a user may name its columns; it appends these words to them
            found = [(name, name) for name in candidates if everything & {f"{name}-momentum", f"{name}-weight_decay"}]
        if found:
            return naming, _shortened(naming, found[:1] if naming == "plain" else found)
    return "", []


def _group(naming: str, name: str) -> str | None:
    """Return the group in a column's name, "" where it has none; None where the name is not a learning rate's."""
    match = NAMINGS[naming].fullmatch(name)
    if match is None:
        return None
    parts = match.groupdict()
    group = parts.get("group") or parts.get("number") or ""
    words = [word for word in re.split(r"[\W_]+", group.casefold()) if word]
    if words and (words[-1] in SETTINGS_BEFORE if naming == "prefixed" else words[0] in SETTINGS_AFTER):
        return None
    return group


def _shortened(naming: str, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Shorten the groups' names while they differ: leave out the optimizer's name, and all for a single group."""
    behind = [group.partition("/")[2] for _, group in found]
    if all(behind) and len(set(behind)) == len(behind):
        groups = behind
    elif len(found) == 1:
        groups = [found[0][1] if naming.startswith("grouped") else ""]
    else:
        groups = [group for _, group in found]
        if not all(groups) or len(set(groups)) < len(groups):
            groups = [name for name, _ in found]
    return [(name, group) for (name, _), group in zip(found, groups, strict=True)]


def optimizer_of(name: str) -> str:
    """Return the optimizer that a learning rate's name has, as LearningRateMonitor writes it; "" where it has none."""
    match = NAMINGS["monitor"].fullmatch(name)
    return match["group"].partition("/")[0] if match else ""


def find_step(names: Sequence[str]) -> str | None:
    """Return the column that counts steps."""
    return _first(names, STEPS) or _first([name for name in names if "/" in name], ("step", "global_step"), last=True)


def find_epoch(names: Sequence[str]) -> str | None:
    """Return the column that counts epochs."""
    return _first(names, EPOCHS)


def find_loss(path: str, names: Sequence[str], lr: Sequence[str], *, is_text: bool = False) -> str:
    """Return the column with the loss of each training step; `path` is the file's name in messages.

    Of text for people, only lines with a learning rate are read without a pattern.

    Raises:
        OnecycleError: no column is called like one, or several are.
    """
    candidates = [name for name in names if name not in lr and not OTHER_LOSSES.fullmatch(name)]
    for naming in LOSSES:
        found = [name for name in candidates if naming.fullmatch(name)]
        if len(found) > 1:
            hint = f"name one: --column 'loss={found[0]}'"
            raise OnecycleError(f"several columns of {path} may be the loss: {_listed(found)}", hint)
        if found:
            return found[0]
    message = f"no loss column in {path}: {f'its columns are {_listed(names)}' if names else 'it has no columns'}"
    pattern = "say where both are: --pattern 'step {step} lr {lr}' --pattern 'step {step} loss {loss}'"
    raise OnecycleError(message, pattern if is_text else "name it: --column loss=NAME")


def find_others(names: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Return the columns besides the chosen ones that are called like learning rates."""
    candidates = [name for name in names if name not in chosen and not OTHER_VALUES.fullmatch(name)]
    return [name for name in candidates if any(_group(naming, name) is not None for naming in NAMINGS)][:MOST_OTHERS]


def find_momentum(names: Sequence[str], lr: Sequence[str]) -> list[str | None]:
    """Return the momentum that belongs to each learning rate; nothing where there is none at all."""
    found = partners_of(names, lr)
    if len(lr) == 1 and found == [None]:
        found = [_first(names, MOMENTA)]
    return found if any(found) else []


def partners_of(names: Sequence[str], lr: Sequence[str]) -> list[str | None]:
    """Return the momentum that is named like each learning rate."""
    by_key = {name.casefold(): name for name in reversed(names)}
    word = re.compile(rf"(?<![a-z]){LR}(?![a-z])")
    found = []
    for name in lr:
        key = name.casefold()
        renamed = [word.sub(momentum, key, count=1) for momentum in MOMENTUM_WORDS]
        partners = [f"{key}-momentum", *(partner for partner in renamed if partner != key)]
        found.append(next((by_key[partner] for partner in partners if partner in by_key), None))
    return found


def _first(names: Sequence[str], wanted: Sequence[str | None], *, last: bool = False) -> str | None:
    """Return the first wanted name that exists; `last`: only the part after the last slash is compared."""
    by_key = {(name.rpartition("/")[2] if last else name).casefold(): name for name in reversed(names)}
    return next((by_key[key] for key in map(str.casefold, filter(None, wanted)) if key in by_key), None)
