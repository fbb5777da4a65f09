"""The page of a handoff: who may not decide is told why, and nothing that was typed is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from botctl.runtime.app import App
from botctl.store.database import Work
from tests.runtime.world import ECHO, HeldClock, Mailbag
from tests.web.pages_world import (
    REFUND,
    Browser,
    csrf_of,
    handoff_of,
    in_a_browser,
    project_with_dashboard,
    tell,
)
from tests.web.test_pages import words
from tests.web.test_walk import in_chromium, log_in, write

ASKED = REFUND.replace("decided against it.", "decided against it: {{why}}.")
"""A refund whose answer has a variable that only the reviewer sets."""


def asked_by_ada(connection: sqlite3.Connection) -> Any:
    """As if a platform had told that the user is her."""
    return connection.execute("UPDATE handoffs SET requester = 'Ada'")


def expired(connection: sqlite3.Connection) -> Any:
    """As it is until the timetable sees to it."""
    return connection.execute("UPDATE handoffs SET expires_at = 1")


def run_over(connection: sqlite3.Connection) -> Any:
    """As it is when a run failed in another branch."""
    return connection.execute("UPDATE runs SET finished_at = 1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (asked_by_ada, "and may not decide it Let somebody else decide"),
        (expired, "expired at 1970-01-01T00:00:00.001Z"),
        (run_over, "its run has moved on"),
    ],
)
def test_who_would_be_refused_is_told_why_and_gets_no_buttons(
    tmp_path: Path, change: Work[Any], reason: str
) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[str, list[int]]:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        await browser.app.database.write(change)
        text = (await browser.get(page)).text
        return words(text), [text.count('value="approved"'), text.count('value="rejected"')]

    shown, buttons = in_a_browser(tmp_path, story)

    assert reason in shown
    assert buttons == [0, 0]


def test_the_requester_decides_where_that_is_allowed(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, settings="handoff: {allow_self: true}")

    async def story(browser: Browser) -> str:
        await tell(browser, "order 1043")
        await browser.log_in()
        await browser.app.database.write(asked_by_ada)
        return (await browser.get(f"/handoffs/{await handoff_of(browser)}")).text

    assert 'value="approved"' in in_a_browser(tmp_path, story)


def test_a_form_that_does_not_tell_what_was_seen_decides_nothing(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[list[int], str]:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        form = {"csrf": csrf_of((await browser.get(page)).text), "decision": "approved", "note": "as I said"}
        answers = [await browser.client.post(page, data={**form, **more}) for more in ({}, {"shown": ""})]
        return [answer.status_code for answer in answers], answers[0].text

    codes, page = in_a_browser(tmp_path, story)

    assert codes == [409, 409]
    assert "is-pending" in page and "the form does not tell what you have seen" in page
    assert ">as I said</textarea>" in page and 'value="approved"' in page


@pytest.mark.parametrize(
    ("sets", "fault"),
    [
        ("amount 12", "`amount 12` sets no variable"),
        ("amount = 1\namount = 2", "`amount` is set twice"),
        ("amuont = 5", "`amuont` is no variable of this workflow"),
        ("Amount = 5", "Did you mean `amount`?"),
    ],
)
def test_what_was_typed_comes_back_with_the_reason_why_it_was_refused(
    tmp_path: Path, sets: str, fault: str
) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[int, str]:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        answer = await browser.send(page, page, decision="approved", note="<i>fine</i>", set=sets)
        return answer.status_code, answer.text

    status, page = in_a_browser(tmp_path, story)

    assert (status, "is-pending" in page, 'role="alert"' in page) == (409, True, True)
    assert f">{sets}</textarea>" in page and ">&lt;i&gt;fine&lt;/i&gt;</textarea>" in page
    assert fault in words(page) and 'value="approved"' in page


def test_a_variable_that_only_the_reviewer_sets_is_no_slip(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, ASKED.replace("{{why}}", "{{amounts}}"))
    mailbag = Mailbag()

    async def story(browser: Browser) -> int:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        answer = await browser.send(page, page, decision="rejected", set="amounts = too many")
        await mailbag.holds(1)
        return answer.status_code

    assert in_a_browser(tmp_path, story, mailbag=mailbag) == 303
    assert mailbag.texts == ["Our finance team decided against it: too many."]


def test_who_has_taken_the_conversation_is_told_with_its_handoff(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[str]:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        await browser.send("/conversations/1", "/conversations/1/take")
        own = words((await browser.get(page)).text)
        await browser.log_in("bob")
        return [own, words((await browser.get(page)).text)]

    own, others = in_a_browser(tmp_path, story)

    assert "You have taken the conversation over: the bot is silent in it." in own
    assert "ada has taken the conversation over: the bot is silent in it." in others


def test_an_answer_that_is_refused_is_not_lost(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, ECHO)

    async def story(browser: Browser) -> tuple[int, str]:
        await tell(browser, "hello")
        await browser.log_in()
        page = "/conversations/1"
        await browser.send(page, f"{page}/take")
        answer = await browser.send(page, f"{page}/answer", text="much to say " * 2_000)
        return answer.status_code, answer.text

    status, page = in_a_browser(tmp_path, story)

    assert (status, 'role="alert"' in page) == (409, True)
    assert ">" + "much to say " * 2_000 + "</textarea>" in page


def test_a_cancellation_that_comes_too_late_shows_the_run_as_it_is(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[int, str]:
        run = await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/runs/{run}"
        await browser.send(page, f"{page}/cancel", note="a mistake")
        await browser.app.settle()
        again = await browser.send(page, f"{page}/cancel", note="the same again")
        return again.status_code, words(again.text)

    status, shown = in_a_browser(tmp_path, story, clock=HeldClock())

    assert status == 409
    assert "is over already" in shown and "cancelled by ada: a mistake" in shown


def test_what_came_back_with_a_refusal_outlives_what_changes_around_it(tmp_path: Path) -> None:
    async def story(page: Page, app: App, mailbag: Mailbag) -> list[str]:
        await write(app, "order 1043")
        await log_in(page)
        await page.locator(".card h2 a").click()
        await page.get_by_label("Note").fill("half a sentence")
        await page.get_by_text("Set variables").click()
        await page.get_by_label("One in a line").fill("amuont = 5")
        await page.get_by_role("button", name="Approve").click()
        fault = await page.get_by_role("alert").inner_text()
        await write(app, "and hurry")
        await page.locator("#conversation").get_by_text("and hurry").wait_for()
        fields = [await page.get_by_label(label).input_value() for label in ("Note", "One in a line")]
        return [fault.partition("\n")[0], *fields]

    assert in_chromium(tmp_path, story, forgiven="status of 409") == [
        "`amuont` is no variable of this workflow",
        "half a sentence",
        "amuont = 5",
    ]
