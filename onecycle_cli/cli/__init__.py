"""The command line: the program with its commands, and the one place that sets exit codes.

0 success · 1 the check failed · 2 could not run · 3 bug · 130 interrupted · 141 broken pipe.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import join_words, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer.core import TyperCommand

PROGRAM = "onecycle"

COMMANDS = {
    "show": "show",
    "plot": "plot",
    "export": "export",
    "code": "export",
    "compare": "compare",
    "check": "check",
    "fit": "fit",
    "validate": "validate",
    "init": "reference",
    "schema": "reference",
    "explain": "reference",
}
"""The module of each command, in the order in which a newcomer needs them; its function has the command's name."""

BUG = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

IN_ASCII = "onecycle_cli.in_ascii"
ASCII = {"→": "->", "×": "x", "…": "...", "·": "-"}

SETTINGS_OF_COMMANDS = {
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda name: name.replace("_", "-"),  # --max_lr is --max-lr
}


class BrokenOutputError(Exception):
    """The reader of a pipe closed it."""


class Commands(TyperGroup):
    """The program's commands; the module of each is imported when the command is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Load a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"onecycle_cli.cli.{COMMANDS[cmd_name]}")
        app = typer.Typer(add_completion=False, rich_markup_mode="rich", context_settings=SETTINGS_OF_COMMANDS)
        app.command()(getattr(module, cmd_name))
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command  # type: ignore[return-value]

    def invoke(self, ctx: Any) -> Any:
        """Run a command; Typer would end the process at a broken pipe, with another exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenOutputError from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or suggest one for a mistyped name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(args[0][:40], COMMANDS, 1)
            ctx.fail(f"unknown command {args[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)


def run() -> None:
    """Run the command line and end the process."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the process
    if sys.stdout is None:
        print_error("cannot write: standard output is closed", "leave it open, or redirect it to a file")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        # A name or message may hold a character that the terminal's encoding does not have.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=IN_ASCII)
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing that a user types makes it raise."""
    try:
        code = make_command().main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, BrokenOutputError):
        _discard(sys.stdout)
        return BROKEN_PIPE
    except typer.TyperException as error:
        if (message := _usage_message(error)).strip():
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else PROGRAM
            print_error(message.replace("\n", " "), f"see `{command} --help`")
        return error.exit_code
    except OnecycleError as error:
        print_error(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as error:
        _discard(sys.stdout)
        print_error(f"cannot write: {error.strerror or error}", "free some space, or write to another place")
        return 2
    except Exception as error:  # noqa: BLE001 - anything else is a bug, and is reported as one
        return _print_report(error, arguments)
    return code if isinstance(code, int) else 0


def make_command() -> Any:
    """Return the program, ready to be run with arguments."""
    app = typer.Typer(cls=Commands, rich_markup_mode="rich", context_settings=SETTINGS_OF_COMMANDS)
    app.callback(invoke_without_command=True)(_program)
    return typer.main.get_command(app)


def print_error(message: str, hint: str) -> None:
    """Print on standard error what is wrong, and the one thing to do."""
    hinted = f"  hint: {printable(hint)}\n" if hint else ""
    try:
        sys.stderr.write(f"error: {printable(message)}\n{hinted}")
    except OSError:
        _discard(sys.stderr)  # the exit code still says it


def _usage_message(error: typer.TyperException) -> str:
    """Return what is wrong with what was typed; a value that Typer's converter refuses, in our own words."""
    cause: Any = error.__cause__
    if not isinstance(error, typer.BadParameter) or error.param is None or not hasattr(cause, "errors"):
        return error.format_message()
    refused, kind = cause.errors()[0], error.param.type_descriptor
    least, most = kind.parameter_info.min, kind.parameter_info.max
    if kind.choices:
        wanted = join_words(kind.choices, "or")
    elif refused["type"] == "value_error":
        wanted = str(refused["ctx"]["error"])
    elif least is not None:
        wanted = f"{least:g} or more" if most is None else f"a number from {least:g} to {most:g}"
    else:
        wanted = "a number"
    typed = str(refused["input"])
    try:
        float(typed)
    except ValueError:
        typed = repr(typed)  # so that the ends of a text can be seen
    return f"invalid {error.param.opts[0]} {shorten(typed, 60)}: use {wanted}"


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding does not have by characters that every encoding has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(char, "?") for char in error.object[error.start : error.end]), error.end


codecs.register_error(IN_ASCII, _in_ascii)


def _print_version(wanted: bool) -> None:
    if wanted:
        from onecycle_cli.version import __version__

        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _program(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Plan one-cycle learning-rate schedules, and check training runs against them."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _discard(stream: TextIO) -> None:
    """Send what is left in a stream nowhere, so that the interpreter's own last flush does not fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_report(error: Exception, arguments: Sequence[str]) -> int:
    """Print a report to paste: this is a bug."""
    import platform
    import shlex
    import traceback

    from onecycle_cli.version import __version__

    trace = "".join(traceback.format_exception(error))
    sys.stderr.write(
        "error: this is a bug in onecycle, not in what you typed. Please report it with the lines below.\n\n"
        f"onecycle {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"command: {PROGRAM} {shlex.join(arguments)}\n{trace}"
    )
    return BUG
