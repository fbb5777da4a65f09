"""Addresses: where nothing is, what every answer says to browsers, and a proxy that hides a path."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from botctl.runtime.server import HttpServer
from tests.web.pages_world import TOKENS, Browser, in_a_browser, project_with_dashboard, tell
from tests.web.test_pages import ALL_PAGES, words

BROWSERS = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OUTSIDE = "https://example.org/shop/bots/"


def test_a_browser_that_is_lost_is_shown_the_way_home(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[tuple[int, str, list[str]]]:
        found = []
        for name in ("", "ada"):
            if name:
                await browser.log_in(name)
            answer = await browser.get("/nosuch/thing", headers=BROWSERS)
            ways = re.findall(r'<a (?:class="button quiet" )?href="(/)"', answer.text)
            found.append((answer.status_code, words(answer.text), ways))
        return found

    for status, told, ways in in_a_browser(tmp_path, story):
        assert (status, ways) == (404, ["/"])
        assert "There is nothing at this address" in told


@pytest.mark.parametrize(("path", "status"), [("/runs", 421), ("/login", 421), ("/nosuch", 404)])
def test_a_name_that_nobody_can_have_breaks_nothing(tmp_path: Path, path: str, status: int) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[int]:
        hosts = ("[", "[::1", "a b")
        return [(await browser.get(path, headers={**BROWSERS, "host": host})).status_code for host in hosts]

    assert set(in_a_browser(tmp_path, story)) <= {status, 400}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nosuch", {"accept": "*/*"}, 404),
        ("GET", "/nosuch", {"accept": "application/json"}, 404),
        ("POST", "/nosuch", BROWSERS, 404),
        ("GET", "/api/nosuch", BROWSERS, 404),
        ("GET", "/api", BROWSERS, 404),
        ("GET", "/webhooks/b/nosuch", BROWSERS, 404),
        ("GET", "/hooks/b", BROWSERS, 404),
        ("POST", "/healthz", BROWSERS, 405),
    ],
)
def test_programs_are_told_in_json(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> tuple[int, list[str]]:
        answer = await browser.client.request(method, path, headers=headers)
        return answer.status_code, sorted(answer.json())

    assert in_a_browser(tmp_path, story) == (status, ["error", "help"])


def test_every_answer_says_what_browsers_may_make_of_it(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> list[httpx.Response]:
        paths = ["/nosuch", "/static/style.css", "/static/nosuch", "/live", "/api", "/api/openapi.json"]
        paths += ["/api/runs", "/healthz", "/metrics", "/webhooks/b/console", "/verify/x", "/login", "/"]
        return [await browser.get(path) for path in paths]

    for answer in in_a_browser(tmp_path, story):
        assert "default-src 'none'" in answer.headers["content-security-policy"], answer.url
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], answer.url
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], answer.url
        assert answer.headers["referrer-policy"] in ("same-origin", "no-referrer"), answer.url


def test_an_answer_to_what_broke_says_it_too() -> None:
    async def breaks(request: Request) -> Response:
        raise ZeroDivisionError

    async def story() -> httpx.Response:
        routes = [Route("/breaks", breaks)]
        server = HttpServer(host="127.0.0.1", port=0, connections={}, health=dict, routes=routes)
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url) as client:
                return await client.get("/breaks")
        finally:
            await server.stop()

    answer = asyncio.run(story())

    assert (answer.status_code, answer.headers["x-content-type-options"]) == (500, "nosniff")


async def log_in_outside(browser: Browser) -> httpx.Response:
    """Log in by https, whose end the proxy is."""
    headers = {"host": "example.org", "origin": "https://example.org"}
    login = await browser.client.post("/login", data={"token": TOKENS["ada"]}, headers=headers)
    name, _, value = login.headers["set-cookie"].partition(";")[0].partition("=")
    browser.client.cookies.set(name, value)
    return login


def links_of(page: str) -> set[str]:
    """Where a page leads, sends its forms, and what it loads."""
    found = re.findall(r'(?:href|src|action)="([^"]*)"|content="0; url=([^"]*)"', page)
    return {unescape(first or second) for first, second in found if not first.startswith("#")}


def test_behind_a_proxy_that_hides_a_path_every_way_leads_through_it(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, more=f"server: {{public_url: '{OUTSIDE}'}}\n")

    async def story(browser: Browser) -> dict[str, int]:
        run = await tell(browser, "order 1043")
        for number in range(55):  # lists that go on
            await tell(browser, f"order {number}", f"u{number}")
        await log_in_outside(browser)
        answer = await browser.get("/")
        home = urljoin(OUTSIDE, answer.headers["location"])
        inside = "/handoffs"
        assert home == OUTSIDE + "handoffs"
        paths = [*ALL_PAGES, f"/runs/{run}", "/conversations/1", "/nosuch/thing", inside]
        page = re.search(r'href="\./handoffs/([0-9a-z]+)"', (await browser.get("/handoffs")).text)
        assert page is not None
        paths.append(f"/handoffs/{page[1]}")
        seen: dict[str, int] = {}
        for path in paths:
            for link in links_of((await browser.get(path, headers=BROWSERS)).text):
                outside = urljoin(OUTSIDE + path[1:], link)
                assert outside.startswith(OUTSIDE), (path, link)
                parts = urlsplit("/" + outside.removeprefix(OUTSIDE))
                if parts.path.endswith(("/take", "/reset", "/cancel", "logout")) or parts.path in seen:
                    continue
                there = await browser.get(f"{parts.path}?{parts.query}", follow_redirects=False)
                seen[parts.path] = there.status_code
        return seen

    seen = in_a_browser(tmp_path, story)

    assert {path: status for path, status in seen.items() if status != 200} == {"/": 303}
    assert len(seen) > 50


def test_behind_such_a_proxy_people_log_in_and_decide(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path, more=f"server: {{public_url: '{OUTSIDE}'}}\n")

    async def story(browser: Browser) -> list[str]:
        run = await tell(browser, "order 1043")
        where = [("/handoffs", (await browser.get("/handoffs")).headers["location"])]
        where.append(("/login", (await log_in_outside(browser)).headers["location"]))
        page = re.search(r'href="\./(handoffs/[0-9a-z]+)"', (await browser.get("/handoffs")).text)
        assert page is not None
        decided = await browser.send(f"/{page[1]}", f"/{page[1]}", decision="approved")
        where.append((f"/{page[1]}", decided.headers["location"].replace(run, "RUN")))
        return [urljoin(OUTSIDE + path[1:], location) for path, location in where]

    assert in_a_browser(tmp_path, story) == [
        OUTSIDE + "login?next=%2Fhandoffs",
        OUTSIDE + "handoffs",
        OUTSIDE + "runs/RUN?told=approved",
    ]
