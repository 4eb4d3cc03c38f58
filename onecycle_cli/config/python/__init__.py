"""Python configs, in MMEngine's and MMCV's style, as the tree that YAML gives: read through `ast`, never run.

What assignments of literals, `dict(...)` and plain arithmetic say is worked out. Everything else becomes a scalar with
the tag UNKNOWN, and so does whatever a statement that is not followed (`if`, `for`, some call) may have changed.
"""

from __future__ import annotations

from onecycle_cli.config.python.reading import parse_python
from onecycle_cli.config.python.text import UNKNOWN

__all__ = ["UNKNOWN", "parse_python"]
