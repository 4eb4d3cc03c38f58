"""Which columns of a log are read, and which format they tell of: by their names, or as the user says."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.naming import find_epoch, find_lr, find_momentum, find_step
from onecycle_cli.run.logs.rows import Columns
from onecycle_cli.run.logs.wandb import labels_of_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEYS = ("step", "lr", "momentum")
MOST_NAMES_SHOWN = 20
LONGEST_NAME_SHOWN = 60
EVENTS = "tensorboard-events"
TENSORBOARD = frozenset({"wall time", "step", "value"})


def check_wanted(wanted: Mapping[str, Sequence[str]]) -> None:
    """Check the columns that a user names, as far as that goes without the log.

    Raises:
        OnecycleError: something else than step, lr or momentum is named, or the numbers of names do not agree.
    """
    for key, names in wanted.items():
        if key not in KEYS:
            raise OnecycleError(f"--column {key}= means nothing", "write --column step=, lr= or momentum=")
        if len(set(names)) < len(names):
            raise OnecycleError(f"--column {key}= names a column twice", "name each column once")
    if len(wanted.get("step", ())) > 1:
        raise OnecycleError("two columns cannot both be the step", "give --column step= once")
    lr, momentum = wanted.get("lr", ()), wanted.get("momentum", ())
    if lr and momentum and len(lr) != len(momentum):
        message = f"{len(lr)} columns of learning rates and {len(momentum)} of momenta are named"
        raise OnecycleError(message, "name a momentum for each learning rate, in the same order")


def choose(path: str, names: Sequence[str], wanted: Mapping[str, Sequence[str]], kind: str) -> Columns:
    """Choose the columns to read.

    Args:
        path: what messages call the file.
        names: all columns, as they stand in the file.
        wanted: the user's own names, by step, lr and momentum.
        kind: the format, where the names tell of no other: csv, jsonl or tensorboard-events.

    Raises:
        OnecycleError: no column is a learning rate, a named column does not exist, or several runs are mixed.
    """
    own = {key: [_existing(path, names, name) for name in given] for key, given in wanted.items()}
    chart = {} if own.get("lr") else labels_of_chart(names)
    labels = chart or _labels(names)
    known = list(labels)
    rule, found = _learning_rates(known, own.get("lr", []))
    if not found:
        raise _no_lr(path, names)
    lr = [name for name, _ in found]
    # In an event file each event has its step; a tag of that name is another value.
    step, counts_epochs = ("step", False) if kind == EVENTS else _counter(known)
    if own.get("step"):
        step, counts_epochs = own["step"][0], False
    momentum = _momenta(known, lr, own.get("momentum", []))
    if len(momentum) > len(lr):
        raise OnecycleError(
            f"{len(momentum)} momenta are named, but the log has {len(lr)} learning rate(s)", "name them too"
        )
    return Columns(
        format="wandb" if chart else _format(known, rule, kind, counts_epochs=counts_epochs),
        step=labels.get(step, step) if step is not None else None,
        lr=tuple(labels.get(name, name) for name in lr),
        momentum=tuple(labels.get(name, name) if name is not None else None for name in momentum),
        groups=tuple(group for _, group in found),
        counts_epochs=counts_epochs,
        notes=_notes(known, lr, step, own=bool(own.get("lr"))),
    )


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Give each column by its name without spaces around it; the first of several with one name."""
    labels: dict[str, str] = {}
    for name in names:
        labels.setdefault(name.strip(), name)
    return labels


def _learning_rates(known: Sequence[str], own: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    if own:
        return "own", [(name.strip(), name.strip() if len(own) > 1 else "") for name in own]
    if {name.casefold() for name in known} == TENSORBOARD:
        return "value", [(name, "") for name in known if name.casefold() == "value"]
    return find_lr(known)


def _counter(known: Sequence[str]) -> tuple[str | None, bool]:
    """Give the column that counts, and whether it counts epochs."""
    step = find_step(known)
    if step is not None:
        return step, False
    epoch = find_epoch(known)
    return epoch, epoch is not None


def _momenta(known: Sequence[str], lr: Sequence[str], own: Sequence[str]) -> list[str | None]:
    return [name.strip() for name in own] if own else find_momentum(known, lr)


def _format(known: Sequence[str], rule: str, kind: str, *, counts_epochs: bool) -> str:
    """Name the format that the names tell of."""
    keys = {name.casefold() for name in known}
    if kind == EVENTS:
        return kind
    if kind == "jsonl":
        signs = [
            ("mmengine", "iter" in keys and keys & {"data_time", "base_lr", "time"}),
            ("transformers", {"learning_rate", "step", "epoch"} <= keys),
        ]
    else:
        signs = [
            ("tensorboard", keys == TENSORBOARD),
            ("lightning", rule == "monitor"),
            ("ultralytics", counts_epochs and any(re.fullmatch(r"lr/pg\d+", key) for key in keys)),
            ("keras", counts_epochs),
        ]
    signs.append(("wandb", "_step" in keys and keys & {"_runtime", "_timestamp"}))
    return next((name for name, told in signs if told), kind)


def _notes(known: Sequence[str], lr: Sequence[str], step: str | None, *, own: bool) -> tuple[str, ...]:
    notes = []
    if step is None:
        notes.append("no column counts steps: the rows are numbered from 0")
    others = [] if own else [name for name, _ in find_lr([name for name in known if name not in lr])[1]]
    if others:
        notes.append(f"read {_listed(lr)}; {_listed(others)} may be learning rates too: --column lr=NAME takes them")
    return tuple(notes)


def _existing(path: str, names: Sequence[str], wanted: str) -> str:
    """Find a column that the user named: as it is, without the spaces around it, or with dots for slashes."""
    for keys in (names, [_key(name) for name in names]):
        if (key := wanted if keys is names else _key(wanted)) in keys:
            return names[keys.index(key)]
    close = get_close_matches(
        wanted[:LONGEST_NAME_SHOWN], [name.strip()[:LONGEST_NAME_SHOWN] for name in names], n=1, cutoff=0.5
    )
    hint = f"did you mean {close[0]}?" if close else f"it has {_listed(names)}"
    raise OnecycleError(f"{path} has no column {wanted}", hint)


def _key(name: str) -> str:
    return name.strip().replace(".", "/")


def _no_lr(path: str, names: Sequence[str]) -> OnecycleError:
    return OnecycleError(
        f"no column of {path} is known as a learning rate: it has {_listed(names)}", "name it: --column lr=NAME"
    )


def _listed(names: Iterable[str]) -> str:
    stripped = [name.strip() for name in names]
    cut = [name if len(name) <= LONGEST_NAME_SHOWN else name[: LONGEST_NAME_SHOWN - 1] + "…" for name in stripped]
    more = len(cut) - MOST_NAMES_SHOWN
    return ", ".join(cut[:MOST_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
