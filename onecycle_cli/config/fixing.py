"""Which files can be mended, and to what: only where the outcome reads better than what stands there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.checking import judged
from onecycle_cli.config.files import PYTHON
from onecycle_cli.config.mending import difference, mend
from onecycle_cli.config.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.checking import Checked
    from onecycle_cli.config.files import Source
    from onecycle_cli.findings import Finding


@dataclass(frozen=True, slots=True)
class Fixed:
    """A file whose text can be mended: its new text, and the difference as `git apply` takes it."""

    source: Source
    text: str

    @property
    def difference(self) -> str:
        """The unified difference between the file's text and the mended one."""
        return difference(self.source.path, self.source.text, self.text)

    @property
    def data(self) -> bytes:
        """The mended text in the file's own encoding."""
        return self.text.encode(self.source.encoding)


def fixes(checked: Checked) -> Iterator[Fixed]:
    """Fix every file that has findings with a safe mend, and keep what is then found less."""
    by_path: dict[str, list[Finding]] = {}
    for each in checked.findings:
        if each.fix is not None and each.flag is None and each.line is not None:
            by_path.setdefault(each.file or "", []).append(each)
    for path, findings in by_path.items():
        source = checked.sources.get(path)
        if source is None or source.finding is not None:
            continue
        text = mend(source.text, findings, python=path.endswith(PYTHON))
        if text != source.text and _count(replace(source, text=text)) < _count(source):
            yield Fixed(source, text)


def _count(source: Source) -> int:
    return sum(len(judged(config, {})) for config in read(source))
