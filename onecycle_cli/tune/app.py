"""The screen of `onecycle tune`: the curve, the settings, what is found in them, and the keys."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, OptionList, Static

from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import format_number, printable, setting_text, shorten
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.picture import Curve
from onecycle_cli.render.terminal import draw_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.events import Resize

    from onecycle_cli.tune.session import Session

MOST_FINDINGS = 4
"""Findings that are shown; a line says how many more there are."""

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


class TuneApp(App[str]):
    """Tune a plan by keys. Its result is the command to print at the end, empty if there is none."""

    CSS = """
    #curve { width: 1fr; height: 1fr; padding: 0 1; }
    #side { width: 38; border-left: solid $panel; }
    #settings { height: 1fr; border: none; padding: 0; }
    #summary { height: auto; padding: 0 1; color: $text-muted; }
    #findings { height: auto; padding: 0 1; }
    #status { height: 1; padding: 0 1; color: $accent; }
    #entry { display: none; height: 3; }
    #entry.open { display: block; }
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "onecycle tune"
    BINDINGS: ClassVar[list[Any]] = [
        Binding("left", "move(False, False)", show=False),
        Binding("right", "move(True, False)", show=False),
        Binding("h", "move(False, False)", "less", key_display="←"),
        Binding("l", "move(True, False)", "more", key_display="→"),
        Binding("shift+left,H", "move(False, True)", "much less", show=False),
        Binding("shift+right,L", "move(True, True)", "much more", show=False),
        Binding("j", "cursor(1)", show=False),
        Binding("k", "cursor(-1)", show=False),
        Binding("e", "edit", "type a value", key_display="⏎"),
        Binding("escape", "leave", show=False),
        Binding("u", "undo", "undo"),
        Binding("r", "reset", "reset"),
        Binding("g", "log", "log axis"),
        Binding("m", "momentum", "momentum"),
        Binding("c", "command", "command"),
        Binding("w", "write", "write"),
        Binding("q", "leave_app", "quit"),
        Binding("ctrl+c", "leave_app", show=False, priority=True),
    ]

    def __init__(
        self,
        session: Session,
        others: Sequence[Curve] = (),
        read_value: Callable[[str, str], Any] | None = None,
        *,
        unicode: bool = True,
    ) -> None:
        """Take what is tuned, the curves behind it, and what reads a typed value of a setting."""
        super().__init__()
        self.session = session
        self.log_axis = self.command_asked = False
        self.with_momentum = True
        self._others = list(others)
        self._read_value = read_value
        self._unicode = unicode
        self._asked_to_quit = False
        self.ended_by: int | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        with Horizontal():
            yield Static(id="curve")
            with Vertical(id="side"):
                yield OptionList(id="settings", markup=False)
                yield Static(id="summary", markup=False)
        yield Static(id="findings", markup=False)
        yield Input(id="entry")
        yield Static(id="status", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Show the plan, with the first setting selected."""
        with suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end, signal.SIGTERM)
        self.query_one(OptionList).focus()
        self.show()
        self.say(f"{self.session.path or 'flags'}: arrow keys change the selected setting, shift for larger moves")

    def _end(self, number: int) -> None:
        """End at a signal, so that the terminal is left as it was."""
        self.ended_by = number
        self.exit()

    def on_resize(self, _: Resize) -> None:
        """Draw the curve in its new size, once the screen is laid out."""
        self.call_after_refresh(self.draw)

    # --- What the screen shows ---

    @property
    def selected(self) -> str:
        """The setting that the keys change."""
        return self.session.settings[self.query_one(OptionList).highlighted or 0]

    def show(self) -> None:
        """Show the settings, the key numbers, the findings and the curve."""
        options, settings = self.query_one(OptionList), self.session.settings
        at = options.highlighted or 0
        options.clear_options()
        options.add_options([self._line(setting) for setting in settings])
        options.highlighted = min(at, len(settings) - 1)
        self.query_one("#summary", Static).update(self._summary())
        self.query_one("#findings", Static).update(self._findings())
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Draw the curve, the plan as it was at first, and the other plans."""
        area = self.query_one("#curve", Static)
        size = area.content_size
        if size.width < 1 or size.height < 1:
            return
        try:
            drawn = draw_terminal(
                self._curves(),
                size.width,
                size.height,
                log=self.log_axis,
                momentum=self.with_momentum,
                unicode=self._unicode,
                colour=True,
            )
        except OnecycleError as error:
            drawn = f"{error}\n"
        area.update(Text.from_ansi(drawn, no_wrap=True))

    def say(self, text: str) -> None:
        """Show a line of status."""
        self.query_one("#status", Static).update(printable(text))

    def _curves(self) -> list[Curve]:
        session = self.session
        word = momentum_word(session.plan.settings.optimizer)
        name = session.plan.settings.name or session.plan.stem
        curves = [
            Curve(f"{name} {group}" if len(session.plan.schedule.groups) > 1 else name, session.plan.schedule, at, word)
            for at, group in enumerate(session.plan.schedule.groups[:4])
        ]
        if session.changes and session.first is not session.plan:
            curves.append(Curve(f"{name} as it was", session.first.schedule, 0, word))
        return curves + self._others

    def _line(self, setting: str) -> Text:
        """Return a setting's line: its value, dim if it is a default, marked if it was changed."""
        session = self.session
        value = setting_text(session.value(setting), format_number)
        mark = "*" if setting in session.changes else " "
        style = "bold" if setting in session.changes else "" if session.is_given(setting) else "dim"
        return Text(f"{mark}{setting:<18}{shorten(value, 16)}", style=style, no_wrap=True)

    def _summary(self) -> str:
        plan = self.session.plan
        first = summarize(plan.schedule, 0)
        rates = " → ".join(format_number(rate, 4) for rate in (first.initial_lr, first.peak_lr, first.final_lr))
        return f"{plan.schedule.total_steps:,} steps, peak at {first.peak_step:,}\nlr {rates}"

    def _findings(self) -> Text:
        found = self.session.findings
        text = Text()
        for finding in found[:MOST_FINDINGS]:
            hint = f" ({finding.hint})" if finding.hint else ""
            text.append(f"{finding.severity} {finding.code} ", COLOURS[finding.severity])
            text.append(f"{printable(finding.message)}{printable(hint)}\n")
        if len(found) > MOST_FINDINGS:
            text.append(f"and {len(found) - MOST_FINDINGS} more\n", "dim")
        if not found:
            text.append("no findings\n", "dim")
        text.right_crop(1)
        return text

    # --- What the keys do ---

    def action_move(self, up: bool, coarse: bool) -> None:
        """Move the selected setting."""
        setting = self.selected
        self._try(lambda: self.session.move(setting, up=up, coarse=coarse))

    def action_cursor(self, by: int) -> None:
        """Select the next or previous setting."""
        options = self.query_one(OptionList)
        options.highlighted = ((options.highlighted or 0) + by) % max(options.option_count, 1)

    def on_option_list_option_selected(self) -> None:
        """Open the entry of the selected setting's value."""
        self.action_edit()

    def action_edit(self) -> None:
        """Open the entry of the selected setting's value."""
        entry = self.query_one("#entry", Input)
        entry.border_title = self.selected
        entry.value = setting_text(self.session.value(self.selected))
        entry.add_class("open")
        entry.focus()

    def on_input_submitted(self, typed: Input.Submitted) -> None:
        """Take what was typed."""
        setting, text = self.selected, typed.value.strip()
        self.action_leave()
        if self._read_value is not None:
            read = self._read_value
            self._try(lambda: self.session.set(setting, read(setting, text)))

    def action_leave(self) -> None:
        """Close the entry without taking what was typed."""
        self.query_one("#entry", Input).remove_class("open")
        self.query_one(OptionList).focus()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._try(lambda: None if self.session.undo() else self.say("nothing to undo"))

    def action_reset(self) -> None:
        """Take all changes of the selected setting back."""
        setting = self.selected
        self._try(lambda: self.session.reset(setting))

    def action_log(self) -> None:
        """Switch between a linear and a logarithmic axis."""
        self.log_axis = not self.log_axis
        self.draw()

    def action_momentum(self) -> None:
        """Show or hide momentum."""
        self.with_momentum = not self.with_momentum
        self.draw()

    def action_command(self) -> None:
        """Show the command of this plan, copy it, and print it at the end."""
        self.command_asked = True
        self.copy_to_clipboard(self.session.command)
        self.say(f"{self.session.command}   (copied; printed when you quit)")

    def action_write(self) -> None:
        """Write the changes into the config."""

        def write() -> None:
            said = self.session.said
            self.say(f"wrote {self.session.write()}" + (f": {said}" if said else ""))

        self._try(write)

    def action_leave_app(self) -> None:
        """Quit; changes that are not written are asked about once."""
        if self.session.changes and not self.command_asked and not self._asked_to_quit:
            self._asked_to_quit = True
            self.say("not written: w writes the config, c prints the command, q quits without")
            return
        self.exit(self.session.command if self.command_asked else "")

    def _try(self, action: Callable[[], object]) -> None:
        """Do something to the plan, and show what came of it or why it cannot be done."""
        self._asked_to_quit = False
        self.say("")
        try:
            action()
        except (OnecycleError, ValueError) as error:
            hint = getattr(error, "hint", "")
            self.say(f"{error}" + (f" ({hint})" if hint else ""))
        self.show()
