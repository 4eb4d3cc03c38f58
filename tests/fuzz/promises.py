"""What holds for every answer and for every schedule, however strange the input."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np

from onecycle_cli.policy.ramps import Ramp
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.summary import summarize

MAY_FAIL = frozenset({"check", "compare", "fit", "range", "validate"})
"""Commands with an answer of no, and so with exit code 1."""

BINARY = (b"PK", b"PAR1", b"\x89PNG", b"%PDF", b"\x93NUMPY")
"""How answers begin that are not text."""

ACTIVE = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What steers a terminal, and what is not valid text."""

ULPS = 4
"""Units in the last place of a phase's larger end by which rounding may miss the ends and the order of its steps."""

SAMPLED = 50
"""Steps of a phase that are looked at, beside its first and last ones."""


class PromiseError(Exception):
    """Something that always holds does not; `promise` is the same for all cases that break it in the same way."""

    def __init__(self, promise: str, found: object = "") -> None:
        super().__init__(f"{promise}: {found}"[:2000])
        self.promise = promise


def check_answer(words: Sequence[str], code: int, out: bytes, err: str) -> None:
    """Check what a command printed, and its exit code."""
    command = words[0] if words else ""
    if code not in (0, 1, 2) or (code == 1 and command not in MAY_FAIL):
        raise PromiseError(f"{command} does not exit with {code}", err)
    if code == 2 and not (err.strip() or out.strip()):
        raise PromiseError("exit code 2 says why")
    if ACTIVE.search(err):
        raise PromiseError("nothing on standard error acts on a terminal", ascii(err))
    if "Traceback (most" in err or "Warning: " in err:
        raise PromiseError("messages are the program's own", err)
    if out and not out.startswith(BINARY):
        _check_text(command, _form(words), code, out.decode())


def _check_text(command: str, form: str, code: int, text: str) -> None:
    if ACTIVE.search(text):
        raise PromiseError("nothing on standard output acts on a terminal", ascii(text))
    if form in ("json", "sarif"):
        answer = read_json(text)
        if command == "show" and code == 0:
            for plan in answer if isinstance(answer, list) else [answer]:
                check_finite(value for row in plan["rows"] for name, value in row.items() if name != "epoch")
    elif form == "junit":
        ElementTree.fromstring(text)
    elif command == "export" and code == 0 and form in ("csv", "jsonl"):
        check_rows(_rows(text, form))


def read_json(text: str) -> Any:
    """Read JSON as the strictest readers do."""

    def refuse(name: str) -> None:
        raise PromiseError("JSON has no infinities", name)

    try:
        answer = json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise PromiseError("JSON can be read", error) from None
    if re.search("[\ud800-\udfff]", json.dumps(answer, ensure_ascii=False)):
        raise PromiseError("JSON has no lone surrogates", ascii(text))
    return answer


def check_rows(rows: Iterable[dict[str, float]]) -> None:
    """Check exported rows: steps in order, and finite values."""
    last = -1.0
    for row in rows:
        if row["step"] <= last:
            raise PromiseError("exported steps rise", row)
        last = row["step"]
        check_finite(row.values())


def check_finite(values: Iterable[object]) -> None:
    """Check that values are numbers, and finite ones."""
    for value in values:
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise PromiseError("every value is finite", value)


def check_schedule(schedule: Schedule) -> None:
    """Check that every value is finite and between its phase's ends, and that no rate turns back in a phase."""
    for group in range(len(schedule.groups)):
        summary = summarize(schedule, group)
        check_finite([summary.initial_lr, summary.peak_lr, summary.final_lr])
        if schedule.lr(summary.peak_step, group) != summary.peak_lr:
            raise PromiseError("the peak is at its step", summary)
        for phase in schedule.phases:
            inner = range(phase.first_step, phase.last_step + 1, max(1, phase.steps // SAMPLED))
            steps = [*inner, *([phase.last_step] if inner[-1] != phase.last_step else [])]
            array = np.array(steps, dtype=np.int64)
            for name, ramp, curve in (
                ("lr", phase.lr[group], schedule.lr),
                *([("momentum", phase.momentum[group], schedule.momentum)] if phase.momentum else []),
            ):
                values = [curve(step, group) for step in steps]
                check_finite(values)
                _check_phase(name, ramp, [value for value in values if value is not None])
                together = curve(array, group)
                if together is None or together.tolist() != values:
                    raise PromiseError("arrays of steps give the values of single steps", (ramp, steps))


def _check_phase(name: str, ramp: Ramp, values: Sequence[float]) -> None:
    slack = ULPS * math.ulp(max(abs(ramp.start), abs(ramp.end)))
    # A slope that is multiplied by the steps has few bits where it is below the normal numbers.
    slack += abs(ramp.span) * math.ulp((ramp.end - ramp.start) / (ramp.span or 1.0))
    low, high = sorted((ramp.start, ramp.end))
    if not all(low - slack <= value <= high + slack for value in values):
        raise PromiseError(f"{name} stays within the ends of its phase", (ramp, values))
    sign = 1 if ramp.end >= ramp.start else -1
    if name == "lr" and any(sign * (after - before) < -slack for before, after in pairwise(values)):
        raise PromiseError(f"{name} does not turn back in a phase", (ramp, values))


def _form(words: Sequence[str]) -> str:
    """Return the format that a command writes on standard output; "" where it writes a file, a difference or help."""
    if {"-h", "--help", "-o", "--output", "--output-file", "--diff"} & set(words) or any(
        word.startswith(("--output", "-o")) for word in words
    ):
        return ""
    forms = [after for word, after in pairwise(words) if word == "--format"]
    forms += [word.partition("=")[2] for word in words if word.startswith("--format=")]
    return forms[-1] if forms else "csv" if words[:1] == ("export",) else ""


def _rows(text: str, form: str) -> Iterable[dict[str, float]]:
    if form == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
