"""Bring the documentation up to date: `python -m docs.update` writes the reference, and the outputs of all examples.

`python -m docs.update README.md docs/tutorial.md` runs the examples of these pages only.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docs import reference
from docs.examples import IMAGES, pages, run_page
from docs.notebooks import notebooks, run_notebook


def main(names: list[str]) -> None:
    """Write what has changed, and print its names."""
    for path in [Path(name).resolve() for name in names] or pages():
        page = run_page(path)
        _write(path, page.text.encode())
        for name, picture in page.pictures.items():
            _write(IMAGES / name, picture)
    if not names:
        for path in notebooks():
            _write(path, run_notebook(path).encode())
        for path, text in reference.pages().items():
            _write(path, text.encode())


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(path)  # noqa: T201


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RuntimeError as error:
        sys.exit(f"error: {error}")
