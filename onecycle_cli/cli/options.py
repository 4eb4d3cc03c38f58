"""One flag a setting, made from the settings' declaration, for every command that takes a plan."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from onecycle_cli.policy.conventions import CONVENTIONS, torch
from onecycle_cli.policy.settings import Settings, about, kind

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked to plan: configs by path, the conventions to draw them in, and the settings from flags."""

    configs: tuple[str, ...]
    conventions: tuple[str, ...]
    flags: dict[str, object]


def takes_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take `[CONFIG]...` and one flag a setting; it is handed them as its first argument, a Request."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def wrapper(config: list[str] | None, **given: Any) -> None:
        flags = {setting: given.pop(setting) for setting in Settings.model_fields}
        named = {setting: value for setting, value in flags.items() if value not in (None, [], ())}
        conventions = named.pop("convention", ())
        command(Request(tuple(config or ()), tuple(conventions), named), **given)

    configs = inspect.Parameter(
        "config",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            list[str] | None,
            typer.Argument(metavar="CONFIG", help="YAML files with settings; - reads standard input."),
        ],
    )
    keyword_only = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    parameters = [configs, *keyword_only, *(_parameter(setting) for setting in Settings.model_fields)]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    del wrapper.__wrapped__
    return wrapper


def flag_name(setting: str) -> str:
    """Give a setting's flag: max_lr is --max-lr."""
    return "--" + setting.replace("_", "-")


def _parameter(setting: str) -> inspect.Parameter:
    what = kind(setting)
    names = [flag_name(setting)]
    type_: Any = what.single
    extra: dict[str, Any] = {}
    if setting == "verbose":
        names.append("-v")
    elif what.single is bool:
        names = [f"{names[0]}/--no-{names[0][2:]}"]
    elif setting == "convention":
        extra = {"parser": _conventions, "metavar": "|".join(CONVENTIONS)}
    elif setting == "groups":
        type_, extra = list[str], {"parser": str, "metavar": "NUMBER|NAME"}
    elif what.choices:
        type_ = Literal[what.choices]
    elif what.item is not None:
        type_, extra = list[float], {"parser": _number, "metavar": "NUMBER"}
    elif what.single is int:
        extra = {"parser": _whole, "metavar": "N"}
    elif what.single is float:
        extra = {"parser": _number, "metavar": "NUMBER"}
    option = typer.Option(
        *names,
        help=_help(setting),
        rich_help_panel=about(setting).section.value,
        show_default=False,
        **extra,
    )
    return inspect.Parameter(
        setting, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[type_ | None, option]
    )


def _help(setting: str) -> str:
    words = [Settings.model_fields[setting].description or ""]
    if kind(setting).item is not None:
        words.append("Repeat it once a group.")
    default = getattr(torch.DEFAULTS, setting, None)
    if default is not None:
        words.append(f"(torch's default: {str(default).lower() if isinstance(default, bool) else default})")
    return " ".join(words)


def _conventions(text: str) -> list[str]:
    """Read one convention, or several with commas."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in CONVENTIONS:
            raise typer.BadParameter(f"{name!r} is none of: {', '.join(CONVENTIONS)}")
    return names


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text[:40]!r} is not a number") from None


def _whole(text: str) -> int:
    """Read a whole number, also as people type large ones: 1_000_000 or 1e6."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        number = 0.5
    if not number.is_integer():
        raise typer.BadParameter(f"{text[:40]!r} is not a whole number")
    return int(number)
