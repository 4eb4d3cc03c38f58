"""Change the code of a room in one place at a time, and count the changes that no test notices.

    python tests/mutation.py policy --share 0.25

mutmut makes the mutants and runs, for each, the tests that call its function; its settings are `[tool.mutmut]` in
pyproject.toml. This script adds what mutmut lacks: tests by room, a random share of the mutants, and a count by file.
Mutants that were killed are not run again, so that a second call takes only as long as what survived. mutmut changes
functions only: constants, properties and what else is evaluated at import stay as they are.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import random
import resource
from collections import Counter
from pathlib import Path

from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

TESTS = {
    "policy": (
        "api block_choice compare comparison configs conventions exactness formatting golden invalid lengths "
        "references run_against_cycle run_length schedule segments summary training_checks translation values whole"
    ),
    "run": "causes checker counting fit fit_rows groups guard precision rows sampling",
}
"""By room: the tests that are quick and call most of it. One more that is slow costs its time for every survivor."""

MEMORY = 4 << 30
"""Bytes that a mutant may take: one that counts to a wrong number could take all there are."""

STATES = ("killed", "timeout", "survived", "no tests")


def mutants_of(room: str) -> list[SourceFileMutationData]:
    """Make the mutants, unless they are there, and return those of a room by file, with their last results."""
    Path("mutants").mkdir(exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        mutmut.create_mutants(1)
    files = [SourceFileMutationData(path=path) for path in sorted(Path("onecycle_cli", room).rglob("*.py"))]
    for file in files:
        file.load()
    return [file for file in files if file.exit_code_by_key]


def sample(file: SourceFileMutationData, share: float, seed: int) -> list[str]:
    """Return a share of a file's mutants, which has all of a smaller one; the same for a seed while the file stays."""
    names = sorted(file.exit_code_by_key)
    random.Random(seed).shuffle(names)
    return names[: math.ceil(share * len(names))]


def state(file: SourceFileMutationData, name: str) -> str:
    named: str = status_by_exit_code[file.exit_code_by_key[name]]
    return named


def table(files: list[SourceFileMutationData], names: dict[str, list[str]]) -> str:
    """Return the counts by file as lines; a mutant that never ends is noticed, too."""
    line = "{:<44} {:>6} {:>7} {:>8} {:>9} {:>9} {:>7}"
    lines = [line.format("file", "all", *STATES, "score")]
    total: Counter[str] = Counter()
    for file in files:
        counts = Counter(state(file, name) for name in names[str(file.path)])
        lines.append(_counted(line, str(file.path).removeprefix("onecycle_cli/"), counts))
        total += counts
    return "\n".join([*lines, _counted(line, "total", total)])


def _counted(line: str, name: str, counts: Counter[str]) -> str:
    score = (counts["killed"] + counts["timeout"]) / max(counts.total(), 1)
    return line.format(name, counts.total(), *(counts[state] for state in STATES), f"{score:.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the changes of a room's code that no test notices.")
    parser.add_argument("room", choices=TESTS)
    parser.add_argument("--share", type=float, default=1.0, help="the share of each file's mutants (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which mutants are in the share (default: 0)")
    parser.add_argument("--show", action="store_true", help="show those that survived the last run, and run none")
    asked = parser.parse_args()

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    config().pytest_add_cli_args_test_selection = [f"tests/test_{name}.py" for name in TESTS[asked.room].split()]
    files = mutants_of(asked.room)
    names = {str(file.path): sample(file, asked.share, asked.seed) for file in files}
    wanted = [name for file in files for name in names[str(file.path)] if state(file, name) != "killed"]
    if asked.show:
        for file in files:
            for name in names[str(file.path)]:
                if state(file, name) in ("survived", "no tests"):
                    print(f"# {name}: {state(file, name)}\n{get_diff_for_mutant(name, path=file.path)}")  # noqa: T201
    elif wanted:
        mutmut._run(wanted, max_children=1)
        for file in files:
            file.load()
    print(table(files, names))  # noqa: T201


if __name__ == "__main__":
    main()
