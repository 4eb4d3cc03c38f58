"""What is wrong with a command line, in the words of every other error: what was typed, and what to type instead."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer

from onecycle_cli.formatting import flag_name, join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 60
"""Characters of what was typed that are repeated, and compared with what there is."""

MOST_SUGGESTED = 4
"""Options that are suggested for words that they all have."""

_UNEXPECTED = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)


class UnknownWordError(ValueError):
    """A parser of an option does not know a word: `hint` is the nearest one, or all of them."""

    def __init__(self, typed: str, known: Iterable[str]) -> None:
        """Look for the nearest word."""
        super().__init__(typed)
        self.hint = did_you_mean(typed, known)


class InvalidValueError(typer.BadParameter):
    """A value that an option does not accept: `typed` is the part of it that is wrong, `hint` what to use."""

    def __init__(self, typed: str, hint: str) -> None:
        """Keep both for the message."""
        super().__init__(hint)
        self.typed, self.hint = typed, hint


def usage_error(error: Any, program: str) -> tuple[str, str]:
    """Return the message and the hint for an error of Typer's."""
    context = getattr(error, "ctx", None)
    see = f"see `{program if context is None else context.command_path} --help`"
    parameter = getattr(error, "param", None)
    parameters = [] if context is None else context.command.get_params(context)
    if hasattr(error, "possibilities"):
        near = nearest_options(error.option_name, parameters)
        return f"unknown option {shorten(error.option_name, LONGEST)}", f"did you mean {near}?" if near else see
    if hasattr(error, "param_type") and parameter is not None:
        return _missing(parameter, see)
    if isinstance(error, InvalidValueError):
        return _refused(parameter, error)
    message = error.format_message()
    if extra := _UNEXPECTED.fullmatch(message):
        return f"unexpected argument {shorten(extra[1], LONGEST)!r}", see
    if hasattr(error, "option_name"):
        return _misused(error.option_name, parameters, see)
    return " ".join(message.split()), see


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Return the hint for a mistyped word: the nearest of those there are, or all of them."""
    words = list(known)
    near = nearest(typed, words)
    return f"did you mean {near}?" if near else f"use {join_words(words, 'or')}"


def nearest(typed: str, known: Iterable[str]) -> str | None:
    """Return the word that a mistyped one is most like, or that it begins; capitals do not count."""
    words, typed = {word.lower(): word for word in known}, typed[:LONGEST].strip().lower()
    near = get_close_matches(typed, words, 1) or [word for word in words if typed and word.startswith(typed)]
    return words[near[0]] if near else None


def nearest_options(typed: str, parameters: Iterable[Any]) -> str:
    """Return what a mistyped option may mean: as other programs name it, with other words, or misspelled.

    It may also be a value: `--json` is `--format json`.
    """
    name = typed[:LONGEST].lower().replace("_", "-").strip("-")
    options: list[str] = []
    choices: dict[str, str] = {}
    for parameter in parameters:
        if parameter.param_type_name == "option":
            negative = parameter.secondary_opts if name.startswith("no-") else ()
            options += [each for each in (*parameter.opts, *negative) if each.startswith("--")]
            values = parameter.type_descriptor.choices or ()
            choices.update({str(value): f"{parameter.opts[0]} {value}" for value in values})
    words, flag = sorted(name.split("-")), flag_name(_setting_named(name) or "")
    by_words = {option: sorted(option.strip("-").split("-")) for option in options}
    if same := [option for option in options if by_words[option] == words]:
        return same[0]
    if flag in options:
        return flag
    if name in choices:
        return choices[name]
    holding = [option for option in options if set(words) <= set(by_words[option])]
    if 0 < len(holding) <= MOST_SUGGESTED:
        return join_words(holding, "or")
    close = get_close_matches(name, [option.strip("-") for option in options], 1)
    return f"--{close[0]}" if close else ""


def _setting_named(name: str) -> str | None:
    """Return the setting that other programs call so."""
    from onecycle_cli.config.indexes import plain
    from onecycle_cli.config.training.names import RATES, SETTING_NAMES, WARMUPS

    name = plain(name)
    if name == "warmup" or name in WARMUPS:
        return "pct_start"
    return "max_lr" if name in RATES else SETTING_NAMES.get(name)


def _misused(option: str, parameters: Iterable[Any], see: str) -> tuple[str, str]:
    """Return what is wrong with an option that has no value and needs one, or has one and takes none."""
    for parameter in parameters:
        names = [*parameter.opts, *parameter.secondary_opts]
        if option in names and getattr(parameter, "is_flag", False):
            return f"{option} takes no value", f"use {join_words(names, 'or')}"
        if option in names and (choices := parameter.type_descriptor.choices):
            return f"{option} needs a value", f"use {join_words(list(map(str, choices)), 'or')}"
    return f"{option} needs a value", see


def _missing(parameter: Any, see: str) -> tuple[str, str]:
    if parameter.param_type_name == "argument":
        return f"{parameter.metavar or parameter.name.upper()} is missing", see
    choices = parameter.type_descriptor.choices
    return f"{parameter.opts[0]} is missing", f"use {join_words(list(map(str, choices)), 'or')}" if choices else see


def _refused(parameter: Any, error: InvalidValueError) -> tuple[str, str]:
    """Return what is wrong with a value that an option does not accept."""
    shown = shorten(error.typed, LONGEST)
    try:
        float(error.typed)
    except ValueError:
        shown = repr(shown)  # so that the ends of a text can be seen
    return f"invalid {parameter.opts[0]} {shown}", error.hint
