"""No work that grows faster than a file: the bytecodes that a file takes are counted, so that no clock is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli.config import Request, findings_of
from onecycle_cli.config.files import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

FEW = 60


def work(text: str, path: str) -> int:
    """Return how many bytecodes run while a file is read and checked."""
    source = Source(path, named=True, text=text)
    return bytecodes(lambda: findings_of(source, Request()))


def bytecodes(run: Callable[[], object]) -> int:
    """Return how many bytecodes run in a call."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    run()  # whatever is imported or cached is not counted
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


BLOCK = "{type: OneCycleLR, max_lr: 0.1, total_steps: 100}"
PY_BLOCK = "dict(type='OneCycleLR', max_lr=0.1, total_steps=100)"
FILES: dict[str, tuple[str, Callable[[int], str]]] = {
    "references": (
        "a.yaml",
        lambda n: "".join(f"a{at}: ${{a{at + 1}}}\n" for at in range(n)) + f"a{n}: 1\ns: {BLOCK}\n",
    ),
    "blocks": ("a.yaml", lambda n: "".join(f"s{at}: {BLOCK}\n" for at in range(n))),
    "blocks in a list": ("a.yaml", lambda n: "s:\n" + "".join(f"  - {BLOCK}\n" for _ in range(n))),
    "unknown keys": (
        "a.yaml",
        lambda n: "max_lr: 0.1\ntotal_steps: 100\n" + "".join(f"zzz{at}: 1\n" for at in range(n)),
    ),
    "unknown arguments": (
        "a.yaml",
        lambda n: "s:\n  _target_: a.OneCycleLR\n  max_lr: 0.1\n" + "".join(f"  zzz{at}: 1\n" for at in range(n)),
    ),
    "aliases": ("a.yaml", lambda n: f"a: &a 1\ns: {BLOCK}\nl:\n" + "  - *a\n" * n),
    "calls": (
        "a.py",
        lambda n: (
            "from torch.optim.lr_scheduler import OneCycleLR\n"
            + "".join(f"s{at} = OneCycleLR(o, 0.1, 100)\n" for at in range(n))
        ),
    ),
    "attributes": (
        "a.py",
        lambda n: "cfg = CN()\n" + "".join(f"cfg.a{at} = {at}\n" for at in range(n)) + f"cfg.s = {PY_BLOCK}\n",
    ),
    "loops": (
        "a.py",
        lambda n: (
            "from torch.optim.lr_scheduler import OneCycleLR\ns = OneCycleLR(o, 0.1, 100)\n"
            + "for epoch in range(3):\n    s.step()\n" * n
        ),
    ),
    "one name": (
        "a.py",
        lambda n: (
            "from torch.optim.lr_scheduler import OneCycleLR\n"
            + "".join(
                f"lr = {at}.5\ns = OneCycleLR(o, lr, 9)\nfor epoch in range(3):\n    s.step()\n" for at in range(n)
            )
        ),
    ),
    "names": (
        "a.py",
        lambda n: (
            "from torch.optim.lr_scheduler import OneCycleLR\n"
            + "".join(f"a{at} = {at}\n" for at in range(n))
            + "s = OneCycleLR(o, a0, 100)\n"
        ),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_twice_the_file_takes_twice_the_work(name: str) -> None:
    path, text = FILES[name]
    once, twice, four_times = (work(text(FEW * size), path) for size in (1, 2, 4))
    # With work that grows as the square, the second difference is four times the first one.
    assert four_times - twice <= 2.3 * (twice - once) + 1000
