"""The command line: the program with its commands, and the one place that sets exit codes.

0 success · 1 the check failed · 2 could not run · 3 bug · 130 interrupted · 141 broken pipe.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from onecycle_cli.cli.signals import end_cleanly_at_signals
from onecycle_cli.cli.streams import BrokenOutputError, inert_streams
from onecycle_cli.cli.typed_values import without_pydantic
from onecycle_cli.errors import BROKEN_PIPE, BUG, INTERRUPTED, OnecycleError
from onecycle_cli.formatting import printable, shorten
from onecycle_cli.render.lines import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "onecycle"

COMMANDS = {
    "show": ("show", "Show a schedule: length, rates, phases and key steps"),
    "plot": ("plot", "Draw learning rate and momentum, in a file or in the terminal"),
    "export": ("export", "Write one row per step: CSV, JSON Lines, NPZ or Parquet"),
    "code": ("export", "Write the training code of a plan for a framework"),
    "compare": ("compare", "Compare plans, or one plan under several conventions"),
    "sweep": ("sweep", "List the plans that several values make, or write their configs"),
    "tune": ("tune", "Change settings by keys, and see the curve"),
    "extend": ("extend", "Extend a run: what a new length does, and smooth ways on"),
    "check": ("check", "Compare logged runs with their plan"),
    "report": ("report", "Write a page to share: chart, findings, settings and logs"),
    "range": ("range", "Read an LR range test: what each rule takes for the peak"),
    "fit": ("fit", "Recover the config of a run from its log"),
    "validate": ("validate", "Find the mistakes in configs"),
    "init": ("reference", "Write a commented config to start from"),
    "schema": ("reference", "Print the JSON Schema of config files"),
    "explain": ("reference", "Explain a finding or a convention"),
}
"""Each command's module and what the program's help says of it, in the order in which a newcomer needs them; its
function has the command's name."""

IN_ASCII = "onecycle_cli.in_ascii"
ASCII = {"→": "->", "×": "x", "…": "...", "·": "-"}

SETTINGS_OF_COMMANDS = {
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda name: name.replace("_", "-"),  # --max_lr is --max-lr
}


class Commands(TyperGroup):
    """The program's commands; the module of each is imported when the command is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Return a command as lists and completions show it, without its options; None for an unknown name."""
        return TyperCommand(cmd_name, short_help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the program's options."""
        return without_pydantic(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that is used, or suggest one for a mistyped name."""
        name, *others = args
        if name in COMMANDS:
            return name, _load(name), others
        if name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from onecycle_cli.cli.usage import did_you_mean

        if Path(name).suffix and os.path.exists(name):  # noqa: PTH110 - a Path cannot hold every name a user may type
            hint = f"`{PROGRAM} show {printable(name)}` shows its schedule"
            raise OnecycleError(f"{printable(name)} is not a command", hint)
        raise OnecycleError(f"unknown command {shorten(name, 60)!r}", did_you_mean(name, COMMANDS))

    def invoke(self, ctx: Any) -> Any:
        """Run a command; Typer would end the process at a broken pipe, with another exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenOutputError from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the program's help."""
        from onecycle_cli.cli.help import OPTIONS, Entry, option, page

        commands = [Entry(name, "", about) for name, (_, about) in COMMANDS.items()]
        options = [option(parameter) for parameter in self.get_params(ctx)]
        panels = {"Commands": commands, OPTIONS: options}
        closing = f"Run `{PROGRAM} COMMAND --help` for a command's options."
        formatter.write(page(ctx.command_path, self.help or "", "COMMAND [OPTIONS]", panels, closing))


def _load(name: str) -> Any:
    """Return a command with its options."""
    from onecycle_cli.cli.help import Command

    app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS_OF_COMMANDS)
    app.command(cls=Command)(getattr(import_module(f"onecycle_cli.cli.{COMMANDS[name][0]}"), name))
    command = typer.main.get_command(app)
    command.name = name
    return command


def run() -> NoReturn:
    """Run the command line with the process's arguments and streams, and end the process."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open as long as the process
    if sys.stdout is None:
        print_error("cannot write: standard output is closed", "leave it open, or redirect it to a file")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        # A name or message may hold a character that the terminal's encoding does not have.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=IN_ASCII, newline="\n")  # the same bytes on Windows
    end_cleanly_at_signals()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for the developers of Python programs, who can ask for them with -W
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing that a user types makes it raise."""
    with inert_streams():
        return _run_command(arguments)


def _run_command(arguments: Sequence[str]) -> int:
    words = list(arguments)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    try:
        code = make_command().main(words, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, BrokenOutputError):
        _discard(sys.stdout)
        return BROKEN_PIPE
    except typer.TyperException as error:
        from onecycle_cli.cli.usage import usage_error

        print_error(*usage_error(error, PROGRAM))
        return error.exit_code
    except OnecycleError as error:
        print_error(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as error:
        _discard(sys.stdout)
        if os.name == "nt" and error.errno == errno.EINVAL:  # how Windows reports a broken pipe
            return BROKEN_PIPE
        print_error(f"cannot write: {error.strerror or error}", "free some space, or write to another place")
        return 2
    except Exception as error:  # noqa: BLE001 - anything else is a bug, and is reported as one
        return _print_report(error, arguments)
    return code if isinstance(code, int) else 0


def make_command() -> Any:
    """Return the program, ready to be run with arguments."""
    app = typer.Typer(cls=Commands, rich_markup_mode=None, context_settings=SETTINGS_OF_COMMANDS)
    app.callback(invoke_without_command=True)(_program)
    return typer.main.get_command(app)


def print_error(message: str, hint: str) -> None:
    """Print on standard error what is wrong, and the one thing to do."""
    hinted = labelled("hint", "hint", printable(hint), sys.stderr) if hint else ""
    try:
        sys.stderr.write(labelled("error", "error", printable(message), sys.stderr) + hinted)
    except OSError:
        _discard(sys.stderr)  # the exit code still says it


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
    """Plan one-cycle learning-rate schedules, and check training runs against them.

    Examples:
        onecycle show --max-lr 0.1 --epochs 30 --steps-per-epoch 175
        onecycle plot plan.yaml -o schedule.png
        onecycle validate configs
        onecycle check plan.yaml run.csv
    """
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
