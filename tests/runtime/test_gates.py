"""The gates over a real store: what verifies, what never does, what is limited, what is left on the disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.identity.provider import ContactRefusedError
from botctl.runtime.gates import CONTACT_DAILY, CONTACT_HOURLY, USER_HOURLY
from botctl.store import inbox, runs
from botctl.store.database import open_database
from tests.runtime.gate_world import GateWorld, in_a_gate_world, other_than, shape

HOUR = 3600
WRONG_FIRST = "That is not the code. 2 tries left."


def test_the_code_that_was_carried_verifies(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> tuple[str, Any]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        return await talk.say(f"here: {world.carrier.code}"), world.carrier.carried

    told, (delivery,) = in_a_gate_world(tmp_path, story)

    assert told == "verified"
    assert (delivery.contact, delivery.contact_type, delivery.minutes, delivery.sender, delivery.link) == (
        "ada@example.com", "email", 10, "b", "",
    )  # fmt: skip


def test_no_code_is_on_the_disk_after_a_whole_story(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        await talk.say(f"no idea, {other_than(world.carrier.code)}?")
        world.clock.advance(60)
        await talk.say("resend")
        assert await talk.say(" ".join(world.carrier.code)) == "verified"
        by_link = await world.talk("bob", method="link")
        await by_link.say("bob@example.com")
        codes = [delivery.code or delivery.link.rpartition("/")[2] for delivery in world.carrier.carried]
        return [*codes, other_than(codes[0]), " ".join(codes[1])]

    secrets = in_a_gate_world(tmp_path, story)

    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"no idea" in stored
    assert [secret for secret in secrets if secret.encode() in stored] == []


def test_brute_force_has_nine_tries_and_then_fails(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> tuple[list[str], int]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        told = [await talk.say(other_than(world.carrier.code)) for _ in range(9)]
        return [shape(one)[:30] for one in told], len(world.carrier.carried)

    told, carried = in_a_gate_world(tmp_path, story)

    three = [
        "That is not the code. 2 tries ",
        "That is not the code. 1 try le",
        "That was not the code either. ",
    ]
    assert (told, carried) == ([*three, *three, *three[:2], "failed"], 3)


def test_an_old_code_is_wrong_after_a_resend(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        old = world.carrier.code
        while world.carrier.code == old:  # one in a million
            world.clock.advance(30)
            await talk.say("resend")
        return [await talk.say(old), await talk.say(world.carrier.code)]

    assert in_a_gate_world(tmp_path, story) == [WRONG_FIRST, "verified"]


def test_a_used_code_does_not_open_the_next_gate(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        first = await world.talk()
        await first.say("ada@example.com")
        used = world.carrier.code
        told = [await first.say(used)]
        second = await world.talk()
        await second.say("ada@example.com")
        return [*told, await second.say(used if used != world.carrier.code else other_than(used))]

    assert in_a_gate_world(tmp_path, story) == ["verified", WRONG_FIRST]


def test_the_code_of_another_conversation_is_wrong(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> str:
        mallory, ada = await world.talk("mallory"), await world.talk("ada")
        await mallory.say("ada@example.com")
        await ada.say("ada@example.com")
        return await mallory.say(world.carrier.code)

    assert in_a_gate_world(tmp_path, story) == WRONG_FIRST


def test_an_expired_code_and_one_of_a_cancelled_gate_are_refused(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        late = await world.talk("late")
        await late.say("late@example.com")
        world.clock.advance(600)
        told = [await late.say(world.carrier.code)]
        gone = await world.talk("gone")
        await gone.say("gone@example.com")
        told.append(await gone.say("cancel"))
        code = world.carrier.code
        again = await world.talk("gone")
        await again.say("gone@example.com")
        return [*told, await again.say(code if code != world.carrier.code else other_than(code))]

    expired, *rest = in_a_gate_world(tmp_path, story)

    assert expired == "That code is no longer good. Say `resend` for a new one, or `cancel`."
    assert rest == ["failed", WRONG_FIRST]


@pytest.mark.parametrize(
    ("most", "apart", "user", "contact"),
    [
        (CONTACT_HOURLY, 60, "user {}", "ada@example.com"),
        (CONTACT_DAILY, HOUR, "user {}", "Ada@Example.com"),
        (USER_HOURLY, 60, "mallory", "ada{}@example.com"),
    ],
)
def test_limits_hold_across_runs_and_are_told_like_success(
    tmp_path: Path, most: int, apart: int, user: str, contact: str
) -> None:
    async def story(world: GateWorld) -> tuple[set[str], int, str]:
        told, talk = set(), await world.talk("somebody")
        for number in range(most + 2):
            await talk.say("cancel")
            world.clock.advance(apart)
            talk = await world.talk(user.format(number))
            told.add(shape(await talk.say(contact.format(number))))
        return told, len(world.carrier.carried), await talk.say(other_than(world.carrier.code))

    told, carried, tried = in_a_gate_world(tmp_path, story)

    assert (len(told), carried, tried) == (1, most, WRONG_FIRST)


def test_a_limit_is_over_after_its_hour(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> int:
        for number in range(CONTACT_HOURLY + 1):
            await (await world.talk(f"user {number}")).say("ada@example.com")
        world.clock.advance(HOUR)
        await (await world.talk("user")).say("ada@example.com")
        return len(world.carrier.carried)

    assert in_a_gate_world(tmp_path, story) == CONTACT_HOURLY + 1


def test_digits_are_masked_only_while_a_code_is_awaited(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        talk = await world.talk()
        texts = [(await world.receive("order 1042", "ada")).message.text]
        await talk.say("ada@example.com")
        texts += [(await world.receive(text, "ada")).message.text for text in ("order 1042", "no digits")]
        texts.append((await world.receive("order 1042", "bob")).message.text)
        texts.append((await world.receive("order 1042", "ada", kind="button")).message.text)
        await talk.say(world.carrier.code)
        texts.append((await world.receive("order 1042", "ada")).message.text)
        return texts

    assert in_a_gate_world(tmp_path, story) == [
        "order 1042", "order ••••", "no digits", "order 1042", "order 1042", "order 1042",
    ]  # fmt: skip


def test_a_void_code_that_is_typed_once_more_is_masked_too(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        code = world.carrier.code
        await talk.say(code)
        return [(await world.receive(text, "ada")).message.text for text in (code, other_than(code)[:5])]

    first, second = in_a_gate_world(tmp_path, story)

    assert (first, "•" in second) == ("••••••", False)


def test_nothing_is_masked_for_a_run_that_is_over_or_for_a_link(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[str]:
        by_link, ended = await world.talk("bob", method="link"), await world.talk("ada")
        await by_link.say("bob@example.com")
        await ended.say("ada@example.com")
        await world.database.write(lambda connection: runs.cancel(connection, ended.run, "", 0))
        return [(await world.receive("1042", user)).message.text for user in ("bob", "ada")]

    assert in_a_gate_world(tmp_path, story) == ["1042", "1042"]


def test_a_code_is_still_awaited_after_a_restart(tmp_path: Path) -> None:
    async def before(world: GateWorld) -> None:
        await (await world.talk()).say("ada@example.com")

    async def after(world: GateWorld) -> list[Any]:
        world.gates.recover("another")
        unknown = world.gates.awaits_code(1)
        world.gates.recover("b")
        return [unknown, world.gates.awaits_code(1), (await world.receive("1042", "ada")).message.text]

    in_a_gate_world(tmp_path, before)

    assert in_a_gate_world(tmp_path, after) == [False, True, "••••"]


def test_a_hash_is_on_disk_before_its_code_is_carried(tmp_path: Path) -> None:
    async def whole() -> list[tuple[Any, ...]]:
        database = await open_database(tmp_path / "state.db")
        world = GateWorld(database)
        world.carrier.hold = True
        talk = await world.talk()
        saying = asyncio.create_task(talk.say("ada@example.com"))
        await world.carrier.asked.wait()
        await database.abandon()  # as a crash would
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        database = await open_database(tmp_path / "state.db")
        found = database.read(lambda c: c.execute("SELECT id, method, is_open FROM challenges").fetchall())
        await database.close()
        return [(found, world.carrier.carried[0].id)]

    ((found, id),) = asyncio.run(whole())

    assert found == [(id, "code", 1)]


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        (OutsideError("down", retryable=True, not_executed=True), []),
        (OutsideError("no credit"), []),
        (UserError("the key is wrong"), []),
        (OutsideError("a timeout", retryable=True), [("code", 1)]),
    ],
)
def test_what_was_surely_not_sent_counts_for_nothing_and_what_may_have_been_stays_good(
    tmp_path: Path, fault: Exception, rows: list[Any]
) -> None:
    async def story(world: GateWorld) -> list[tuple[Any, ...]]:
        talk = await world.talk()
        world.carrier.faults = [fault]
        with pytest.raises(type(fault)):
            await talk.say("ada@example.com")
        return world.rows("SELECT method, is_open FROM challenges")

    assert in_a_gate_world(tmp_path, story) == rows


def test_a_code_issued_again_under_one_id_is_another_code(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> tuple[list[str], int, str]:
        stored = await world.receive("hello", "ada")
        gate = world.gates.gate("b", "b", 1, stored)
        hashes = []
        for _ in range(2):
            await gate.issue(
                challenge="c", provider="p", contact_type="email", contact="a@b.c", method="code", ttl=60
            )
            hashes.append(gate.hash_of("c"))
        return hashes, world.rows("SELECT count(*) FROM challenges")[0][0], gate.hash_of("another")

    (first, second), rows, unknown = in_a_gate_world(tmp_path, story)

    assert (first != second, rows, unknown) == (True, 1, "")


def test_a_refused_contact_is_asked_for_again_and_its_digits_are_kept(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> tuple[str, str]:
        talk = await world.talk(contact_type="phone")
        world.carrier.faults = [ContactRefusedError("a landline")]
        told = await talk.say("+49 30 123456")
        return told, (await talk.say("+49 1512 3456789"))[:47]

    assert in_a_gate_world(tmp_path, story) == (
        "I cannot reach you there. Please give me another phone number.",
        "I am sending a six-digit code to +49***89. It i",
    )


def test_a_user_is_remembered_on_the_same_platform_for_as_long_as_is_wanted(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[bool]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        await talk.say(world.carrier.code)
        told = []
        for user, seconds in (("ada", 0), ("bob", 0), ("ada", 12 * HOUR), ("ada", 1)):
            world.clock.advance(seconds)
            talk = await world.talk(user, remember="12h")
            told.append(talk.state is None)
        return told

    assert in_a_gate_world(tmp_path, story) == [True, False, True, False]


def test_where_a_platform_knows_no_users_nobody_is_remembered(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> tuple[bool, list[Any]]:
        talk = await world.talk("")
        await talk.say("ada@example.com")
        assert await talk.say(world.carrier.code) == "verified"
        return (await world.talk("", remember="12h")).state is None, world.rows("SELECT * FROM verified")

    assert in_a_gate_world(tmp_path, story) == (False, [])


def test_a_link_cannot_be_sent_while_nobody_knows_where_the_server_is(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> list[tuple[Any, ...]]:
        talk = await world.talk(method="link")
        with pytest.raises(UserError, match="nobody knows where the outside finds this server"):
            await talk.say("ada@example.com")
        return world.rows("SELECT id FROM challenges")

    assert in_a_gate_world(tmp_path, story, public_url="") == []


def test_a_masked_message_comes_back_with_its_hash(tmp_path: Path) -> None:
    async def story(world: GateWorld) -> tuple[str, bool]:
        talk = await world.talk()
        await talk.say("ada@example.com")
        stored = await world.receive(world.carrier.code, "ada")
        again = world.database.read(lambda connection: inbox.get(connection, stored.seq)).message
        gate = world.gates.gate("b", "b", talk.run, stored)
        return again.text, again.code_hash == gate.hash_of(world.carrier.carried[0].id)

    assert in_a_gate_world(tmp_path, story) == ("••••••", True)
