"""README and docs: every block runs and prints what is shown, every picture is the one that its command makes, and the
reference is what the code says."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from docs import examples, reference
from onecycle_cli.cli import main
from onecycle_cli.findings import RULES

from .conftest import ROOT

PAGES = {str(path.relative_to(ROOT)): path for path in examples.pages()}
UPDATE = "run `python -m docs.update`, and look at what it changed"


def facts(picture: bytes) -> tuple[tuple[int, int], dict[str, str]]:
    """Return what a picture shows, apart from the pixels, which depend on matplotlib's version and fonts."""
    with Image.open(io.BytesIO(picture)) as image:
        return image.size, {key: text for key, text in image.text.items() if key != "Software"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PAGES)
def test_every_block_prints_what_is_shown(name: str) -> None:
    page = examples.run_page(PAGES[name])
    assert page.text == PAGES[name].read_text(), UPDATE
    for picture, content in page.pictures.items():
        assert facts(content) == facts((examples.IMAGES / picture).read_bytes()), (picture, UPDATE)


def test_the_reference_is_what_the_code_says() -> None:
    for path, text in reference.pages().items():
        assert path.read_text() == text, UPDATE
    assert {path.name for path in (examples.DOCS / "reference").iterdir()} == {path.name for path in reference.pages()}


def test_a_page_with_other_output_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```yaml\n# plan.yaml\nmax_lr: 0.1\ntotal_steps: 10\n```\n\n```console\n"
        "$ onecycle export plan.yaml | head -n 2\nstep,lr\n$ onecycle show missing.yaml\n$ echo $?\n0\n```\n\n"
        "```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n\n```text\nkept\n```\n"
    )
    text = examples.run_page(page).text
    assert "step,lr,momentum\n0,0.004" in text
    assert "\n$ echo $?\n2\n" in text
    assert "```text\n2\n```" in text
    assert "```text\nkept\n```" in text


@pytest.mark.parametrize(
    "block",
    [
        "```console\n$ exit 3\n```\n",
        "```python\nraise ValueError\n```\n",
        "![a picture](images/unmade.png)\n",
    ],
)
def test_a_block_that_fails_is_an_error(block: str, tmp_path: Path) -> None:
    (page := tmp_path / "page.md").write_text(block)
    with pytest.raises(RuntimeError):
        examples.run_page(page)


def test_the_two_set_up_lines_are_what_a_fresh_machine_needs(capsys: pytest.CaptureFixture[str]) -> None:
    use, test = re.findall(r"```sh\n(.*)\n```", (ROOT / "README.md").read_text())
    assert all(line.startswith("python3 -m venv .venv && .venv/bin/pip install -q ") for line in (use, test))
    assert test.endswith(".venv/bin/python -B -m pytest -n auto")
    arguments = use.rpartition(".venv/bin/onecycle ")[2].split()
    assert main([word.replace("configs/", f"{ROOT}/configs/") for word in arguments]) == 0
    assert "0.1" in capsys.readouterr().out


@pytest.mark.parametrize("name", PAGES)
def test_every_code_and_file_named_exists(name: str) -> None:
    text = PAGES[name].read_text()
    assert set(re.findall(r"OC\d{3}", text)) <= set(RULES)
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (PAGES[name].parent / link).exists(), link
    for path in re.findall(r"\b(?:configs|docs/logs)/[\w./-]+\.(?:yaml|csv|py)\b", text):
        assert (ROOT / path).exists() or f"# {path}\n" in text, path


@pytest.mark.parametrize("name", PAGES)
def test_every_placeholder_is_explained(name: str) -> None:
    text = PAGES[name].read_text()
    for word in {
        word for block in re.findall(r"```(?:yaml|toml)\n(.*?)```", text, re.DOTALL) for word in block.split()
    }:
        for placeholder in re.findall(r"(?<![${:])\b(?:OWNER|COMMIT|REVISION|VERSION)\b", word):
            assert re.search(rf"replace(?s:.)*`{placeholder}`", text), placeholder
