"""The options that commands share: one flag per setting, made from the settings' declaration, and `--at`."""

from __future__ import annotations

import inspect
import re
from contextlib import suppress
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from onecycle_cli.cli.flag_values import group_names, number, numbers, positive, whole
from onecycle_cli.cli.help import OPTIONS
from onecycle_cli.cli.targets import check_not_input, print_notes
from onecycle_cli.cli.usage import UnknownWordError
from onecycle_cli.cli.variations import read_variations
from onecycle_cli.config import Request
from onecycle_cli.config.project import Project, find_project, read_codes
from onecycle_cli.config.scaling import Scaling
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import RULES
from onecycle_cli.formatting import THOUSANDS, count, flag_name, format_number, join_words, setting_text, shorten
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_CONFIG = "Config"

FLAGS = tuple(name for name, setting in SETTINGS.items() if setting.has_flag)
"""The settings that have a flag."""

_SEPARATED = re.compile(r",?\s+,?")

AtOption = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="STEP,…", help="Show only these steps, such as 0,500,9999 or '1,574 5,249'."),
]
FormatOption = Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")]


def _keyword(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_SET = _keyword(
    "set_",
    Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            rich_help_panel=_CONFIG,
            help="Set a value of the config, such as trainer.max_steps=5000. Repeatable.",
        ),
    ],
)
_BLOCK = _keyword(
    "block",
    Annotated[
        str | None,
        typer.Option(
            metavar="PATH", rich_help_panel=_CONFIG, help="The one-cycle block to read, if the config has several."
        ),
    ],
)


_ISOLATED = _keyword(
    "isolated",
    Annotated[bool, typer.Option("--isolated", rich_help_panel=_CONFIG, help="Ignore the project's settings file.")],
    default=False,
)


_VARY = _keyword(
    "vary",
    Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="SETTING=V1,V2,…",
            rich_help_panel=_CONFIG,
            help="Plan each value of a setting, such as max_lr=0.1,0.2; [0.1,0.2] is one list. "
            "Repeated: every combination.",
        ),
    ],
)
_SCALE = _keyword(
    "scale_lr",
    Annotated[
        Literal["linear", "sqrt"] | None,
        typer.Option(
            "--scale-lr",
            rich_help_panel=_CONFIG,
            help="Scale max_lr by the samples per step (batch_size, accumulation, processes) over --from-batch.",
        ),
    ],
)
_FROM_BATCH = _keyword(
    "from_batch",
    Annotated[
        int | None,
        typer.Option(
            "--from-batch",
            metavar="N",
            parser=positive,
            rich_help_panel=_CONFIG,
            help="The samples per step that max_lr was chosen for.",
        ),
    ],
)


def takes_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Add `[CONFIG]...` and one flag per setting to a command, which gets them as its first argument, a Request."""
    text = "YAML files with settings, or training configs; - reads standard input."
    configs = Annotated[list[str] | None, typer.Argument(metavar="CONFIG", help=text)]
    return _takes(command, _keyword("config", configs, None), _SET, _BLOCK, _VARY, _SCALE, _FROM_BATCH, _ISOLATED)


OLD_LENGTH = {"epochs": "old-epochs", "total_steps": "old-total-steps"}
"""The flags of the length where a command's own --epochs and --total-steps are another one."""


def takes_plan_so_far(command: Callable[..., None]) -> Callable[..., None]:
    """Add what `takes_plan` adds, with other flags for the length, which is about to change."""
    configs = Annotated[list[str] | None, typer.Argument(metavar="CONFIG", help="The run's plan so far.")]
    return _takes(command, _keyword("config", configs, None), _SET, _BLOCK, _ISOLATED, renamed=OLD_LENGTH)


def takes_paths(command: Callable[..., None]) -> Callable[..., None]:
    """Add `PATH...`, at least one, and one flag per setting to a command, as `takes_plan` does."""
    text = "Files, folders (every config in them), or - for standard input."
    paths = Annotated[list[str], typer.Argument(metavar="PATH", help=text)]
    return _takes(command, _keyword("config", paths, inspect.Parameter.empty), _SET, _ISOLATED)


def _takes(
    command: Callable[..., None],
    configs: inspect.Parameter,
    *flags: inspect.Parameter,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Callable[..., None]:
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def wrapper(config: list[str] | None, **given: Any) -> None:
        settings = {setting: given.pop(setting) for setting in FLAGS}
        named = {setting: value for setting, value in settings.items() if value not in (None, [], ())}
        conventions = [name for names in named.pop("convention", ()) for name in names]
        assignments, block = tuple(given.pop("set_") or ()), given.pop("block", None)
        flags = {setting: _flag_value(setting, value) for setting, value in named.items()}
        log = given.get("log")  # of check its last argument, of pictures whether an axis is logarithmic
        check_not_input(given.get("output"), [*(config or ()), *([log] if isinstance(log, str) else [])])
        rule, from_batch = given.pop("scale_lr", None), given.pop("from_batch", None)
        if (rule is None) != (from_batch is None):
            raise OnecycleError(
                "--scale-lr and --from-batch need each other", "such as --scale-lr linear --from-batch 256"
            )
        variations = read_variations(given.pop("vary", None) or (), flags)
        project = Project() if given.pop("isolated") else find_project()
        request = Request(
            tuple(config or ()),
            tuple(conventions),
            flags,
            assignments,
            defaults=project.set if config else (),
            select=project.select,
            ignore=project.ignore,
            strict=project.strict,
            block=block,
            exclude=project.exclude,
            exclude_from=project.folder,
            variations=variations,
            scaling=None if rule is None else Scaling(rule, from_batch),
        )
        command(request, **given)

    options = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters = [configs, *options, *flags, *(_parameter(setting, renamed.get(setting, setting)) for setting in FLAGS)]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__
    return wrapper


def read_steps(texts: Sequence[str], total_steps: int) -> list[int]:
    """Read the steps of `--at`, which may be repeated.

    Raises:
        OnecycleError: one of them is not a step of the cycle.
    """
    return [step for text in texts for step in _read_steps(text, total_steps)]


def _read_steps(text: str, total_steps: int) -> list[int]:
    steps: list[int] = []
    try:
        for part in _SEPARATED.split(text.strip()):
            read, note = _read_part(part, total_steps)
            steps += read
            print_notes([note] if note else [])
    except ValueError:
        steps = []
    if any(step < 0 for step in steps):
        raise OnecycleError(f"--at {text[:60]}: steps count from 0", f"the last step is {total_steps - 1}")
    if not steps:
        raise OnecycleError(f"invalid --at {text[:60]!r}", "give steps with commas, such as 0,500,9999")
    if max(steps) >= total_steps:
        past = shorten(f"{max(steps):,}", 40)
        message = f"--at {past} is past the end: the cycle has {count(total_steps, 'step')}"
        raise OnecycleError(message, f"give steps from 0 to {total_steps - 1}")
    return steps


def _read_part(text: str, total_steps: int) -> tuple[list[int], str]:
    """Read a part of `--at` without spaces, and return a note where it could mean something else.

    1,574 is one step, as this tool prints it, where the cycle has that step; else two. From three numbers on, those
    that rise are a list: 1,574,900. Where a number begins with 0, as in 10,000, there is no doubt.
    """
    words = [word for word in text.split(",") if word]
    steps = [whole(word) for word in words]
    if not THOUSANDS.fullmatch(text):
        return steps, ""
    step = whole(text)
    if any(word.startswith("0") for word in words):
        return [step], ""
    if step >= total_steps:
        return steps, ""
    listed = join_words([str(step) for step in steps])
    if len(steps) > 2 and steps == sorted(set(steps)):
        return steps, f"--at {text} is read as the steps {listed}: write {step} for one step"
    return [step], f"--at {text} is read as step {step}: write '{', '.join(words)}' for the steps {listed}"


def _flag_value(setting: str, value: object) -> object:
    """Return what was given by commas and repetition as one list, a single number as itself; `--groups 2` is one."""
    if not isinstance(value, list | tuple):
        return value
    items = [item for part in value for item in part]
    if setting == "groups" and len(value) == 1:
        with suppress(ValueError):
            return whole(",".join(items))
    return items[0] if len(items) == 1 and setting != "groups" else items


def _parameter(setting: str, name: str) -> inspect.Parameter:
    what = SETTINGS[setting]
    names, panel = [flag_name(name)], what.section.value
    type_: Any = what.single
    extra: dict[str, Any] = {}
    if setting == "verbose":
        names.append("-v")
        panel = OPTIONS  # it says something of the plan, and is not part of it
    elif what.single is bool:
        names = [f"{names[0]}/--no-{names[0][2:]}"]
    elif setting == "convention":
        type_, extra = list[str], {"parser": _conventions, "metavar": "NAME,…", "autocompletion": _known_conventions}
    elif setting == "groups":
        type_, extra = list[str], {"parser": group_names, "metavar": "N|NAME,…"}
    elif what.choices:
        type_ = Literal[what.choices]
    elif what.item is not None:
        type_, extra = list[float], {"parser": numbers, "metavar": "NUMBER,…"}
    elif what.single is int:
        extra = {"parser": whole, "metavar": "N"}
    elif what.single is float:
        extra = {"parser": number, "metavar": "NUMBER"}
    text = _help(setting, is_renamed=name != setting)
    option = typer.Option(*names, help=text, rich_help_panel=panel, show_default=_default(setting), **extra)
    return _keyword(setting, Annotated[type_ | None, option])


def _help(setting: str, *, is_renamed: bool) -> str:
    text = SETTINGS[setting].description
    if is_renamed:
        text = f"Of the plan so far: {text[0].lower()}{text[1:]}"
    if setting == "convention":
        text += f" [values: {', '.join(CONVENTIONS)}]"
    return text


def _default(setting: str) -> bool | str:
    """Return the default that help shows for a setting: the default convention's own, if it has the setting."""
    convention = CONVENTIONS[DEFAULT]
    default = getattr(convention.defaults, setting, None)
    if default is None or not convention.supports(setting):
        return False
    return f"{setting_text(default, format_number)} in {DEFAULT}"


def codes(text: str) -> list[str]:
    """Read a code or its beginning, or several with commas."""
    return list(read_codes(text.split(",")))


def known_codes(incomplete: str) -> list[tuple[str, str]]:
    """Return the codes that what was typed may become, for the shell's completion; also the last of several."""
    before, comma, _ = incomplete.rpartition(",")
    return [(f"{before}{comma}{code}", rule.title) for code, rule in RULES.items()]


def _known_conventions(incomplete: str) -> list[tuple[str, str]]:
    """Return the conventions that what was typed may become, for the shell's completion; also the last of several."""
    before, comma, _ = incomplete.rpartition(",")
    return [(f"{before}{comma}{name}", convention.title) for name, convention in CONVENTIONS.items()]


def _conventions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in CONVENTIONS:
            raise UnknownWordError(name, CONVENTIONS)
    return names
