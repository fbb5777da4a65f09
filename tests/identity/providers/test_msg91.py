"""msg91: what is posted, and that HTTP 200 alone is no success."""

from __future__ import annotations

import asyncio

import pytest

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.provider import ContactRefusedError, Delivery
from botctl.identity.providers.msg91 import MSG91
from tests.identity.providers.judges import MSG91_KEY, MSG91_TEMPLATE, judge_msg91
from tests.identity.world import PHONE, Judge, ProviderServer, Reply, Request, carry, code_for, link_for


def carried(delivery: Delivery, judge: Judge = judge_msg91, **changes: str) -> tuple[list[str], Request]:
    """The id of a delivery, and the request that carried it."""

    async def whole() -> tuple[list[str], Request]:
        async with ProviderServer(judge) as server:
            settings = {"auth_key": MSG91_KEY, "template_id": MSG91_TEMPLATE, "base_url": server.url}
            ids = await carry(MSG91, settings | changes, delivery)
            return ids, server.requests[0]

    return asyncio.run(whole())


def refused(judge: Judge = judge_msg91, delivery: Delivery | None = None, **changes: str) -> BotctlError:
    """The error that a carrying ends in."""
    with pytest.raises(BotctlError) as caught:
        carried(delivery or code_for(PHONE), judge, **changes)
    return caught.value


def test_the_number_goes_without_plus_and_the_code_keeps_its_first_zero() -> None:
    ids, request = carried(code_for("+919876543210", minutes=5))

    assert (ids, request.document) == (
        ["366b6f6e6f54303732363735"],
        {"template_id": MSG91_TEMPLATE, "mobile": "919876543210", "otp": "048213", "otp_expiry": 5},
    )


def test_neither_key_nor_code_is_in_the_address() -> None:
    _, request = carried(code_for(PHONE))

    assert request.target == "/api/v5/otp"


def test_a_link_is_refused_before_anything_is_sent() -> None:
    error = refused(delivery=link_for(PHONE))

    assert (type(error), error.message) == (
        UserError,
        "msg91 cannot carry a link: its messages are templates with a code",
    )


def test_a_wrong_template_is_the_users_to_mend() -> None:
    error = refused(template_id="other")

    assert (type(error), error.message) == (
        UserError,
        "msg91 refused `identity.msg91.template_id`: Template ID Missing or Invalid Template",
    )


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid authkey", UserError),
        ("AuthKey Missing", UserError),
        ("Authentication failure", UserError),
        ("IP is not whitelisted", UserError),
        ("otp_not_found_and_placeholder_not_found_in_message", UserError),
        ("Insufficient balance to send SMS", UserError),
        ("Invalid mobile", ContactRefusedError),
        ("Mobile number is invalid", ContactRefusedError),
        ("OTP request limit reached for this mobile", OutsideError),
        ("something new", OutsideError),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_an_error_is_one_with_every_status(message: str, kind: type, status: int) -> None:
    error = refused(lambda request: Reply(status, {"type": "error", "message": message}))

    assert type(error) is kind


@pytest.mark.parametrize("document", ["", "<html></html>", {}, {"type": "error"}, {"message": ""}])
def test_200_without_success_is_none(document: object) -> None:
    error = refused(lambda request: Reply(200, document))

    assert (type(error), error.message) == (
        OutsideError,
        "msg91 answered HTTP 200 without the id of what was sent",
    )
