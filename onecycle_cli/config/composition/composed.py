"""What a config is composed of: the tree, the other files in it, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.findings import Finding


@dataclass(frozen=True, slots=True)
class Composition:
    """A config as its program sees it.

    Attributes:
        root: the tree, whose nodes know their file; None if it is empty.
        findings: what is wrong with how the files are combined.
        sources: the other files, by path.
        own: the files whose blocks are this config's; None for all.
        package: the dotted path at which the config's own content is.
        primary: the primary config as a part of which the file is read, and with which choice.
        is_certain: whether the files say that the primary config uses the file.
        differing: the primary configs that use the file in different ways, for which it is read alone.
        is_hydra: whether Hydra loads the files.
    """

    root: Node | None
    findings: tuple[Finding, ...] = ()
    sources: dict[str, Source] = field(default_factory=dict)
    own: frozenset[str] | None = None
    package: str = ""
    primary: str = ""
    is_certain: bool = True
    differing: str = ""
    is_hydra: bool = False
