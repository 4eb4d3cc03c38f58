"""The commented config that `onecycle init` writes, from the settings' declaration."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from onecycle_cli.policy.settings import SETTINGS, Section

if TYPE_CHECKING:
    from onecycle_cli.policy.settings import Setting

SET = ("max_lr", "epochs", "steps_per_epoch")
"""What a first config sets; every other setting stands commented out, with an example or its default."""

HEAD = """\
# yaml-language-server: $schema=onecycle.schema.json
# With that file beside this one, an editor completes and checks the settings:
#
#   onecycle schema > onecycle.schema.json
#
# A one-cycle learning-rate schedule.
#
#   onecycle show FILE       how long, how high, how warm
#   onecycle plot FILE       a picture
#   onecycle validate FILE   what is wrong, or will surprise
"""


def template() -> str:
    """Give the text of a config that is valid as it stands, and explains every setting."""
    parts = [HEAD]
    for section in Section:
        parts.append(f"\n# --- {section.value} {'-' * (70 - len(section.value))}\n")
        parts += [_entry(name, setting) for name, setting in SETTINGS.items() if setting.section is section]
    return "".join(parts)


def _entry(name: str, setting: Setting) -> str:
    comment = textwrap.fill(setting.description, 76, initial_indent="# ", subsequent_indent="# ")
    mark = "" if name in SET else "# "
    return f"\n{comment}\n{mark}{name}: {setting.example}\n"
