"""twilio: what is posted, with which login, and which codes are whose."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl

import pytest

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.letter import write_sms
from botctl.identity.provider import ContactRefusedError, Delivery
from botctl.identity.providers.twilio import TWILIO
from tests.identity.providers.judges import TWILIO_ACCOUNT, TWILIO_NUMBER, TWILIO_TOKEN, judge_twilio
from tests.identity.world import PHONE, Judge, ProviderServer, Reply, Request, carry, code_for, link_for

RIGHT = {"account_sid": TWILIO_ACCOUNT, "auth_token": TWILIO_TOKEN, "sender": TWILIO_NUMBER}


def carried(
    delivery: Delivery, settings: dict[str, Any] = RIGHT, judge: Judge = judge_twilio
) -> tuple[list[str], Request]:
    """The id of a delivery, and the request that carried it."""

    async def whole() -> tuple[list[str], Request]:
        async with ProviderServer(judge) as server:
            ids = await carry(TWILIO, {**settings, "base_url": server.url}, delivery)
            return ids, server.requests[0]

    return asyncio.run(whole())


def refused(
    contact: str = PHONE, settings: dict[str, Any] = RIGHT, judge: Judge = judge_twilio
) -> BotctlError:
    """The error that a carrying ends in."""
    with pytest.raises(BotctlError) as caught:
        carried(code_for(contact), settings, judge)
    return caught.value


@pytest.mark.parametrize("delivery", [code_for(PHONE), link_for(PHONE)], ids=["code", "link"])
def test_a_message_is_posted_as_a_form(delivery: Delivery) -> None:
    ids, request = carried(delivery)

    assert (ids, dict(parse_qsl(request.body.decode()))) == (
        ["SM" + "0" * 32],
        {"To": PHONE, "From": TWILIO_NUMBER, "Body": write_sms(delivery)},
    )


def test_a_messaging_service_picks_the_sender() -> None:
    _, request = carried(code_for(PHONE), {**RIGHT, "sender": "", "messaging_service_sid": "MG" + "0" * 32})

    assert dict(parse_qsl(request.body.decode())).keys() == {"To", "MessagingServiceSid", "Body"}


def test_an_api_key_logs_in_for_the_account() -> None:
    settings = {"account_sid": TWILIO_ACCOUNT, "api_key": "SK0123456789", "api_secret": "keysecret00"}

    _, request = carried(code_for(PHONE), {**settings, "sender": TWILIO_NUMBER})

    assert request.headers["authorization"] == f"Basic {b64encode(b'SK0123456789:keysecret00').decode()}"


@pytest.mark.parametrize(
    ("settings", "help"),
    [
        (
            {"account_sid": "AC1", "sender": TWILIO_NUMBER, "api_key": "SK1"},
            "set `identity.twilio.auth_token`, or `api_key` and `api_secret`",
        ),
        (
            {"account_sid": "AC1", "auth_token": "t"},
            "set either `identity.twilio.sender` or `identity.twilio.messaging_service_sid`",
        ),
        (
            {**RIGHT, "messaging_service_sid": "MG1"},
            "set either `identity.twilio.sender` or `identity.twilio.messaging_service_sid`",
        ),
    ],
)
def test_settings_that_make_no_carrier_are_told_at_once(settings: dict[str, Any], help: str) -> None:
    error = refused(settings=settings)

    assert (type(error), error.help) == (UserError, help)


@pytest.mark.parametrize(
    ("contact", "code"), [("+15005550009", 21614), ("+15005550004", 21610), ("+15005550003", 21408)]
)
def test_a_number_that_twilio_does_not_reach_is_told_without_it(contact: str, code: int) -> None:
    error = refused(contact)

    assert (type(error), error.message.partition("***")[0], error.message.endswith(f"({code})")) == (
        ContactRefusedError,
        "twilio cannot reach this number: Message cannot be sent to ",
        True,
    )


@pytest.mark.parametrize("contact", ["004915112345678", "+0151", "12345"])
def test_a_contact_that_is_no_e164_number_is_refused(contact: str) -> None:
    assert type(refused(contact)) is ContactRefusedError


def test_a_trial_account_and_a_strange_sender_are_the_users_to_mend() -> None:
    errors = [refused("+15005550008"), refused(settings={**RIGHT, "sender": "+15005550001"})]

    assert [(type(error), error.message.partition(":")[0]) for error in errors] == [
        (UserError, "twilio does not send to this number from a trial account"),
        (UserError, "twilio refused the sender"),
    ]


def test_an_account_that_is_not_there_is_the_users_to_mend() -> None:
    reply = Reply(404, {"code": 20404, "message": "not found", "status": 404})

    error = refused(judge=lambda request: reply)

    assert (type(error), error.message) == (
        UserError,
        "twilio knows no such account: not found (20404)",
    )


def test_a_message_that_fails_at_its_creation_was_not_sent() -> None:
    reply = Reply(
        201, {"sid": "SM1", "status": "failed", "error_code": 21610, "error_message": "unsubscribed"}
    )

    error = refused(judge=lambda request: reply)

    assert (type(error), error.message) == (
        ContactRefusedError,
        "twilio cannot reach this number: unsubscribed (21610)",
    )


def test_a_code_that_nobody_knows_is_told_and_not_tried_again() -> None:
    error = refused(judge=lambda request: Reply(400, {"code": 29999, "message": "strange", "status": 400}))

    assert isinstance(error, OutsideError)
    assert (error.retryable, error.message) == (
        False,
        "twilio did not take the message (HTTP 400): strange (29999)",
    )
