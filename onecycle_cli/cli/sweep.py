"""onecycle sweep: the plans of several values of settings, as a table and as a folder of configs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.plans import load_plans
from onecycle_cli.cli.targets import ForceOption, check_new_file
from onecycle_cli.config import Request
from onecycle_cli.config.files import STDIN_NAME
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, format_number, printable, yaml_value
from onecycle_cli.policy.summary import area, summarize
from onecycle_cli.render.lines import has_colour, table, width_of
from onecycle_cli.render.short_names import numbered

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
    if output is not None and Path(output).exists() and not Path(output).is_dir():
        raise OnecycleError(f"{output} is not a folder", "give the name of a folder, which need not exist")
    loaded = load_plans(request).plans
    names = _file_names(loaded, request)
    planned = [made.plan for made in loaded if made.plan is not None]
    if output is not None:
        texts = [_config_text(made, request) for made in loaded]
        paths = [Path(output) / name for name in names]
        for path in paths:
            check_new_file(str(path), force=force)
        from onecycle_cli.render.output import whole_file

        Path(output).mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            with whole_file(path) as stream:
                stream.write(text.encode())
        sys.stderr.write(f"wrote {count(len(paths), 'config')} to {printable(output)}\n")
    rows: list[Sequence[str]] = [("config", "steps", "initial lr", "peak lr", "peak step", "final lr", "area under lr")]
    rows += [_row(name, plan) for name, plan in zip(names, planned, strict=True)]
    sys.stdout.write(table(rows, width_of(sys.stdout), left=(0,), colour=has_colour(sys.stdout)))


def _row(name: str, plan: NamedPlan) -> tuple[str, ...]:
    """Return a line of the table; of several parameter groups the one with the highest peak."""
    summaries = [summarize(plan.schedule, group) for group in range(len(plan.schedule.groups))]
    group, found = max(enumerate(summaries), key=lambda summary: summary[1].peak_lr)
    rates = [format_number(rate) for rate in (found.initial_lr, found.peak_lr, found.final_lr)]
    surface = format_number(area(plan.schedule, group))
    return name, f"{plan.schedule.total_steps:,}", rates[0], rates[1], f"{found.peak_step:,}", rates[2], surface


def _file_names(loaded: Sequence[LoadedPlan], request: Request) -> list[str]:
    """Return a distinct file name for each plan: its config's, and the values that vary."""
    names, endings = [], []
    for made in loaded:
        plan = made.plan
        if plan is None:
            continue
        convention = plan.settings.convention if len(request.conventions) > 1 else None
        words = [plan.stem, *([convention] if convention else []), plan.variation]
        names.append(re.sub(r"[^A-Za-z0-9._]+", "-", " ".join(words)).strip("-"))
        ending = Path(made.file).suffix
        endings.append(ending if ending in (".json", ".yml", ".py") else ".yaml")
    return [f"{name.replace(' #', '-')}{ending}" for name, ending in zip(numbered(names), endings, strict=True)]


def _config_text(made: LoadedPlan, request: Request) -> str:
    """Return the text of a plan's config: its file's with other values, or all settings where there is no file."""
    given = {} if made.settings is None else made.settings.given
    if made.file in ("", STDIN_NAME):
        return "".join(f"{setting}: {yaml_value(value)}\n" for setting, value in given.items())
    from onecycle_cli.config.changes import changes_of, with_settings
    from onecycle_cli.config.files import read_source

    changes = changes_of(made, scaled=request.scaling is not None)
    return with_settings(read_source(made.file), changes, request.block)
