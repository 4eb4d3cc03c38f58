"""The fuzzer: a short run finds nothing, and what it would find it finds, makes small and describes."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from onecycle_cli import OneCycle
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.ramps import LinearRamp, Phase
from onecycle_cli.policy.schedule import Schedule

from .fuzz import watch
from .fuzz.campaign import Campaign, Count, save, table
from .fuzz.case import Case
from .fuzz.promises import PromiseError, check_answer, check_schedule
from .fuzz.targets import TARGETS, Target
from .fuzz.watch import crash_of

INPUTS = 3000


def test_a_short_run_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_MEMORY", sys.maxsize)  # the peak of this process is that of other tests, too
    counts = Campaign(seed=1).run(INPUTS)
    crashes = [crash for count in counts.values() for crash in count.crashes.values()]
    assert not crashes, "\n\n".join(f"{crash.key} {crash.case}\n{crash.text}" for crash in crashes)
    assert list(counts) == [target.name for target in TARGETS]
    assert sum(count.inputs for count in counts.values()) == pytest.approx(INPUTS, rel=0.02)
    for target in TARGETS:
        reached = counts[target.name].codes
        assert set(reached) <= {0, 1, 2}
        assert target.share < 200 or min(reached[0], reached[1] + reached[2]) > 1, f"{target.name} answers all alike"


def made(draw: object) -> Case:
    return Case(("fit", "--partial", "run.log"), {"run.log": b"step,lr\n1,2\nx\n3,bad\n4,5\n", "other": b"y"})


def fails_at_bad(case: Case) -> int:
    if b"bad" in case.files.get("run.log", b""):
        OneCycle(max_lr=0.1, total_steps=0.5)  # type: ignore[arg-type]
    return 0


def test_a_crash_is_made_small() -> None:
    [count] = Campaign([Target("planted", 1, made, fails_at_bad_otherwise)]).run(5).values()
    [crash] = count.crashes.values()
    assert (crash.what, crash.where) == ("ValueError", "outside the package")
    assert crash.case == Case(("fit",), {"run.log": b"bad"})
    assert (count.inputs, count.codes[3]) == (5, 5)


def fails_at_bad_otherwise(case: Case) -> int:
    if b"bad" in case.files.get("run.log", b""):
        raise ValueError
    return 0


def test_an_error_of_the_program_is_no_crash() -> None:
    [count] = Campaign([Target("planted", 1, made, fails_at_bad)]).run(5).values()
    assert (count.codes, count.crashes) == ({2: 5}, {})


def test_a_crash_of_a_drawn_case_is_shrunk() -> None:
    def run(case: Case) -> int:
        if len(case.words[1]) > 3:
            raise KeyError
        return 0

    words = st.text(st.characters(codec="ascii")).map(lambda word: Case(("show", word)))
    [count] = Campaign([Target("planted", 1, words, run)]).run(400).values()
    [crash] = count.crashes.values()
    assert crash.case.words == ("show", "0000")


def test_the_same_seed_gives_the_same_inputs() -> None:
    def kept(seed: int) -> list[Case]:
        cases: list[Case] = []

        def run(case: Case) -> int:
            cases.append(case)
            return 0

        targets = [Target(target.name, 1, target.inputs, run) for target in TARGETS]
        Campaign(targets, seed).run(5 * len(targets))
        return cases

    first = kept(3)
    assert kept(3) == first
    assert kept(4) != first


def test_what_libraries_print_past_the_streams_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(case: Case) -> int:
        os.write(2, b" ** On entry to DLASCL\n")
        return 0

    monkeypatch.setattr(watch, "BRIEF", -1.0)  # look after every case

    [count] = Campaign([Target("planted", 1, lambda _: Case(("fit",)), run)]).run(1).values()
    assert list(count.crashes) == [("printed past the streams", "** On entry to DLASCL")]


def test_the_innermost_place_of_the_package_is_named() -> None:
    try:
        OneCycle(max_lr=0.1, total_steps=5).schedule().lr(9)
    except OnecycleError as error:
        crash = crash_of(Case(("show",)), error)
    assert crash.what == "StepError"
    assert crash.where.startswith("onecycle_cli/policy/schedule.py:")


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (("show",), 1, b"", "no"),
        (("check",), 3, b"", "no"),
        (("show",), 2, b"", ""),
        (("show",), 0, b"a\x1b[2J", ""),
        (("show",), 0, "\u202e".encode(), ""),
        (("show",), 0, b"a", "\x07"),
        (("fit",), 0, b"a", "x.py:1: RuntimeWarning: overflow"),
        (("check", "--format", "json"), 0, b'{"fit": Infinity}', ""),
        (("check", "--format=json"), 0, b'{"a": "\\ud800"}', ""),
        (("show", "--format", "json"), 0, b'{"rows": [{"step": 0, "lr": null}]}', ""),
        (("export",), 0, b"step,lr\n0,0.1\n0,0.2\n", ""),
        (("export", "--format", "jsonl"), 0, b'{"step":0,"lr":1e999}\n', ""),
    ],
)
def test_broken_promises_are_seen(words: tuple[str, ...], code: int, out: bytes, err: str) -> None:
    with pytest.raises(PromiseError):
        check_answer(words, code, out, err)


@pytest.mark.parametrize("end", [0.2, 1.0])
def test_a_schedule_that_leaves_its_corners_is_seen(end: float) -> None:
    class Bent(LinearRamp):
        __slots__ = ()

        def at(self, step, cos):  # type: ignore[no-untyped-def]
            return super().at(step, cos) + 0.5 * (step == 4)

    plan = OneCycle(max_lr=1.0, total_steps=10).schedule().plan
    check_schedule(Schedule(plan, [Phase("warm-up", 0, 9, (LinearRamp(0.1, end, 0.0, 9.0),), ())]))
    with pytest.raises(PromiseError):
        check_schedule(Schedule(plan, [Phase("warm-up", 0, 9, (Bent(0.1, end, 0.0, 9.0),), ())]))


def test_a_crash_is_saved_with_its_files_and_its_command(tmp_path: Path) -> None:
    count = Count(inputs=1)
    case = Case(("fit", "a b\x1b"), {"run/log": b"x"}, {"COLUMNS": "1"})
    crash = crash_of(case, ValueError("why"))
    count.crashes[crash.key] = crash
    save({"text logs": count}, tmp_path / "out")
    assert (tmp_path / "out" / "text-logs-1" / "run" / "log").read_bytes() == b"x"
    text = (tmp_path / "out" / "text-logs-1" / "README.txt").read_text()
    assert "COLUMNS=1 onecycle fit $'\\x61\\x20\\x62\\x1b'" in text
    assert "ValueError: why" in text
    assert (tmp_path / "out" / "counts.txt").read_text() == table({"text logs": count})
    assert table({"text logs": count}).splitlines()[-1].split()[:2] == ["all", "1"]


def test_the_streams_are_left_as_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr, sys.stdin, Path.cwd()
    Campaign([target for target in TARGETS if target.name == "flags"]).run(3)
    os.write(1, b"seen")
    assert capfd.readouterr().out == "seen"
    assert (sys.stdout, sys.stderr, sys.stdin, Path.cwd()) == before
    assert isinstance(sys.stdout, io.TextIOBase)
