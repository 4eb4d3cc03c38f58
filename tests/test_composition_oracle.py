"""The real Hydra and the real MMEngine, composing random files: equal trees, and the same refused."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from onecycle_cli.config.composition import compose
from onecycle_cli.config.composition.hydra import Application
from onecycle_cli.config.composition.library import Library
from onecycle_cli.config.files import read_source
from onecycle_cli.findings import Severity

from .composed_configs import (
    composed_by_hydra,
    composed_by_mmengine,
    random_application,
    random_bases,
    value_of,
    write,
)
from .conftest import seeds

RECORDED_SEEDS = 60


def test_hydra() -> None:
    pytest.importorskip("hydra", reason="hydra-core is not installed; `pip install hydra-core` runs this test")
    seen: Counter[bool] = Counter()
    for seed in seeds(100):
        case = random_application(RECORDED_SEEDS + seed)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(case, folder)
            application = Application(Library(), name)
            override = "=".join(application.choice("config", case.choice)) if case.choice else None
            found, wanted = application.compose("config", case.choice), composed_by_hydra(folder, case, override)
        seen[wanted is None] += 1
        assert (found.error is not None or found.missing > 0) == (wanted is None), seed
        assert wanted is None or value_of(found.root) == wanted, seed
    assert min(seen.values()) > 10


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_mmengine(is_lazy: bool) -> None:
    pytest.importorskip("mmengine", reason="mmengine is not installed; `pip install mmengine` runs this test")
    for seed in seeds(100):
        case = random_bases(RECORDED_SEEDS + seed, is_lazy=is_lazy)
        with tempfile.TemporaryDirectory() as name:
            path = write(case, Path(name))
            found = compose(read_source(str(path)), Library())
            wanted = composed_by_mmengine(path, is_lazy=is_lazy)
        has_errors = any(finding.severity is Severity.ERROR for finding in found.findings)
        if wanted is None:
            assert has_errors or "<unknown>" in str(value_of(found.root)), seed
        else:
            assert not has_errors, seed
            assert value_of(found.root) == wanted, seed
