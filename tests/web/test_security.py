"""The dashboard against those who may not: no session, a forged one, no form of ours, too few rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from botctl.runtime.app import App
from botctl.runtime.secret_key import secret_key
from botctl.secrets import Environment
from botctl.web.access import LINK_MS, Access
from tests.runtime.world import HeldClock
from tests.web.pages_world import (
    ENVIRONMENT,
    TOKENS,
    Browser,
    csrf_of,
    handoff_of,
    in_a_browser,
    project_with_dashboard,
    tell,
)

ALL_PAGES = ("/handoffs", "/runs", "/conversations", "/schedules", "/letters", "/usage", "/bots")
MADE_UP = "WyJhZGEiLCA5OTk5OTk5OTk5OTk5LCAiIl0." + "0" * 64
"""A session of ada's that nobody signed."""


def cookie_name(app: App) -> str:
    """Under which name sessions are kept in this project."""
    return f"botctl_{access_of(app).mark}"


def access_of(app: App) -> Access:
    """What another process knows: `botctl dashboard`."""
    key = secret_key(app.state_folder)
    return Access(app.project.spec.dashboard, Environment(ENVIRONMENT), key, app.clock)


@pytest.mark.parametrize("cookie", ["", "x", MADE_UP, MADE_UP + "\u00e9", "."])
def test_without_a_session_or_with_a_forged_one_there_is_only_the_login(tmp_path: Path, cookie: str) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> set[tuple[int, str]]:
        run = await tell(browser, "order 1043")
        value = f"{cookie_name(browser.app)}={cookie}".encode()
        pages = [
            await browser.get(path, headers=[(b"cookie", value)])
            for path in (*ALL_PAGES, f"/runs/{run}", "/conversations/1", "/handoffs/x")
        ]
        return {(page.status_code, page.headers["location"].partition("?")[0]) for page in pages}

    assert in_a_browser(tmp_path, story) == {(303, "/login")}


def test_without_a_session_no_form_does_anything(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[list[int], str]:
        run = await tell(browser, "order 1043")
        paths = (f"/runs/{run}/cancel", "/conversations/1/take", "/conversations/1/reset", "/handoffs/x")
        answers = [await browser.client.post(path, data={"csrf": "0" * 64}) for path in paths]
        await browser.log_in()
        return [answer.status_code for answer in answers], (await browser.get(f"/runs/{run}")).text

    codes, page = in_a_browser(tmp_path, story)

    assert codes == [401] * 4
    assert "is-waiting" in page


@pytest.mark.parametrize("form", [{"other": "x"}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": "\u00e9"}])
def test_a_form_without_the_token_of_its_session_is_refused(tmp_path: Path, form: dict[str, str]) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        run = await tell(browser, "order 1043")
        await browser.log_in()
        page = f"/handoffs/{await handoff_of(browser)}"
        answers = [
            await browser.client.post(page, data={**form, "decision": "approved"}),
            await browser.client.post(f"/runs/{run}/cancel", data=form),
            await browser.client.post("/logout", data=form),
        ]
        return [answer.status_code for answer in answers]

    assert in_a_browser(tmp_path, story) == [403, 403, 403]


def test_a_form_with_the_token_of_another_session_is_refused(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> int:
        run = await tell(browser, "order 1043")
        await browser.log_in("bob")
        token = csrf_of((await browser.get("/runs")).text)
        await browser.log_in("ada")
        answer = await browser.client.post(f"/runs/{run}/cancel", data={"csrf": token})
        return answer.status_code

    assert in_a_browser(tmp_path, story) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused_even_at_the_login(tmp_path: Path, headers: dict[str, str]) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        await tell(browser, "order 1043")
        login = await browser.client.post("/login", data={"token": TOKENS["ada"]}, headers=headers)
        await browser.log_in()
        token = csrf_of((await browser.get("/runs")).text)
        take = await browser.client.post("/conversations/1/take", data={"csrf": token}, headers=headers)
        return [login.status_code, take.status_code]

    assert in_a_browser(tmp_path, story) == [403, 403]


def test_a_name_that_was_made_to_point_here_is_not_answered(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        await browser.log_in()
        names = ("evil.example", "evil.example:80", "localhost:1", "127.0.0.1", "[::1]:8080", "192.168.1.4")
        return [(await browser.get("/runs", headers={"host": name})).status_code for name in names]

    assert in_a_browser(tmp_path, story) == [421, 421, 200, 200, 200, 200]


def test_who_may_only_see_does_nothing(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[list[int], str]:
        run = await tell(browser, "order 1043")
        await browser.log_in("bob")
        page = f"/handoffs/{await handoff_of(browser)}"
        answers = [
            await browser.send("/runs", page, decision="approved"),
            await browser.send("/runs", f"/runs/{run}/cancel"),
            await browser.send("/runs", f"/runs/{run}/retry"),
            await browser.send("/runs", "/conversations/1/take"),
            await browser.send("/runs", "/conversations/1/reset"),
        ]
        return [answer.status_code for answer in answers], (await browser.get(page)).text

    codes, page = in_a_browser(tmp_path, story)

    assert codes == [403] * 5
    assert "and not decide it" in page and 'value="approved"' not in page


def test_a_reviewer_of_other_bots_sees_and_does_nothing_of_this_one(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[list[int], list[bool]]:
        run = await tell(browser, "order 1043")
        await browser.log_in("ada")
        handoff = await handoff_of(browser)
        await browser.log_in("eve")
        paths = (f"/runs/{run}", f"/handoffs/{handoff}", "/conversations/1")
        answers = [await browser.get(path) for path in paths]
        answers += [
            await browser.send("/runs", f"/handoffs/{handoff}", decision="approved"),
            await browser.send("/runs", f"/runs/{run}/cancel"),
            await browser.send("/runs", "/conversations/1/take"),
        ]
        lists = [await browser.get(f"{path}?bot={bot}") for path in ALL_PAGES for bot in ("", "b")]
        return [answer.status_code for answer in answers], ["1043" in page.text for page in lists]

    codes, is_told = in_a_browser(tmp_path, story)

    assert codes == [404] * 6
    assert is_told == [False] * 14


def test_reviewers_of_a_handoff_restrict_who_decides_it(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, settings="handoff: {reviewers: [bob]}")

    async def story(browser: Browser) -> tuple[int, str]:
        await tell(browser, "order 1043")
        await browser.log_in("ada")
        page = f"/handoffs/{await handoff_of(browser)}"
        answer = await browser.send("/runs", page, decision="approved")
        return answer.status_code, (await browser.get(page)).text

    code, page = in_a_browser(tmp_path, story)

    assert code == 403
    assert "is-pending" in page and "These may: bob" in page and 'value="approved"' not in page


def test_wrong_tokens_are_slowed_down(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)
    clock = HeldClock()

    async def story(browser: Browser) -> list[int]:
        async def attempt(token: str) -> int:
            return (await browser.client.post("/login", data={"token": token})).status_code

        guesses = [await attempt(f"guess-{number}") for number in range(11)]
        right = await attempt(TOKENS["ada"])
        browser.client.cookies.clear()
        early = await attempt("guess-12")
        clock.advance(60)
        return [*guesses, right, early, await attempt("guess-13")]

    assert in_a_browser(tmp_path, story, clock=clock) == [401] * 10 + [429, 303, 429, 401]


def test_a_link_logs_in_once_and_not_by_looking_at_it(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        path = f"/login/{access_of(browser.app).link('ada')}"
        looks = [await browser.get(path) for _ in range(2)]
        first = await browser.client.post(path)
        page = await browser.get("/runs")
        again = await browser.client.post(path)
        late = await browser.get(path)
        return [one.status_code for one in (*looks, first, page, again, late)]

    assert in_a_browser(tmp_path, story) == [200, 200, 303, 200, 410, 410]


def test_a_link_grows_old(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)
    clock = HeldClock()

    async def story(browser: Browser) -> int:
        path = f"/login/{access_of(browser.app).link('ada')}"
        clock.advance(LINK_MS / 1000)
        return (await browser.client.post(path)).status_code

    assert in_a_browser(tmp_path, story, clock=clock) == 410


def test_a_session_is_over_after_logging_out_even_for_who_kept_its_cookie(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        await browser.log_in()
        kept = dict(browser.client.cookies)
        out = await browser.send("/runs", "/logout")
        browser.client.cookies.update(kept)
        return [out.status_code, (await browser.get("/runs")).status_code]

    assert in_a_browser(tmp_path, story) == [303, 303]


def test_the_cookie_and_every_answer_keep_what_they_say_to_themselves(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[str, list[httpx.Response]]:
        answer = await browser.client.post("/login", data={"token": TOKENS["ada"]})
        paths = (*ALL_PAGES, "/login", "/login/x", "/runs/nothing", "/runs?search=x")
        return answer.headers["set-cookie"], [await browser.get(path) for path in paths]

    cookie, answers = in_a_browser(tmp_path, story)

    assert re.sub(r"=\S+; HttpOnly", "; HttpOnly", cookie).split("; ")[1:] == [
        "HttpOnly",
        "Max-Age=604800",
        "Path=/",
        "SameSite=strict",
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_behind_https_the_cookie_goes_no_other_way(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, more="server: {public_url: 'https://bots.example.com'}\n")

    async def story(browser: Browser) -> tuple[str, int]:
        headers = {"host": "bots.example.com", "origin": "https://bots.example.com"}
        answer = await browser.client.post("/login", data={"token": TOKENS["ada"]}, headers=headers)
        return answer.headers["set-cookie"], answer.status_code

    cookie, code = in_a_browser(tmp_path, story)

    assert code == 303
    assert cookie.startswith("__Host-botctl_") and "; Secure" in cookie


def test_a_link_in_a_mail_asks_the_browser_to_come_again_with_its_cookie(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[int, str]:
        answer = await browser.get("/handoffs/abc", headers={"sec-fetch-site": "cross-site"})
        await browser.log_in()
        again = await browser.get("/login?next=/handoffs/abc")
        return answer.text.count('content="0; url=/login?next=/handoffs/abc"'), again.headers["location"]

    assert in_a_browser(tmp_path, story) == (1, "/handoffs/abc")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_the_login_leads_to_no_other_site(tmp_path: Path, elsewhere: str) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> Any:
        answer = await browser.client.post("/login", data={"token": TOKENS["ada"], "next": elsewhere})
        return answer.headers["location"]

    assert in_a_browser(tmp_path, story) == "/handoffs"


def test_secrets_of_the_environment_are_masked_in_what_is_shown(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        run = await tell(browser, f"my token is {TOKENS['bob']}")
        await browser.log_in()
        return (await browser.get(f"/runs/{run}")).text

    page = in_a_browser(tmp_path, story)

    assert TOKENS["bob"] not in page
    assert "my token is ***" in page


def test_a_body_that_is_no_form_is_refused(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        await tell(browser, "order 1043")
        await browser.log_in()
        post, page = browser.client.post, "/conversations/1/take"
        form = {"content-type": "application/x-www-form-urlencoded"}
        answers = [
            await post(page, json={"csrf": "x"}),
            await post(page, content=b"csrf=%ff", headers=form),
            await post(page, content=b"&".join(b"a=%d" % number for number in range(200)), headers=form),
            await browser.client.put(page),
            await browser.client.delete("/runs"),
        ]
        return [answer.status_code for answer in answers]

    assert in_a_browser(tmp_path, story) == [415, 400, 400, 405, 405]
