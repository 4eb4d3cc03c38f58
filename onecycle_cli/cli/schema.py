"""onecycle schema: the JSON Schema of config files, for editors and other validators."""

from __future__ import annotations

import json
import sys

from onecycle_cli.cli.app import new_app

app = new_app()


@app.command()
def schema() -> None:
    """Print the JSON Schema (draft-07) of config files."""
    from onecycle_cli.render.config_template import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
