"""What comes over the wire: read strictly, refused with its reason, and never a bug of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from botctl.web.api import OPERATIONS
from tests.runtime.test_handoffs import REFUND
from tests.runtime.test_waits import say
from tests.runtime.world import ECHO, write_bot
from tests.web.api_world import Api, over_the_api

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff\xfe{}", 400, "not JSON"),
        (b'{"note": "\xed\xa0\x80"}', 400, "not JSON"),
        (b'{"note": "\\ud800"}', 400, "surrogate"),
        (b'{"set": {"a": NaN}}', 400, "NaN"),
        (b'{"set": {"a": -Infinity}}', 400, "Infinity"),
        (b'{"set": {"a": 1e999}}', 400, "too large"),
        (b'{"set": {"a": ' + b"9" * 5000 + b"}}", 400, "not JSON"),
        (b'{"set": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 400, "deeper"),
        (b'{"set": {"a": ' + b"[" * 65 + b"]" * 65 + b"}}", 400, "deeper"),
        (b'{"note": "a", "note": "b"}', 400, "twice"),
        (b'{"note": "a"} {}', 400, "not JSON"),
        (b"[]", 422, "object"),
        (b"null", 422, "object"),
        (b'{"note": 5}', 422, "note"),
        (b'{"nota": "typo"}', 422, "nota"),
        (b'{"note": "' + b"a" * 4001 + b'"}', 422, "4000"),
        (b'{"set": {"a b": 1}}', 422, "set"),
        (b'{"set": {"a\\n": 1}}', 422, "a\n`"),
        (b'{"set": {"": 1}}', 422, "set"),
        (b'{"set": [1]}', 422, "set"),
        (b" " * 300_000, 413, "longer"),
        (b" " * 5_000_000, 413, "longer"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_decides_nothing(
    tmp_path: Path, body: bytes, status: int, why: str
) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> tuple[int, str, str]:
        await say(api.app, "order 7")
        seen = (await api.get("/handoffs")).json()["items"][0]
        path = f"/handoffs/{seen['id']}/approve"
        answer = await api.call("POST", path, content=body, headers=JSON)
        after = (await api.get(f"/handoffs/{seen['id']}")).json()
        return answer.status_code, answer.json()["error"], after["status"]

    told, error, after = over_the_api(tmp_path, story)

    assert (told, after) == (status, "pending")
    assert why in error


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"note=x", 415),
        ({}, b"{}", 415),
        ({"content-type": "application/json; charset=utf-8"}, b"{}", 200),
        ({}, b"", 200),
    ],
)
def test_a_body_is_sent_as_json_or_left_out(
    tmp_path: Path, headers: dict[str, str], body: bytes, status: int
) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> int:
        await say(api.app, "order 7")
        id = (await api.get("/handoffs")).json()["items"][0]["id"]
        answer = await api.call("POST", f"/handoffs/{id}/reject", content=body, headers=headers)
        return answer.status_code

    assert over_the_api(tmp_path, story) == status


def test_nuls_large_numbers_and_the_other_direction_are_variables_like_any(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)
    odd = {"nul": "a\x00b", "large": 2**70, "rtl": "\u202eevil\u202c", "tag": "<script>", "deep": [[[[]]]]}

    async def story(api: Api) -> tuple[Any, Any]:
        await say(api.app, "order 7")
        id = (await api.get("/handoffs")).json()["items"][0]["id"]
        await api.post(f"/handoffs/{id}/approve", {"note": "\x00\u202e", "set": odd})
        await api.app.settle()
        shown = (await api.get(f"/handoffs/{id}")).json()
        run = (await api.get(f"/runs/{shown['run']}")).json()
        return shown["sets"], {name: run["variables"][name] for name in odd}

    sets, variables = over_the_api(tmp_path, story)

    assert sets == odd
    assert json.dumps(variables) == json.dumps(odd)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=",
        "limit=1&limit=2",
        "limit=99999999999999999999999999",
        "cursor=abc",
        "cursor=-1",
        "cursor=9999999999999999999999",
        "status=lost",
        "status=",
        "in_doubt=1",
        "in_doubt=TRUE",
        "colour=red",
        "search=" + "a" * 201,
    ],
)
def test_a_query_that_does_not_fit_is_refused(tmp_path: Path, query: str) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> tuple[int, str]:
        answer = await api.call("GET", f"/runs?{query}")
        return answer.status_code, answer.json()["error"]

    status, error = over_the_api(tmp_path, story)

    assert status == 422
    assert query.partition("=")[0] in error


@pytest.mark.parametrize(
    "path",
    [
        "/runs/%00",
        "/runs/%ff%fe",
        "/runs/%ED%A0%80",
        "/runs/..%2f..%2fetc",
        "/runs/%25",
        "/runs/" + "a" * 5000,
        "/conversations/0",
        "/conversations/-1",
        "/conversations/999999999999999999",
        "/conversations/9999999999999999999999999",
        "/conversations/%D9%A1",
        "/handoffs/'%20OR%201=1",
        "/nothing",
        "/runs/",
        "/",
        "",
    ],
)
def test_what_is_not_there_is_404_as_json(tmp_path: Path, path: str) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> tuple[int, set[str]]:
        await say(api.app, "hello")
        answer = await api.get(path)
        return answer.status_code, set(answer.json())

    assert over_the_api(tmp_path, story) == (404, {"error", "help"})


def test_methods_are_told_head_has_no_body_and_others_are_405(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> list[Any]:
        options = await api.call("OPTIONS", "/runs/1/cancel", "")
        head = await api.call("HEAD", "/runs")
        others = [await api.call(method, "/runs") for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE")]
        told = {(one.status_code, one.headers["allow"], tuple(one.json())) for one in others}
        document = [await api.call(method, "/openapi.json", "") for method in ("OPTIONS", "HEAD", "POST")]
        assert [one.status_code for one in document] == [204, 200, 405]
        return [
            (options.status_code, options.headers["allow"], options.content),
            (head.status_code, head.content, head.headers["content-type"], head.headers["cache-control"]),
            told,
        ]

    assert over_the_api(tmp_path, story) == [
        (204, "OPTIONS, POST", b""),
        (200, b"", "application/json", "no-store"),
        {(405, "GET, HEAD, OPTIONS", ("error", "help"))},
    ]


def test_every_operation_has_a_name_of_its_own_and_one_place() -> None:
    ids = [operation.id for operation in OPERATIONS]
    places = [(operation.method, operation.path) for operation in OPERATIONS]

    assert (len(set(ids)), len(set(places))) == (len(OPERATIONS), len(OPERATIONS))
