"""Configs that are composed of several files: base files, and Hydra's defaults lists. The files are read, never run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.composition.base_files import Bases
from onecycle_cli.config.composition.composed import Composition
from onecycle_cli.config.composition.defaults_list import list_of
from onecycle_cli.config.composition.paths import has_folder
from onecycle_cli.config.composition.primaries import GroupMember, composition
from onecycle_cli.config.files import JSON, PYTHON
from onecycle_cli.config.nodes import MappingNode, place_at
from onecycle_cli.findings.config_rules import NOT_READ

if TYPE_CHECKING:
    from onecycle_cli.config.composition.library import Library
    from onecycle_cli.config.files import Source


def compose(source: Source, library: Library) -> Composition:
    """Return a file with the files that it includes.

    Raises:
        UnreadableError: the file itself cannot be read.
    """
    bases = Bases(library, source)
    root = bases.tree()
    alone = Composition(root, tuple(bases.findings), bases.sources)
    if not isinstance(root, MappingNode) or source.path.endswith((PYTHON, JSON)) or bases.sources:
        return alone
    list_ = list_of(root)
    if list_ is None:
        return alone
    if not has_folder(source):
        message = "the files of the defaults list are not read: standard input has no folder in which they are"
        hint = "name the file, or pipe what Hydra composes: python train.py --cfg job --resolve"
        return replace(alone, findings=(*alone.findings, place_at(NOT_READ.finding(message, hint), list_.place)))
    return composition(source, GroupMember(library, source, root).alone())


def compositions_with_primaries(
    source: Source, library: Library, alone: Composition, *, has_blocks: bool, is_ours: bool
) -> list[Composition]:
    """Return a Hydra group file or experiment as part of each primary config that uses it; none for other files.

    `has_blocks` says whether the file has a schedule of its own, and `is_ours` whether it looks like a config of ours.
    """
    if source.path.endswith((PYTHON, JSON)) or not has_folder(source) or (alone.sources and not alone.is_hydra):
        return []
    member = GroupMember(library, source, library.tree(source))
    if has_blocks or is_ours or member.changes_primary:
        return member.contexts(only_certain=is_ours and not has_blocks)
    return []
