"""Going forward: a form, then what would happen, then (where care is due) the environment's name, typed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from enum import StrEnum

from textual import events
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from console.client.service import ScheduleRequest
from console.domain.errors import ConsoleError
from console.domain.observations import Confirmation
from console.domain.plan import Plan
from screens.base import ConsoleScreen
from screens.commands import for_key
from screens.forms import Form, Missing
from screens.prompt import plain_input
from screens.view.notice import Notice, of_error
from screens.view.plan import plan_rows
from screens.view.rows import BLANK, Span, row, wrapped
from screens.widgets.line import Line
from screens.widgets.pane import Pane


class Stage(StrEnum):
    FORM = "form"
    PLAN = "preview"
    NAME = "name"


class DeployScreen(ConsoleScreen):
    """One wish. What was previewed is what runs: its digest goes along, under one request id."""

    CSS_PATH = "deploy.tcss"

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.place = form.place
        self.form = form
        self._wish = form.wish
        self._plan: Plan | None = None
        self._request = ""
        self._stage = Stage.FORM
        self._is_asking = False
        self.plan_pane = Pane("Plan", id="plan")

    def compose_body(self) -> Iterable[Widget]:
        texts = self.form.texts()
        with Vertical(id="form"):
            for name, _, hint in self.form.fields:
                with Horizontal(classes="field"):
                    yield Line(id=f"label-{name}")
                    yield plain_input(texts[name], id=name, placeholder=hint)
        yield self.plan_pane
        with Horizontal(id="confirm"):
            yield Line(id="label-confirm")
            yield plain_input("", id="name", placeholder="")

    def on_mount(self) -> None:
        for name, label, _ in self.form.fields:
            self.query_one(f"#label-{name}", Line).show(row(Span(f" {label}", "strong")))
        self.query_one("#form").styles.height = len(self.form.fields) + 1
        self.query_one(f"#{self.form.first}", Input).focus()

    @property
    def confirmation(self) -> Confirmation:
        status = self.console_app.store.environments.get(self._wish.environment)
        return self.form.confirmation(self._wish, status.confirmation if status is not None else Confirmation.NAME)

    def scopes(self) -> tuple[str, ...]:
        if self._stage is Stage.FORM:
            return ("form",)
        return ("preview", "list", "anywhere")

    def draw_footer(self) -> None:
        if self._stage is Stage.NAME:
            said = row(Span(" ⏎", "key"), " start, once the name is right   ", Span("esc", "key"), " back to the plan")
            self.footer.show(said)
        else:
            super().draw_footer()

    def draw(self) -> None:
        self.set_class(self._stage is not Stage.FORM, "-planned")
        self.set_class(self._stage is Stage.NAME, "-name")
        emergency = (Span("  emergency", "bad"),) if self._wish.emergency else ()
        at = self._wish.at
        later = (Span(f"  at {at:%Y-%m-%d %H:%M} UTC", "info"),) if at is not None else ()
        where = row(Span(f"{self.form.verb} {self._wish.environment}", "strong"), *emergency, *later)
        width = self.plan_pane.room[0]
        if self._plan is not None:
            self.plan_pane.show(plan_rows(self._plan, width), where)
        elif self._is_asking:
            self.plan_pane.show([row(Span("Asking what would happen …", "dim"))], where)
        else:
            self.plan_pane.show([BLANK, *wrapped(self.form.invitation, width, "dim")], where)

    def take_key(self, event: events.Key) -> None:
        if self._stage is Stage.PLAN:
            super().take_key(event)
            return
        if event.key in {"escape", "ctrl+c"}:
            event.stop()
            self.do_back()
        elif self._stage is Stage.FORM:
            command = for_key(event.key, ("form",))
            if command is not None and command.id != "show_plan":
                event.stop()
                event.prevent_default()
                getattr(self, f"do_{command.id}")()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.console_app.dismiss_notice()
        if self._stage is Stage.NAME:
            self._check_name(event.value)
        else:
            self.do_show_plan()

    def do_next_field(self) -> None:
        self._step_field(1)

    def do_previous_field(self) -> None:
        self._step_field(-1)

    def _step_field(self, by: int) -> None:
        names = [field.name for field in self.form.fields]
        current = self.focused.id if self.focused is not None else ""
        at = names.index(current) if current in names else 0
        self.query_one(f"#{names[(at + by) % len(names)]}", Input).focus()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def do_show_plan(self) -> None:
        if self._is_asking:
            return
        wish = self.form.read({field.name: self._value(field.name) for field in self.form.fields})
        if isinstance(wish, Missing):
            self.console_app.say(Notice("refused", wish.what, "", wish.remedy))
            self.query_one(f"#{wish.field}", Input).focus()
            return
        self._wish = wish
        self._plan = None
        self._is_asking = True
        self.redraw()
        self.console_app.ask(self._preview())

    async def _preview(self) -> None:
        try:
            self._plan = await self.console_app.service.preview(self._wish)
        except ConsoleError as error:
            self.console_app.say(of_error(error))
        finally:
            self._is_asking = False
        if self._plan is not None:
            self._request = uuid.uuid4().hex
            self._go(Stage.PLAN)
            if self.confirmation is Confirmation.NONE and not self._plan.refusals:
                self._start()
        else:
            self.redraw()

    def _go(self, stage: Stage) -> None:
        self._stage = stage
        self.redraw()
        if stage is Stage.PLAN:
            self.plan_pane.focus()
        elif stage is Stage.NAME:
            label = self.query_one("#label-confirm", Line)
            label.show(row(Span(" To start, type ", "warn"), Span(self._wish.environment, "strong"), Span(":", "warn")))
            label.styles.width = len(self._wish.environment) + 19
            field = self.query_one("#name", Input)
            field.value = ""
            self.call_after_refresh(field.focus)
        else:
            self.query_one(f"#{self.form.first}", Input).focus()
        self.draw_footer()

    def do_start(self) -> None:
        if self._plan is None:
            return
        if self._plan.refusals:
            self.console_app.say(
                Notice("refused", "This plan cannot start.", self._plan.refusals[0], "e edits the wish.")
            )
        elif self.confirmation is Confirmation.NAME:
            self._go(Stage.NAME)
        else:
            self._start()

    def do_edit(self) -> None:
        self._go(Stage.FORM)

    def _check_name(self, typed: str) -> None:
        if typed.strip() == self._wish.environment:
            self._start()
        else:
            self.console_app.say(
                Notice(
                    "refused", f"That is not the name of the environment: {self._wish.environment}.", "Nothing started."
                )
            )

    def _start(self) -> None:
        if not self._is_asking and self._plan is not None:
            self._is_asking = True
            self.console_app.ask(self._deploy(self._plan))

    async def _deploy(self, plan: Plan) -> None:
        app = self.console_app
        try:
            if self._wish.at is not None:
                entry = await app.service.add_scheduled(ScheduleRequest(self._wish, self._request, plan.digest))
                done = f"{entry.release.name} goes to {entry.environment} at {entry.at:%Y-%m-%d %H:%M} UTC: {entry.id}"
            else:
                submitted = await app.service.deploy(self._wish, self._request, plan.digest)
                done = f"{self.form.started(plan)}: {submitted.deployment}"
        except ConsoleError as error:
            app.say(of_error(error))
            self._go(Stage.PLAN)
            return
        finally:
            self._is_asking = False
        app.to_dashboard()
        app.hint(done, "done")

    def do_back(self) -> None:
        if self._stage is Stage.NAME:
            self._go(Stage.PLAN)
        elif self._stage is Stage.PLAN:
            self._go(Stage.FORM)
        else:
            super().do_back()
