"""Who may ask the API what: by token, by right, by bot; and how guessing is slowed down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from botctl.engine.run import Run
from botctl.web.access import Reviewer
from botctl.web.api import OPERATIONS
from botctl.web.api_conversations import SayBody
from botctl.web.api_operation import Operation
from tests.runtime.test_handoffs import REFUND
from tests.runtime.test_waits import say
from tests.runtime.world import ECHO, HeldClock, write_bot
from tests.store.filled import Filled
from tests.web.api_world import ADA, Api, over_the_api, token_of

RIGHTS = ("see", "decide", "talk", "manage")
ONE_RIGHT_EACH = tuple(Reviewer(name=right, rights=frozenset({right})) for right in RIGHTS)


def asked(operation: Operation, id: str = "999") -> tuple[str, str, dict[str, Any]]:
    """An operation as a request, about something that is not there if no id is given."""
    body = {"json": {"text": "hello"}} if operation.body is SayBody else {}
    return operation.method, operation.path.replace("{id}", id), body


async def ask(api: Api, operation: Operation, who: str, id: str = "999") -> int:
    """The status that an operation is answered with."""
    method, path, body = asked(operation, id)
    return (await api.call(method, path, who, **body)).status_code


def test_each_operation_is_open_to_its_own_right_and_reading_to_all(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> dict[str, list[str]]:
        return {
            operation.id: [
                one.name for one in ONE_RIGHT_EACH if await ask(api, operation, one.name) in (200, 404)
            ]
            for operation in OPERATIONS
        }

    let_in = over_the_api(tmp_path, story, reviewers=ONE_RIGHT_EACH)

    assert let_in == {
        operation.id: list(RIGHTS) if operation.right == "see" else [operation.right]
        for operation in OPERATIONS
    }


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": f"Bearer {token_of('eve')}"},
        {"authorization": f"Bearer {token_of('ada')}x"},
        {"authorization": "Bearer"},
        {"authorization": "Basic dG9rZW4tb2YtYWRhOg=="},
        {"authorization": b"Bearer \xff\x80"},
        {"authorization": token_of("ada")},
        {"cookie": f"session={token_of('ada')}"},
        {"x-api-key": token_of("ada")},
    ],
)
def test_without_a_known_token_nothing_is_told_or_done(tmp_path: Path, headers: dict[str, Any]) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> list[tuple[int, bool]]:
        answers = [
            await api.client.request(method, f"/api{path}", headers=headers)
            for method, path, _ in map(asked, OPERATIONS)
        ]
        return [(one.status_code, one.headers["www-authenticate"].startswith("Bearer")) for one in answers]

    assert set(over_the_api(tmp_path, story, tries=100)) == {(401, True)}


def test_a_session_reads_but_never_decides_over_the_api(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> list[int]:
        await say(api.app, "order 7")
        id = (await api.get("/handoffs")).json()["items"][0]["id"]
        value = api.access.session_cookie(ADA)
        cookie, forged = ({"cookie": f"session={one}"} for one in (value, value[:-1] + "x"))
        return [
            (await api.call("GET", f"/handoffs/{id}", "", headers=cookie)).status_code,
            (await api.call("GET", f"/handoffs/{id}", "", headers=forged)).status_code,
            (await api.call("POST", f"/handoffs/{id}/approve", "", headers=cookie)).status_code,
            (await api.call("POST", f"/handoffs/{id}/approve", "eve", headers=cookie)).status_code,
            (await api.call("GET", f"/handoffs/{id}", "eve", headers=cookie)).status_code,
        ]

    assert over_the_api(tmp_path, story) == [200, 401, 401, 401, 401]


def test_a_reviewer_of_some_bots_sees_and_touches_nothing_of_others(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)
    theirs, others = Reviewer(name="theirs", bots=("b",)), Reviewer(name="others", bots=("c", "d"))

    async def story(api: Api) -> dict[str, Any]:
        await api.app.database.write(_fill)
        return {
            one.name: (await seen(api, one.name), await touched(api, one.name)) for one in (theirs, others)
        }

    told = over_the_api(tmp_path, story, reviewers=(theirs, others))

    things = sum("{id}" in operation.path for operation in OPERATIONS)
    assert told["others"] == ([0] * 7, ([404] * things))
    assert told["theirs"][0] == [1, 1, 1, 1, 0, 1, 1]
    assert 404 not in told["theirs"][1]


async def seen(api: Api, who: str) -> list[int]:
    """How many things each list has."""
    lists = [operation for operation in OPERATIONS if "{id}" not in operation.path]
    answers = [
        await api.get(one.path, who, **({"status": "all"} if _has_status(one) else {})) for one in lists
    ]
    return [len(answer.json()["items"]) for answer in answers]


async def touched(api: Api, who: str) -> list[int]:
    """What each operation about one thing answers."""
    about = [operation for operation in OPERATIONS if "{id}" in operation.path]
    return [await ask(api, one, who, IDS[one.path[1:4]]) for one in about]


IDS = {"han": "handoff1", "run": "run1", "con": "1", "sch": "schedule1", "dea": "out1"}
STATE = Run({}).to_json()


def _has_status(operation: Operation) -> bool:
    return "status" in operation.query.__struct_fields__


def _fill(connection: Any) -> None:
    filled = Filled(connection)
    message = filled.message("hello")
    run = filled.run(message, state=STATE)
    filled.handoff(run)
    filled.schedule(run)
    letter = filled.reply(None, "lost", 1)
    connection.execute("UPDATE outbox SET status = 'dead' WHERE seq = ?", (letter,))


def test_a_prefix_is_looked_up_among_what_the_reviewer_may_see(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)
    theirs = Reviewer(name="theirs", bots=("b",))

    def fill(connection: Any) -> None:
        filled = Filled(connection)
        for number, bot in enumerate(("b", "c", "c")):
            message = filled.message("hello", user=f"u{number}")
            filled.run(message, id=f"same{number}", bot=bot, state=STATE)

    async def story(api: Api) -> list[Any]:
        await api.app.database.write(fill)
        answers = [await api.get("/runs/same", who) for who in ("theirs", "ada")]
        answers += [await api.get("/runs/same1", who) for who in ("theirs", "ada")]
        return [(one.status_code, one.json().get("error", one.json().get("id"))) for one in answers]

    assert over_the_api(tmp_path, story, reviewers=(ADA, theirs)) == [
        (200, "same0"),
        (409, "several runs have ids that start with `same`: same0, same1, same2"),
        (404, "no run has an id that starts with `same1`"),
        (200, "same1"),
    ]


def test_guessing_is_slowed_down_and_forgiven(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)
    clock = HeldClock()

    async def story(api: Api) -> tuple[list[int], str, list[int]]:
        statuses = [(await api.get("/runs", who)).status_code for who in ("eve", "eve", "eve", "ada", "eve")]
        held_up = await api.get("/runs", "eve")
        clock.advance(6)
        later = [(await api.get("/runs", who)).status_code for who in ("eve", "eve", "ada", "")]
        return statuses, held_up.headers["retry-after"], later

    statuses, seconds, later = over_the_api(tmp_path, story, clock=clock, tries=3)

    assert (statuses, seconds, later) == ([401, 401, 401, 200, 429], "6", [401, 429, 200, 401])
