"""onecycle tune: change a plan by keys, and see its curve."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.plans import load_plans, one_plan
from onecycle_cli.cli.plot import plan_curves
from onecycle_cli.cli.signals import end_by
from onecycle_cli.cli.variations import read_value
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.lines import is_unicode

if TYPE_CHECKING:
    from onecycle_cli.render.picture import Curve


@takes_plan
def tune(request: Request) -> None:
    """Change a plan's settings by keys and see its curve and findings; other configs are drawn behind it.

    Up and down select a setting, left and right change it, Enter types a value. w writes the config with its comments,
    c prints the command. It needs a terminal and the extra `tune` (pip install 'onecycle-cli[tune]').

    Examples:
        onecycle tune plan.yaml
        onecycle tune plan.yaml other.yaml
        onecycle tune --max-lr 0.1 --total-steps 1000
    """
    if "-" in request.configs:
        raise OnecycleError("tune cannot read standard input: the keys come from there", "name a file")
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OnecycleError("tune needs a terminal", "use `onecycle plot --terminal` elsewhere")
    mine = replace(request, configs=request.configs[:1])
    one_plan(mine)
    behind = _behind(request.configs[1:])
    try:
        from onecycle_cli.tune.app import TuneApp
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "textual":
            raise
        raise OnecycleError("tune needs Textual, which is not installed", "pip install 'onecycle-cli[tune]'") from None
    from onecycle_cli.tune.session import Session

    app = TuneApp(Session(mine), behind, read_value, unicode=is_unicode(sys.stdout))
    command = app.run()
    if app.ended_by is not None:
        end_by(app.ended_by)
    if command:
        sys.stdout.write(f"{command}\n")


def _behind(configs: tuple[str, ...]) -> list[Curve]:
    """Return the curves of the plans that are drawn behind the one that is tuned."""
    if not configs:
        return []
    planned = [made.plan for made in load_plans(Request(configs)).plans if made.plan is not None]
    return plan_curves(planned)
