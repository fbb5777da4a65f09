"""A person with a browser: logs in, sees a refund wait, approves it, sees the run finish; also on a phone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from botctl.clock import SystemClock
from botctl.platforms.platform import SendError
from botctl.runtime.app import App
from tests.runtime.world import Mailbag, incoming
from tests.web.pages_world import REFUND, TOKENS, app_with_pages, project_with_dashboard

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).resolve().parent.parent.parent / ".ci/node_modules/axe-core/axe.min.js"
DESK, PHONE = (1280, 900), (390, 844)
HOSTILE = (
    "<script>document.title = 'owned'</script> <b onclick=\"x\">'bold'</b> \u202etxt.exe \u05d0\u05d1\u05d2"
)

Story = Callable[[Page, App, Mailbag], Awaitable[Any]]


def in_chromium(
    folder: Path,
    story: Story,
    size: tuple[int, int] = DESK,
    scheme: Any = "light",
    workflow: str = REFUND,
    forgiven: str = "\n",
) -> Any:
    """Serve the dashboard to a real browser, let a story happen; what it returned. A fault in the browser's
    console fails it: what the page's policy forbids is told there. forgiven: what stands in one that is
    meant."""
    if not CHROMIUM.exists():
        pytest.fail("there is no browser: apt-get install -y chromium")
    project_with_dashboard(folder, workflow)
    mailbag = Mailbag()

    async def whole() -> Any:
        faults: list[str] = []
        async with app_with_pages(folder, mailbag, SystemClock()) as app, async_playwright() as playwright:
            assert app.server is not None
            browser = await playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            context = await browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, base_url=app.server.url
            )
            page = await context.new_page()
            page.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            told = await story(page, app, mailbag)
            await browser.close()
        assert [fault for fault in faults if forgiven not in fault] == []
        return told

    return asyncio.run(whole())


async def log_in(page: Page) -> None:
    """Log in as ada, by the form."""
    await page.goto("/login")
    await page.get_by_label("Token").fill(TOKENS["ada"])
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/handoffs")


async def write(app: App, text: str, user: str = "zoe") -> str:
    """A user writes to the bot; the run that has waited or ended."""
    return (await (await app.inbox.accept(incoming(text, user=user))).answer()).run_id


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_reviewer_approves_a_refund_and_sees_the_run_finish_and_its_path_drawn(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> tuple[list[str], str]:
        await log_in(page)
        run = await write(app, "order 1043")  # after the page is there: it shows up by itself
        watching = await page.context.new_page()
        await watching.goto(f"/runs/{run}")
        await watching.locator("#head .is-waiting").wait_for()
        before = await watching.locator(".edge.taken").count()
        await page.get_by_role("link", name="Refund of $700 for order 1043").click()
        await page.get_by_text("paid (send_message)").wait_for()
        await page.get_by_label("Note").fill("fine with me")
        await page.get_by_role("button", name="Approve").press("Enter")
        await page.wait_for_url(f"**/runs/{run}?told=approved")
        await watching.locator("#head .is-completed").wait_for()
        await watching.locator('[data-edge="ask.approved -> paid"].taken').wait_for()
        after = await watching.locator(".edge.taken").count()
        announced = await watching.locator("p[data-announce]").inner_text()
        return [*mailbag.texts, f"{before} edges, then {after}"], announced

    said, announced = in_chromium(tmp_path, story, size)

    assert said == ["I have paid back $700.", "2 edges, then 3"]
    assert announced == "The run is completed."


def test_what_a_person_types_is_kept_when_the_page_changes_around_it(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> tuple[str, str]:
        await write(app, "order 1043")
        await log_in(page)
        await page.get_by_role("link", name="Refund of $700").click()
        await page.get_by_label("Note").fill("half a sent")
        await write(app, "and hurry")
        await page.locator("#conversation").get_by_text("and hurry").wait_for()
        focused = await page.evaluate("document.activeElement.id")
        return await page.get_by_label("Note").input_value(), focused

    assert in_chromium(tmp_path, story) == ("half a sent", "note")


def test_a_person_who_has_no_javascript_decides_all_the_same(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> list[str]:
        assert page.context.browser is not None and app.server is not None
        context = await page.context.browser.new_context(java_script_enabled=False, base_url=app.server.url)
        page = await context.new_page()
        run = await write(app, "order 1043")
        await log_in(page)
        await page.get_by_role("link", name="Refund of $700").click()
        await page.get_by_role("button", name="Reject").click()
        await page.wait_for_url(f"**/runs/{run}?told=rejected")
        await mailbag.holds(1)
        return mailbag.texts

    assert in_chromium(tmp_path, story) == ["Our finance team decided against it."]


def test_a_link_from_another_site_finds_the_session(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> str:
        await write(app, "order 1043")
        await log_in(page)
        assert app.server is not None
        there = app.server.url.replace("127.0.0.1", "localhost")  # the same server, to a browser another site
        await page.goto(f"{there}/login")
        await page.evaluate("where => { location.href = where; }", f"{app.server.url}/runs")
        await page.get_by_role("heading", name="Runs").wait_for()
        return page.url.removeprefix(app.server.url)

    assert in_chromium(tmp_path, story) == "/runs"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_no_page_shuts_anybody_out(tmp_path: Path, size: tuple[int, int], scheme: str) -> None:
    if not AXE.exists():
        pytest.fail("there is no axe-core: npm install --prefix .ci axe-core@4")

    async def story(page: Page, app: App, mailbag: Mailbag) -> list[str]:
        mailbag.faults = [SendError("the chat was closed", permanent=True)]
        run = await write(app, "order 1043")
        await write(app, HOSTILE, user=HOSTILE)
        await app.database.write(_spend)
        found = await violations(page, "/login")
        await log_in(page)
        handoff = await page.locator(".card h2 a").first.get_attribute("href")
        await _decide_one(page)
        await app.settle()
        paths = ["/runs", f"/runs/{run}", "/conversations", "/conversations/1", "/schedules", "/letters"]
        paths += ["/usage", "/bots", "/handoffs", "/handoffs?status=all", f"{handoff}"]
        for path in paths:
            found += await violations(page, path)
        return found

    assert in_chromium(tmp_path, story, size, scheme) == []


async def _decide_one(page: Page) -> None:
    await page.locator(".card h2 a").last.click()
    await page.get_by_role("button", name="Approve").click()
    await page.wait_for_url("**?told=approved")


async def violations(page: Page, path: str) -> list[str]:
    """What axe-core finds serious in a page, and whether it is wider than the window."""
    await page.goto(path)
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    await page.evaluate(AXE.read_text())
    result = await page.evaluate("axe.run()")
    found = [
        f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    too_wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert "owned" not in await page.title()
    return [*found, *([f"{path} is {too_wide} px too wide"] if too_wide > 0 else [])]


def _spend(connection: sqlite3.Connection) -> None:
    """What a month of model calls cost."""
    now_ms = SystemClock().now_ms()
    connection.executemany(
        "INSERT INTO usage (bot, runner, run, user, provider, model, tokens_input, tokens_output,"
        " micro_cents, in_doubt, at) VALUES ('b', 'b', 'r', 'u', ?, 'm', 900, 100, ?, 0, ?)",
        [(f"p{day % 3}", day * 40_000, now_ms - day * 86_400_000) for day in range(1, 28)],
    )
