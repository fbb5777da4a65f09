"""The dashboard on a phone: the form that decides is near, and no name, however long, makes a page wider."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from playwright.async_api import Page

from botctl.runtime.app import App
from tests.runtime.world import Mailbag, incoming
from tests.web.test_walk import PHONE, in_chromium, log_in, violations

LONG = "x" * 200
ENDLESS = f"""
nodes:
  - {{id: start, type: trigger, data: {{triggerType: message_received}}}}
  - {{id: n{LONG}, type: code_block, data: {{code: 'ctx.variables.v{LONG} = "{LONG}";', label: l{LONG}}}}}
  - {{id: hi, type: send_message, data: {{message: "m{LONG}", buttons: [{{label: b{LONG}}}]}}}}
  - id: ask
    type: action
    data: {{actionType: human_handoff, reason: "{{{{message}}}}", label: a{LONG}}}
  - {{id: paid, type: send_message, data: {{message: "paid", label: p{LONG}}}}}
edges: [start -> n{LONG}, n{LONG} -> hi, hi -> ask, ask.approved -> paid]
"""
REASON = "They say: " + " ".join(f"sentence {number} of a long complaint." for number in range(90))


async def write(app: App, text: str, name: str) -> str:
    """Somebody writes to the bot; the run that waits."""
    message = replace(incoming(text, user=f"u{name}"), user_name=f"n{name}")
    return (await (await app.inbox.accept(message)).answer()).run_id


def test_the_first_tab_leads_to_the_link_that_skips_the_navigation(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> list[str]:
        await log_in(page)
        focused = []
        for path in ("/handoffs", "/bots"):
            await page.goto(path)
            await page.locator(".lamp.on").wait_for()
            await page.keyboard.press("Tab")
            focused.append(await page.evaluate("document.activeElement.className"))
        return focused

    assert in_chromium(tmp_path, story, PHONE) == ["skip", "skip"]


def test_the_place_where_somebody_is_is_seen_in_the_navigation_of_a_phone(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> float:
        await log_in(page)
        await page.goto("/bots")
        box = await page.locator("nav [aria-current]").bounding_box()
        assert box is not None
        return box["x"] + box["width"]

    assert in_chromium(tmp_path, story, PHONE) <= PHONE[0]


def test_a_long_reason_leaves_the_buttons_in_sight_and_is_there_as_a_whole(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> tuple[bool, float, str]:
        await write(app, REASON, "Zoe")
        await log_in(page)
        await page.locator(".card h2 a").click()
        await page.get_by_role("button", name="Approve").wait_for()
        heading = await page.locator("h1").inner_text()
        box = await page.get_by_role("button", name="Reject").bounding_box()
        assert box is not None
        await page.get_by_text("The whole reason").click()
        return (
            len(heading) <= 120,
            box["y"] + box["height"],
            await page.locator("#whole-reason p").inner_text(),
        )

    is_short, bottom, whole = in_chromium(tmp_path, story, PHONE)

    assert (is_short, whole) == (True, f"Refund of $700 for {REASON}")
    assert bottom < PHONE[1]


def test_no_name_however_long_makes_a_page_wider_than_a_phone(tmp_path: Path) -> None:
    folder = tmp_path / "bots" / f"b{LONG}"
    folder.mkdir(parents=True)
    (folder / "bot.yaml").write_text(f"name: b{LONG}\n")

    async def story(page: Page, app: App, mailbag: Mailbag) -> list[str]:
        run = await write(app, f"r{LONG}", LONG)
        await log_in(page)
        handoff = await page.locator(".card h2 a").get_attribute("href")
        paths = ["/handoffs", "/runs", "/conversations", "/schedules", "/letters", "/usage", "/bots"]
        paths += [f"{handoff}", f"/runs/{run}", "/conversations/1"]
        return [fault for path in paths for fault in await violations(page, path)]

    assert in_chromium(tmp_path, story, PHONE, workflow=ENDLESS) == []
