"""Names in training scripts: the definition that is in effect where a call uses them, or why none is certain."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config.files import Source
from onecycle_cli.config.key_paths import read_assignments
from onecycle_cli.config.reader import read

if TYPE_CHECKING:
    from pathlib import Path

    from onecycle_cli.config.raw_plan import RawPlan

IMPORTS = "import torch\nfrom torch import optim\nfrom torch.optim.lr_scheduler import OneCycleLR\n"
OPTION = "p.add_argument('--lr', default=0.1)\n"
CALL = "s = OneCycleLR(o, {}, 100)"


def plans(text: str, *assignments: str) -> list[RawPlan]:
    source = Source("train.py", named=True, text=IMPORTS + textwrap.dedent(text))
    return read(source, read_assignments(assignments))


def peaks(text: str, *assignments: str) -> list[object]:
    return [plan.values.get("max_lr") for plan in plans(text, *assignments)]


# --- Order and branches -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lr = 0.1\ns = OneCycleLR(o, lr, 9)\nlr = 0.2\nt = OneCycleLR(o, lr, 9)", [0.1, 0.2]),
        ("lr = 0.1\nlr = lr * 2\ns = OneCycleLR(o, lr, 9)", [0.2]),
        ("lr = 0.1\nlr *= 2\ns = OneCycleLR(o, lr, 9)", [0.2]),
        (
            "if a:\n    lr = 0.1\n    s = OneCycleLR(o, lr, 9)\nelse:\n    lr = 0.2\n    t = OneCycleLR(o, lr, 9)",
            [0.1, 0.2],
        ),
        ("if a:\n    lr = 0.1\nelse:\n    lr = 0.2\ns = OneCycleLR(o, lr, 9)", [None]),
        ("lr = 0.1\nfor x in y:\n    s = OneCycleLR(o, lr, 9)\n    lr = 0.2", [None]),
        ("lr = 0.1\ntry:\n    lr = f()\nexcept E:\n    pass\ns = OneCycleLR(o, lr, 9)", [None]),
        ("try:\n    from cfg import LR\nexcept ImportError:\n    LR = 0.1\ns = OneCycleLR(o, LR, 9)", [None]),
        ("match x:\n    case 1:\n        lr = 0.1\n    case 2:\n        lr = 0.2\ns = OneCycleLR(o, lr, 9)", [None]),
        ("lr = 0.1\ndef g():\n    global lr\n    lr = 0.2\ns = OneCycleLR(o, lr, 9)", [None]),
        ("lr = 0.1\ndef f():\n    return OneCycleLR(o, lr, 9)\nlr = 0.2", [None]),
        ("lr = 0.5\nf = lambda lr: OneCycleLR(o, lr, 9)", [None]),
        ("s = OneCycleLR(o, 0.1 if True else 0.2, 9)", [0.1]),
        ("x = None\ns = OneCycleLR(o, 0.1 if x is None else x, 9)", [0.1]),
        ("x = None\ns = OneCycleLR(o, x or 0.1, 9)", [0.1]),
        ("s = OneCycleLR(o, 0.1 if flag else 0.2, 9)", [None]),
        ("s = OneCycleLR(o, (lr := 0.1), 9)", [0.1]),
    ],
)
def test_the_definition_in_effect_counts(text: str, wanted: list[float | None]) -> None:
    assert peaks(text) == wanted


def test_why_a_name_is_not_certain_is_said() -> None:
    [plan] = plans("lr = 0.1\nif x:\n    lr = 0.2\ns = OneCycleLR(o, lr, 9)")
    assert [finding.code for finding in plan.findings] == ["OC501"]
    assert "lr, assigned at lines 4 and 6" in plan.findings[0].message


# --- Objects and mappings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        ("c = {'lr': 0.5}\nc['lr'] = 0.1\n" + CALL.format("c['lr']"), 0.1),
        ("c = {'lr': 0.1}\nc.update(x)\n" + CALL.format("c['lr']"), None),
        ("c = {'lr': 0.1}\nc[k] = 3\n" + CALL.format("c['lr']"), None),
        ("c = {'lr': 0.1}\nif x:\n    c['lr'] = 0.2\n" + CALL.format("c['lr']"), None),
        ("c = {'opt': {'lr': 0.1}}\ndef f(c):\n    return OneCycleLR(o, c['opt']['lr'], 100)\nf(c)", 0.1),
        ("from types import SimpleNamespace\nc = SimpleNamespace(lr=0.1)\n" + CALL.format("c.lr"), 0.1),
        ("class C:\n    lr: float = 0.5\nc = C(0.1)\n" + CALL.format("c.lr"), 0.1),
        ("class C:\n    lr: float = field(default=0.1)\nc = C()\n" + CALL.format("c.lr"), 0.1),
        ("class C:\n    lr: float = 0.1\nc = tyro.cli(C)\n" + CALL.format("c.lr"), 0.1),
        ("class B:\n    lr = 0.1\nclass C(B):\n    n = 1\n" + CALL.format("C.lr"), 0.1),
        ("class C:\n    lr = 0.1\ndef f(c: C):\n    return OneCycleLR(o, c.lr, 100)", 0.1),
        ("class C:\n    lr = 0.1\n" + CALL.format("getattr(C, 'lr', 0.5)"), 0.1),
        (CALL.format("getattr(cfg, 'lr', 0.5)"), None),
        ("class C:\n    lr = 0.1\nC.lr = 0.2\ndef f():\n    return OneCycleLR(o, C.lr, 100)", None),
        ("class C:\n    lr = 0.1\ndef g(cfg):\n    cfg.lr = 0.2\n" + CALL.format("C.lr"), None),
        ("class C:\n    lr = 0.1\nsetattr(C, name, 0.2)\n" + CALL.format("C.lr"), None),
        (
            (
                "class T:\n    def __init__(self):\n        self.lr = None\n    def setup(self):\n"
                "        self.lr = 0.1\n"
                "    def f(self):\n        return OneCycleLR(o, self.lr, 100)"
            ),
            0.1,
        ),
        (
            (
                "class T:\n    def __init__(self):\n        self.lr = 0.5\n    def f(self):\n        self.lr = 0.1\n"
                "        return OneCycleLR(o, self.lr, 100)"
            ),
            0.1,
        ),
        (
            (
                "class C:\n    lr = 0.1\nclass T:\n    def __init__(self, cfg):\n        self.cfg = cfg\n"
                "    def f(self):\n"
                "        return OneCycleLR(o, self.cfg.lr, 100)\nT(C())"
            ),
            0.1,
        ),
        ("class T:\n    def fit(self, lr=0.5):\n        s = OneCycleLR(o, lr, 100)\nt = T()\nt.fit(lr=0.1)", 0.1),
        ("class T:\n    def fit(self, lr=0.5):\n        s = OneCycleLR(o, lr, 100)\nmake().fit(lr=0.1)", 0.1),
    ],
)
def test_attributes_and_keys_are_followed(text: str, peak: float | None) -> None:
    assert peaks(text) == [peak]


# --- Functions and the command line -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        ("def f(lr):\n    return OneCycleLR(o, lr, 100)\nf(0.1)\nf(0.1)", 0.1),
        ("def f(lr):\n    s = OneCycleLR(o, lr, 100)\n    f(lr)\nf(0.1)", 0.1),
        ("def f(lr=0.5):\n    return OneCycleLR(o, lr, 100)\nf(*a)", None),
        ("def f(lr=0.5):\n    return OneCycleLR(o, lr, 100)\nf(**kw)", None),
        ("def f(lr=0.5):\n    return OneCycleLR(o, lr, 100)\nf(**{'lr': 0.1})", 0.1),
        ("def f(lr=0.1):\n    return OneCycleLR(o, lr, 100)\nf(**{'x': 1})", 0.1),
        ("def peak(b):\n    return 0.1 * b\n" + CALL.format("peak(2)"), 0.2),
        (OPTION + "args, _ = p.parse_known_args()\n" + CALL.format("args.lr"), 0.1),
        (OPTION + "args = vars(p.parse_args())\n" + CALL.format("args['lr']"), 0.1),
        (OPTION + "args = p.parse_args(['--lr', '1'])\n" + CALL.format("args.lr"), None),
        (OPTION + "args = p.parse_args([])\n" + CALL.format("args.lr"), 0.1),
        (OPTION + "args = p.parse_args()\nargs.lr *= 2\n" + CALL.format("args.lr"), 0.2),
        (OPTION + "args = p.parse_args()\nif x:\n    args.lr *= 2\n" + CALL.format("args.lr"), None),
        (OPTION + "args = p.parse_args()\ndef g(args):\n    args.lr = 1\n" + CALL.format("args.lr"), None),
        (OPTION + "args = p.parse_args()\nvars(args).update(x)\n" + CALL.format("args.lr"), None),
        (OPTION + "p.set_defaults(lr=0.2)\nargs = p.parse_args()\n" + CALL.format("args.lr"), None),
        (OPTION + "p.set_defaults(**x)\nargs = p.parse_args()\n" + CALL.format("args.lr"), None),
        (OPTION + "q.add_argument('--lr', default=1)\nargs = p.parse_args()\n" + CALL.format("args.lr"), None),
        # The learning rate of a parameter group is not the option.
        (OPTION + "def g(o):\n    for group in o.param_groups:\n        group['lr'] = 1\nargs = p.parse_args()\n"
         + CALL.format("args.lr"), 0.1),
        (OPTION + "class T:\n    def __init__(self, args):\n        self.args = args\n    def f(self):\n"
         "        return OneCycleLR(o, self.args.lr, 100)", 0.1),
        ("flags.DEFINE_float('lr', 0.1, 'x')\nFLAGS = flags.FLAGS\n" + CALL.format("FLAGS.lr"), 0.1),
    ],
)  # fmt: skip
def test_parameters_and_options_are_followed(text: str, peak: float | None) -> None:
    assert peaks(text) == [peak]


def test_a_switch_is_off_by_default() -> None:
    text = "p.add_argument('--cm', action='store_true')\nargs = p.parse_args()\n"
    [plan] = plans(text + "s = OneCycleLR(o, 0.1, 100, cycle_momentum=args.cm)")
    assert plan.values["cycle_momentum"] is False


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (OPTION + "args = p.parse_args()\n" + CALL.format("args.lr"), "--lr"),
        ("def f(lr=0.1):\n    return OneCycleLR(o, lr, 100)", "lr of f()"),
        ("class C:\n    lr = 0.1\ndef f(c: C):\n    return OneCycleLR(o, c.lr, 100)", "lr of C"),
    ],
)
def test_defaults_are_said(text: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.py"
    path.write_text(IMPORTS + text)
    assert main(["show", str(path)]) == 0
    assert f"{named} has its default" in capsys.readouterr().err


def test_arguments_that_are_not_written_in_the_script_are_said() -> None:
    for call in ("OneCycleLR(o, 0.1, 100, **kw)", "OneCycleLR(*a, max_lr=0.1, total_steps=100)"):
        [plan] = plans(f"s = {call}")
        assert (plan.values["max_lr"], plan.values["total_steps"]) == (0.1, 100)
        assert "more arguments" in plan.note


# --- Other ways to call -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            (
                "class C:\n    S = torch.optim.lr_scheduler.OneCycleLR\n"
                "    p = dict(max_lr=0.1, epochs=3, steps_per_epoch=7)\n"
                "class F:\n    def __init__(self, c):\n        self.s = c.S(o, **c.p)\nF(C)"
            ),
            {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 7},
        ),
        (
            "from functools import partial\nmake = partial(OneCycleLR, max_lr=0.1)\ns = make(o, total_steps=100)",
            {"max_lr": 0.1, "total_steps": 100},
        ),
        (
            "s = getattr(torch.optim.lr_scheduler, 'OneCycleLR')(o, 0.1, 100)",
            {"max_lr": 0.1, "total_steps": 100},
        ),
        (
            "kw = dict(max_lr=0.1, total_steps=100)\nkw['pct_start'] = 0.2\ns = OneCycleLR(o, **kw)",
            {"max_lr": 0.1, "total_steps": 100, "pct_start": 0.2},
        ),
        (
            "s = OneCycleLR(o, 0.1, 100, last_epoch=n if resumed else -1)",
            {"max_lr": 0.1, "total_steps": 100},
        ),
    ],
)
def test_calls_through_names_are_found(text: str, wanted: dict[str, Any]) -> None:
    [plan] = plans(text)
    assert plan.values == wanted
    assert not plan.findings


@pytest.mark.parametrize(
    "text",
    [
        "from .callbacks import *\ns = OneCycleLR(0.1, 100)",
        "from utils import *\ns = lr_scheduler.OneCycleLR(o, 0.1, 100)",
        "from mylib import Learner\nlearn = Learner()\nlearn.fit_one_cycle(5, 0.1)",
        (
            "from fastai.vision.all import *\nclass L:\n    def fit_one_cycle(self, n):\n        pass\n"
            "L().fit_one_cycle(5)"
        ),
        "OneCycleLR = register(OneCycle)\nclass OneCycleLR(Base):\n    pass\ns = OneCycleLR(o, 0.1, 100)",
    ],
)
def test_what_may_be_another_class_is_passed_over(text: str) -> None:
    assert not any(plan.is_one_cycle for plan in read(Source("train.py", named=True, text=text)))


# --- fastai -------------------------------------------------------------------------------------------------------

V2, V1 = "from fastai.vision.all import *\n", "from fastai.vision import *\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (V2 + "learn.fit_one_cycle(5, slice(1e-4, 1e-2))", {"convention": "fastai", "epochs": 5, "max_lr": 0.01}),
        (V2 + "learn.fit_one_cycle(5, lr_max=slice(1e-2))", {"convention": "fastai", "epochs": 5, "max_lr": 0.01}),
        (V2 + "learn.fit_one_cycle(5)", {"convention": "fastai", "epochs": 5}),
        (
            V2 + "learn = vision_learner(dls, resnet34)\nlearn.fit_one_cycle(5)",
            {"convention": "fastai", "epochs": 5, "max_lr": 0.001},
        ),
        (
            V2 + "learn = Learner(dls, m, lr=0.02)\nlearn.fit_one_cycle(5)",
            {"convention": "fastai", "epochs": 5, "max_lr": 0.02},
        ),
        # fastai 1 has other arguments and defaults, and the arithmetic that OpenPCDet took over.
        (V1 + "learn.fit_one_cycle(5)", {"convention": "openpcdet", "epochs": 5, "max_lr": 0.003}),
        (
            V1 + "learn.fit_one_cycle(5, 0.1, (0.9, 0.8), 10.)",
            {"convention": "openpcdet", "epochs": 5, "max_lr": 0.1, "max_momentum": 0.9, "base_momentum": 0.8,
             "div_factor": 10.0},
        ),
        (
            V1 + "fit_one_cycle(learn, 5, 0.1)",
            {"convention": "openpcdet", "epochs": 5, "max_lr": 0.1},
        ),
        (
            "import fastai\nlearn.fit_one_cycle(cyc_len=5, max_lr=0.1)",
            {"convention": "openpcdet", "epochs": 5, "max_lr": 0.1},
        ),
    ],
)  # fmt: skip
def test_fastai_has_two_versions(text: str, wanted: dict[str, Any]) -> None:
    [plan] = read(Source("train.py", named=True, text=text))
    assert plan.values == wanted


# --- The length ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "epochs"),
    [
        ("int(E * len(dl))", 5),
        ("math.ceil(len(ds) / bs) * E", 5),
        ("(len(ds) // bs + 1) * E", 5),
        ("len(dl) // 4 * E", 5),
        ("E * steps_per_epoch", 5),
        ("E * len(dl) // 4", None),  # not as many steps in each epoch
        ("E * len(dl) + 100", None),
        ("5 * len(dl)", 5),
        ("math.ceil(2.5 * len(dl))", None),
    ],
)
def test_a_length_is_taken_apart_where_that_is_exact(length: str, epochs: int | None) -> None:
    [plan] = plans(f"E = 5\ns = OneCycleLR(o, 0.1, total_steps={length})")
    assert plan.values.get("epochs") == epochs
    assert [finding.setting for finding in plan.findings] == ["total_steps" if epochs is None else "steps_per_epoch"]


def test_what_is_open_is_said_once_with_all_its_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        f"{IMPORTS}s = OneCycleLR(o, cfg.lr, epochs=cfg.epochs, steps_per_epoch=len(dl), pct_start=cfg.pct)\n"
    )
    assert main(["validate", "--strict", "--format", "concise", str(path)]) == 0
    [line] = capsys.readouterr().out.splitlines()
    flags = ["--max-lr", "0.1", "--epochs", "10", "--steps-per-epoch", "100", "--pct-start", "0.3"]
    assert all(flag in line for flag in flags)
    assert main(["show", str(path)]) == 2
    assert main(["show", str(path), *flags]) == 0


def test_a_call_without_any_known_argument_has_one_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.py"
    path.write_text(f"{IMPORTS}s = OneCycleLR(o, **kwargs)\n")
    assert main(["validate", "--format", "json", str(path)]) == 0
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert finding["severity"] == "info"
    assert finding["message"].count("known only at run time") == 1
    assert "--max-lr" in finding["hint"]
    assert "--total-steps" in finding["hint"]


def test_lightnings_trainer_gives_the_epochs() -> None:
    text = """
        import lightning as L
        class M(L.LightningModule):
            def configure_optimizers(self):
                s = OneCycleLR(o, 0.1, {})
                return [o], [{{"scheduler": s, "interval": "step"}}]
        L.Trainer({})
    """
    for length, trainer, wanted in (
        ("epochs=self.trainer.max_epochs, steps_per_epoch=9", "max_epochs=7", {"epochs": 7, "steps_per_epoch": 9}),
        ("total_steps=self.trainer.estimated_stepping_batches", "max_epochs=7", {"epochs": 7}),
        ("total_steps=self.trainer.estimated_stepping_batches", "max_steps=700", {"total_steps": 700}),
    ):
        [plan] = plans(text.format(length, trainer))
        assert {name: plan.values[name] for name in wanted} == wanted
        assert plan.context is not None
        assert plan.context.interval is not None
        assert plan.context.interval.value == "step"


# --- --set --------------------------------------------------------------------------------------------------------


def test_names_can_be_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = OPTION + "E = 5\nargs = p.parse_args()\ns = OneCycleLR(o, args.lr, epochs=E * 2, steps_per_epoch=10)"
    [plan] = plans(text, "args.lr=0.3", "E=7")
    assert (plan.values["max_lr"], plan.values["epochs"]) == (0.3, 14)
    path = tmp_path / "train.py"
    path.write_text(IMPORTS + text)
    assert main(["show", str(path), "--set", "E=7", "--format", "json"]) == 0
    assert '"total_steps": 140' in capsys.readouterr().out
    assert main(["show", str(path), "--set", "s.max_lr=0.3", "--format", "json"]) == 0
    assert '"peak_lr": 0.3' in capsys.readouterr().out
    assert main(["show", str(path), "--set", "EE=7"]) == 2


# --- Files --------------------------------------------------------------------------------------------------------


def test_tests_in_folders_are_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("test_schedule.py", "schedule_test.py", "tests/run.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(IMPORTS + "s = OneCycleLR(o, max_lr=-1, total_steps=0)\n")
    assert main(["validate", str(tmp_path)]) == 0
    assert "3 files skipped" in capsys.readouterr().err
    assert main(["validate", str(tmp_path / "test_schedule.py")]) == 1


def test_a_script_of_another_python_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text(IMPORTS + "print 'old'\ns = OneCycleLR(o, 0.1, 100)\n")
    assert main(["validate", str(tmp_path)]) == 0
    assert main(["validate", str(path)]) == 1


def test_a_file_may_have_calls_and_configs() -> None:
    text = "s = OneCycleLR(o, 0.1, 100)\nscheduler = dict(type='OneCycleLR', max_lr=0.2, total_steps=50)\n"
    assert [(plan.block, plan.values["max_lr"]) for plan in plans(text)] == [("s", 0.1), ("scheduler", 0.2)]


def test_a_name_or_an_entry_without_a_schedule_is_no_plan() -> None:
    for text in (
        "one_cycle_schedule = library.cosine_onecycle_schedule\n",
        "pages = {'scheduler': {'OneCycleScheduler': '/callbacks.one_cycle'}}\n",
    ):
        assert not any(plan.is_one_cycle for plan in read(Source("a.py", named=True, text=text)))


def test_hostile_scripts_end(tmp_path: Path) -> None:
    doubled = "".join(f"a{at} = a{at + 1} + a{at + 1}\n" for at in range(60)) + "a60 = 1\n"
    deep = "x" + ".a" * 3000
    looped = "class A(B):\n    pass\nclass B(A):\n    pass\n"
    mutual = "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\n"
    for head, value in ((doubled, "a0"), ("", deep), ("", "-" * 60 + "1"), (looped, "A.lr"), (mutual, "f(1)")):
        path = tmp_path / "train.py"
        path.write_text(f"{IMPORTS}{head}s = OneCycleLR(o, {value}, 100)\n")
        assert main(["validate", str(path)]) in (0, 1)
