"""onecycle range: what the rules for choosing a peak read off a test of learning rates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TextIO, get_args

import typer

from onecycle_cli.cli.logs import PatternOption, read_columns
from onecycle_cli.cli.pictures import (
    SizeOption,
    StyleOption,
    TransparentOption,
    figure_options,
    save_figure,
)
from onecycle_cli.cli.targets import (
    check_not_input,
    check_picture_beside_report,
    is_stream,
    print_notes,
    print_warnings,
)
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable, short
from onecycle_cli.render.check_report import bad_rows
from onecycle_cli.render.lines import has_colour, is_unicode, terminal_size, width_of
from onecycle_cli.run.range_test import RuleName

if TYPE_CHECKING:
    from onecycle_cli.config.files import Source
    from onecycle_cli.render.figure import FigureOptions
    from onecycle_cli.run.range_test import RangeTest

NARROWEST = 60
"""Columns of a terminal from which on the loss is drawn."""

LOWEST, TALLEST = 9, 16
"""Rows of the curve with its axis."""

LogOfTest = Annotated[
    str,
    typer.Argument(metavar="LOG", help="The log of a range test, of any kind, or a run's folder; - is standard input."),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="KEY=NAME", help="The column to read: lr=, loss= or step=NAME."),
]
RawOption = Annotated[
    bool | None,
    typer.Option(
        "--raw/--smoothed", help="Whether the log's losses are raw or smoothed (default: found out, and said)."
    ),
]


def range(  # noqa: A001 - a command's function has its name
    log: LogOfTest,
    column: ColumnOption = None,
    pattern: PatternOption = None,
    raw: RawOption = None,
    set_in: Annotated[
        str | None,
        typer.Option("--set-in", metavar="CONFIG", help="Write a rule's rate into a config as max_lr, and show it."),
    ] = None,
    rule: Annotated[RuleName | None, typer.Option("--rule", metavar="NAME", help="The rule for --set-in.")] = None,
    block: Annotated[
        str | None, typer.Option(metavar="PATH", help="The one-cycle block of the config, if it has several.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show what --set-in would change without changing it.")] = False,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Draw the test to a .png, .svg or .pdf file."),
    ] = None,
    size: SizeOption = None,
    style: StyleOption = "light",
    transparent: TransparentOption = False,
    curve: Annotated[
        bool | None,
        typer.Option("--curve/--no-curve", help="Draw the loss (default: in a terminal, if it is wide enough)."),
    ] = None,
    format_: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")] = "table",
) -> None:
    """Read an LR range test: what each rule takes for the peak, side by side. None of them is always right.

    Exit 0 if they have something to go by, 1 if not: the loss never fell, or there are too few rows for any rule.

    Examples:
        onecycle range range-test.csv
        onecycle range history.json -o range-test.png
        onecycle range range-test.csv --column lr=lr --column loss=loss
        onecycle range range-test.csv --set-in plan.yaml --rule valley
    """
    _check_target(set_in, rule, block, diff=diff)
    if output is not None:
        check_picture_beside_report(output)
        check_not_input(output, [log, *([set_in] if set_in is not None else [])])
    options = figure_options(size, style=style, transparent=transparent)
    from onecycle_cli.render.range_report import print_range, range_csv, range_json, sentences
    from onecycle_cli.run.logs import read_log
    from onecycle_cli.run.range_test.analysis import analyse

    logged = read_log(log, read_columns(column, loss=True), pattern or ())
    test, notes = analyse(logged, raw=raw)
    if output is not None:
        _draw(test, log, output, options)
    change = _change(test, set_in, rule, block) if set_in is not None and rule is not None else None
    print_warnings([*bad_rows(logged), *sentences(test)])
    if format_ == "json":
        sys.stdout.write(range_json(test, logged.path, notes))
    else:
        print_notes(notes)
        if format_ == "csv":
            sys.stdout.write(range_csv(test))
        else:
            print_range(test, logged.path, sys.stdout, _drawing(test, curve))
    if change is not None:
        if format_ == "table":
            sys.stdout.write("\n")
        change.make(sys.stdout if format_ == "table" else sys.stderr, write=not diff)
    if not test.answers:
        raise typer.Exit(1)


def _check_target(set_in: str | None, rule: RuleName | None, block: str | None, *, diff: bool) -> None:
    """Raise OnecycleError where the options of --set-in do not go together."""
    if set_in is None:
        for given, option in ((rule, "--rule"), (block, "--block"), (diff, "--diff")):
            if given:
                raise OnecycleError(f"{option} is for --set-in", f"name the config: --set-in plan.yaml {option}")
        return
    if rule is None:
        hint = f"choose one: --rule {' or '.join(get_args(RuleName))}"
        raise OnecycleError("--set-in needs --rule: the rules do not agree, and none is always right", hint)
    if is_stream(set_in):
        raise OnecycleError(f"cannot set max_lr in {set_in}: it is not a file", "name the file")


def _drawing(test: RangeTest, asked: bool | None) -> str:
    """Return the loss as a curve; empty in a pipe or a narrow terminal, unless it is asked for."""
    width = width_of(sys.stdout)
    if asked is False or (not asked and (width is None or width < NARROWEST)):
        return ""
    from onecycle_cli.cli.drawing import NO_TERMINAL, window_height
    from onecycle_cli.render.range_report import marks
    from onecycle_cli.render.terminal.range_drawing import draw_range

    height = min(TALLEST, max(LOWEST, window_height() // 2))
    columns = terminal_size(sys.stdout, NO_TERMINAL)[0]
    unicode, colour = is_unicode(sys.stdout), has_colour(sys.stdout)
    return draw_range(test, marks(test), columns, height, unicode=unicode, colour=colour)


def _draw(test: RangeTest, log: str, target: str, options: FigureOptions) -> None:
    from onecycle_cli.render.figure import range_figure

    rates = {reading.rule: reading.lr for reading in test.readings}
    figure = range_figure(test, "standard input" if log == "-" else Path(log).name, options)
    save_figure(figure, target, options.dpi, {"range": rates})


class _Change(NamedTuple):
    """A config's file, its text with another peak, and what is said of that."""

    source: Source
    text: str
    summary: str

    def make(self, stream: TextIO, *, write: bool) -> None:
        """Show the change, and write it if asked to."""
        from onecycle_cli.config.fix import check_fixable, difference
        from onecycle_cli.render.output import whole_file

        if self.text == self.source.text:
            print_notes([f"{self.summary} already"])
            return
        if write:
            check_fixable(self.source)
            with whole_file(Path(self.source.path)) as target:
                target.write(self.source.encoded(self.text))
        stream.write(difference(self.source.path, self.source.text, self.text))
        sys.stderr.write(f"{printable(self.summary)}{'' if write else ' (not written)'}\n")


def _change(test: RangeTest, config: str, rule: RuleName, block: str | None) -> _Change:
    """Return the change that writes what a rule takes into a config.

    Raises:
        OnecycleError: the rule takes nothing, or the config cannot be changed.
    """
    from onecycle_cli.config.changes import with_peak

    reading = next(one for one in test.readings if one.rule == rule)
    if reading.lr is None:
        raise OnecycleError(f"{rule} gives no rate: {reading.why_not}", "choose another rule")
    if not test.fell:
        raise OnecycleError(f"{config} is left as it is: the loss of the test never falls", "repeat the test")
    number = short(reading.lr)
    source, text, old = with_peak(config, float(number), block)
    change = f"{old}" if text == source.text else f"{old} → {number} ({rule})"
    return _Change(source, text, f"max_lr in {config}: {change}")
