"""onecycle sweep: the plans of several values of settings, as a table and as a folder of configs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.plans import load_plans
from onecycle_cli.cli.targets import ForceOption, check_new_file, check_not_input, is_stream
from onecycle_cli.config import Request
from onecycle_cli.config.files import STDIN_NAME
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, format_number, printable, yaml_value
from onecycle_cli.policy.summary import area, summarize
from onecycle_cli.render.lines import has_colour, table, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config import LoadedPlan, NamedPlan


@takes_plan
def sweep(
    request: Request,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FOLDER", help="Write a config for each plan into a folder.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """List the plans that several values of settings make; write them as a folder of configs.

    A config is written with its comments; only the values that vary, and those of flags, are changed.

    Examples:
        onecycle sweep plan.yaml --vary max_lr=0.1,0.2,0.4 -o runs
        onecycle sweep plan.yaml --vary max_lr=0.1,0.2 --vary pct_start=0.2,0.3
    """
    if not request.variations:
        raise OnecycleError("nothing varies", "give --vary, such as --vary max_lr=0.1,0.2,0.4")
    if output is not None:
        _check_folder(output)
    loaded = load_plans(request).plans
    names = _file_names(loaded, request)
    planned = [made.plan for made in loaded if made.plan is not None]
    if output is not None:
        paths = [Path(output) / name for name in names]
        for path in paths:
            check_new_file(str(path), force=force)
            check_not_input(str(path), request.configs)
        texts = [_config_text(made, str(path), request.block) for made, path in zip(loaded, paths, strict=True)]
        from onecycle_cli.render.output import make_folder, whole_file

        make_folder(Path(output))
        for path, text in zip(paths, texts, strict=True):
            with whole_file(path) as stream:
                stream.write(text.encode())
        sys.stderr.write(f"wrote {count(len(paths), 'config')} to {printable(output)}\n")
    rows: list[Sequence[str]] = [("config", "steps", "initial lr", "peak lr", "peak step", "final lr", "area under lr")]
    rows += [_row(name, plan) for name, plan in zip(names, planned, strict=True)]
    sys.stdout.write(table(rows, width_of(sys.stdout), left=(0,), colour=has_colour(sys.stdout)))


def _check_folder(output: str) -> None:
    """Check that configs can be written to a folder of this name.

    Raises:
        OnecycleError: it is standard output, or a file.
    """
    if not output or is_stream(output):
        raise OnecycleError(f"cannot write configs to {output or repr(output)}", "name a folder: -o runs")
    if Path(output).exists() and not Path(output).is_dir():
        raise OnecycleError(f"{output} is not a folder", "give the name of a folder, which need not exist")


def _row(name: str, plan: NamedPlan) -> tuple[str, ...]:
    """Return a line of the table; of several parameter groups the one with the highest peak."""
    summaries = [summarize(plan.schedule, group) for group in range(len(plan.schedule.groups))]
    group, found = max(enumerate(summaries), key=lambda summary: summary[1].peak_lr)
    rates = [format_number(rate) for rate in (found.initial_lr, found.peak_lr, found.final_lr)]
    surface = format_number(area(plan.schedule, group))
    return name, f"{plan.schedule.total_steps:,}", rates[0], rates[1], f"{found.peak_step:,}", rates[2], surface


def _file_names(loaded: Sequence[LoadedPlan], request: Request) -> list[str]:
    """Return a distinct file name for each plan: its config's, and the values that vary."""
    found: list[str] = []
    for made in loaded:
        plan = made.plan
        if plan is None:
            continue
        convention = plan.settings.convention if len(request.conventions) > 1 else None
        words = [plan.stem, *([convention] if convention else []), plan.variation]
        name = re.sub(r"[^A-Za-z0-9._+]+", "-", " ".join(words)).strip("-")
        ending = Path(made.file).suffix
        ending = ending if ending.lower() in (".json", ".yml", ".py") else ".yaml"
        numbers = ("", *(f"-{number}" for number in range(2, len(loaded) + 1)))
        taken = {each.lower() for each in found}  # some file systems do not distinguish capitals
        found.append(next(each for number in numbers if (each := f"{name}{number}{ending}").lower() not in taken))
    return found


def _config_text(made: LoadedPlan, path: str, block: str | None) -> str:
    """Return the text of a plan's config: its file's with other values, or all settings where there is no file."""
    if made.file in ("", STDIN_NAME):
        given = {} if made.settings is None else made.settings.given
        return "".join(f"{setting}: {yaml_value(value)}\n" for setting, value in given.items())
    from onecycle_cli.config.changes import with_plan

    return with_plan(made, path, block)
