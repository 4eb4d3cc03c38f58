"""Any config: ours, or a training config with one or several one-cycle blocks in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.config import Config
from onecycle_cli.config.dotted import lay_over, split, unused
from onecycle_cli.config.files import JSON, PYTHON
from onecycle_cli.config.native import could_be_settings, not_a_mapping, read_native, tells_of_a_schedule
from onecycle_cli.config.nodes import Mapping, Scalar
from onecycle_cli.config.tree import UnreadableError, parse
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings.keys import YAML_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config.dotted import Document, Given
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.training.blocks import Block

LOOKED_FOR = (
    "a mapping whose _target_, class_path, type, name, class_name … names OneCycleLR, a key that is its name, "
    "adam_onecycle, or settings of ours such as max_lr"
)


def read(source: Source, given: Sequence[Given] = ()) -> list[Config]:
    """Read every plan of a source; what keeps it from being read is a finding like any other.

    The one Config of a file in which nothing tells of a one-cycle schedule is not `is_ours`; where there is nothing
    to say of it either, it `is_nothing`.
    """
    path, text = source.path, source.text
    if source.finding is not None:
        return [Config(path, text, findings=(source.finding,), readable=False, is_ours=tells_of_a_schedule(text))]
    try:
        root = _parse(path, text)
    except UnreadableError as error:
        return [Config(path, text, findings=(error.finding,), readable=False, is_ours=tells_of_a_schedule(text))]
    if not isinstance(root, Mapping):
        return [Config(path, text, findings=(not_a_mapping(root),), readable=False, is_ours=False)]
    document = lay_over(root, given)
    try:
        configs = _read_document(path, text, document)
        return [replace(config, unused=unused(given, document, text)) for config in configs]
    except UnreadableError as error:
        return [Config(path, text, findings=(error.finding,), readable=False)]


def choose(configs: list[Config], block: str | None) -> Config:
    """Give the one plan that is meant.

    Raises:
        OnecycleError: there is none, there are several and `block` names none of them, or it is not there.
    """
    asked = None if block is None else split(block)
    chosen = [each for each in configs if asked is None or asked in (split(each.block or ""), split(each.arguments))]
    first = configs[0]
    if first.is_nothing:
        raise no_block(first.path)
    listed = ", ".join(f"{each.block or '.'} (line {each.begin.line})" for each in configs)
    if not chosen:
        raise OnecycleError(f"{first.path} has no one-cycle block {block}", f"its blocks: {listed}")
    if len(chosen) > 1:
        message = f"{first.path} has {len(chosen)} one-cycle blocks: {listed}"
        raise OnecycleError(message, f"name one: --block {chosen[0].block}")
    return chosen[0]


def no_block(path: str) -> OnecycleError:
    """Say that a file has no one-cycle schedule, and what was looked for."""
    return OnecycleError(f"no one-cycle schedule in {path}", f"looked for {LOOKED_FOR}")


def _parse(path: str, text: str) -> Node | None:
    if not path.endswith(PYTHON):
        return parse(text)
    from onecycle_cli.config.python import parse_python

    return parse_python(text)


def _read_document(path: str, text: str, document: Document) -> list[Config]:
    blocks = _find_blocks(document.root)
    if not blocks or _is_native(blocks[0]):
        return [_read_whole(path, text, document)]
    return [_read_one(path, text, document, block) for block in blocks]


def _find_blocks(root: Mapping) -> list[Block]:
    """Find the blocks of a training config; a flat file in which nothing speaks of a cycle has none."""
    if all(isinstance(node, Scalar) and "cycle" not in node.text.lower() for _, node in root.entries):
        return []
    from onecycle_cli.config.training.blocks import find_blocks

    return list(find_blocks(root))


def _is_native(block: Block) -> bool:
    """Say whether a block at the root is a config of ours whose `name` happens to be a scheduler's."""
    return not block.path and block.key == "name" and block.arguments is block.mapping


def _read_whole(path: str, text: str, document: Document) -> Config:
    if not path.endswith(PYTHON) and could_be_settings(document.root):
        return read_native(path, text, document.root)
    from onecycle_cli.config.training.refusals import refuse_file

    refusal = refuse_file(document.root)
    if refusal is not None:
        return Config(path, text, findings=(refusal,), readable=False, is_ours=False)
    return Config(path, text, readable=False, is_ours=False)


def _read_one(path: str, text: str, document: Document, block: Block) -> Config:
    from onecycle_cli.config.training.reading import read_block
    from onecycle_cli.config.training.refusals import refuse_block

    refusal = refuse_block(block)
    if refusal is not None:
        return Config(path, text, findings=(refusal,), readable=False)
    config = read_block(path, text, document, block)
    if not path.lower().endswith((JSON, PYTHON)):
        return config
    # No reader of YAML comes near these.
    return replace(config, findings=tuple(each for each in config.findings if each.rule is not YAML_VERSIONS))
