"""What is typed for an option or an argument, as the value that its declaration asks for.

Typer would convert it through pydantic, and build a converter also for each option that is not given: that takes about
a third of the time of a short command.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from onecycle_cli.cli.flag_values import whole
from onecycle_cli.cli.usage import InvalidValueError, UnknownWordError, did_you_mean


def without_pydantic(parameters: list[Any]) -> list[Any]:
    """Return a command's parameters, converted by this module from now on."""
    for parameter in parameters:
        parameter.process_value = partial(_process_value, parameter)
    return parameters


def _process_value(parameter: Any, context: Any, typed: Any) -> Any:
    if parameter.required and parameter.value_is_missing(typed):
        return type(parameter).process_value(parameter, context, typed)  # raises the error for it
    value = _value(parameter, typed)
    return value if parameter.callback is None else parameter.callback(context, parameter, value)


def _value(parameter: Any, typed: Any) -> Any:
    """Return the value of what was typed once or repeatedly; a default, or a flag that is given, as it is."""
    if isinstance(typed, list | tuple):
        return [_value(parameter, each) for each in typed]
    if not isinstance(typed, str):
        return typed
    kind = parameter.type_descriptor
    try:
        if (parser := kind.parameter_info.parser) is not None:
            return parser(typed)
        return _number(kind, typed) if kind.annotation in (int, float) else _word(kind, typed)
    except UnknownWordError as error:
        raise InvalidValueError(typed, error.hint) from None
    except ValueError as error:
        raise InvalidValueError(typed, f"use {error}") from None


def _word(kind: Any, typed: str) -> str:
    if kind.choices and typed not in kind.choices:
        raise InvalidValueError(typed, did_you_mean(typed, map(str, kind.choices)))
    return typed


def _number(kind: Any, typed: str) -> float:
    """Return a number within the range that an option has."""
    least, most = kind.parameter_info.min, kind.parameter_info.max
    with suppress(ValueError):
        number = whole(typed) if kind.annotation is int else float(typed)
        if (least is None or number >= least) and (most is None or number <= most):
            return number
    if least is None:
        raise ValueError("a number")
    raise ValueError(f"a number, {least:g} or more" if most is None else f"a number from {least:g} to {most:g}")
