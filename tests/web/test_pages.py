"""The pages of the dashboard, over a real server: what they show, and what their forms do."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from botctl.messages import IncomingMessage
from botctl.platforms.platform import SendError
from tests.runtime.world import ECHO, Mailbag, incoming
from tests.web.pages_world import Browser, handoff_of, in_a_browser, project_with_dashboard, tell

SPOKEN = 'data: {message: "you said {{message}}"}'
LATER = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: later, type: schedule_message, data: {message: "Do not forget", delay_minutes: 60}}
edges: [t -> later]
"""
FAILS = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: broken, type: code_block, data: {code: 'throw new Error("no luck");'}}
edges: [t -> broken]
"""
ALL_PAGES = ("/handoffs", "/runs", "/conversations", "/schedules", "/letters", "/usage", "/bots")


def test_a_handoff_is_shown_with_all_that_a_decision_needs(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        await tell(browser, "order 1043")
        await browser.log_in()
        return words((await browser.get(f"/handoffs/{await handoff_of(browser)}")).text)

    shown = in_a_browser(tmp_path, story)

    wanted = [
        "Refund of $700 for order 1043",
        "Approved paid (send_message)",
        "amount 700",
        "User",
        "Approve",
    ]
    assert [one for one in wanted if one not in shown] == []


def test_an_approval_goes_to_the_run_that_went_on(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)
    mailbag = Mailbag()

    async def story(browser: Browser) -> tuple[str, str, str]:
        run = await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        answer = await browser.send(page, page, decision="approved", note="fine", set="")
        await mailbag.holds(1)
        return (
            answer.headers["location"].replace(run, "RUN"),
            mailbag.texts[0],
            words((await browser.get(page)).text),
        )

    where, said, shown = in_a_browser(tmp_path, story, mailbag=mailbag)

    assert (where, said) == ("/runs/RUN?told=approved", "I have paid back $700.")
    assert "Approved by ada" in shown and "fine" in shown


def test_a_decision_sets_variables_and_the_first_one_wins(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)
    mailbag = Mailbag()

    async def story(browser: Browser) -> tuple[int, str]:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        await browser.send(page, page, decision="approved", set='amount = 5\nwho = {"name": "x"}')
        await mailbag.holds(1)
        late = await browser.send("/runs", page, decision="rejected")
        return late.status_code, words(late.text)

    status, told = in_a_browser(tmp_path, story, mailbag=mailbag)

    assert (mailbag.texts, status) == (["I have paid back $5."], 409)
    assert "was approved by ada" in told


def test_a_decision_about_something_else_than_what_was_shown_is_refused(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[int, str]:
        await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        answer = await browser.send(page, page, decision="approved", shown="0" * 64)
        return answer.status_code, words(answer.text)

    status, told = in_a_browser(tmp_path, story)

    assert status == 409
    assert "is not what was shown any more" in told


def test_a_run_is_told_with_its_picture_its_steps_and_its_variables(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        run = await tell(browser, "order 1043")
        await browser.log_in()
        return (await browser.get(f"/runs/{run}")).text

    page = in_a_browser(tmp_path, story)

    shown = words(page)
    wanted = ["What was paid code_block", "amount = 700", "It waits at ask", "Variables", "Cancel the run"]
    assert [one for one in wanted if one not in shown] == []
    assert page.count("data-node=") == 5
    assert 'data-edge="start.next -&gt; amount"' in page


def test_runs_are_found_by_what_was_said_and_by_their_status(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        await tell(browser, "order 1043", "zoe")
        await tell(browser, "order 7", "max")
        await browser.log_in()
        pages = [
            await browser.get(f"/runs?{query}")
            for query in ("", "search=1043", "search=max", "status=error", "status=waiting", "bot=b", "bot=x")
        ]
        return [len(set(re.findall(r'href="/runs/(\w{12})"', page.text))) for page in pages]

    assert in_a_browser(tmp_path, story) == [2, 1, 1, 0, 2, 2, 0]


def test_a_list_goes_on_on_the_next_page(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, ECHO)

    async def story(browser: Browser) -> list[int]:
        for number in range(60):
            await tell(browser, f"hello {number}", f"u{number}")
        await browser.log_in()
        found = []
        for path in ("/runs", "/conversations"):
            first = (await browser.get(path)).text
            following = re.search(r'href="([^"]+)" rel="next"', first)
            assert following is not None
            second = (await browser.get(following[1].replace("&amp;", "&"))).text
            found += [first.count("<tr>") - 1, second.count("<tr>") - 1, second.count('rel="next"')]
        return found

    assert in_a_browser(tmp_path, story) == [50, 10, 0, 50, 10, 0]


def test_a_run_is_cancelled_and_its_reason_says_who_did_it(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        run = await tell(browser, "order 1043")
        await browser.log_in()
        await browser.send(f"/runs/{run}", f"/runs/{run}/cancel", note="a mistake")
        await browser.app.settle()
        return words((await browser.get(f"/runs/{run}")).text)

    shown = in_a_browser(tmp_path, story)

    assert "cancelled by ada: a mistake" in shown


def test_a_run_that_failed_is_retried(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, FAILS)

    async def story(browser: Browser) -> tuple[str, str]:
        run = await tell(browser, "go")
        await browser.log_in()
        answer = await browser.send(f"/runs/{run}", f"/runs/{run}/retry")
        await browser.app.settle()
        return answer.headers["location"].replace(run, "RUN"), words((await browser.get(f"/runs/{run}")).text)

    where, shown = in_a_browser(tmp_path, story)

    assert where == "/runs/RUN?told=retried"
    assert "no luck" in shown and "Retry" in shown


def test_a_schedule_is_listed_and_cancelled(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, LATER)

    async def story(browser: Browser) -> tuple[bool, str]:
        await tell(browser, "remind me")
        await browser.log_in()
        page = (await browser.get("/schedules")).text
        action = re.search(r'action="(/schedules/\w+/cancel)"', page)
        assert action is not None
        await browser.send("/schedules", action[1])
        return "Do not forget" in page, words((await browser.get("/schedules")).text)

    was_there, after = in_a_browser(tmp_path, story)

    assert was_there
    assert "Nothing is scheduled." in after


def test_a_dead_letter_is_listed_and_sent_again(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, ECHO)
    mailbag = Mailbag()
    mailbag.faults = [SendError("the chat was closed", permanent=True)]

    async def story(browser: Browser) -> tuple[str, str]:
        await tell(browser, "hi")
        await browser.app.settle()
        await browser.log_in()
        page = (await browser.get("/letters")).text
        action = re.search(r'action="(/letters/[^"/]+/send)"', page)
        assert action is not None
        await browser.send("/letters", action[1])
        await mailbag.holds(1)
        return words(page), words((await browser.get("/letters")).text)

    before, after = in_a_browser(tmp_path, story, mailbag=mailbag)

    assert "the chat was closed" in before
    assert mailbag.texts == ["you said hi"]
    assert "Everything was sent." in after


def test_bots_are_shown_with_their_platforms(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        await tell(browser, "order 1043")
        await browser.log_in()
        browser.app.supervisor.faults[("b", "console")] = "the line is dead"
        return words((await browser.get("/bots")).text)

    shown = in_a_browser(tmp_path, story)

    assert "trouble console the line is dead" in shown
    assert "To decide 1" in shown


@pytest.mark.parametrize("path", ALL_PAGES)
def test_a_project_in_which_nothing_has_happened_has_all_pages(tmp_path: Path, path: str) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> int:
        await browser.log_in()
        return (await browser.get(path)).status_code

    assert in_a_browser(tmp_path, story) == 200


HOSTILE = (
    "<script>alert(1)</script> \"quoted\" 'single' {{ 7001 * 7001 }} &amp;"
    " \u202ecod.exe\u202c \u05d0\u05d1 \x1b[31m"
)


@pytest.mark.parametrize("path", [*ALL_PAGES, "/runs/RUN", "/handoffs/HANDOFF", "/conversations/1"])
def test_whatever_people_write_is_shown_as_text(tmp_path: Path, path: str) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[str, str]:
        message = hostile_message()
        run = (await (await browser.app.inbox.accept(message)).answer()).run_id
        await browser.log_in()
        where = path.replace("RUN", run).replace("HANDOFF", await handoff_of(browser))
        return (await browser.get(where)).text, (await browser.get("/runs", params={"search": HOSTILE})).text

    for page in in_a_browser(tmp_path, story):
        assert re.findall(r"<script(?! src=\"/static/live\.js)", page) == []
        assert re.findall(r"<(?!!doctype)[^>]*\s(style|on\w+)=", page) == []
        assert [one for one in "\u202e\u202c\x1b" if one in page] == []
        assert str(7001 * 7001) not in page


def hostile_message() -> IncomingMessage:
    message = incoming(HOSTILE, user=HOSTILE)
    return type(message)(
        **{name: getattr(message, name) for name in message.__struct_fields__ if name != "user_name"},
        user_name=HOSTILE,
    )


def test_a_person_answers_in_place_of_the_bot_and_hands_back(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, ECHO)
    mailbag = Mailbag()

    async def story(browser: Browser) -> tuple[list[str], str, str]:
        page = "/conversations/1"
        await tell(browser, "hello")
        await browser.log_in()
        await browser.send(page, f"{page}/take")
        kept = await (await browser.app.inbox.accept(incoming("is anybody there?"))).answer()
        await browser.send(page, f"{page}/answer", text="I am. Ada here.")
        await browser.app.settle()
        shown = words((await browser.get(page)).text)
        await browser.send(page, f"{page}/hand-back")
        await tell(browser, "thanks")
        await mailbag.holds(3)
        return mailbag.texts, kept.reason, shown

    said, reason, shown = in_a_browser(tmp_path, story, mailbag=mailbag)

    assert said == ["you said hello", "I am. Ada here.", "you said thanks"]
    assert reason == "kept for the person who has taken the conversation over: ada"
    assert "You have the conversation" in shown and "ada 2026-01-01 00:00 I am. Ada here." in shown


def test_only_who_has_taken_a_conversation_answers_in_it(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, ECHO)

    async def story(browser: Browser) -> list[int]:
        page = "/conversations/1"
        await tell(browser, "hello")
        await browser.log_in()
        early = await browser.send(page, f"{page}/answer", text="hi")
        await browser.send(page, f"{page}/take")
        empty = await browser.send(page, f"{page}/answer", text="  ")
        return [early.status_code, empty.status_code]

    assert in_a_browser(tmp_path, story) == [409, 409]


def test_a_conversation_starts_over(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        await tell(browser, "order 1043")
        await browser.log_in()
        await browser.send("/conversations/1", "/conversations/1/reset")
        await browser.app.settle()
        return words((await browser.get("/handoffs?status=cancelled")).text)

    assert "Refund of $700 for order 1043" in in_a_browser(tmp_path, story)


def test_the_stream_tells_that_something_changed_and_ends_when_the_server_stops(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[str]:
        await browser.log_in()
        lines: list[str] = []
        stopped = asyncio.Event()

        async def listen(response: httpx.Response) -> None:
            async for line in response.aiter_lines():
                if line:
                    lines.append(line)
                if line == "event: changed" and not stopped.is_set():
                    stopped.set()
                    browser.app.closing.set()

        async with browser.client.stream("GET", "/live") as response:
            listening = asyncio.create_task(listen(response))
            await tell(browser, "order 1043")
            await listening
        return [line for line in lines if line.startswith("event")]

    events = in_a_browser(tmp_path, story)

    assert (events[0], events[-1]) == ("event: changed", "event: bye")


def test_a_page_works_without_javascript_and_from_this_server_alone(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[tuple[str, Any]]:
        await browser.log_in()
        page = (await browser.get("/runs")).text
        found = re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', page)
        answers = [await browser.get(path) for path in found]
        return [(path.split("?")[0], answer.status_code) for path, answer in zip(found, answers, strict=True)]

    loaded = in_a_browser(tmp_path, story)

    assert loaded == [("/static/icon.svg", 200), ("/static/style.css", 200), ("/static/live.js", 200)]


def words(page: str) -> str:
    """What a page says, its tags taken away."""
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
