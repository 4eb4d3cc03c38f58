"""The two classes that people import: files, pictures, short texts, pickles, help; and the notebook of the guide."""

from __future__ import annotations

import doctest
import json
import pickle
import pydoc
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest

import onecycle_cli.api
import onecycle_cli.policy.onecycle
from docs.notebooks import notebooks, run_notebook, without_pictures
from onecycle_cli import OneCycle, OnecycleError, PlanError, Schedule, Severity
from onecycle_cli.config import Request, load

from .conftest import ROOT

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def axes() -> Any:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    yield pyplot.figure().gca()
    pyplot.close("all")


# --- Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_file_has_the_settings_that_the_commands_use(path: Path) -> None:
    [loaded] = load(Request((str(path),))).plans
    assert loaded.settings is not None
    assert OneCycle.from_file(path).given == loaded.settings.given


def test_a_training_config_takes_what_is_known_at_run_time(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("optimizer: adamw\nscheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n  max_lr: 0.02\n")
    plan = OneCycle.from_file(str(path), total_steps=70, pct_start=None)
    assert (plan.max_lr, plan.total_steps, plan.pct_start) == (0.02, 70, None)
    assert isinstance(plan.schedule(), Schedule)
    with pytest.raises(PlanError) as raised:
        OneCycle.from_file(path)
    assert raised.value.findings[0].needs == "total_steps"


def test_a_block_is_chosen_among_several(tmp_path: Path) -> None:
    path = tmp_path / "gan.yaml"
    block = "  {}:\n    _target_: torch.optim.lr_scheduler.OneCycleLR\n    max_lr: {}\n    total_steps: 90\n"
    path.write_text("schedulers:\n" + block.format("first", 0.1) + block.format("second", 0.2))
    assert OneCycle.from_file(path, block="schedulers.second").max_lr == 0.2
    with pytest.raises(OnecycleError, match=r"schedulers\.first"):
        OneCycle.from_file(path)


def test_errors_of_a_file_are_an_exception_with_all_findings(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("max_lr: 0.1\ntotal_steps: 100\npct_start: 30\nbase_momentum: 2\nmax_momentum: 1\nfinal_lr: x\n")
    with pytest.raises(PlanError, match=rf"^{path}:\d: OC\d\d\d: .* more: see `findings`") as raised:
        OneCycle.from_file(path)
    found = raised.value.findings
    assert {finding.file for finding in found} == {str(path)}
    assert {("OC202", 3), ("OC103", 6)} <= {(finding.code, finding.line) for finding in found}
    severities = [list(Severity).index(finding.severity) for finding in found]
    assert severities == sorted(severities)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\n", "\x00", "max_lr: 0.1\nmax_lr: 0.2\ntotal_steps: 5\n"])
def test_a_file_without_a_plan_is_an_exception(tmp_path: Path, text: str) -> None:
    path = tmp_path / "no.yaml"
    path.write_text(text)
    with pytest.raises(OnecycleError):
        OneCycle.from_file(path)
    with pytest.raises(OnecycleError, match="no such file"):
        OneCycle.from_file(tmp_path / "missing.yaml")


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(TypeError, match="did you mean total_steps"):
        OneCycle.from_file("missing.yaml", total_stps=3)


# --- Edge cases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"pct_start": 30}, {"max_lr": -1}, {"max_lr": float("nan")}, {"total_steps": 0}])
def test_what_is_invalid_raises(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError) as raised:
        OneCycle(**({"max_lr": 0.1, "total_steps": 100} | wrong)).schedule()
    assert raised.value.findings[0].setting in wrong


def test_what_the_framework_computes_can_be_computed() -> None:
    schedule = OneCycle(max_lr=-1, total_steps=100, pct_start=30).schedule(strict=False)
    assert schedule.lr(99) < 0
    assert len(schedule) == 100


# --- Texts and pickles ------------------------------------------------------------------------------------------------


def test_short_texts() -> None:
    plan = OneCycle(max_lr=0.1, total_steps=1000, cycle_momentum=False, groups=("a", "b"))
    assert repr(plan) == "OneCycle(max_lr=0.1, total_steps=1000, cycle_momentum=False, groups=('a', 'b'))"
    assert eval(repr(plan)) == plan
    shown = repr(plan.schedule())
    assert "1,000 steps" in shown
    assert "0.004 → 0.1 → 4e-07" in shown
    assert "momentum" not in shown
    assert "momentum 0.95 → 0.85 → 0.95" in repr(OneCycle(max_lr=0.1, total_steps=1000).schedule())


def test_length_and_truth() -> None:
    assert len(OneCycle(max_lr=0.1, total_steps=2**40).schedule()) == 2**40
    assert OneCycle(max_lr=0.1, total_steps=2).schedule(strict=False)


@pytest.mark.parametrize("convention", ["torch", "fastai", "optax", "smith", "openpcdet"])
def test_the_function_for_lambda_lr_and_schedules_pickle(convention: str) -> None:
    schedule = OneCycle(max_lr=0.1, epochs=3, steps_per_epoch=10, convention=convention).schedule()
    function = pickle.loads(pickle.dumps(schedule.lr_lambda()))
    steps = [*range(30)]
    assert [function(step) for step in [*steps, 30, 99]] == [schedule.lr(step) for step in [*steps, 29, 29]]
    assert pickle.loads(pickle.dumps(schedule))._repr_html_() == schedule._repr_html_()


def test_a_checkpoint_of_lambda_lr_holds_no_class_of_ours(tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    schedule = OneCycle(max_lr=0.1, total_steps=30).schedule()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.lr_lambda())
    torch.save(scheduler.state_dict(), tmp_path / "state.pt")
    scheduler.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert scheduler.get_last_lr() == [schedule.lr(0)]


def test_help_names_every_setting_and_method() -> None:
    text = pydoc.render_doc(OneCycle, renderer=pydoc.plaintext)  # type: ignore[attr-defined]
    for name in onecycle_cli.policy.settings.SETTINGS:
        assert f"    {name}: " in text
    for name in ("from_file", "findings", "schedule"):
        assert f" {name}(" in text
    assert "    ..." not in text


@pytest.mark.parametrize("module", [onecycle_cli.api, onecycle_cli.policy.onecycle])
def test_the_examples_in_docstrings(module: Any) -> None:
    names = {"OneCycle": OneCycle}
    found = doctest.DocTestFinder(recurse=True).find(module, extraglobs=names)
    results = [doctest.DocTestRunner().run(each) for each in found if each.examples]
    assert results
    assert not any(result.failed for result in results)


# --- Pictures ---------------------------------------------------------------------------------------------------------


def test_plot_draws_the_values_in_given_axes(axes: Any) -> None:
    schedule = OneCycle(max_lr=(0.1, 0.2), total_steps=50, groups=("body", "head"), name="run").schedule()
    assert schedule.plot(axes) is axes
    assert [line.get_label() for line in axes.lines] == ["run body", "run head"]
    for group, line in enumerate(list[Any](axes.lines)):
        assert line.get_xdata().tolist() == list(range(50))
        assert line.get_ydata().tolist() == [schedule.lr(step, group) for step in range(50)]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("step", "learning rate", "linear")


@pytest.mark.slow
def test_plot_in_epochs_on_a_logarithmic_axis_and_of_momentum(axes: Any) -> None:
    schedule = OneCycle(max_lr=0.1, epochs=5, steps_per_epoch=10, optimizer="adam").schedule()
    schedule.plot(axes, x="epoch", log=True, color="red", label="mine")
    [line] = list[Any](axes.lines)
    assert (line.get_label(), line.get_color(), line.get_xdata()[-1]) == ("mine", "red", 4.9)
    assert axes.get_yscale() == "log"
    below = axes.figure.add_subplot()
    schedule.plot(below, field="momentum")
    assert below.get_ylabel() == "beta1"
    assert min(below.lines[0].get_ydata()) == pytest.approx(0.85)


def test_plot_without_axes_uses_the_current_ones(axes: Any) -> None:
    one = OneCycle(max_lr=0.1, total_steps=50).schedule()
    assert one.plot() is axes
    assert OneCycle(max_lr=0.1, total_steps=50, convention="fastai").schedule().plot() is axes
    assert len(axes.lines) == 2


def test_plot_says_what_it_cannot_draw(axes: Any) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=50, cycle_momentum=False).schedule()
    with pytest.raises(OnecycleError, match="not cycled"):
        schedule.plot(axes, field="momentum")
    with pytest.raises(OnecycleError, match="steps_per_epoch"):
        schedule.plot(axes, x="epoch")


@pytest.mark.slow
def test_the_picture_of_a_notebook() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = OneCycle(max_lr=0.1, total_steps=50).schedule()._repr_png_()
    assert picture.startswith(PNG)
    width, height = struct.unpack(">II", picture[16:24])
    assert (width, height) == (700, 420)


@pytest.mark.parametrize("total", [1, 2, 3, 40, 41, 700, 10**7, 2**53])
@pytest.mark.parametrize("convention", ["torch", "fastai"])
def test_the_html_of_a_notebook_is_small_at_any_length(total: int, convention: str) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=total, convention=convention, pct_start=0.4)
    try:
        schedule = plan.schedule(strict=False)
    except PlanError:
        pytest.skip("the framework divides by zero")
    page = schedule._repr_html_()
    assert len(page) < 30_000
    assert f"{total:,} step" in page
    assert "nan" not in page.replace("nance", "")


def test_a_name_is_text_in_the_html() -> None:
    name = '"><script>alert(1)</script>'
    schedule = OneCycle(max_lr=(0.1, 0.2), total_steps=50, name=name, groups=(name, "</style>")).schedule()
    page = schedule._repr_html_()
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;" in page


# --- The notebook of the guide ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.name)
def test_a_notebook_shows_what_its_cells_give(path: Path) -> None:
    made = run_notebook(path)
    assert without_pictures(made) == without_pictures(path.read_text()), "run `python -m docs.update`"
    assert len(made) < 150_000
    cells = [cell for cell in json.loads(made)["cells"] if cell["cell_type"] == "code"]
    kinds = [kind for cell in cells for output in cell["outputs"] for kind in output.get("data", {})]
    assert {"text/html", "image/png"} <= set(kinds)
