"""A two-command program that prints a YAML file as a table: what `show` and `validate` are compared with."""

from __future__ import annotations

from pathlib import Path

import typer
import yaml
from rich.console import Console
from rich.table import Table

app = typer.Typer()


@app.command()
def show(path: Path) -> None:
    print_table(path)


@app.command()
def validate(path: Path) -> None:
    print_table(path)


def print_table(path: Path) -> None:
    with path.open() as stream:
        settings = yaml.safe_load(stream)
    table = Table("setting", "value")
    for name, value in settings.items():
        table.add_row(str(name), str(value))
    Console().print(table)


if __name__ == "__main__":
    app()
