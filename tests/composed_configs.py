"""Configs of several files, written by hand and made at random; and what Hydra and MMEngine make of them.

`python -m tests.composed_configs` records the latter in data/compositions, with hydra-core and mmengine installed.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from onecycle_cli.config.nodes import MappingNode, Node, ScalarNode, SequenceNode
from onecycle_cli.config.scalars import read_plain

RECORDED = Path(__file__).parent / "data" / "compositions"
GROUPS = ("db", "a/b", "a", "c", "exp", "sched")
NAMES = ("x", "y", "z")
KEYS = ("model", "sched", "optim", "lr", "train", "n")


class Case(NamedTuple):
    """Files by path, the one to read, and a group file that is chosen with it."""

    files: dict[str, str]
    name: str
    choice: str | None = None


def write(case: Case, folder: Path) -> Path:
    """Write the files of a case, and return the path of the one to read."""
    for path, text in case.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder / case.name


def value_of(node: Node | None) -> Any:
    """Return a tree as plain values."""
    if isinstance(node, ScalarNode):
        return "<unknown>" if node.tag else read_plain(node.text) if node.plain else node.text
    if isinstance(node, SequenceNode):
        return [value_of(item) for item in node.items]
    return {value_of(key): value_of(child) for key, child in node.entries} if isinstance(node, MappingNode) else None


# --- Hydra ------------------------------------------------------------------------------------------------------

_SCHEDULERS = {
    "scheduler/onecycle.yaml": "_target_: torch.optim.lr_scheduler.OneCycleLR\nmax_lr: 0.1\n",
    "scheduler/step.yaml": "_target_: torch.optim.lr_scheduler.StepLR\nstep_size: 3\n",
    "trainer/default.yaml": "max_epochs: 10\ndevices: 1\n",
    "trainer/ddp.yaml": "defaults:\n  - default\ndevices: 4\nstrategy: ddp\n",
}
_EXPERIMENT = (
    "# @package _global_\ndefaults:\n  - override /scheduler: onecycle\n  - override /trainer: ddp\n"
    "trainer:\n  max_epochs: 90\nlr: 2\n"
)
BY_HAND = [
    Case({"config.yaml": text, **_SCHEDULERS, **more}, "config.yaml", choice)
    for text, more, choice in (
        ("defaults:\n  - scheduler: onecycle\n  - trainer: ddp\ntrainer: {max_epochs: 5}\n", {}, None),
        ("defaults:\n  - _self_\n  - scheduler: onecycle\nscheduler: {max_lr: 0.5, pct_start: 0.2}\n", {}, None),
        ("defaults:\n  - scheduler@model.sched: onecycle\n  - trainer@_global_: default\n", {}, None),
        ("defaults:\n  - /trainer: default\n  - optional local: mine\n  - scheduler: null\nscheduler: 3\n", {}, None),
        ("defaults:\n  - scheduler: [step, onecycle]\n", {}, None),
        (
            "defaults:\n  - base\n  - override scheduler: step\n",
            {"base.yaml": "defaults: [{scheduler: onecycle}]\n"},
            None,
        ),
        ("defaults:\n  - scheduler: missing\n", {}, None),
        ("defaults:\n  - override scheduler: step\n", {}, None),
        ("defaults:\n  - _self_\n  - _self_\n", {}, None),
        ("defaults:\n  - scheduler: step\n  - scheduler: onecycle\n", {}, None),
        ("defaults:\n  - db: x\n  - scheduler: ${db}\n", {"db/x.yaml": "a: 1\n", "scheduler/x.yaml": "b: 2\n"}, None),
        (
            "defaults:\n  - scheduler: step\n  - trainer: default\n  - exp: null\nlr: 1\n",
            {"exp/long.yaml": _EXPERIMENT},
            "exp/long",
        ),
        (
            "defaults:\n  - trainer: default\n",
            {"exp/all.yaml": "# @package _global_\ndefaults:\n  - /scheduler: onecycle\nscheduler: {max_lr: 2}\n"},
            "exp/all",
        ),
        (
            "defaults:\n  - trainer: default\n",
            {"exp/wrong.yaml": "defaults:\n  - override /trainer: ddp\n"},
            "exp/wrong",
        ),
        (
            "defaults:\n  - model: big\n",
            {
                "model/big.yaml": "# @package net\ndefaults:\n  - small\n  - sub: s\n",
                "model/small.yaml": "w: 1\n",
                "model/sub/s.yaml": "d: 2\n",
            },
            None,
        ),
        ("defaults:\n  - x\n", {"x.yaml": "defaults:\n  - y\n", "y.yaml": "defaults:\n  - x\n"}, None),
        ("defaults:\n  - trainer: default\ntrainer: [1, 2]\n", {}, None),
        ("defaults:\n  - trainer: default\ntrainer:\n  max_epochs: ???\n", {}, None),
    )
]


def random_application(seed: int) -> Case:
    """Make a Hydra application: groups whose files select each other, with all forms of items."""
    rng = random.Random(seed)
    is_gentle = rng.random() < 0.8
    files = {"config.yaml": _group_file(rng, "config", is_gentle=is_gentle, is_primary=True)}
    for group in GROUPS:
        for name in NAMES:
            if is_gentle or rng.random() < 0.9:
                files[f"{group}/{name}.yaml"] = _group_file(rng, f"{group}/{name}", is_gentle=is_gentle)
    choice = f"exp/{rng.choice(NAMES)}" if rng.random() < 0.3 else None
    return Case(files, "config.yaml", choice if f"{choice}.yaml" in files else None)


def _group_file(rng: random.Random, path: str, *, is_gentle: bool, is_primary: bool = False) -> str:
    content: dict[str, Any] = {}
    for _ in range(rng.randint(0, 3)):
        value = rng.choice([path, 1, None, {"k": path}, {"k": {"m": path}, "n": 2}, [1, 2], "???", {}])
        content[rng.choice(["p", "q", "r", "s", "db", "sched"])] = value
    count = rng.randint(1, 4) if is_primary else int(rng.random() < 0.25 and not path.endswith("z"))
    items = [_item(rng) for _ in range(count)]
    if is_gentle:
        by_group = {_group(item): item for item in reversed(items)}
        items = [item for item in reversed(by_group.values()) if not isinstance(item, str) or "/" in item]
    if rng.random() < 0.3:
        items.insert(rng.randint(0, len(items)), "_self_")
    if is_primary and is_gentle:
        selected = [_group(item) for item in items if isinstance(item, dict)]
        items += [{f"override /{group}": rng.choice(NAMES)} for group in selected if rng.random() < 0.4]
    elif rng.random() < (0.4 if is_primary else 0.12 if not is_gentle or path.startswith("exp") else 0.02):
        items.append({f"override {rng.choice(['', '/'])}{rng.choice(GROUPS)}": rng.choice([*NAMES, None, ["x", "y"]])})
    header = rng.choice(["_global_", "foo", "_group_", "foo.bar"]) if rng.random() < 0.15 else ""
    body = {"defaults": items, **content} if items else content
    return (f"# @package {header}\n" if header else "") + yaml.safe_dump(body, sort_keys=False)


def _item(rng: random.Random) -> str | dict[str, Any]:
    package = rng.choice(["_global_", "foo", "foo.bar", "_here_", "db", "_group_", "_global_.zed", "_name_"])
    package = f"@{package}" if rng.random() < 0.25 else ""
    if rng.random() < 0.15:
        return rng.choice(["", f"/{rng.choice(GROUPS)}/"]) + rng.choice(NAMES) + package
    key = rng.choice(["", "", "", "optional "]) + rng.choice(["", "/"]) + rng.choice(GROUPS) + package
    return {key: rng.choice([*NAMES, *NAMES, *NAMES, "w", None, ["x", "z"], [], "${db}"])}


def _group(item: str | dict[str, Any]) -> str:
    name = item if isinstance(item, str) else next(iter(item))
    return name.split("@")[0].split(" ")[-1].strip("/")


def composed_by_hydra(folder: Path, case: Case, override: str | None) -> Any:
    """Return what Hydra composes; None if it refuses."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    GlobalHydra.instance().clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with initialize_config_dir(config_dir=str(folder), version_base="1.1"):
                config = compose(Path(case.name).stem, overrides=[override] if override else [])
        except Exception:  # noqa: BLE001 - it raises many kinds, RecursionError for a cycle among them
            return None
        return OmegaConf.to_container(config, resolve=False)


# --- MMEngine ---------------------------------------------------------------------------------------------------


def random_bases(seed: int, *, is_lazy: bool) -> Case:
    """Make Python configs that include each other, as `_base_` or, lazily, under `read_base()`."""
    rng = random.Random(seed)
    count = rng.randint(2, 5)
    names = [f"{rng.choice(['', '_base_/', 'sub/', '_base_/deep/'])}f{at}.py" for at in range(count)]
    files = {}
    for at, name in enumerate(names):
        bases = [base for base in names[:at] if rng.random() < 0.6]
        if not is_lazy and rng.random() < 0.6:
            bases = bases[:1]
        lines = _lazy_lines(rng, name, [*names[:1], *bases][: at + 1]) if is_lazy else _base_lines(rng, name, bases)
        if not is_lazy and at == count - 1:  # MMEngine's own `_delete_` in a base file depends on who reads it first
            lines = [
                re.sub(r"^(\w+ = dict\()(?=\w)", rng.choice([r"\1", r"\1_delete_=True, "]), line) for line in lines
            ]
        files[name] = "\n".join(lines) + "\n"
    return Case(files, names[-1])


def _base_lines(rng: random.Random, name: str, bases: list[str]) -> list[str]:
    upwards = "../" * name.count("/")
    paths = [rng.choice(["", "./", "{{fileDirname}}/"]) + upwards + base for base in bases]
    named = paths[0] if len(paths) == 1 and rng.random() < 0.5 else paths
    lines = [f"_base_ = {named!r}"] if bases else []
    forms = ["{{_base_." + key + "}}" for key in rng.sample(KEYS, 2)] + ["{{ _base_.model.a }}", "_base_.lr"]
    references = [form for form in forms if bases and rng.random() < 0.3]
    lines += [f"{key} = {_value(rng, references)}" for key in rng.sample(KEYS, rng.randint(1, 3))]
    return [*lines, "_base_.model.a = 7"] if bases and rng.random() < 0.1 else lines


def _lazy_lines(rng: random.Random, name: str, bases: list[str]) -> list[str]:
    lines = [f"{key} = {_value(rng, [])}" for key in rng.sample(KEYS, rng.randint(1, 3))]
    if name.endswith("f0.py"):
        return ["zed = dict(a=1, k=dict(b=1, c=2))", *lines]
    modules = ["." * (name.count("/") + 1) + base.removesuffix(".py").replace("/", ".") for base in bases]
    imports = [f"    from {module} import *" for module in modules]
    change = f"zed.{rng.choice(['update', 'merge'])}(dict(a=2, k=dict(b=3)))"
    return ["from mmengine.config import read_base", "with read_base():", *imports, *lines, change]


def _value(rng: random.Random, references: list[str], depth: int = 0) -> str:
    choice = rng.random()
    if references and choice < 0.15:
        return rng.choice(references)
    if choice < 0.35 and depth < 3:
        entries = {rng.choice("abk"): _value(rng, references, depth + 1) for _ in range(rng.randint(0, 3))}
        return "dict(" + ", ".join(f"{key}={value}" for key, value in entries.items()) + ")"
    if choice < 0.45:
        return "[" + ", ".join(_value(rng, references, depth + 1) for _ in range(rng.randint(0, 3))) + "]"
    return rng.choice(["1", "0.5", "None", "True", "'s'", "'cos'"])


def composed_by_mmengine(path: Path, *, is_lazy: bool) -> Any:
    """Return the config that MMEngine reads; None if it refuses."""
    from mmengine.config import Config

    try:
        config = Config.fromfile(path, lazy_import=is_lazy).to_dict()
    except Exception:  # noqa: BLE001 - it raises many kinds
        return None
    config.pop("read_base", None)
    return json.loads(json.dumps(config))


# --- Recording --------------------------------------------------------------------------------------------------


def recorded(name: str) -> Iterator[tuple[Case, Any]]:
    """Yield the recorded cases of a program, each with what it makes of them."""
    for entry in json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))["cases"]:
        yield Case(entry["files"], entry["name"], entry["choice"]), entry["result"]


def _record(name: str, source: str, cases: list[tuple[Case, Any]]) -> None:
    entries = [{**case._asdict(), "result": result} for case, result in cases]
    text = json.dumps({"source": source, "cases": entries})
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{name}.json").write_text(text.replace('{"files"', '\n{"files"') + "\n", encoding="utf-8")


def _main() -> None:
    import hydra
    import mmengine

    from onecycle_cli.config.composition.hydra import Application
    from onecycle_cli.config.composition.library import Library

    with tempfile.TemporaryDirectory() as scratch:
        found: list[tuple[Case, Any]] = []
        for at, case in enumerate([*BY_HAND, *map(random_application, range(60))]):
            folder = Path(scratch, f"h{at}")
            write(case, folder)
            application = Application(Library(), str(folder))
            override = "=".join(application.choice(Path(case.name).stem, case.choice)) if case.choice else None
            found.append((case, composed_by_hydra(folder, case, override)))
        _record("hydra", f"hydra-core {hydra.__version__}", found)
        for is_lazy, name in ((False, "mmengine"), (True, "mmengine-lazy")):
            cases = [random_bases(seed, is_lazy=is_lazy) for seed in range(60)]
            found = [
                (case, composed_by_mmengine(write(case, Path(scratch, f"{name}{at}")), is_lazy=is_lazy))
                for at, case in enumerate(cases)
            ]
            _record(name, f"mmengine {mmengine.__version__}", found)


if __name__ == "__main__":
    _main()
