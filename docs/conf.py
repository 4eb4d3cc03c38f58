"""Settings of Sphinx: `sphinx-build -W -b html docs docs/_build/html` builds the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Generic, Keyword

from onecycle_cli.version import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "onecycle"
release = __version__
copyright = "the onecycle-cli developers"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_title = "onecycle"
html_show_copyright = False
html_copy_source = False

myst_heading_anchors = 3
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"


class Console(RegexLexer):  # type: ignore[misc] # Pygments has no types
    """A terminal session: commands after `$ `, which a backslash continues, and what they print."""

    tokens: ClassVar = {
        "root": [
            (r"(\$ )((?:.*\\\n)*.*\n)", bygroups(Generic.Prompt, Keyword)),
            (r".*\n", Generic.Output),
        ]
    }


def setup(app: Sphinx) -> None:
    """Use the lexer."""
    app.add_lexer("console", Console)
