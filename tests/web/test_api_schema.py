"""The document of the API: it is OpenAPI, and schemathesis finds no answer that it does not have."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from botctl.engine.run import RunStatus
from botctl.platforms.platform import SendError
from botctl.store.handoffs import HandoffStatus
from botctl.store.schedules import ScheduleStatus
from botctl.web.api import OPERATIONS
from botctl.web.api_document import document
from tests.runtime.test_waits import say
from tests.runtime.world import Mailbag, write_bot
from tests.web.api_world import Api, over_the_api, token_of

BUSY = """
nodes:
  - {id: t, type: trigger}
  - {id: later, type: schedule_message, data: {message: "Still {{message}}?", delay_minutes: 60}}
  - {id: hi, type: send_message, data: {message: "hello {{message}}"}}
  - {id: odd, type: logic, data: {logicType: if_else, condition: "{{message}} contains fail"}}
  - {id: each, type: loop, data: {loopType: for_each, arrayVariable: message}}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: "Refund for {{message}}"}}
edges: [t -> later, t -> hi, t -> odd, odd.true -> each, odd.false -> ho]
"""


async def fill(api: Api, mailbag: Mailbag) -> None:
    """Conversations in which runs wait and failed, with handoffs, schedules and dead letters."""
    mailbag.faults += [SendError("the user has left", permanent=True)] * 4
    for number in range(8):
        await say(api.app, "fail" if number % 4 == 3 else f"order {number}", user=f"user{number}")
    await api.app.settle()


def test_the_document_is_openapi_and_anybody_may_read_it(tmp_path: Path) -> None:
    write_bot(tmp_path, BUSY)

    async def story(api: Api) -> tuple[int, Any]:
        answer = await api.get("/openapi.json", "")
        return answer.status_code, answer.json()

    status, told = over_the_api(tmp_path, story)

    assert status == 200
    assert list(OpenAPIV31SpecValidator(told).iter_errors()) == []
    assert {one["operationId"] for path in told["paths"].values() for one in path.values()} == {
        operation.id for operation in OPERATIONS
    }


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/runs", list(RunStatus)),
        ("/handoffs", get_args(HandoffStatus)),
        ("/schedules", get_args(ScheduleStatus)),
    ],
)
def test_each_status_that_there_is_can_be_asked_for(path: str, known: list[str]) -> None:
    parameters = document(OPERATIONS, "1")["paths"][path]["get"]["parameters"]
    legal = next(one["schema"]["enum"] for one in parameters if one["name"] == "status")

    assert sorted(legal) == sorted([*known, "all"])


def test_schemathesis_finds_no_answer_that_the_document_does_not_have(tmp_path: Path) -> None:
    write_bot(tmp_path, BUSY)
    mailbag = Mailbag()

    async def story(api: Api) -> tuple[int | None, str]:
        await fill(api, mailbag)
        asked = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{api.client.base_url}/api/openapi.json",
            f"--header=Authorization: Bearer {token_of('ada')}",
            "--checks=all",
            "--generation-deterministic",
            "--max-examples=10",
            "--no-color",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )
        told, _ = await asked.communicate()
        return asked.returncode, told.decode()

    code, told = over_the_api(tmp_path, story, mailbag=mailbag, tries=10**9)

    assert code == 0, told
    assert f"Tested: {len(OPERATIONS)}" in told, told
