"""What a comparison found, in a sentence for each plan: by how much it differs from the first one, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import count, join_words, percent, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.render.comparison_report import Entry


def answers(entries: Sequence[Entry], tolerance: float) -> Iterator[str]:
    """Yield a sentence about all plans that equal the first one, and one about each that does not."""
    reference, others = entries[0], entries[1:]
    for entry in others:
        if not entry.equal:
            yield f"{printable(entry.name)} {_difference(reference, entry)}{_sampled(entry)}"
    equal = [entry for entry in others if entry.equal]
    if equal:
        are = "is" if len(equal) == 1 else "are"
        name = printable(reference.name)
        how = f"equal to {name} within {percent(tolerance, 6)} of the peak" if tolerance else f"bit-identical to {name}"
        if any(entry.schedule.cycles_momentum != reference.schedule.cycles_momentum for entry in equal):
            how += " (only the learning rate: not every framework here schedules momentum)"
        yield f"{join_words([printable(entry.name) for entry in equal])} {are} {how}{_sampled(equal[0])}"


def main_answer(entries: Sequence[Entry], tolerance: float) -> str:
    """Return the sentence about the plan that differs most, for a title."""
    differing = [entry for entry in entries[1:] if not entry.equal]
    if not differing:
        return " ".join(answers(entries, tolerance))
    worst = max(differing, key=_share)
    sentence = f"{printable(worst.name)} {_difference(entries[0], worst)}"
    return sentence.replace(" differs from ", " differs most from ", 1) if len(entries) > 2 else sentence


def _share(entry: Entry) -> float:
    return entry.outcome.lr.relative if entry.outcome and entry.outcome.lr else 0.0


def _sampled(entry: Entry) -> str:
    return " (a dense sample of the steps was compared)" if entry.outcome and entry.outcome.sampled else ""


def _difference(reference: Entry, entry: Entry) -> str:
    """Return how a plan differs, as the rest of a sentence about it."""
    outcome, name = entry.outcome, printable(reference.name)
    lengths = _shape(reference, entry)
    if outcome is None or (outcome.lr is None and outcome.momentum is None):
        return f"differs from {name}: {join_words(lengths)}" if lengths else f"differs from {name}"
    if outcome.lr is not None:
        size = f"by up to {percent(outcome.lr.relative)} of the peak"
    else:
        size = f"in momentum by up to {percent(outcome.momentum.relative if outcome.momentum else 0.0)} of its maximum"
    if outcome.visible is None:
        return f"differs from {name} only by rounding, {size}"
    first = f"first at step {outcome.visible.step:,}"
    return "; ".join([f"differs from {name} {size}, {first}", *lengths])


def _shape(reference: Entry, entry: Entry) -> list[str]:
    """Return what one of two plans has and the other does not."""
    one, two = reference.schedule, entry.schedule
    found = []
    if one.total_steps != two.total_steps:
        found.append(f"it has {count(two.total_steps, 'step')}, not {one.total_steps:,}")
    if one.first_step != two.first_step:
        found.append(f"it begins at step {two.first_step:,}, not {one.first_step:,}")
    if len(one.groups) != len(two.groups):
        found.append(f"it has {count(len(two.groups), 'parameter group')}, not {len(one.groups)}")
    if one.cycles_momentum != two.cycles_momentum and not entry.is_reference:
        found.append("it " + ("cycles" if two.cycles_momentum else "does not cycle") + " momentum")
    return found
