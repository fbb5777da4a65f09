"""The challenge: every way through its states, and no way around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botctl.identity.challenge import (
    Action,
    Ask,
    Entered,
    Failed,
    Input,
    Issue,
    Issued,
    IssueResult,
    Passed,
    Pressed,
    Say,
    Settings,
    State,
    Typed,
    Verified,
    advance,
    state_from_json,
)

CODE = Settings(contact_type="email", ttl_ms=600_000, attempts=3)
LINK = Settings(contact_type="email", method="link")
BEGUN = 1_767_225_600_000
ADA = Typed("ada@example.com")
MINUTES = 60


def right(number: int) -> Typed:
    """The code of the so-manieth challenge, typed."""
    return Typed("••••••", f"hash {number}")


WRONG = Typed("••••••", "another hash")


def play(
    *happenings: Input | float, settings: Settings = CODE, results: tuple[IssueResult, ...] = ()
) -> tuple[list[Action], State]:
    """What is done about each thing that happens; a number lets so many seconds pass. results: what comes of
    each Issue, `sent` when left out."""
    state, now_ms, done = State(begun_at=BEGUN), BEGUN, list[Action]()
    for happened in happenings:
        if isinstance(happened, float | int):
            now_ms += round(happened * 1000)
            continue
        state, action = advance(state, happened, settings, now_ms)
        done.append(action)
        if isinstance(action, Issue):
            number = len(state.challenges) + 1
            result = results[number - 1] if number <= len(results) else "sent"
            issued = Issued(result, f"c{number}", "" if result == "limited" else f"hash {number}")
            state, action = advance(state, issued, settings, now_ms)
            done.append(action)
        state = state_from_json(state.to_json())
    return done, state


def last(
    *happenings: Input | float, settings: Settings = CODE, results: tuple[IssueResult, ...] = ()
) -> Action:
    """What is done about the last thing that happens."""
    return play(*happenings, settings=settings, results=results)[0][-1]


def test_a_contact_and_its_code_verify() -> None:
    done, state = play(Entered(), ADA, right(1))

    assert done == [Ask(), Issue(600_000), Say("sent", 10), Verified()]
    assert (state.stage, state.contact, state.challenges) == ("verified", "ada@example.com", ("c1",))


@pytest.mark.parametrize(
    ("happenings", "told"),
    [
        ((Typed("nonsense"),), Ask("malformed")),
        ((Typed("nonsense"), Typed("again")), Ask("malformed")),
        ((Typed("nonsense"), Typed("again"), Typed("no")), Failed("no usable contact was given in 3 tries")),
        ((Typed(" Cancel. "),), Failed("the user cancelled it")),
        ((ADA, Typed("`cancel`")), Failed("the user cancelled it")),
        ((ADA, Typed("/cancel")), Failed("the user cancelled it")),
        ((ADA, WRONG), Say("wrong", 2)),
        ((ADA, WRONG, WRONG), Say("wrong", 1)),
        ((ADA, WRONG, WRONG, WRONG), Say("sent_after_wrong", 10)),
        ((ADA, WRONG, WRONG, right(1)), Verified()),
        ((ADA, Typed("what?")), Say("not_a_code")),
        ((ADA, Typed("123456")), Say("wrong", 2)),
        ((ADA, *[Typed("what?")] * 9, right(1)), Verified()),
        ((ADA, 29.5, Typed("resend")), Say("too_soon", 1)),
        ((ADA, 30, Typed("Resend")), Say("sent_again", 10)),
        ((ADA, 30, Typed("resend"), right(1)), Say("wrong", 2)),
        ((ADA, 30, Typed("resend"), right(2)), Verified()),
        ((ADA, 30, Typed("resend"), 30, Typed("resend"), 30, Typed("resend")), Say("no_more")),
        ((ADA, 10 * MINUTES - 0.001, right(1)), Verified()),
        ((ADA, 10 * MINUTES, right(1)), Say("expired")),
        ((ADA, 10 * MINUTES, WRONG), Say("expired")),
        ((ADA, 10 * MINUTES, right(1), Typed("resend"), right(1)), Say("wrong", 2)),
        ((ADA, 10 * MINUTES, right(1), Typed("resend"), right(2)), Verified()),
        ((ADA, Passed()), Failed("it took longer than 30 minutes")),
        ((30 * MINUTES, ADA), Failed("it took longer than 30 minutes")),
        ((29 * MINUTES, ADA), Say("sent", 1)),
        ((29 * MINUTES, ADA, 59, right(1)), Verified()),
        ((29 * MINUTES, ADA, 60, right(1)), Failed("it took longer than 30 minutes")),
        ((ADA, Pressed("hash 1")), Verified()),
        ((Pressed(""),), Say("press_link")),
        ((ADA, Typed("cancel"), right(1)), Failed("it had failed already")),
        ((ADA, right(1), WRONG), Verified()),
    ],
)
def test_what_happens_leads_to(happenings: tuple[Input | float, ...], told: Action) -> None:
    assert last(Entered(), *happenings) == told


def test_nine_wrong_codes_are_all_there_are() -> None:
    done, state = play(Entered(), ADA, *[WRONG] * 9)

    assert done[-1] == Failed("too many wrong codes")
    assert (len(state.challenges), done.count(Issue(600_000))) == (3, 3)


def test_a_code_that_was_not_sent_because_of_a_limit_is_told_like_one_that_was() -> None:
    happenings = (Entered(), ADA, WRONG, Typed("what?"), 30, Typed("resend"), WRONG, WRONG, WRONG, WRONG)

    sent, _ = play(*happenings)
    limited, _ = play(*happenings, results=("limited",) * 3)

    assert limited == sent


def test_nothing_fits_where_nothing_was_sent() -> None:
    done, _ = play(Entered(), ADA, Typed("000000", ""), results=("limited",))

    assert done[-1] == Say("wrong", 2)


def test_a_code_that_may_have_been_sent_is_good() -> None:
    assert last(Entered(), ADA, right(1), results=("in doubt",)) == Verified()


def test_a_contact_that_cannot_be_reached_is_asked_for_again_and_counts() -> None:
    done, state = play(Entered(), ADA, ADA, Typed("?"), results=("refused", "refused"))

    assert done[2::2] == [Ask("refused"), Ask("refused")]
    assert (done[-1], state.challenges) == (Failed("no usable contact was given in 3 tries"), ("c1", "c2"))


def test_the_code_of_a_refused_contact_fits_nothing() -> None:
    happenings = (Entered(), ADA, Typed("bob@example.com"), right(1))

    assert last(*happenings, results=("refused", "sent")) == Say("wrong", 2)


def test_a_link_is_pressed_and_not_typed() -> None:
    done, _ = play(Entered(), ADA, Typed("hash 1", "hash 1"), Pressed("hash 1"), settings=LINK)

    assert done[2:] == [Say("sent", 10), Say("press_link"), Verified()]


def test_an_old_link_verifies_nobody() -> None:
    happenings = (Entered(), ADA, 30, Typed("resend"), Pressed("hash 1"))

    assert last(*happenings, settings=LINK) == Say("press_link")


def test_a_state_never_holds_what_the_user_typed() -> None:
    _, state = play(Entered(), ADA, Typed("735912", "a hash"))

    assert "735912" not in str(state.to_json())


not_right = st.one_of(
    st.just(Entered()),
    st.builds(Typed, st.sampled_from(["••••••", "resend", "hello", "ada@example.com", "000000"]),
              st.sampled_from(["", "another hash", "c1"])),
    st.builds(Pressed, st.sampled_from(["", "another hash"])),
    st.integers(min_value=0, max_value=700),
)  # fmt: skip
results = st.lists(st.sampled_from(["sent", "limited", "refused", "in doubt"]), max_size=9).map(tuple)


@given(st.lists(not_right, max_size=40), results, st.sampled_from([CODE, LINK]))
def test_no_sequence_of_wrong_inputs_verifies(
    happenings: list[Input | float], results: tuple[IssueResult, ...], settings: Settings
) -> None:
    done, state = play(Entered(), *happenings, settings=settings, results=results)

    assert Verified() not in done and state.stage != "verified"
    assert sum(isinstance(one, Issue) for one in done) <= 3 + 2
    assert sum(one == Say("wrong", left) for one in done for left in (1, 2)) <= 3 * 2 * 3


@given(st.lists(st.integers(min_value=1, max_value=9), max_size=40), results)
def test_no_code_but_the_last_one_verifies(numbers: list[int], results: tuple[IssueResult, ...]) -> None:
    state, now_ms, current = State(begun_at=BEGUN), BEGUN, 0
    state, _ = advance(state, ADA, CODE, now_ms)
    state, _ = advance(state, Issued("sent", "c1", "hash 1"), CODE, now_ms)
    current = 1
    for number in numbers:
        if number == current:
            continue
        state, action = advance(state, right(number), CODE, now_ms)
        if isinstance(action, Issue):
            current += 1
            state, action = advance(state, Issued("sent", f"c{current}", f"hash {current}"), CODE, now_ms)

        assert action != Verified()
