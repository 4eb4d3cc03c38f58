"""What several test modules need."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from onecycle_cli.config import Request, findings_of
from onecycle_cli.config.files import Source
from onecycle_cli.config.raw_plan import RawPlan
from onecycle_cli.config.reader import read
from onecycle_cli.findings import Finding

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"

posix = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no bash of ours, named pipes, modes, POSIX signals or such file names"
)

# The tests leave nothing behind: no database of examples, and no compiled files from the programs they start.
settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True, print_blob=True, database=None)
settings.register_profile("mutation", settings.get_profile("ci"), max_examples=10)
settings.register_profile("explore", deadline=None, max_examples=2000, database=None)
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
_home_of_hypothesis = tempfile.TemporaryDirectory()
set_hypothesis_home_dir(_home_of_hypothesis.name)
EXPLORE = bool(os.environ.get("ONECYCLE_EXPLORE"))
settings.load_profile("explore" if EXPLORE else "ci")


def seeds(count: int) -> range:
    """Return the seeds of a test with random runs: so many, and twenty times as many to explore."""
    return range(20 * count if EXPLORE else count)


def read_text(text: str, path: str = "config.yaml") -> RawPlan:
    """Read a text as the first plan of a file of that name."""
    return read(Source(path, named=True, text=text))[0]


def findings_in(text: str, path: str = "config.yaml") -> list[Finding]:
    """Return all findings of a text, in their places."""
    return findings_of(Source(path, named=True, text=text), Request())


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's terminal settings out of what is tested."""
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "TTY_COMPATIBLE",
        "COLUMNS",
        "LINES",
        "GITHUB_ACTIONS",
    ):
        monkeypatch.delenv(name, raising=False)
