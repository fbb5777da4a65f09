"""Workers AI, in what is its own."""

from __future__ import annotations

from botctl.errors import OutsideError, UserError
from tests.fakes.llm_server import Fails, Says
from tests.llm.world import CLOUDFLARE_CASE, reply, trouble


def test_neurons_of_the_day_that_are_used_up_are_not_waited_for() -> None:
    error = trouble(CLOUDFLARE_CASE, Fails(429, "you have used up your daily free allocation", "4006"))

    assert isinstance(error, OutsideError)
    assert (error.retryable, error.not_executed) == (False, True)


def test_a_lack_of_capacity_passes() -> None:
    assert reply(CLOUDFLARE_CASE, Fails(429, "out of capacity", "3040"), Says("ok")).text == "ok"


def test_a_time_out_of_theirs_is_tried_again() -> None:
    assert reply(CLOUDFLARE_CASE, Fails(408, "request timeout", "3007"), Says("ok")).text == "ok"


def test_a_model_that_does_not_exist_is_told_as_such() -> None:
    error = trouble(CLOUDFLARE_CASE, Fails(400, "No such model @cf/x/y or task", "5007"), model="@cf/x/y")

    assert isinstance(error, UserError) and "does not know the model `@cf/x/y`" in error.message


def test_a_model_whose_terms_nobody_accepted_is_the_users_to_mend() -> None:
    error = trouble(CLOUDFLARE_CASE, Fails(403, "accept the license first", "5016"))

    assert isinstance(error, UserError) and "accept the license first" in error.message


def test_an_account_that_does_not_exist_is_told_with_its_setting() -> None:
    error = trouble(CLOUDFLARE_CASE, Fails(404, "Could not route, perhaps your object identifier", "7003"))

    assert isinstance(error, UserError) and "CLOUDFLARE_ACCOUNT_ID" in (error.help or "")


def test_an_account_id_that_is_missing_or_wrong_is_told_when_connecting() -> None:
    missing = trouble(CLOUDFLARE_CASE, Says("never"), account_id="")
    wrong = trouble(CLOUDFLARE_CASE, Says("never"), account_id="../../zones")

    assert (isinstance(missing, UserError), isinstance(wrong, UserError)) == (True, True)
    assert "CLOUDFLARE_ACCOUNT_ID" in (missing.help or "") and "no account id" in wrong.message
