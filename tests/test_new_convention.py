"""A convention is one file: registered, it is in every command; every convention translates to itself and fits back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from onecycle_cli import OneCycle
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.translation import translate
from onecycle_cli.run.fit import fit
from onecycle_cli.run.logs import read_log

from .made_up_convention import CONVENTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.policy.conventions.base import Convention

ROOT = Path(__file__).parent.parent
PLAN = ["--convention", "ridge", "--max-lr", "0.1", "--total-steps", "500"]
TRAINING = "scheduler:\n  _target_: ridge.ridge_one_cycle\n  top_rate: 0.1\n  total_steps: 500\n"
COMMANDS: dict[str, list[str]] = {
    "show": ["show", *PLAN, "--format", "json"],
    "plot": ["plot", *PLAN, "-o", "plan.svg"],
    "export": ["export", *PLAN, "-o", "log.csv"],
    "compare": ["compare", "--convention", "ridge,torch", *PLAN[2:], "--format", "json"],
    "translate": ["compare", "--convention", "torch,ridge", *PLAN[2:], "--anneal-strategy", "linear"],
    "code": ["code", *PLAN, "--framework", "torch"],
    "validate": ["validate", "run.yaml", "training.yaml"],
    "validate-unsupported": ["validate", "wrong.yaml"],
    "show-training": ["show", "training.yaml", "--format", "json"],
    "check": ["check", *PLAN, "log.csv"],
    "check-torch": ["check", *PLAN[2:], "log.csv", "--format", "json"],
    "fit": ["fit", "log.csv"],
    "explain": ["explain", "OC205"],
    "schema": ["schema"],
    "help": ["show", "--help"],
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    """Run every command in one process in which the convention was registered by one line."""
    folder = tmp_path_factory.mktemp("ridge")
    (folder / "run.yaml").write_text("convention: ridge\nmax_lr: 0.1\ntotal_steps: 500\n")
    (folder / "wrong.yaml").write_text("convention: ridge\nmax_lr: 0.1\ntotal_steps: 500\nthree_phase: true\n")
    (folder / "training.yaml").write_text(TRAINING)
    arguments = json.dumps(list(COMMANDS.values()))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "tests.made_up_convention", arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert (folder / "plan.svg").stat().st_size > 1000
    return dict(zip(COMMANDS, json.loads(done.stdout), strict=True))


def test_every_command_runs(ran: Mapping[str, dict[str, Any]]) -> None:
    codes = {name: result["code"] for name, result in ran.items()}
    differ = dict.fromkeys(("compare", "translate", "validate-unsupported", "check-torch"), 1)
    assert codes == {**dict.fromkeys(COMMANDS, 0), **differ}, {name: ran[name]["err"] for name in ran}


def test_the_plan_has_its_curve_and_defaults(ran: Mapping[str, dict[str, Any]]) -> None:
    for name in ("show", "show-training"):
        shown = json.loads(ran[name]["out"])
        group = shown["groups"][0]
        assert (shown["convention"], group["peak_step"], group["peak_lr"]) == ("ridge", 100, 0.1)


def test_it_is_compared_and_translated(ran: Mapping[str, dict[str, Any]]) -> None:
    assert json.loads(ran["compare"]["out"])["equal"] is False
    assert "top_rate" in ran["translate"]["out"]
    assert "ridge settings" in ran["translate"]["out"]


def test_code_falls_back_on_the_formula(ran: Mapping[str, dict[str, Any]]) -> None:
    code = ran["code"]["out"]
    assert "OneCycleLR is not used" in code
    assert "class OneCycle" in code or "def " in code


def test_what_it_does_not_support_is_a_finding(ran: Mapping[str, dict[str, Any]]) -> None:
    assert "OC205" in ran["validate-unsupported"]["out"]
    assert "ridge has two phases only" in ran["validate-unsupported"]["out"]


def test_a_torch_plan_against_its_log_names_it(ran: Mapping[str, dict[str, Any]]) -> None:
    assert json.loads(ran["check-torch"]["out"])["cause"] == "convention:ridge"


def test_it_is_fitted(ran: Mapping[str, dict[str, Any]]) -> None:
    fitted = yaml.safe_load(ran["fit"]["out"])
    expected = {"convention": "ridge", "max_lr": 0.1, "total_steps": 500, "pct_start": 0.2}
    assert {name: fitted[name] for name in expected} == expected


def test_help_and_schema_name_it(ran: Mapping[str, dict[str, Any]]) -> None:
    assert "ridge" in json.loads(ran["schema"]["out"])["properties"]["convention"]["anyOf"][0]["enum"]
    assert "ridge" in ran["help"]["out"]


# --- Every convention -------------------------------------------------------------------------------------------

EVERY = [*CONVENTIONS.values(), CONVENTION]


@pytest.fixture(params=EVERY, ids=lambda convention: convention.name)
def convention(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Convention:
    """Every convention, the made-up one registered for its turn."""
    monkeypatch.setitem(CONVENTIONS, request.param.name, request.param)
    found: Convention = request.param
    return found


def settings_of(convention: Convention, **more: Any) -> OneCycle:
    """Return settings that use what the convention supports, at numbers that are not the defaults."""
    # 0.352 × 640 is not whole, so conventions that round the peak to a step differ from those that do not.
    own = {"max_lr": 0.3, "div_factor": 12.0, "final_div_factor": 500.0, "final_lr": 3e-5, "pct_start": 0.352}
    values = {**own, **more}
    final = "final_lr" if convention.final_is_absolute else "final_div_factor"
    unused = {"final_lr", "final_div_factor"} - {final}
    kept = {name: value for name, value in values.items() if convention.supports(name) and name not in unused}
    return OneCycle.from_values({**kept, "total_steps": 640, "convention": convention.name})


@pytest.mark.parametrize("more", [{}, {"anneal_strategy": "linear"}, {"three_phase": True}], ids=str)
def test_every_convention_translates_to_itself(convention: Convention, more: dict[str, Any]) -> None:
    settings = settings_of(convention, **more)
    found = translate(settings, settings.schedule(), convention.name)
    assert found is not None
    assert found.largest.absolute == 0.0
    assert found.note == ""


def test_every_convention_fits_back_from_its_own_log(convention: Convention, tmp_path: Path) -> None:
    if not convention.is_fitted:
        pytest.skip(f"fit does not look for {convention.name}")
    settings = settings_of(convention)
    schedule = settings.schedule()
    columns = ("step", "lr", "momentum")[: 2 if schedule.momentum(0) is None else 3]
    rows = [(step, schedule.lr(step), schedule.momentum(step)) for step in range(schedule.total_steps)]
    lines = [",".join(columns), *(",".join(map(repr, row[: len(columns)])) for row in rows)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    found = OneCycle.from_values(fit(read_log(str(path))).settings)
    name = found.convention or "torch"
    assert name in {convention.name, convention.computes_like}
    assert found.total_steps == settings.total_steps
    again = found.schedule()
    assert [again.lr(step) for step in range(640)] == [schedule.lr(step) for step in range(640)]
