"""Read the plans of a file: a config of our own, or a training config with one-cycle blocks in it."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING

from onecycle_cli.config.composition import compose, compositions_with_primaries
from onecycle_cli.config.composition.library import Library
from onecycle_cli.config.files import NOTEBOOK, PYTHON
from onecycle_cli.config.key_paths import Unknown, assign, foreign, is_added, lookup, resolve, split
from onecycle_cli.config.loaders import EXACT, OMEGACONF, OURS, PYYAML, loader_of
from onecycle_cli.config.marks import is_auto
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, SequenceNode, place_at
from onecycle_cli.config.raw_plan import (
    KEY_SETTINGS,
    MOST_SUGGESTIONS,
    RawPlan,
    duplicate,
    meant,
    resembles_key_setting,
    unknown_key,
)
from onecycle_cli.config.yaml_tree import UnreadableError
from onecycle_cli.findings import Severity
from onecycle_cli.findings.config_rules import NOT_A_MAPPING, NUMBER_KIND, WRONG_TYPE
from onecycle_cli.findings.plan_rules import NO_EFFECT
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from onecycle_cli.config.composition.composed import Composition
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.key_paths import Assignment, Document
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

MOST_KEYS = 60
"""Keys above which a file is not one of ours unless one of them is a key setting."""

_KEY_SETTING_LINE = re.compile(rf"^\s*[{{]?\s*({'|'.join(sorted(KEY_SETTINGS))})\s*:", re.MULTILINE)


_NESTED = tuple((name,) for name, setting in SETTINGS.items() if setting.parts)
"""Where a config of ours has mappings, which are not blocks of a training config."""

_PEAK = re.compile("(max|peak)[^a-z0-9]?(lr|learning|value)|(lr|eta)[^a-z0-9]?max")


def read(source: Source, assignments: Sequence[Assignment] = (), library: Library | None = None) -> list[RawPlan]:
    """Read every plan of a source; what keeps it from being read is a finding like any other.

    The files that it includes are read from the library, and so are the primary configs that a Hydra group file
    belongs to. A file in which nothing speaks of a one-cycle schedule gives one plan that is not `is_one_cycle`; it
    `is_empty` if nothing is wrong with it either.
    """
    path, text = source.path, source.text
    if source.finding is not None:
        return [_unreadable(path, text, source.finding, is_one_cycle=_has_key_setting(text))]
    library = library or Library()
    library.give(source)
    try:
        calls = _read_calls(source, assignments) if path.endswith((PYTHON, NOTEBOOK)) and not _is_test(source) else []
        if path.endswith(NOTEBOOK):
            return calls or [RawPlan(path, text, readable=False, is_one_cycle=False)]
        alone = compose(source, library)
    except UnreadableError as error:
        return [_unreadable(path, text, error.finding, is_one_cycle=_has_key_setting(text))]
    if calls and isinstance(alone.root, MappingNode):
        plans = _read_plans(source, alone, assignments)
        return [*calls, *(plan for plan in plans if plan.block)]
    if not isinstance(alone.root, MappingNode):
        return [_unreadable(path, text, _not_a_mapping(alone.root), is_one_cycle=False)]
    plans = _read_plans(source, alone, assignments)
    has_blocks = any(plan.block is not None for plan in plans)
    is_ours = plans[0].readable and plans[0].block is None
    contexts = compositions_with_primaries(source, library, alone, has_blocks=has_blocks, is_ours=is_ours)
    if not contexts:
        return plans
    first, *others = (_read_plans(source, each, assignments) for each in contexts)
    if is_ours and any(reading[0].block is None for reading in (first, *others)):
        return plans
    if all(_agree(first, other) for other in others):
        return first
    names = ", ".join(each.primary for each in contexts)
    if has_blocks or is_ours:
        return _read_plans(source, replace(alone, differing=names), assignments)
    return [replace(plan, note=f"{plan.note}; it differs in the others: {names}") for plan in first]


def _read_calls(source: Source, given: Sequence[Assignment]) -> list[RawPlan]:
    """Read the calls of a script that make a schedule."""
    from onecycle_cli.config.scripts import block_at, read_script

    script = read_script(source.text, given, is_notebook=source.path.endswith(NOTEBOOK))
    plans: list[RawPlan] = []
    if script is None:
        return plans
    for tree in script.trees:
        others = [each for each in given if each.node.place.flag not in script.used]
        document = replace(assign(tree.root, others, source.text), loader=EXACT)
        block = block_at(document.root, tree.path)
        if block is not None:
            plan = _read_block(source.path, source.text, document, block)
            unread = foreign(others, tree.root, source.text)
            plan = replace(plan, root=tree.root, foreign=unread, used=document.used, note=tree.note, is_call=True)
            plans.append(plan)
    return plans


def _is_test(source: Source) -> bool:
    """Return whether a file in a folder is a test, whose schedules are not those of a run."""
    *folders, name = PurePath(source.path).parts
    is_one = name.startswith("test_") or name.endswith("_test.py") or not {"tests", "test"}.isdisjoint(folders)
    return is_one and not source.named


def _agree(first: list[RawPlan], other: list[RawPlan]) -> bool:
    """Return whether two readings of a file give the same plans."""
    return [(plan.block, plan.values, plan.context) for plan in first] == [
        (plan.block, plan.values, plan.context) for plan in other
    ]


def _read_plans(source: Source, composition: Composition, given: Sequence[Assignment]) -> list[RawPlan]:
    """Read the plans of a composed file."""
    path, text, root = source.path, source.text, composition.root
    assert isinstance(root, MappingNode)  # noqa: S101
    assignments = [_below_package(each, composition) for each in given]
    texts = [text, *(other.text for other in composition.sources.values())]
    whole = "\n".join(texts)
    loader = OMEGACONF if composition.is_hydra else loader_of(path, whole, root)
    document = replace(assign(root, assignments, whole), loader=loader, differing=composition.differing)
    try:
        blocks = _find_blocks(document.root) if given or any(map(_may_hold_block, texts)) else []
    except UnreadableError as error:
        return [_unreadable(path, text, error.finding)]
    if composition.own is not None:
        blocks = [block for block in blocks if block.place.file in composition.own]
    if blocks and not _is_native(blocks[0]):
        plans = [_read_block(path, text, document, block) for block in blocks]
        plans = [plans[0], *(_without_unread_keys(plan) for plan in plans[1:])]
        if not composition.is_certain:
            plans = [_without_guesses(plan, composition.own or ()) for plan in plans]
    elif composition.is_hydra or composition.sources:  # our own configs include no others
        plans = [RawPlan(path, text, readable=False, is_one_cycle=False)]
    else:
        plans = [_read_whole(path, text, document)]
    note = f"{path} is read as part of {composition.primary}" if composition.primary else ""
    return [
        replace(
            plan,
            root=root,
            others=composition.sources,
            note=note,
            findings=(*composition.findings, *plan.findings),
            foreign=foreign(assignments, root, whole),
            used=document.used,
        )
        for plan in plans
    ]


def _without_guesses(plan: RawPlan, own: Collection[str]) -> RawPlan:
    """Leave out the optimizer and trainer of a primary config that may be used with other ones."""
    others = {setting for (setting, _), place in plan.places.items() if place.file not in own}
    values = {name: value for name, value in plan.values.items() if name not in others & {"optimizer", "groups"}}
    context = plan.context and plan.context.of_paths(lambda path: plan.keys[path].file in own)
    return replace(plan, values=values, context=context)


def _below_package(given: Assignment, composition: Composition) -> Assignment:
    """Return an assignment to a path that only the group file itself has as one to its path in the whole config."""
    package = split(composition.package)
    root = composition.root
    if not package or root is None or lookup(root, given.path[:1]) is not None:
        return given
    return replace(given, path=(*package, *given.path))


def _is_native(block: Block) -> bool:
    """Return whether a block at a file's root is a config of ours, whose `name` happens to be a scheduler's.

    It is a training config if it has a key that is not a setting and does not resemble one, such as `interval`, or if
    it refers to other values.
    """
    if block.path or block.key != "name" or block.arguments is not block.mapping:
        return False
    pairs = block.mapping.pairs()
    return all(meant(key.text) and not (isinstance(node, ScalarNode) and "${" in node.text) for key, node in pairs)


def _unreadable(path: str, text: str, finding: Finding, *, is_one_cycle: bool = True) -> RawPlan:
    return RawPlan(path, text, findings=(finding,), readable=False, is_one_cycle=is_one_cycle)


def _may_hold_block(text: str) -> bool:
    """Return whether a block may be in a text: few files hold one, and a search of the tree takes longer."""
    small = text.lower()
    return "cycle" in small or _PEAK.search(small) is not None


def _find_blocks(root: MappingNode) -> list[Block]:
    """Find the blocks of a training config; a flat file that does not mention a cycle has none."""
    if all(isinstance(node, ScalarNode) and not _mentions_cycle(key, node) for key, node in root.entries):
        return []
    from onecycle_cli.config.training.blocks import find_blocks

    own = _NESTED if _has_key(root) else ()
    return [block for block in find_blocks(root) if block.path[:1] not in own]


def _mentions_cycle(key: Node, value: ScalarNode) -> bool:
    is_foreign = isinstance(key, ScalarNode) and key.text not in SETTINGS and "cycle" in key.text.lower()
    return is_foreign or "cycle" in value.text.lower()


def _read_whole(path: str, text: str, document: Document) -> RawPlan:
    """Read a file without blocks: a config of ours if it has a key setting, or if all keys resemble settings."""
    root = document.root
    keys = [key.text for key, _ in root.pairs()]
    has_values = not all(isinstance(node, MappingNode) and not _has_key(node) for _, node in root.pairs())
    # A file without values describes settings, as a form or a schema does.
    if (
        not path.endswith(PYTHON)
        and has_values
        and (_has_key(root) or (len(keys) < MOST_KEYS and all(map(meant, keys))))
    ):
        return _read_native(path, text, document)
    from onecycle_cli.config.training.blocks import refuse_file

    refusal = refuse_file(root, text)
    findings = () if refusal is None else (refusal,)
    return RawPlan(path, text, findings=findings, readable=False, is_one_cycle=False)


def _read_block(path: str, text: str, document: Document, block: Block) -> RawPlan:
    from onecycle_cli.config.training import read_block
    from onecycle_cli.config.training.blocks import refuse_block

    refusal = refuse_block(block)
    if refusal is not None:
        return _unreadable(path, text, refusal, is_one_cycle=False)
    return read_block(path, text, document, block)


def _without_unread_keys(plan: RawPlan) -> RawPlan:
    """Leave out the note on keys that the framework does not read: once per file is enough."""
    kept = (found for found in plan.findings if found.rule is not NO_EFFECT or found.severity is not Severity.INFO)
    return replace(plan, findings=tuple(kept))


def _read_native(path: str, text: str, document: Document) -> RawPlan:
    """Read a config of ours, all of whose keys are settings."""
    root = document.root
    # Nothing shows that another program loads the file, so both versions of YAML must read it alike.
    plan = RawPlan(path, text, loader=OURS if document.loader is PYYAML else document.loader)
    findings: list[Finding] = []
    places: dict[str, Place] = {}
    settings: dict[str, Node] = {}
    given = {key.text for key, _ in root.pairs()}
    for key, node in root.entries:
        if not isinstance(key, ScalarNode):
            hint = "write the name of a setting, such as max_lr"
            findings.append(place_at(WRONG_TYPE.finding("a key must be a string", hint), key.place))
            continue
        if key.text in places:
            findings.append(duplicate(key, places[key.text]))
        elif key.text not in SETTINGS and not is_added(key):
            findings.append(unknown_key(key, given, len(findings)))
        places.setdefault(key.text, key.place)
        if key.text in SETTINGS:
            settings[key.text] = node
    for setting, node in settings.items():
        found = node if setting == "name" else _filled_in(document, setting, node)
        findings += [plan.leave_open(setting, found)] if isinstance(found, Unknown) else plan.take(setting, found)
    convention = CONVENTIONS.get(str(plan.values.get("convention") or DEFAULT))
    if convention is None or not convention.checks_types:
        findings = [finding for finding in findings if finding.rule is not NUMBER_KIND]
    # Of very many keys the first ones show whose file it is.
    meant_so = [meant(key) is not None for key in islice(places, MOST_SUGGESTIONS)]
    # `max_lr` alone is in other files too: more than half of the keys must be settings, mistyped or not.
    is_ours = _has_key(root) and 2 * sum(meant_so) > len(meant_so)
    return replace(plan, findings=tuple(findings), is_one_cycle=is_ours)


def _filled_in(document: Document, setting: str, node: Node) -> Node | Unknown:
    """Return what a setting of a file of ours is, with references followed; templates are filled in before it is read.

    No program sets what is `auto`, and `auto` is not a value of any setting.
    """
    if isinstance(node, ScalarNode) and node.tag is not None:
        return node
    found = resolve(document, node, (setting,), lambda *_: False)
    if isinstance(found, ScalarNode) and is_auto(found):
        why = "no program sets it, because the file has only settings of onecycle"
        return Unknown(found.place, found.text, setting, why, is_mistake=True)
    return found


def _has_key(root: MappingNode) -> bool:
    """Return whether one of a mapping's keys is a key setting, mistyped or not."""
    return any(key.text in KEY_SETTINGS or resembles_key_setting(key.text) for key, _ in root.pairs())


def _has_key_setting(text: str) -> bool:
    """Return whether a file that is not a YAML mapping was meant as a native config, by its keys."""
    return _KEY_SETTING_LINE.search(text) is not None


def _not_a_mapping(root: Node | None) -> Finding:
    kind = {SequenceNode: "a list", ScalarNode: "a single string"}.get(type(root), "empty, or has comments only")
    hint = "write settings, such as `max_lr: 0.1`; `onecycle init` writes a config to start from"
    if isinstance(root, ScalarNode) and ":" in root.text:
        hint = "put a space after each colon: `max_lr: 0.1`"
    finding = NOT_A_MAPPING.finding(f"no settings: the file is {kind}", hint)
    return place_at(finding, root.place if root else TOP)
