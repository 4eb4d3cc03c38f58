"""The loader of a file decides what a scalar is: what each of them reads, and how a file shows which one loads it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.config.loaders import EXACT, JSONARGPARSE, OMEGACONF, PYYAML, YACS, Loader, loader_of
from onecycle_cli.config.nodes import MappingNode
from onecycle_cli.config.yaml_tree import parse

from .conftest import findings_in, read_text

TORCH = "_target_: torch.optim.lr_scheduler.OneCycleLR"

READINGS: dict[str, tuple[Any, Any, Any]] = {
    "1e-3": ("1e-3", 0.001, 0.001),
    "1E-4": ("1E-4", 0.0001, 0.0001),
    "1e3": ("1e3", 1000.0, 1000.0),
    "+1e3": ("+1e3", 1000.0, 1000.0),
    "1.e3": ("1.e3", 1000.0, 1000.0),
    "1.5e3": ("1.5e3", 1500.0, 1500.0),
    "01e3": ("01e3", 1000.0, 1000.0),
    "1_0e3": ("1_0e3", 10000.0, 10000.0),
    "1.0e-3": (0.001, 0.001, 0.001),
    ".5e3": (".5e3", ".5e3", 500.0),
    "-.5e-3": ("-.5e-3", "-.5e-3", -0.0005),
    "+.5": ("+.5", "+.5", "+.5"),
    "08": ("08", "08", 8.0),
    "0o10": ("0o10", "0o10", "0o10"),
    "010": (8, 8, 8),
    "0x10": (16, 16, 16),
    "0b11": (3, 3, 3),
    "1_000": (1000, 1000, 1000),
    "1:30": (90, 90, 90),
    "+1": (1, 1, 1),
    "1.": (1.0, 1.0, 1.0),
    ".5": (0.5, 0.5, 0.5),
    ".inf": (math.inf, math.inf, math.inf),
    "yes": (True, True, True),
    "off": (False, False, False),
    "y": ("y", "y", "y"),
    "inf": ("inf", "inf", "inf"),
    "~": (None, None, None),
    "None": ("None", "None", "None"),
}
"""By text: what PyYAML 6.0.3, OmegaConf 2.3.1, and jsonargparse 4.53.0 where a float is wanted, read; a text that
jsonargparse does not read there stays a text."""


def same(one: object, other: object) -> bool:
    return (
        one == other
        and isinstance(one, bool) == isinstance(other, bool)
        and isinstance(one, str | None) == isinstance(other, str | None)
    )


@pytest.mark.parametrize("text", READINGS)
def test_each_loader_reads_what_its_program_reads(text: str) -> None:
    for loader, value in zip((PYYAML, OMEGACONF, JSONARGPARSE), READINGS[text], strict=True):
        assert same(loader.read(text), value), loader.name
    assert same(yaml.safe_load(text), READINGS[text][0])


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 0.001), (".5e3", 500.0), ("None", None), ("08", "08"), ("010", 8)]
)
def test_yacs_evaluates_texts(text: str, value: object) -> None:
    assert same(YACS.read(text), value)


@given(st.sampled_from(sorted(READINGS)) | st.text("0123456789+-._eE", min_size=1, max_size=8))
def test_omegaconf_itself_reads_so(text: str) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    try:
        found = omegaconf.OmegaConf.create(f"a: {text}\n").a
    except (yaml.YAMLError, ValueError, omegaconf.errors.OmegaConfBaseException):
        return
    read = OMEGACONF.read(text.strip())
    assert same(read, found) or "#" in text


@pytest.mark.parametrize("text", READINGS)
def test_jsonargparse_itself_reads_so(text: str) -> None:
    jsonargparse = pytest.importorskip("jsonargparse")
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--a", type=float)
    value = JSONARGPARSE.read(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert parser.parse_string(f"a: {text}\n").a == value
    elif value is not None:
        with pytest.raises(jsonargparse.ArgumentError):
            parser.parse_string(f"a: {text}\n")


@pytest.mark.parametrize("text", ["1e-3", ".5e3", "+1e3", "'0.1'"])
def test_yacs_itself_reads_so(text: str) -> None:
    yacs = pytest.importorskip("yacs.config")
    config = yacs.CfgNode()
    config.SOLVER = yacs.CfgNode()
    config.SOLVER.LR = 0.5
    config.merge_from_other_cfg(yacs.CfgNode(yaml.safe_load(f"SOLVER: {{LR: {text}}}")))
    assert same(YACS.read(text.strip("'")), config.SOLVER.LR)


# --- Which program loads a file ---------------------------------------------------------------------------------

FILES: dict[str, tuple[Loader, str]] = {
    "a target": (OMEGACONF, f"s: {{{TORCH}, max_lr: 1e-3}}"),
    "a reference": (OMEGACONF, "s: {type: OneCycleLR, max_lr: '${optimizer.lr}'}"),
    "a reference to a key of the root": (OMEGACONF, "LR: 1\ns: {type: OneCycleLR, max_lr: '${LR}'}"),
    "a resolver": (OMEGACONF, "out: runs/${now:%Y-%m-%d}\ns: {type: OneCycleLR}"),
    "a mandatory value": (OMEGACONF, "data:\n  path: ???\ns: {type: OneCycleLR}"),
    "a defaults list": (OMEGACONF, "defaults: [base]\ns: {type: OneCycleLR}"),
    "hydra's own settings": (OMEGACONF, "hydra: {run: {dir: x}}\ns: {type: OneCycleLR}"),
    "a package": (OMEGACONF, "# @package _global_\ns: {type: OneCycleLR}"),
    "init_args": (JSONARGPARSE, "s: {class_path: a.OneCycleLR, init_args: {max_lr: 1e-3}}"),
    "class_path": (JSONARGPARSE, "model: {class_path: a.B}\ns: {type: OneCycleLR}"),
    "references in a LightningCLI config": (JSONARGPARSE, "lr: 1\ns: {class_path: a.OneCycleLR, max_lr: '${lr}'}"),
    "LightningCLI's seed": (JSONARGPARSE, "seed_everything: 1\ntrainer: {max_epochs: 2}\ns: {type: OneCycleLR}"),
    "a class_path that Hydra passes on": (OMEGACONF, f"s: {{{TORCH}}}\nm: {{_target_: a.B, class_path: b.C}}"),
    "yacs": (YACS, "MODEL: {}\nSOLVER: {NAME: OneCycleLR, MAX_LR: 1e-3}"),
    "nothing": (PYYAML, "s: {type: OneCycleLR}"),
    "variables of a shell": (
        PYYAML,
        "s: {type: OneCycleLR, max_lr: $LR, pct_start: '${PCT}', total_steps: '${N:-10}'}",
    ),
    "a template": (PYYAML, "s: {type: OneCycleLR, max_lr: '${{ inputs.lr }}'}"),
    "a comment": (PYYAML, "# as in _target_: x with ${lr}, class_path and ???\ns: {type: OneCycleLR}"),
    "defaults that are no list": (PYYAML, "defaults: {a: 1}\ns: {type: OneCycleLR}"),
    "shared mappings": (PYYAML, "a: &a {b: 1}\nc: &c [*a, *a]\nd: [*c, *c]\ns: {type: OneCycleLR}\n# ${x}"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_shows_what_loads_it(name: str) -> None:
    loader, text = FILES[name]
    root = parse(text)
    assert isinstance(root, MappingNode)
    assert loader_of("train.yaml", text, root) is loader
    assert loader_of("train.json", text, root) is EXACT


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("s: {type: OneCycleLR, max_lr: 1e-3, total_steps: 100}", ["OC104"]),
        ("s: {type: OneCycleLR, max_lr: !!float 1e-3, total_steps: 100}", []),
        ("s: {type: OneCycleLR, max_lr: !!float '5e-3', total_steps: !!int '100'}", []),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: !!int 1e2}", ["OC103"]),
        (f"s: {{{TORCH}, max_lr: 1e-3, total_steps: 100}}", []),
        ("lr: 1e-3\ns: {type: OneCycleLR, max_lr: '${lr}', total_steps: 100}", []),
        ("s: {class_path: a.OneCycleLR, init_args: {max_lr: 1E-3, total_steps: 100, div_factor: +1e1}}", []),
        # jsonargparse makes what its parameter is of a text, if it can.
        ("s: {class_path: a.OneCycleLR, init_args: {max_lr: '0.1', total_steps: '100', pct_start: .5e-1}}", []),
        ("s: {class_path: a.OneCycleLR, init_args: {max_lr: ['0.1', 1e-3], total_steps: 100}}", []),
        ("s: {class_path: a.OneCycleLR, init_args: {max_lr: 0.1, total_steps: 1e2}}", ["OC105"]),
        (f"s: {{{TORCH}, max_lr: '0.1', total_steps: 100}}", ["OC103"]),
        # A number all right, but not the int that PyTorch wants.
        (f"s: {{{TORCH}, max_lr: 0.1, total_steps: 1e2}}", ["OC105"]),
        # All of them read these as YAML 1.1 has it: nothing is mistaken where that is what it looks like.
        (f"s: {{{TORCH}, max_lr: 0.1, total_steps: 1_000, three_phase: yes, cycle_momentum: off}}", []),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: 1_000, three_phase: no}", []),
        (f"s: {{{TORCH}, max_lr: 0.1, total_steps: 0144}}", ["OC104"]),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: 1:40}", ["OC104"]),
        ("SOLVER: {NAME: OneCycleLR, MAX_LR: 1e-3, TOTAL_STEPS: 100}", []),
        # Numbers beside the schedule.
        ("optimizer: {type: SGD, lr: 1e-1}\ns: {type: OneCycleLR, max_lr: 0.1, total_steps: 100}", ["OC104"]),
        (f"optimizer: {{type: SGD, lr: 1e-1}}\ns: {{{TORCH}, max_lr: 0.1, total_steps: 100}}", []),
        # A config of ours must be read alike by readers of both versions of YAML.
        ("max_lr: 1e-3\ntotal_steps: 1_00", ["OC104", "OC104"]),
        ("max_lr: 1e-3\ntotal_steps: ${trainer.max_steps}", ["OC501"]),
    ],
)
def test_the_loader_decides_what_is_found(text: str, codes: list[str]) -> None:
    assert [found.code for found in findings_in(text) if found.code != "OC901"] == codes


@pytest.mark.parametrize(
    ("text", "total_steps", "names", "hint"),
    [
        (f"s: {{{TORCH}, max_lr: 0.1, total_steps: 0144}}", 100, "OmegaConf", "write 100, or 144 if that is meant"),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: 0144}", 100, "PyYAML", "write 100, or 144 if that is meant"),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: 1:40}", 100, "PyYAML", "write 100"),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: 0o144}", 100, "PyYAML", "write 100"),
        ("max_lr: 0.1\ntotal_steps: 0144", 144, "YAML 1.2", "write 144"),
    ],
)
def test_the_value_is_the_loaders_and_the_message_names_it(text: str, total_steps: int, names: str, hint: str) -> None:
    assert read_text(text).values["total_steps"] == total_steps
    [found] = [found for found in findings_in(text) if found.code == "OC104"]
    assert names in found.message
    assert found.hint == hint


def test_json_and_python_have_one_way_to_write_a_number() -> None:
    block = '{"max_lr": 1e-3, "total_steps": 100}'
    assert findings_in(f'{{"scheduler": {{"type": "OneCycleLR", "args": {block}}}}}', "run.json") == []
    assert findings_in(block, "run.json") == []
    assert findings_in("s = dict(type='OneCycleLR', max_lr=1e-3, total_steps=1_00)\n", "run.py") == []


@given(
    st.sampled_from([f"s: {{{TORCH}, ", "s: {class_path: a.OneCycleLR, init_args: {", "s: {type: OneCycleLR, "]),
    st.text("0123456789+-._eEx:'\"", min_size=1, max_size=8),
)
def test_no_number_breaks_it(begin: str, text: str) -> None:
    ends = "}" * begin.count("{")
    findings_in(f"{begin}max_lr: {text}, total_steps: {text}, pct_start: [{text}]{ends}\n")
