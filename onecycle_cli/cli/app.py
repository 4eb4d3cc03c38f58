"""The program and its commands; a command's module is imported when the command is used."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer.core import TyperCommand

PROGRAM = "onecycle"

COMMANDS = ("show", "plot", "export", "code", "compare", "check", "fit", "validate", "init", "schema", "explain")


class ReaderGoneError(Exception):
    """Whoever read our output went away."""


class Commands(TyperGroup):
    """A group that knows its commands by name and loads each when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Give the names in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Load a command; None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"onecycle_cli.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command  # type: ignore[return-value]

    def invoke(self, ctx: Any) -> Any:
        """Run a command; Typer would end the process at a broken pipe, with another code than ours."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGoneError from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command meant; a mistyped one is named in the error."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(args[0][:40], COMMANDS, 1)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)


def make_command() -> Any:
    """Make the program, ready to be run with arguments."""
    app = typer.Typer(cls=Commands, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]})
    app.callback(invoke_without_command=True)(_program)
    return typer.main.get_command(app)


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
    """Plan one-cycle learning-rate schedules before the run is paid for."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def new_app() -> typer.Typer:
    """Make the Typer app of one command's module."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
