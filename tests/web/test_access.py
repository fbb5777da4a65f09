"""Access: who is let in by a token, a cookie or a link, and when that ends."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.clock import StandingClock
from botctl.errors import UserError
from botctl.secrets import Environment
from botctl.spec.project import DashboardSection
from botctl.web.access import LINK_MS, RIGHTS, SESSION_MS, Access, Reviewer

TOKENS = {"ADA": "a" * 20, "BOB": "b" * 20, "NEW": "n" * 20, "SHORT": "tiny"}
KEY = b"k" * 32


def access(key: bytes = KEY, clock: StandingClock | None = None, **section: Any) -> Access:
    """The access of a section; ada with all rights if nothing is given."""
    spec = DashboardSection(**(section or {"tokens": {"ada": "${ADA}"}}))
    return Access(spec, Environment(TOKENS), key, clock or StandingClock())


def test_a_reviewer_is_known_by_his_token_with_his_rights_and_bots() -> None:
    known = access(
        tokens={"ada": "${ADA}"},
        reviewers=[{"name": "bob", "token": "${BOB}", "rights": ["decide"], "bots": ["shop"]}],
    )

    found = [known.by_token(token) for token in (TOKENS["ADA"], TOKENS["BOB"], "", "a", "\udcff" * 20)]

    assert found == [
        Reviewer(name="ada", rights=RIGHTS),
        Reviewer(name="bob", rights=frozenset({"see", "decide"}), bots=("shop",)),
        None,
        None,
        None,
    ]


def test_a_session_lasts_its_time_and_no_longer() -> None:
    clock = StandingClock()
    known = access(clock=clock)
    cookie = known.session_cookie(Reviewer(name="ada"))

    first = known.by_cookie(cookie)
    clock.advance(SESSION_MS / 1000)

    assert (first, known.by_cookie(cookie)) == (Reviewer(name="ada", rights=RIGHTS), None)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": b"x" * 32},
        {"tokens": {"ada": "${NEW}"}},
        {"tokens": {"bob": "${BOB}"}},
        {"reviewers": [{"name": "ada", "token": "${UNSET}"}]},
    ],
)
def test_a_session_ends_when_the_token_is_changed_or_the_reviewer_is_gone(changed: dict[str, Any]) -> None:
    cookie = access().session_cookie(Reviewer(name="ada"))

    assert access(**changed).by_cookie(cookie) is None


def test_rights_that_are_changed_count_at_once_for_sessions_that_there_are() -> None:
    cookie = access().session_cookie(Reviewer(name="ada"))

    now = access(reviewers=[{"name": "ada", "token": "${ADA}", "rights": ["see"]}]).by_cookie(cookie)

    assert now == Reviewer(name="ada", rights=frozenset({"see"}))


def test_a_cookie_of_one_reviewer_is_not_made_into_one_of_another() -> None:
    known = access(tokens={"ada": "${ADA}", "bob": "${BOB}"})
    ada, bob = (known.session_cookie(Reviewer(name=name)) for name in ("ada", "bob"))

    mixed = [
        known.by_cookie(f"{ada.partition('.')[0]}.{bob.partition('.')[2]}"),
        known.by_cookie(ada[:-1] + ("0" if ada[-1] != "0" else "1")),
        known.by_cookie(known.link("ada")),
        known.by_link(ada),
        known.by_cookie(known.csrf(ada)),
    ]

    assert mixed == [None] * 5


def test_a_link_is_for_who_is_named_or_for_the_owner_of_the_state() -> None:
    clock = StandingClock()
    known = access(clock=clock, reviewers=[{"name": "Bob", "token": "${BOB}", "rights": ["see"]}])
    links = [known.link("bob"), known.link("root")]

    found = [known.by_link(link) for link in links]
    clock.advance(LINK_MS / 1000)

    assert [one.reviewer if one else None for one in found] == [
        Reviewer(name="Bob", rights=frozenset({"see"})),
        Reviewer(name="root", rights=RIGHTS),
    ]
    assert [known.by_link(link) for link in links] == [None, None]


def test_a_reviewer_whose_token_is_not_set_is_told_of_and_not_let_in() -> None:
    known = access(reviewers=[{"name": "ada", "token": "${UNSET}"}, {"name": "bob", "token": "${U:-}"}])

    assert (known.notes, known.by_token(""), known.by_token("${UNSET}")) == (
        [
            "reviewer `ada` cannot log in with a token: environment variable `UNSET` is not set",
            "reviewer `bob` cannot log in with a token: his token is empty",
        ],
        None,
        None,
    )


@pytest.mark.parametrize(
    ("section", "fact"),
    [
        ({"tokens": {"ada": "${SHORT}"}}, "the token of reviewer `ada` has 4 characters"),
        ({"tokens": {"ada": "${ADA}", "Ada": "${BOB}"}}, "two reviewers of the dashboard are named `Ada`"),
        ({"tokens": {"ada": "${ADA}", "bob": "${ADA}"}}, "reviewers `ada` and `bob` have the same token"),
    ],
)
def test_reviewers_that_could_be_guessed_or_mixed_up_are_refused(section: dict[str, Any], fact: str) -> None:
    with pytest.raises(UserError, match=fact):
        access(**section)
