"""The help of the program and of each command: what it does, how it is used, examples, and every option by topic."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from typer import TyperException
from typer.core import TyperCommand

from onecycle_cli.cli.typed_values import without_pydantic
from onecycle_cli.render.lines import cells, has_colour, styled, terminal_size, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDEST = 100
"""Columns of a help page: longer lines are hard to read."""

NAMES = 30
"""Columns for the names of options; the text about a longer name begins below it."""

NARROW = 60
"""Columns of a terminal up to which every text is below its name."""

EXAMPLES = "Examples:"
OPTIONS = "Options"


class Entry(NamedTuple):
    """An option, argument or command: its name, in which its value's name comes last, and what it does."""

    name: str
    value: str
    text: str


class Command(TyperCommand):
    """A command whose help has the layout of this module."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the arguments and options."""
        return without_pydantic(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an error that does not say in which command it is gets its context."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if getattr(error, "ctx", ctx) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        panels: dict[str, list[Entry]] = {"Arguments": [], OPTIONS: []}
        for parameter in self.get_params(ctx):
            if parameter.param_type_name == "argument":
                panels["Arguments"].append(argument(parameter))
            else:
                panel = getattr(parameter, "rich_help_panel", None) or OPTIONS
                panels.setdefault(panel, []).append(option(parameter))
        formatter.write(page(ctx.command_path, self.help or "", usage(self.get_params(ctx)), panels))


def page(path: str, text: str, pieces: str, panels: dict[str, list[Entry]], closing: str = "") -> str:
    """Return a help page, as wide as the terminal.

    Args:
        path: the command's words.
        text: what it does, in paragraphs, the last of which may be its examples.
        pieces: the rest of its usage line.
        panels: its options by topic.
        closing: a last paragraph.
    """
    colour, width = has_colour(sys.stdout), min(WIDEST, max(20, terminal_size(sys.stdout)[0]))
    about, _, examples = inspect.cleandoc(text).partition(EXAMPLES)
    lines: list[str] = []
    for paragraph in about.strip().split("\n\n"):
        lines += [*wrap(" ".join(paragraph.split()), width), ""]
    shown = [styled(line, "flag", colour=colour) for line in wrap(f"{path} {pieces}", width - 7)]
    lines += [f"{styled('Usage:', 'heading', colour=colour)} " + "\n       ".join(shown)]
    if examples:
        lines += ["", styled(EXAMPLES, "heading", colour=colour)]
        lines += [f"  {styled(line.strip(), 'value', colour=colour)}" for line in examples.strip().splitlines()]
    options = [entry for entries in panels.values() for entry in entries if entry.name.lstrip().startswith("-")]
    for title, entries in panels.items():
        if entries:
            lines += ["", styled(f"{title}:", "heading", colour=colour)]
            aligned = options if entries[0] in options else entries
            begin = min(NAMES, max(map(_taken, aligned)) + 2) if width > NARROW else 8
            lines += [line for entry in entries for line in _laid_out(entry, begin, width, colour=colour)]
    if closing:
        lines += ["", *wrap(closing, width)]
    return "\n".join(lines) + "\n"


def _taken(entry: Entry) -> int:
    return 2 + cells(f"{entry.name} {entry.value}".rstrip())


def _laid_out(entry: Entry, begin: int, width: int, *, colour: bool) -> Iterator[str]:
    """Yield the lines of an entry, its text from a column on: beside the name, or below it where there is no room."""
    shown = f"  {styled(entry.name, 'flag', colour=colour)}"
    if entry.value:
        shown += f" {styled(entry.value, 'value', colour=colour)}"
    paragraph = list(wrap(entry.text, width - begin))
    if _taken(entry) + 2 <= begin:
        shown += " " * (begin - _taken(entry)) + paragraph.pop(0)
    yield shown.rstrip()
    yield from (" " * begin + line for line in paragraph)


def usage(parameters: Iterable[Any]) -> str:
    """Return what a usage line has after the command: `[OPTIONS] [CONFIG]... LOG`."""
    pieces = ["[OPTIONS]"]
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            name = parameter.metavar or parameter.name.upper()
            pieces.append((name if parameter.required else f"[{name}]") + ("..." if parameter.nargs != 1 else ""))
    return " ".join(pieces)


def argument(parameter: Any) -> Entry:
    """Return the entry of an argument."""
    return Entry(usage([parameter]).removeprefix("[OPTIONS] "), "", _with_facts(parameter))


def option(parameter: Any) -> Entry:
    """Return the entry of an option: `-o, --output FILE`, `    --[no-]drop-last`."""
    long = next((name for name in parameter.opts if name.startswith("--")), parameter.opts[0])
    if parameter.secondary_opts:
        long = f"--[no-]{long.removeprefix('--')}"
    short = next((name for name in parameter.opts if not name.startswith("--")), None)
    name = f"{short}, {long}" if short else f"    {long}"
    is_flag = getattr(parameter, "is_flag", False) or parameter.secondary_opts
    value = "" if is_flag else parameter.metavar or long.rpartition("-")[2].upper()
    return Entry(name, value, _with_facts(parameter))


def _with_facts(parameter: Any) -> str:
    """Return a parameter's text with its choices, its range and its default."""
    kind, default = parameter.type_descriptor, parameter.default
    facts = [f"[values: {', '.join(map(str, kind.choices))}]"] if kind.choices else []
    if kind.parameter_info.max is not None:
        facts.append(f"[from {kind.parameter_info.min:g} to {kind.parameter_info.max:g}]")
    if isinstance(parameter.show_default, str):
        facts.append(f"[default: {parameter.show_default}]")
    elif default not in (None, False, True, "-") and not callable(default):
        facts.append(f"[default: {default:g}]" if isinstance(default, float) else f"[default: {default}]")
    if parameter.required and parameter.param_type_name == "option":
        facts.append("[required]")
    return " ".join([parameter.help or "", *facts])
