"""The least that a Typer program with two commands and a version is: what `--version`, `--help` and completion face."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


def print_version(wanted: bool) -> None:
    if wanted:
        print("bare 1.0")
        raise typer.Exit


@app.callback()
def program(version: Annotated[bool, typer.Option("--version", callback=print_version, is_eager=True)] = False) -> None:
    """Do nothing."""


@app.command()
def show(path: str) -> None:
    """Show a file."""
    print(path)


@app.command()
def schema(path: str) -> None:
    """Show a schema."""
    print(path)


if __name__ == "__main__":
    app(prog_name="bare")
