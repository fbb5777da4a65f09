"""The acts: what a step of a story does, through the same doors as in earnest."""

from __future__ import annotations

from itertools import count

from starlette.requests import Request

from botctl.errors import UserError
from botctl.messages import Attachment, IncomingMessage, MessageKind
from botctl.project.stories import moment_ms
from botctl.runtime.verify_page import VerifyPage
from botctl.spec.story import Decision, StoryStep
from botctl.store import handoffs
from botctl.store.handoffs import HandoffRow
from botctl.stories.stage import Person
from botctl.stories.world import World

_MINUTE_MS = 60_000


class Actors:
    """The people of a story, acting. The first of them does what nobody else is said to do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._people = {one.name: one for one in world.setting.people}
        self._numbers = count(1)

    def who(self, step: StoryStep) -> Person:
        """Who acts in a step."""
        return self._people[step.by] if step.by else next(iter(self._people.values()))

    async def act(self, step: StoryStep) -> None:
        """Do what a step does and let everything happen that comes of it. UserError if it cannot be done."""
        world, who = self._world, self.who(step)
        world.witness.crash = step.crash
        if step.after is not None:
            await world.pass_until(world.clock.now_ms() + round(step.after * 1000))
        elif step.until is not None:
            await self._wait_until(moment_ms(step.until))
        elif step.decide is not None:
            await self._decide(step.decide)
        elif step.link is not None:
            await self._press_link(who, expired=step.link == "expired")
        elif step.press is not None:
            await self._press(who, step.press, step)
        elif step.code is not None:
            await self._send(who, await self._code(who, step.code), step)
        else:
            await self._send(who, step.say or "", step)
        await world.settle()
        if world.witness.crash is not None:
            world.witness.crash = None
            raise UserError(f"the process was to be killed at {_place(step)}, which this step never reached")

    async def _wait_until(self, target_ms: int) -> None:
        if target_ms < self._world.clock.now_ms():
            raise UserError("this moment lies in the past of the story")
        await self._world.pass_until(target_ms)

    async def _send(
        self, who: Person, text: str, step: StoryStep, kind: MessageKind = "text", value: str = ""
    ) -> None:
        message = IncomingMessage(
            bot=who.bot,
            platform=who.platform,
            dedupe_key=f"story:{next(self._numbers)}",
            channel_id=who.channel_id,
            thread_id=who.thread_id,
            user_id=who.user_id,
            user_name=who.user_name,
            text=text,
            kind="command" if kind == "text" and text.startswith("/") else kind,
            button_value=value,
            attachments=tuple(
                Attachment(
                    kind=one.kind,
                    name=one.name,
                    media_type=one.media_type,
                    size=one.size,
                    refused=one.refused,
                )
                for one in step.files
            ),
            received_at=self._world.clock.now_ms(),
        )
        world = self._world
        receipt = await world.app.inbox.accept(message)
        await world.settle()
        if receipt.future.done():
            answer = receipt.future.result()
            world.scene.now.status = answer.status
            world.scene.now.error = answer.reason or answer.error
        if step.redeliver:
            again = await world.app.inbox.accept(message)
            await world.settle()
            if not again.duplicate:
                raise UserError("the message was taken for a new one when it was delivered again")

    async def _press(self, who: Person, choice: str, step: StoryStep) -> None:
        latest = next((told for told in reversed(self._world.stage.told_to(who.name)) if told.buttons), None)
        if latest is None:
            raise UserError(f"there is no button to press: no message to {who.name} had any")
        button = next((one for one in latest.buttons if choice in (one.label, one.value)), None)
        if button is None:
            labels = ", ".join(f"`{one.label}`" for one in latest.buttons)
            raise UserError(f"there is no button `{choice}`, but {labels}")
        await self._send(who, button.value, step, "button", button.value)

    async def _code(self, who: Person, which: str) -> str:
        delivery = self._world.stage.delivered.get(who.conversation)
        if delivery is None or not delivery.code:
            raise UserError(f"no code was sent to {who.name}")
        if which == "wrong":
            return f"{(int(delivery.code) + 1) % 1_000_000:06d}"
        if which == "expired":
            await self._world.pass_until(self._world.clock.now_ms() + delivery.minutes * _MINUTE_MS + 1000)
        return delivery.code

    async def _press_link(self, who: Person, *, expired: bool) -> None:
        world = self._world
        delivery = world.stage.delivered.get(who.conversation)
        if delivery is None or not delivery.link:
            raise UserError(f"no link was sent to {who.name}")
        if expired:
            await world.pass_until(world.clock.now_ms() + delivery.minutes * _MINUTE_MS + 1000)
        page = VerifyPage(world.app.database, world.clock, world.app.gates.key, world.app.router.attend)
        confirm = next(route for route in page.routes() if "POST" in (route.methods or ()))
        token = delivery.link.rpartition("/")[2]
        await confirm.endpoint(Request({"type": "http", "path_params": {"token": token}}))
        await world.settle()

    async def _decide(self, decision: Decision) -> None:
        world = self._world
        row = self._pending(decision)
        if decision.answer == "expire":
            await world.pass_until(row.expires_at)
            return
        status, now_ms = ("approved" if decision.answer == "approve" else "rejected"), world.clock.now_ms()
        by = decision.by or next(iter(row.reviewers), "reviewer")
        await world.app.database.write(
            lambda connection: handoffs.decide(
                connection,
                row.id,
                status=status,  # type: ignore[arg-type]
                by=by,
                note=decision.note,
                sets=decision.set,
                shown=row.shown_hash,
                now_ms=now_ms,
            )
        )
        world.app.router.attend()
        await world.settle()

    def _pending(self, decision: Decision) -> HandoffRow:
        rows = self._world.app.database.read(lambda connection: handoffs.latest(connection, status="pending"))
        if not rows:
            raise UserError("there is no pending handoff to decide")
        found = [row for row in reversed(rows) if decision.node in ("", row.node)]
        if not found:
            nodes = ", ".join(f"`{row.node}`" for row in rows)
            raise UserError(f"node `{decision.node}` has no pending handoff, but {nodes} has")
        return found[0]


def _place(step: StoryStep) -> str:
    assert step.crash is not None
    return f"`{step.crash.before or step.crash.during or step.crash.after}`"
