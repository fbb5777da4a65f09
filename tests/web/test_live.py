"""Liveness: one lookout for all who watch, and nothing for whose session is over."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from botctl.store import logins
from botctl.store.database import Database, open_database
from botctl.web.access import Reviewer
from botctl.web.door import Door
from botctl.web.live import INTERVAL, LiveStream
from botctl.web.rendering import Rendering
from tests.web.pages_world import Browser, csrf_of, in_a_browser, project_with_dashboard
from tests.web.test_size import office_of

WATCHERS = 200
LOOKS = 400


class Countdown(asyncio.Event):
    """The end of a server after so many looks."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def is_set(self) -> bool:
        """Whether the time has come; each look asks once."""
        self.left -= 1
        return self.left < 0


class Watcher:
    """A browser that watches: an application's end of a connection. lines: what it was told."""

    def __init__(self, live: LiveStream, cookie: str) -> None:
        self._live = live
        self._scope = {
            "type": "http",
            "asgi": {"spec_version": "2.4"},
            "method": "GET",
            "path": "/live",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())],
        }
        self.lines: list[str] = []
        self.is_told = asyncio.Event()

    async def watch(self) -> None:
        await self._live(self._scope, self._receive, self._send)

    async def _receive(self) -> Any:
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        text = message.get("body", b"").decode()
        self.lines += [line for line in text.split("\n") if line.startswith("event")]
        self.is_told.set()


def in_an_office(folder: Path, looks: int, story: Any) -> Any:
    """A state that somebody watches, with no time between two looks; what a story returned."""

    async def whole() -> Any:
        database = await open_database(folder / "state.db")
        try:
            office = office_of(folder / "state.db", database, Countdown(looks))
            door = Door(office, Rendering(str))
            cookie = office.access.session_cookie(Reviewer(name="owner"))
            live = LiveStream(door, interval=0)
            return await story(database, live, lambda: Watcher(live, f"{door.cookie_name}={cookie}"), cookie)
        finally:
            await database.close()

    return asyncio.run(whole())


def test_two_hundred_who_watch_an_idle_server_cost_less_than_a_hundredth_of_a_core(tmp_path: Path) -> None:
    async def story(database: Database, live: LiveStream, watcher: Any, cookie: str) -> float:
        watchers = [watcher() for _ in range(WATCHERS)]
        began = time.process_time()
        await asyncio.gather(*(one.watch() for one in watchers))
        return time.process_time() - began

    spent = in_an_office(tmp_path, LOOKS, story)

    assert spent / LOOKS / INTERVAL < 0.01


def test_the_lookout_comes_with_the_first_who_watches_and_goes_with_the_last(tmp_path: Path) -> None:
    def lookouts() -> int:
        return sum(task.get_name() == "lookout" for task in asyncio.all_tasks())

    async def story(database: Database, live: LiveStream, watcher: Any, cookie: str) -> list[int]:
        seen, watchers = [lookouts()], [watcher() for _ in range(3)]
        tasks = [asyncio.create_task(one.watch()) for one in watchers]
        await asyncio.gather(*(one.is_told.wait() for one in watchers))
        seen += [lookouts(), live.streams]
        for task in tasks:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            seen += [lookouts()]
        again = watcher()
        await again.watch()
        return [*seen, live.streams, again.lines.count("event: bye")]

    assert in_an_office(tmp_path, LOOKS, story) == [0, 1, 3, 1, 1, 0, 0, 1]


def test_all_who_watch_are_told_of_a_change(tmp_path: Path) -> None:
    async def story(database: Database, live: LiveStream, watcher: Any, cookie: str) -> list[list[str]]:
        watchers = [watcher() for _ in range(3)]
        tasks = [asyncio.create_task(one.watch()) for one in watchers]
        await asyncio.gather(*(one.is_told.wait() for one in watchers))
        await database.write(lambda connection: logins.use(connection, "another", 2**50, 0))
        await asyncio.gather(*tasks)
        return [one.lines for one in watchers]

    assert in_an_office(tmp_path, LOOKS, story) == [["event: changed", "event: bye"]] * 3


def test_a_session_that_is_over_sees_no_more_however_much_changes(tmp_path: Path) -> None:
    project_with_dashboard(tmp_path)

    async def story(browser: Browser) -> str:
        await browser.log_in()
        token = csrf_of((await browser.get("/runs")).text)
        last, number = "", 0
        async with asyncio.timeout(30), browser.client.stream("GET", "/live") as response:
            await browser.client.post("/logout", data={"csrf": token})
            async for line in response.aiter_lines():
                last = line or last
                if line == "event: changed":
                    number += 1
                    mark = f"change {number}"
                    await browser.app.database.write(
                        lambda connection, mark=mark: logins.use(connection, mark, 2**50, 0)
                    )
        return last

    assert in_a_browser(tmp_path, story) == "data: "
