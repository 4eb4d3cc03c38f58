"""Watching a log that a run still writes, until it leaves its plan or has reached the end of it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.verdict import Verdict

ENOUGH = 20
"""Rows after the first divergence from which its cause is told; one row alone fits many causes."""

PATIENCE = 5
"""Looks without a new row after which a divergence is taken for what it is."""

SHARE = 4
"""So many times as long as the last check took is slept, at the least: a long log shall not keep a processor busy."""

TENTHS = 10
"""How often in a cycle progress is said."""


def watch(
    settings: OneCycle,
    path: str,
    columns: Mapping[str, Sequence[str]],
    tolerance: float | None,
    *,
    partial: bool,
    interval: float,
) -> tuple[Log, Verdict]:
    """Hold a growing log against its plan; give it, and the verdict, once there is one.

    The file may not be there yet. Only standard input ends of itself; `partial` says whether it may do so before the
    cycle's end. `interval` are the seconds between two looks.

    Raises:
        OnecycleError: the log cannot be read, or ended without a row.
    """
    from onecycle_cli.run import check
    from onecycle_cli.run.logs import follow_log

    progress = _Progress(path, settings.schedule().total_steps)
    waiting = _Waiting(interval)
    found: tuple[Log, Verdict] | None = None
    for log in follow_log(path, columns, waiting.wait):
        if _without_lr(log):
            continue
        begun = time.monotonic()
        verdict = check(settings, log, tolerance=tolerance, partial=True)
        waiting.taken = time.monotonic() - begun
        found = log, verdict
        progress.say(log, verdict)
        if _settled(log, verdict):
            return found
        waiting.for_little = verdict.first_divergence is not None
        waiting.looks = 0
    if found is None:
        raise OnecycleError(f"{progress.name} ended without a learning rate", "check that this is the log meant")
    log, verdict = found
    return log, verdict if verdict.first_divergence else check(settings, log, tolerance=tolerance, partial=partial)


def _without_lr(log: Log) -> bool:
    """Tell whether no learning rate is logged yet, momentum being first."""
    import numpy as np

    return bool(np.isnan(log.lr).all())


def _settled(log: Log, verdict: Verdict) -> bool:
    """Tell whether more rows would change nothing: all is right to the end, or enough stands behind a divergence."""
    first = verdict.first_divergence
    return verdict.first_missing_step is None if first is None else len(log.steps) - first.row > ENOUGH


class _Waiting:
    """How long to wait for more rows: for ever, or, once the log diverges, a little."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self.for_little = False
        self.looks = 0
        self.taken = 0.0

    def wait(self) -> bool:
        """Sleep, and say whether to look again."""
        self.looks += 1
        if self.for_little and self.looks > PATIENCE:
            return False
        time.sleep(max(self._interval, SHARE * self.taken))
        return True


class _Progress:
    """What is said on standard error while a log grows."""

    def __init__(self, path: str, total_steps: int) -> None:
        self.name = "standard input" if path == "-" else printable(path)
        self._total = total_steps
        self._tenth = -1
        self._diverged = False
        sys.stderr.write(f"following {self.name}; Ctrl-C ends it\n")

    def say(self, log: Log, verdict: Verdict) -> None:
        """Say how far the log has come: at its first rows, at each tenth of the cycle, and where it diverges."""
        first = verdict.first_divergence
        if first is not None:
            if not self._diverged:
                sys.stderr.write(f"diverges at step {first.step:,}; reading on to tell the cause\n")
            self._diverged = True
            return
        step = int(log.steps.max()) + verdict.offset
        tenth = (step + 1) * TENTHS // self._total
        if tenth > self._tenth or self._diverged:
            share = 100 * (step + 1) / self._total
            sys.stderr.write(f"step {step:,} of {self._total:,} ({share:.0f} %): as planned so far\n")
            sys.stderr.flush()
        self._tenth, self._diverged = max(tenth, self._tenth), False
