"""Pages of `onecycle report` for tests: made by the command, read as HTML, and opened in Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.cli import main

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"meta", "input", "br", "path", "rect"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    content: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.content)

    def all(self, name: str = "", **attributes: str) -> list[Element]:
        """Return the elements below this one of a name, with some attributes; `class_` is one of its classes."""
        found = []
        for part in self.content:
            if isinstance(part, Element):
                if name in ("", part.name) and all(part.has(key, value) for key, value in attributes.items()):
                    found.append(part)
                found += part.all(name, **attributes)
        return found

    def has(self, key: str, value: str) -> bool:
        if key == "class_":
            return value in self.attributes.get("class", "").split()
        return self.attributes.get(key.replace("_", "-")) == value


class _Reader(HTMLParser):
    """Reads a page whose elements are all closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.open[-1].content.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)


def read_page(text: str) -> Element:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].name}> is not closed"
    return reader.open[0]


def make_page(folder: Path, *words: str | Path) -> str:
    target = folder / "page.html"
    assert main(["report", *map(str, words), "-o", str(target)]) == 0
    return target.read_text("utf-8")


def data_of(page: str) -> Any:
    [data] = read_page(page).all("script", id="data")
    return json.loads(data.text)


def open_in_chromium(page: str, folder: Path, script: str = "", size: tuple[int, int] = (1280, 800)) -> Any:
    """Open a page in Chromium, run a script in it, and return the value of its last expression.

    The page's own policy forbids other scripts than its own, and is taken out where there is one.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    if script:
        page, removed = re.subn(r"<meta http-equiv[^>]*>", "", page)
        assert removed == 1
        run = f"<script>document.body.dataset.result = JSON.stringify((() => {{{script}}})())</script>"
        page = page.replace("</body>", f"{run}</body>")
    path = folder / "opened.html"
    path.write_text(page, "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    flags += [f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *flags, path.as_uri()], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    if not script:
        return done.stdout
    found = re.search(r'data-result="(.*?)"', done.stdout)
    assert found is not None, "the script failed"
    return json.loads(found[1].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
