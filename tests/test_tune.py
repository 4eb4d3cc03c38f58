"""onecycle tune: keys change the plan, the file is written with its comments, and the screen says what there is."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.cli.variations import read_value
from onecycle_cli.config import Request
from onecycle_cli.config.scaling import Scaling
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.tune.moves import moved
from onecycle_cli.tune.session import NOT_TUNED, Session

from .conftest import DATA, posix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

CONFIG = "# ResNet\nmax_lr: 0.1  # from the range test\ntotal_steps: 1000\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def session(path: Path | None = None, **flags: Any) -> Session:
    return Session(Request((str(path),) if path else (), flags=flags))


# --- Moves ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "up", "down", "much_more"),
    [
        ("max_lr", 0.1, 0.125, 0.08, 0.2),
        ("max_lr", 0.11, 0.125, 0.1, 0.2),
        ("max_lr", (0.1, 0.01), (0.125, 0.0125), (0.08, 0.008), (0.2, 0.02)),
        ("div_factor", 25.0, 32.0, 20.0, 50.0),
        ("final_div_factor", 1e4, 12500.0, 8000.0, 20000.0),
        ("pct_start", 0.3, 0.31, 0.29, 0.35),
        ("pct_start", 1.0, 1.0, 0.99, 1.0),
        ("pct_start", 0.0, 0.01, 0.0, 0.05),
        ("max_momentum", 0.95, 0.96, 0.94, 1.0),
        ("total_steps", 1000, 1250, 800, 2000),
        ("total_steps", 1, 2, 1, 2),
        ("total_steps", 3, 4, 2, 5),
        ("epochs", 30, 31, 29, 40),
        ("epochs", 1, 2, 1, 11),
        ("three_phase", False, True, True, True),
        ("anneal_strategy", "cos", "linear", "linear", "linear"),
    ],
)
def test_a_key_moves_a_value(setting: str, value: Any, up: Any, down: Any, much_more: Any) -> None:
    assert moved(setting, value, up=True) == up
    assert moved(setting, value, up=False) == down
    assert moved(setting, value, up=True, coarse=True) == much_more


@given(st.floats(1e-12, 1e12), st.booleans(), st.booleans())
def test_rates_move_strictly_and_by_less_than_a_power_of_ten(value: float, up: bool, coarse: bool) -> None:
    found = moved("max_lr", value, up=up, coarse=coarse)
    assert value < found < 10 * value if up else value / 10 < found < value


@given(st.integers(1, 2**53), st.booleans(), st.booleans())
def test_counts_stay_in_their_range(value: int, up: bool, coarse: bool) -> None:
    assert 1 <= moved("total_steps", value, up=up, coarse=coarse) <= 2**53


def test_every_setting_that_is_tuned_can_be_moved_and_typed() -> None:
    tuned = session(max_lr=0.1, total_steps=1000)
    for setting in tuned.settings:
        tuned.move(setting, up=True)
    for setting in SETTINGS.keys() - NOT_TUNED:
        if SETTINGS[setting].single is not bool:
            assert read_value(setting, SETTINGS[setting].example.strip("[]").partition(",")[0]) is not None


# --- The session ------------------------------------------------------------------------------------------------


def test_changes_make_the_plan_that_flags_make(config: Path) -> None:
    tuned = session(config)
    tuned.move("max_lr", up=True)
    tuned.set("pct_start", 0.5)
    assert tuned.changes == {"max_lr": 0.125, "pct_start": 0.5}
    wanted = OneCycle(max_lr=0.125, total_steps=1000, pct_start=0.5).schedule()
    assert [tuned.plan.schedule.lr(step) for step in range(0, 1000, 50)] == [wanted.lr(s) for s in range(0, 1000, 50)]
    assert tuned.undo()
    assert tuned.changes == {"max_lr": 0.125}
    tuned.reset("max_lr")
    assert tuned.changes == {}
    assert tuned.undo()
    assert tuned.undo()
    assert not tuned.undo()


def test_settings_that_make_no_plan_say_why_and_keep_the_last_curve(config: Path) -> None:
    tuned = session(config)
    before = tuned.plan
    tuned.set("pct_start", 0.001)
    assert [finding.code for finding in tuned.findings] == ["OC302"]
    assert tuned.plan is before
    assert not tuned.valid
    with pytest.raises(OnecycleError):
        tuned.write()
    assert config.read_text(encoding="utf-8") == CONFIG


def test_another_convention_lists_its_own_settings(config: Path) -> None:
    tuned = session(config)
    assert "three_phase" in tuned.settings
    tuned.set("convention", "optax")
    assert "three_phase" not in tuned.settings
    assert tuned.plan.settings.convention == "optax"


def test_the_command_makes_the_same_plan(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tuned = session(config, div_factor=10.0)
    tuned.set("max_lr", (0.2, 0.1))
    tuned.set("three_phase", value=True)
    words = tuned.command.split()
    assert words[:3] == ["onecycle", "show", str(config)]
    assert main([*words[1:], "--format", "json"]) == 0
    assert '"peak_lr":' in capsys.readouterr().out
    assert {"--max-lr", "0.2,0.1", "--three-phase", "--div-factor"} <= set(words)


def test_it_writes_the_config_with_its_comments(config: Path) -> None:
    tuned = session(config)
    tuned.set("max_lr", 0.2)
    tuned.set("pct_start", 0.25)
    assert tuned.write() == str(config)
    assert config.read_text(encoding="utf-8") == CONFIG.replace("0.1", "0.2") + "pct_start: 0.25\n"
    assert tuned.changes == {}
    assert not tuned.undo()
    with pytest.raises(OnecycleError):
        tuned.write()


def test_what_set_and_scaling_change_is_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("max_lr: 0.1 # peak\ntotal_steps: 100\nbatch_size: 64\n", encoding="utf-8")
    scaled = Session(Request((str(path),), assignments=("total_steps=200",), scaling=Scaling("linear", 32)))
    assert scaled.value("max_lr") == 0.2
    scaled.move("max_lr", up=True)
    assert scaled.plan.settings.max_lr == 0.25
    assert "--max-lr 0.25" in scaled.command
    scaled.write()
    assert path.read_text(encoding="utf-8") == "max_lr: 0.25 # peak\ntotal_steps: 200\nbatch_size: 64\n"
    assert scaled.plan.settings.max_lr == 0.25


def test_the_peak_of_layers_moves(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("max_lr: 0.1\ntotal_steps: 100\nlr_decay: 0.5\ngroups: 2\n", encoding="utf-8")
    layers = session(path)
    layers.move("max_lr", up=True)
    assert layers.plan.settings.max_lr == (0.0625, 0.125)
    layers.write()
    assert path.read_text(encoding="utf-8") == "max_lr: 0.125\ntotal_steps: 100\nlr_decay: 0.5\ngroups: 2\n"


def test_json_in_capitals_stays_json(tmp_path: Path) -> None:
    path = tmp_path / "PLAN.JSON"
    path.write_text('{"max_lr": 0.1, "total_steps": 100}', encoding="utf-8")
    capitals = session(path)
    capitals.move("div_factor", up=True)
    capitals.write()
    assert json.loads(path.read_text(encoding="utf-8")) == {"max_lr": 0.1, "total_steps": 100, "div_factor": 32.0}


def test_it_does_not_overwrite_what_another_program_wrote(config: Path) -> None:
    tuned = session(config)
    tuned.set("max_lr", 0.2)
    config.write_text(CONFIG + "# mine\n", encoding="utf-8")
    with pytest.raises(OnecycleError):
        tuned.write()
    assert config.read_text(encoding="utf-8") == CONFIG + "# mine\n"


def test_flags_alone_become_a_new_config(tmp_path: Path) -> None:
    tuned = session(max_lr=0.1, total_steps=1000)
    tuned.set("max_lr", 0.2)
    target = tmp_path / "new.yaml"
    tuned.write(str(target))
    assert OneCycle.from_file(target).max_lr == 0.2
    tuned.set("max_lr", 0.3)
    tuned.write()
    assert OneCycle.from_file(target).max_lr == 0.3
    with pytest.raises(OnecycleError):
        session(max_lr=0.1, total_steps=1000).write(str(target))


# --- The screen -------------------------------------------------------------------------------------------------


def driven(tuned: Session, drive: Callable[[Any, Any], Awaitable[None]], size: tuple[int, int] = (100, 30)) -> Any:
    """Run the app without a terminal, press keys, and return it."""
    pytest.importorskip("textual", reason="Textual is not installed")
    from onecycle_cli.tune.app import TuneApp

    app = TuneApp(tuned, (), read_value)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await drive(app, pilot)

    asyncio.run(run())
    return app


def text_of(app: Any, name: str) -> str:
    return str(app.query_one(f"#{name}").render())


def test_keys_select_and_change(config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        await pilot.press("right", "right", "down", "left")
        assert app.selected == "div_factor"
        assert app.session.changes == {"max_lr": 0.16, "div_factor": 20.0}
        await pilot.press("k", "H")
        assert app.session.changes["max_lr"] == 0.1
        await pilot.press("r", "u", "u", "u")
        assert app.session.changes == {"max_lr": 0.16}

    driven(session(config), drive)


def test_a_value_is_typed(config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        await pilot.press("enter", "backspace", *"0.25,0.1", "escape")
        assert app.session.changes == {}
        await pilot.press("enter", "backspace", *"0.5", "enter")
        assert app.session.changes == {"max_lr": 0.5}
        await pilot.press("enter", "backspace", *"quick", "enter")
        assert app.session.changes == {"max_lr": 0.5}
        assert "'quick'" in text_of(app, "status")

    driven(session(config), drive)


def test_findings_follow_the_settings(config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        assert "no findings" in text_of(app, "findings")
        app.session.set("div_factor", 0.5)
        await pilot.press("u", "down", "enter", "backspace", *"0.5", "enter")
        assert "OC403" in text_of(app, "findings")

    driven(session(config), drive)


def test_the_curve_is_redrawn(config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        before = text_of(app, "curve")
        assert "peak 0.1 at step 299" in before
        await pilot.press("right")
        await pilot.pause()
        assert "peak 0.125 at step 299" in text_of(app, "curve")
        assert "as it was" in text_of(app, "curve")
        await pilot.press("m", "g")
        await pilot.pause()
        assert "momentum" not in text_of(app, "curve")

    driven(session(config), drive)


def test_w_writes_and_q_quits(config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        await pilot.press("right", "q")
        assert app.is_running
        assert "not written" in text_of(app, "status")
        await pilot.press("w")
        assert "max_lr 0.125" in text_of(app, "status")
        await pilot.press("q")

    app = driven(session(config), drive)
    assert app.return_value == ""
    assert "max_lr: 0.125  # from the range test" in config.read_text(encoding="utf-8")


def test_c_gives_the_command_at_the_end(config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        await pilot.press("right", "c", "q")

    assert driven(session(config), drive).return_value == f"onecycle show {config} --max-lr 0.125"


@posix
def test_a_signal_ends_it_as_a_key_does(config: Path) -> None:
    async def drive(_: Any, pilot: Any) -> None:
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL  # which would end the tests here
        os.kill(os.getpid(), signal.SIGTERM)
        await pilot.pause()

    app = driven(session(config), drive)
    assert (app.ended_by, app.is_running) == (signal.SIGTERM, False)


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (200, 60)])
def test_a_terminal_of_any_size(size: tuple[int, int], config: Path) -> None:
    async def drive(app: Any, pilot: Any) -> None:
        await pilot.press("right", "down", "left")
        assert len(app.session.changes) == 2

    driven(session(config), drive, size)


PINNED = "8.2.8"
"""The release of Textual whose pictures are kept: others draw scroll bars and borders in other ways."""


@pytest.mark.parametrize("name", ["start", "changed", "entry"])
def test_the_screen_looks_as_it_did(
    name: str, config: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("textual", reason="Textual is not installed")
    if importlib.metadata.version("textual") != PINNED:
        pytest.skip(f"the pictures are those of Textual {PINNED}")
    monkeypatch.chdir(config.parent)
    keys = {"start": (), "changed": ("right", "down", "left", "left"), "entry": ("down", "enter")}[name]
    found = []

    async def drive(app: Any, pilot: Any) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        app.screen.query_one("#entry").cursor_blink = False
        await pilot.pause()
        found.append(app.export_screenshot(simplify=True))

    driven(Session(Request(("plan.yaml",))), drive, (96, 28))
    kept = DATA / "tune" / f"{name}.svg"
    if os.environ.get("UPDATE_SCREENS"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(found[0], encoding="utf-8")
    assert found[0] == kept.read_text(encoding="utf-8")


# --- The command ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [False, True])
def test_it_needs_a_terminal(
    closed: bool, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if closed:
        monkeypatch.setattr(sys, "stdin", None)
    for arguments in ([str(config)], ["-"]):
        assert main(["tune", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: tune")
