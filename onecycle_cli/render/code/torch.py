"""PyTorch, with a training loop of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.render.code import arguments
from onecycle_cli.render.code.loop import guard, training_loop
from onecycle_cli.render.code.scheduler import optimizer_of, write
from onecycle_cli.render.code.writing import join

if TYPE_CHECKING:
    from onecycle_cli.render.code.task import Task


def snippet(task: Task) -> str:
    """Write the scheduler, the optimizer that it sets, and the loop that steps it."""
    written = write(task, arguments.length(task))
    steps = task.steps_of_the_run()
    check = "" if written.own else guard(task, steps)
    imports = "import math\n\nimport torch" if "math." in written.make + written.definition + check else "import torch"
    make = join(
        optimizer_of(task, "model"),
        check,
        written.make,
        task.resuming(
            "make both as here, then scheduler.load_state_dict(...) the checkpoint's; leave last_epoch alone."
        ),
        between="\n",
    )
    body = join(written.definition, make, between="\n\n\n")
    return join(task.head(*written.words), imports, body, training_loop(task))
