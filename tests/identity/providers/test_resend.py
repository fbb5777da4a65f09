"""resend: what is posted, what a repeat does, and which errors are whose."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.letter import write_mail
from botctl.identity.provider import ContactRefusedError, Delivery
from botctl.identity.providers.resend import RESEND
from tests.identity.providers.judges import RESEND_KEY, ResendJudge
from tests.identity.world import EMAIL, Judge, ProviderServer, Reply, Request, carry, code_for, link_for

SENDER = "Support <codes@example.com>"


def carried(
    *deliveries: Delivery, judge: Judge | None = None, sender: str = SENDER
) -> tuple[list[str], list[Request]]:
    """The ids of deliveries, and the requests that carried them."""

    async def whole() -> tuple[list[str], list[Request]]:
        async with ProviderServer(judge or ResendJudge()) as server:
            settings = {"api_key": RESEND_KEY, "sender": sender, "base_url": server.url + "/"}
            return await carry(RESEND, settings, *deliveries), server.requests

    return asyncio.run(whole())


def refused(judge: Judge | None = None, **changes: Any) -> BotctlError:
    """The error that a carrying ends in."""
    with pytest.raises(BotctlError) as caught:
        carried(code_for(EMAIL), judge=judge, **changes)
    return caught.value


@pytest.mark.parametrize("delivery", [code_for(EMAIL), link_for(EMAIL)], ids=["code", "link"])
def test_a_mail_is_posted_with_the_deliverys_id_as_its_key(delivery: Delivery) -> None:
    _, requests = carried(delivery)

    mail = write_mail(delivery)
    assert (requests[0].headers["idempotency-key"], requests[0].document) == (
        "dlv0000001",
        {"from": SENDER, "to": [EMAIL], "subject": mail.subject, "text": mail.text},
    )


def test_a_repeat_is_the_same_mail() -> None:
    judge = ResendJudge()

    ids, _ = carried(code_for(EMAIL), code_for(EMAIL), code_for(EMAIL, id="another"), judge=judge)

    assert (ids, len(judge.mails)) == (["mail-0", "mail-0", "mail-1"], 2)


def test_a_sender_of_a_strange_domain_is_the_users_to_mend() -> None:
    error = refused(sender="codes@other.test")

    assert (type(error), error.message) == (
        UserError,
        "resend refused `identity.resend.sender`: The other.test domain is not verified.",
    )


def test_a_sender_that_is_no_address_is_told_at_once() -> None:
    error = refused(sender="Support")

    assert error.message == "`identity.resend.sender` is not an email address: Support"


@pytest.mark.parametrize(
    ("status", "name", "message", "kind", "retryable", "not_executed"),
    [
        (429, "rate_limit_exceeded", "Too many requests.", OutsideError, True, True),
        (429, "daily_quota_exceeded", "You have reached your daily quota.", OutsideError, False, True),
        (429, "monthly_quota_exceeded", "You have reached your quota.", OutsideError, False, True),
        (409, "concurrent_idempotent_requests", "Same key in progress.", OutsideError, True, False),
        (409, "invalid_idempotent_request", "Same key, other payload.", OutsideError, False, False),
        (500, "application_error", "An unexpected error occurred.", OutsideError, True, False),
        (422, "invalid_to_address", "Bad address.", ContactRefusedError, False, False),
        (422, "validation_error", "Invalid 'to' field.", ContactRefusedError, False, False),
        (422, "validation_error", "Invalid `subject` field.", OutsideError, False, False),
    ],
)
def test_errors_say_what_may_be_tried_again(
    status: int, name: str, message: str, kind: type, retryable: bool, not_executed: bool
) -> None:
    reply = Reply(status, {"statusCode": status, "name": name, "message": message})

    error = refused(lambda request: reply)

    assert isinstance(error, OutsideError)
    assert (type(error), error.retryable, error.not_executed) == (kind, retryable, not_executed)
    assert error.message.endswith(f": {message}")


@pytest.mark.parametrize(
    "message",
    [
        "You can only send testing emails to your own email address (me@example.com).",
        "The gmail.com domain is not verified. Please, add and verify your domain",
        "Invalid `from` field. The email address needs to follow the format",
    ],
)
def test_what_is_said_of_the_sender_is_the_users_to_mend(message: str) -> None:
    reply = Reply(403, {"name": "validation_error", "message": message})

    error = refused(lambda request: reply)

    assert (type(error), error.help) == (
        UserError,
        "use an address of a domain that is verified at resend.com/domains",
    )


@pytest.mark.parametrize("document", ["<html>welcome</html>", {}, {"id": ""}, {"id": None}, [1], "[" * 9999])
def test_a_success_without_an_id_is_none(document: Any) -> None:
    error = refused(lambda request: Reply(200, document))

    assert (type(error), error.message, error.help) == (
        OutsideError,
        "resend answered HTTP 200 without the id of what was sent",
        "see whether `base_url` leads to resend",
    )


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    error = refused(lambda request: Reply(200, "x" * 2_000_000))

    assert "without the id" in error.message
