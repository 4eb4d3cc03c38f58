"""The state of `onecycle tune`: a plan, what was changed in it, and the plan that this makes. It knows no screen."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onecycle_cli.config import load
from onecycle_cli.config.changes import with_plan
from onecycle_cli.config.files import read_source
from onecycle_cli.config.fix import check_fixable
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import flag_name, join_words, yaml_value
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.render.output import whole_file
from onecycle_cli.tune.moves import moved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.config import LoadedPlan, NamedPlan, Request
    from onecycle_cli.config.files import Source
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.onecycle import OneCycle

NOT_TUNED = frozenset({"lr_decay", "name", "verbose", "then", "optimizer", "groups", "last_epoch", "drop_last"})
"""Settings that a curve does not show, or that are more than a value."""


class Session:
    """A plan that is tuned.

    Attributes:
        changes: the values that were changed, by setting.
        plan: the plan that they make; where they make none, the last one that there was.
        findings: what is found in the settings as they are.
        valid: whether the settings as they are make a plan.
    """

    def __init__(self, request: Request) -> None:
        """Take what was asked for, which makes one plan.

        Raises:
            OnecycleError: the config cannot be read, or its plan has errors.
        """
        self._request = request
        self._source: Source | None = read_source(request.configs[0]) if request.configs else None
        self._history: list[dict[str, Any]] = []
        self.changes: dict[str, Any] = {}
        self.findings: tuple[Finding, ...] = ()
        self.valid = False
        self._loaded: LoadedPlan = self._load({})
        if request.scaling is not None:  # once: the peak moves on from there
            flags = {**request.flags, "max_lr": self._loaded.values.get("max_lr")}
            self._request = replace(request, flags=flags, scaling=None)
            self._loaded = self._load({})
        if self._loaded.plan is None or self._loaded.settings is None:
            raise OnecycleError("the plan has errors", "see `onecycle validate`")
        self.plan: NamedPlan = self._loaded.plan
        self._settings: OneCycle = self._loaded.settings
        self.first: NamedPlan = self.plan
        self._take(self._loaded, {})

    @property
    def path(self) -> str | None:
        """The config, as it was named; None for flags alone."""
        return self._source.path if self._source is not None else None

    @property
    def settings(self) -> list[str]:
        """The settings to tune, in the order of their declaration."""
        convention, given = convention_of(self._settings), self._settings.given
        found = []
        for name in SETTINGS:
            if name in NOT_TUNED or not convention.supports(name):
                continue
            if name in given or self.value(name) is not None:
                found.append(name)
        return found

    def value(self, setting: str) -> Any:
        """Return the value of a setting in effect; None where it has none."""
        if setting in self.changes:
            return self.changes[setting]
        given = self._loaded.values.get(setting)
        if given is not None:
            return given
        return "torch" if setting == "convention" else getattr(convention_of(self._settings).defaults, setting, None)

    def is_given(self, setting: str) -> bool:
        """Return whether a setting has a value of its own, and not its default."""
        return setting in self.changes or setting in self._settings.given

    def move(self, setting: str, *, up: bool, coarse: bool = False) -> None:
        """Move a setting to its next value."""
        value = self.value(setting)
        if value is not None:
            self.set(setting, moved(setting, value, up=up, coarse=coarse))

    def set(self, setting: str, value: Any) -> None:
        """Give a setting a value, also one that makes no plan: the findings then say why."""
        if value != self.value(setting):
            self._remember()
            self._take(*self._try({**self.changes, setting: value}))

    def reset(self, setting: str) -> None:
        """Take a change of one setting back."""
        if setting in self.changes:
            self._remember()
            self._take(*self._try({name: value for name, value in self.changes.items() if name != setting}))

    def undo(self) -> bool:
        """Take the last change back; return whether there was one."""
        if not self._history:
            return False
        self._take(*self._try(self._history.pop()))
        return True

    @property
    def command(self) -> str:
        """The command that shows the plan as it is now."""
        flags = {**self._request.flags, **self.changes}
        if self._request.conventions:
            flags.setdefault("convention", self._request.conventions[0])
        words = ["onecycle", "show"]
        if self.path:
            words.append(f"./{self.path}" if self.path.startswith("-") else self.path)
        for assignment in self._request.assignments:
            words += ["--set", assignment]
        if self._request.block is not None:
            words += ["--block", self._request.block]
        for setting, value in flags.items():
            words += _flag(setting, value)
        return shlex.join(words)

    def write(self, target: str = "onecycle.yaml") -> str:
        """Write the changes into the config, with its comments; flags alone become a new one.

        Returns:
            The file that was written.

        Raises:
            OnecycleError: the settings make no plan, there are no changes, or the file cannot be changed: it was
                changed by another program, is read-only, or no config.
        """
        if not self.valid:
            raise OnecycleError("these settings make no plan", "correct the errors first")
        if self._source is None:
            if Path(target).exists():
                raise OnecycleError(f"{target} already exists", "move it, or tune that file")
            text = "".join(f"{name}: {yaml_value(value)}\n" for name, value in self._settings.given.items())
            with whole_file(Path(target)) as stream:
                stream.write(text.encode())
            self._source = read_source(target)
            self._request = replace(self._request, configs=(target,), flags={}, conventions=())
        else:
            if not (self.changes or self._request.flags or self._request.assignments):
                raise OnecycleError("nothing was changed", "change a setting first")
            check_fixable(self._source)
            text = with_plan(self._loaded, self._source.path, self._request.block)
            with whole_file(Path(self._source.path)) as stream:
                stream.write(self._source.encoded(text))
            self._source = read_source(self._source.path)
            self._request = replace(self._request, flags={}, assignments=(), conventions=())
        self._history.clear()
        self._take(*self._try({}))
        self.first = self.plan
        return self._source.path

    @property
    def said(self) -> str:
        """What was changed, in a line."""
        return join_words([f"{name} {yaml_value(value)}" for name, value in self.changes.items()])

    def _remember(self) -> None:
        self._history.append(dict(self.changes))

    def _load(self, changes: Mapping[str, Any]) -> LoadedPlan:
        flags = {**self._request.flags, **changes}
        conventions = (str(flags.pop("convention")),) if "convention" in flags else self._request.conventions
        [found] = load(replace(self._request, flags=flags, conventions=conventions)).plans
        return found

    def _try(self, changes: dict[str, Any]) -> tuple[LoadedPlan, dict[str, Any]]:
        return self._load(changes), changes

    def _take(self, loaded: LoadedPlan, changes: dict[str, Any]) -> None:
        """Take the plan of some changes, or only its findings where it is none."""
        self.changes = changes
        self.findings, self.valid = loaded.findings, loaded.plan is not None
        if loaded.plan is not None and loaded.settings is not None:
            self._loaded, self.plan, self._settings = loaded, loaded.plan, loaded.settings


def _flag(setting: str, value: Any) -> list[str]:
    """Return the words of a command that give a setting a value."""
    name = flag_name(setting)
    if isinstance(value, bool):
        return [name if value else f"--no-{name[2:]}"]
    if isinstance(value, list | tuple):
        return [name, ",".join(str(item) for item in value)]
    return [name, str(value)]
