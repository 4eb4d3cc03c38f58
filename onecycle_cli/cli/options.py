"""One flag a setting, made from the settings' declaration, for every command that takes a plan."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from onecycle_cli.formatting import flag_name
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked to plan.

    `configs` are paths, `conventions` those to draw them in, `flags` the settings given by flags; `sets` holds what
    `--set` lays into the configs, and `block` names the one to read where a config has several.
    """

    configs: tuple[str, ...]
    conventions: tuple[str, ...]
    flags: dict[str, object]
    sets: tuple[str, ...] = ()
    block: str | None = None


def _keyword(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_SET = _keyword(
    "set_",
    Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Give a value of the config, such as trainer.max_steps=5000. Repeat it.",
            show_default=False,
        ),
    ],
)
_BLOCK = _keyword(
    "block",
    Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Which one-cycle block of the config, where it has several.", show_default=False
        ),
    ],
)


def takes_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take `[CONFIG]...` and one flag a setting; it is handed them as its first argument, a Request."""
    told = "YAML files with settings, or training configs; - reads standard input."
    configs = Annotated[list[str] | None, typer.Argument(metavar="CONFIG", help=told)]
    return _takes(command, _keyword("config", configs, None), _SET, _BLOCK)


def takes_paths(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take `PATH...`, at least one, and one flag a setting, as `takes_plan` does."""
    told = "Files, folders (every config in them), or - for stdin."
    paths = Annotated[list[str], typer.Argument(metavar="PATH", help=told)]
    return _takes(command, _keyword("config", paths, inspect.Parameter.empty), _SET)


def _takes(command: Callable[..., None], configs: inspect.Parameter, *flags: inspect.Parameter) -> Callable[..., None]:
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def wrapper(config: list[str] | None, **given: Any) -> None:
        settings = {setting: given.pop(setting) for setting in SETTINGS}
        named = {setting: value for setting, value in settings.items() if value not in (None, [], ())}
        conventions = named.pop("convention", ())
        sets, block = tuple(given.pop("set_") or ()), given.pop("block", None)
        command(Request(tuple(config or ()), tuple(conventions), named, sets, block), **given)

    options = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    parameters = [configs, *options, *flags, *(_parameter(setting) for setting in SETTINGS)]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    del wrapper.__wrapped__
    return wrapper


def flag_values(flags: dict[str, object]) -> dict[str, object]:
    """Give a repeated flag's values as a list, a single one as itself; `--groups 2` is a number."""
    values = {name: _single(value) for name, value in flags.items()}
    groups = values.get("groups")
    if isinstance(groups, str) and groups.isdecimal() and len(groups) < 10:
        values["groups"] = int(groups)
    elif isinstance(groups, str):
        values["groups"] = [groups]
    return values


def _single(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _parameter(setting: str) -> inspect.Parameter:
    what = SETTINGS[setting]
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
        rich_help_panel=SETTINGS[setting].section.value,
        show_default=False,
        **extra,
    )
    return _keyword(setting, Annotated[type_ | None, option])


def _help(setting: str) -> str:
    words = [SETTINGS[setting].description]
    if SETTINGS[setting].item is not None:
        words.append("Repeat it once a group.")
    default = getattr(CONVENTIONS[DEFAULT].defaults, setting, None)
    if default is not None:
        words.append(f"({DEFAULT}'s default: {str(default).lower() if isinstance(default, bool) else default})")
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
