"""The API: what waits is told and decided, runs, conversations, schedules and letters seen to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botctl.platforms.platform import SendError
from botctl.secrets import Environment
from botctl.store import events, runs
from botctl.web.access import Reviewer
from tests.runtime.test_handoffs import REFUND
from tests.runtime.test_waits import ASK, say, stories
from tests.runtime.world import ECHO, HeldClock, Mailbag, write_bot
from tests.web.api_world import ADA, Api, over_the_api

LATER = """
nodes:
  - {id: t, type: trigger}
  - {id: later, type: schedule_message, data: {message: "Still {{message}}?", delay_minutes: 60}}
edges: [t -> later]
"""
BROKEN = """
nodes:
  - {id: t, type: trigger}
  - {id: each, type: loop, data: {loopType: for_each, arrayVariable: message}}
edges: [t -> each]
"""


async def only(api: Api, path: str, **query: Any) -> dict[str, Any]:
    """The one thing that a list has."""
    told = (await api.get(path, **query)).json()
    assert len(told["items"]) == 1, told
    first: dict[str, Any] = told["items"][0]
    return first


def test_a_handoff_is_seen_and_approved_and_its_run_goes_on(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)
    mailbag = Mailbag()

    async def story(api: Api) -> tuple[Any, ...]:
        await say(api.app, "order 7")
        seen = await only(api, "/handoffs")
        shown = (await api.get(f"/handoffs/{seen['id'][:5]}")).json()
        decided = await api.post(f"/handoffs/{seen['id']}/approve", {"note": "fine", "set": {"amount": 12.5}})
        await mailbag.holds(2)
        await api.app.settle()
        run = (await api.get(f"/runs/{seen['run']}")).json()
        return seen, shown, decided.status_code, decided.json(), run

    seen, shown, status, decided, run = over_the_api(tmp_path, story, mailbag=mailbag)

    assert seen == {name: shown[name] for name in seen}
    assert shown["ways_out"]["approved"] == ["paid (send_message)"]
    assert shown["transcript"] == [
        {"who": "user", "text": "order 7"},
        {"who": "bot", "text": "I ask a person."},
    ]
    assert (status, decided["status"], decided["decided_by"], decided["note"]) == (
        200,
        "approved",
        "ada",
        "fine",
    )
    assert mailbag.texts == ["I ask a person.", "Paid 12.5, ada: fine"]
    assert (run["status"], run["waves"][-1]) == ("completed", ["paid"])


def test_a_secret_that_got_into_a_variable_is_not_told(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> dict[str, Any]:
        await say(api.app, "order sk-12345678")
        run = await only(api, "/runs")
        return dict((await api.get(f"/runs/{run['id']}")).json())

    environment = Environment({"KEY": "sk-12345678"})
    environment.resolve("${KEY}")
    run = over_the_api(tmp_path, story, mask=environment.mask)

    assert (run["message"], run["variables"]["message"]) == ("order ***", "order ***")


def test_the_second_decision_is_told_who_made_the_first(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> list[tuple[int, Any]]:
        await say(api.app, "order 7")
        id = (await only(api, "/handoffs"))["id"]
        answers = [await api.post(f"/handoffs/{id}/{verb}", who=who) for verb, who in DECISIONS]
        return [(answer.status_code, answer.json().get("error", "")[:45]) for answer in answers]

    told = over_the_api(tmp_path, story, reviewers=(ADA, Reviewer(name="bea")))

    assert told[0] == (200, "")
    assert told[1][0] == 409
    assert "was rejected by bea" in told[1][1]


DECISIONS = (("reject", "bea"), ("approve", "ada"))


def test_a_decision_that_names_what_was_seen_is_refused_for_anything_else(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> list[tuple[int, str]]:
        await say(api.app, "order 7")
        id = (await only(api, "/handoffs"))["id"]
        seen = (await api.get(f"/handoffs/{id}")).json()["shown"]
        answers = [await api.post(f"/handoffs/{id}/approve", {"shown": one}) for one in ("0" * 64, seen)]
        return [(answer.status_code, answer.json().get("error", "")[-45:]) for answer in answers]

    told = over_the_api(tmp_path, story)

    assert told == [(409, "what was shown any more: its run has moved on"), (200, "")]


def test_a_variable_that_was_mistyped_is_refused_over_the_api_too(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)

    async def story(api: Api) -> tuple[int, str, str]:
        await say(api.app, "order 7")
        id = (await only(api, "/handoffs"))["id"]
        answer = await api.post(f"/handoffs/{id}/approve", {"set": {"mesage": "order 8"}})
        return answer.status_code, answer.json()["help"], (await only(api, "/handoffs"))["status"]

    told = over_the_api(tmp_path, story)

    assert told == (409, "did you mean `message`?", "pending")


def test_only_those_whom_a_handoff_names_decide_it_and_nobody_his_own(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND, "handoff: {reviewers: [cem, u]}")
    reviewers = (ADA, Reviewer(name="u"), Reviewer(name="Cem"))

    async def story(api: Api) -> list[int]:
        await say(api.app, "order 7")
        id = (await only(api, "/handoffs"))["id"]
        await api.app.database.write(
            lambda connection: connection.execute("UPDATE handoffs SET requester = 'u'")  # as of a platform
        )
        return [(await api.post(f"/handoffs/{id}/approve", who=one.name)).status_code for one in reviewers]

    assert over_the_api(tmp_path, story, reviewers=reviewers) == [403, 403, 200]


def test_a_run_is_cancelled_by_the_process_that_runs_it_and_says_who_did_it(tmp_path: Path) -> None:
    write_bot(tmp_path, ASK)

    async def story(api: Api) -> tuple[Any, ...]:
        await say(api.app, "hello")
        id = (await only(api, "/runs", status="waiting"))["id"]
        told = (await api.post(f"/runs/{id}/cancel", {"note": "wrong shop"})).json()
        await api.app.settle()
        again = await api.post(f"/runs/{id}/cancel")
        return told["by"], bool(told["left_for"]), (await only(api, "/runs")), again.status_code

    by, is_left, run, again = over_the_api(tmp_path, story)

    assert (by, is_left, again) == ("ada", True, 409)
    assert (run["status"], run["error_message"]) == ("cancelled", "cancelled by ada: wrong shop")


def test_a_run_that_failed_is_taken_up_again_and_one_that_did_not_is_left(tmp_path: Path) -> None:
    write_bot(tmp_path, BROKEN)

    async def story(api: Api) -> list[Any]:
        await say(api.app, "no list")
        failed = await only(api, "/runs", status="error")
        retried = await api.post(f"/runs/{failed['id']}/retry", {"how": "again"})
        await api.app.settle()
        shown = (await api.get(f"/runs/{failed['id']}")).json()
        return [retried.status_code, retried.json()["sent_again"], len(shown["execution_log"])]

    async def fine(api: Api) -> int:
        await say(api.app, "hello")
        return (await api.post(f"/runs/{(await only(api, '/runs'))['id']}/retry")).status_code

    failed = over_the_api(tmp_path, story)
    write_bot(tmp_path / "fine", ECHO)
    completed = over_the_api(tmp_path / "fine", fine)

    assert (failed, completed) == ([200, 0, 3], 409)


def test_what_became_of_an_effect_in_doubt_must_be_said(tmp_path: Path) -> None:
    write_bot(tmp_path, BROKEN)

    async def story(api: Api) -> tuple[Any, ...]:
        await say(api.app, "no list")
        failed = await only(api, "/runs", status="error")
        seq = api.app.database.read(lambda connection: runs.number_of(connection, failed["id"]))
        await api.app.database.write(
            lambda connection: connection.execute(
                "INSERT INTO once (run, node, frame, key, result) VALUES (?, 'each', '', 'call', NULL)",
                (seq,),
            )
        )
        refused = await api.post(f"/runs/{failed['id']}/retry")
        api.app.router.attend = lambda: None  # type: ignore[method-assign]
        done = await api.post(f"/runs/{failed['id']}/retry", {"how": "done", "result": {"paid": 5}})
        left = api.app.database.read(lambda connection: events.for_run(connection, seq, "retry"))
        return refused.status_code, refused.json()["error"], done.status_code, left[0].value

    refused, why, done, left = over_the_api(tmp_path, story)

    assert (refused, done, left) == (409, 200, {"result": {"paid": 5}})
    assert why.startswith("it is in doubt whether this was done in run ") and why.endswith(": `each`")


def test_runs_come_in_pages_of_which_none_tells_a_run_twice(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> tuple[list[list[str]], list[str]]:
        for number in range(5):
            await say(api.app, f"hello {number}")
        pages, cursor = [], ""
        while cursor is not None:
            told = (await api.get("/runs", limit=2, cursor=cursor)).json()
            pages.append([run["id"] for run in told["items"]])
            cursor = told["next"]
        return pages, [str(run["execution_log"][0]["seq"]) for run in stories(api.app)]

    pages, journal = over_the_api(tmp_path, story)

    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({id for page in pages for id in page}) == 5 == len(journal)


def test_runs_are_found_by_what_was_said_by_whom_and_by_status(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(api: Api) -> list[int]:
        await say(api.app, "where is my 100% parcel", user="zoe")
        await say(api.app, "hello", user="max")
        queries: list[dict[str, str]] = [
            {"search": "MY 100% p"},
            {"search": "%"},
            {"search": "_"},
            {"search": "max"},
            {"status": "completed"},
            {"status": "error"},
            {"bot": "b"},
            {"bot": "other"},
            {"undelivered": "true"},
            {"in_doubt": "true"},
        ]
        return [len((await api.get("/runs", **query)).json()["items"]) for query in queries]

    assert over_the_api(tmp_path, story) == [1, 1, 0, 1, 2, 0, 2, 0, 0, 0]


def test_a_conversation_is_told_and_started_over(tmp_path: Path) -> None:
    write_bot(tmp_path, ASK)

    async def story(api: Api) -> tuple[Any, ...]:
        await say(api.app, "hello")
        entry = await only(api, "/conversations")
        told = (await api.get(f"/conversations/{entry['number']}")).json()
        reset = await api.post(f"/conversations/{entry['number']}/reset")
        await api.app.settle()
        return told["transcript"], entry["waiting"], reset.status_code, await only(api, "/runs")

    transcript, waiting, status, run = over_the_api(tmp_path, story)

    assert [(line["who"], line["text"]) for line in transcript] == [
        ("user", "hello"),
        ("bot", "Your size, after hello?"),
    ]
    assert (waiting, status) == (1, 200)
    assert (run["status"], run["error_message"]) == ("cancelled", "ada started the conversation over")


def test_a_person_answers_in_place_of_the_bot_and_hands_back(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)
    mailbag = Mailbag()

    async def story(api: Api) -> list[Any]:
        await say(api.app, "hello")
        here = f"/conversations/{(await only(api, '/conversations'))['number']}"
        early = await api.post(f"{here}/say", {"text": "I am a person"})
        taken = (await api.post(f"{here}/take")).json()["taken_by"]
        other = await api.post(f"{here}/take", who="bea")
        await say(api.app, "anybody there?")
        said = (await api.post(f"{here}/say", {"text": "I am a person"})).json()["by"]
        await mailbag.holds(2)
        back = (await api.post(f"{here}/hand-back", who="bea")).json()["taken_by"]
        again = await api.post(f"{here}/hand-back")
        await say(api.app, "thanks")
        return [early.status_code, taken, other.status_code, said, back, again.status_code]

    told = over_the_api(tmp_path, story, mailbag=mailbag, reviewers=(ADA, Reviewer(name="bea")))

    assert told == [409, "ada", 409, "ada", None, 409]
    assert mailbag.texts == ["you said hello", "I am a person", "you said thanks"]


def test_a_schedule_is_cancelled_once(tmp_path: Path) -> None:
    write_bot(tmp_path, LATER)

    async def story(api: Api) -> tuple[Any, ...]:
        await say(api.app, "there")
        schedule = await only(api, "/schedules")
        cancelled, again = [await api.post(f"/schedules/{schedule['id']}/cancel") for _ in range(2)]
        left = (await api.get("/schedules")).json()["items"]
        return schedule["text"], cancelled.json()["status"], again.status_code, left

    assert over_the_api(tmp_path, story) == ("Still there?", "cancelled", 409, [])


def test_a_dead_letter_is_sent_again_and_is_one_no_more(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)
    mailbag = Mailbag()
    mailbag.faults.append(SendError("the user has left", permanent=True))

    async def story(api: Api) -> tuple[Any, ...]:
        await say(api.app, "hello")
        await api.app.settle()
        letter = await only(api, "/dead-letters")
        sent = (await api.post(f"/dead-letters/{letter['id']}/send")).json()
        await mailbag.holds(1)
        await api.app.settle()
        left = (await api.get("/dead-letters")).json()["items"]
        return letter["error"], letter["text"], sent["by"], left

    told = over_the_api(tmp_path, story, mailbag=mailbag)

    assert told == ("the user has left", "you said hello", "ada", [])
    assert mailbag.texts == ["you said hello"]


def test_the_bots_are_told_with_who_runs_them_and_what_waits(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND, "platforms: {console: {}, telegram: {token: '${TELEGRAM_TOKEN}'}}")

    async def story(api: Api) -> dict[str, Any]:
        await say(api.app, "order 7")
        api.app.off["b", "telegram"] = "TELEGRAM_TOKEN is not set"
        api.app.supervisor.faults["b", "console"] = "the door was shut"
        return await only(api, "/bots")

    bot = over_the_api(tmp_path, story)

    assert (bot["platforms"], bot["off"], bot["faults"]) == (
        ["console"],
        {"telegram": "TELEGRAM_TOKEN is not set"},
        {"console": "the door was shut"},
    )
    assert (bot["bot"], bool(bot["runner"]), bot["pending_handoffs"], bot["waiting"]) == ("b", True, 1, 1)


def test_usage_is_summed_as_asked(tmp_path: Path) -> None:
    script = "llm: {provider: scripted, script: script.yaml}"
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: llm_call, data: {prompt: "{{message}}", outputVariable: a}}
edges: [t -> ask]
""",
        script,
    )
    (tmp_path / "bots" / "b" / "script.yaml").write_text("- {reply: yes}\n")

    async def story(api: Api) -> list[Any]:
        await say(api.app, "hello")
        return [(await api.get("/usage", by=by)).json()["items"] for by in ("bot", "day", "conversation")]

    by_bot, by_day, by_conversation = over_the_api(tmp_path, story, clock=HeldClock())

    assert [(line["bot"], line["calls"]) for line in by_bot] == [("b", 1)]
    assert [(line["day"], line["calls"]) for line in by_day] == [("2026-01-01", 1)]
    assert [(line["conversation"], line["name"]) for line in by_conversation] == [(1, "b/console/u/u")]
