"""The notebooks of the guide: run one, and return it with the outputs that its cells give now.

The cells run one after another in one namespace and in the notebook's folder, without Jupyter: the value of a cell's
last line is shown as a notebook shows it, and so are the figures that pyplot has open. A cell that begins with
`!onecycle` runs that command.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.examples import run_onecycle

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
COMMAND = "!onecycle "


def notebooks() -> list[Path]:
    """Return the notebooks of the guide."""
    return sorted(ROOT.glob("**/*.ipynb"))


def run_notebook(path: Path) -> str:
    """Return a notebook's text with the outputs of now."""
    import matplotlib as mpl

    mpl.use("agg")
    content = json.loads(path.read_text())
    namespace: dict[str, Any] = {"__name__": "__main__"}
    number = 0
    with contextlib.chdir(path.parent):
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                number += 1
                cell["execution_count"] = number
                cell["outputs"] = list(_outputs("".join(cell["source"]), namespace, number))
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def without_pictures(text: str) -> Any:
    """Return a notebook without the bytes of its PNG pictures, which depend on matplotlib's version."""
    content = json.loads(text)
    for cell in content["cells"]:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = ""
    return content


def _outputs(source: str, namespace: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    if source.startswith(COMMAND):
        _, text = run_onecycle(shlex.split(source.removeprefix(COMMAND)))
        yield _stream(text)
        return
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)
        if isinstance(last, ast.Expr) and not source.rstrip().endswith(";"):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
        elif last is not None:
            exec(compile(ast.Module([last], []), "<cell>", "exec"), namespace)
    if printed.getvalue():
        yield _stream(printed.getvalue())
    if value is not None:
        data = {"text/plain": [repr(value)]}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = value._repr_html_().splitlines(keepends=True)
        yield {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"}
    yield from _figures()


def _stream(text: str) -> dict[str, Any]:
    return {"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}


def _figures() -> Iterator[dict[str, Any]]:
    from matplotlib import pyplot

    for number in pyplot.get_fignums():
        figure, picture = pyplot.figure(number), io.BytesIO()
        figure.savefig(picture, format="png", dpi=72, metadata={"Software": None})
        pyplot.close(figure)
        data = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ["<Figure>"]}
        yield {"data": data, "metadata": {}, "output_type": "display_data"}
