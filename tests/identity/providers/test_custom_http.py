"""custom_http: the user's own JSON, signed, and what of its placeholders can go wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from standardwebhooks import Webhook

from botctl.clock import StandingClock
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.provider import Delivery
from botctl.identity.providers.custom_http import CUSTOM_HTTP
from tests.identity.providers.judges import WEBHOOK_SECRET, judge_custom
from tests.identity.world import (
    CODE,
    EMAIL,
    LINK,
    PHONE,
    Judge,
    ProviderServer,
    Reply,
    Request,
    carry,
    code_for,
    link_for,
)

FINE = Reply(200, {"id": "sent-1", "result": {"queued": True, "count": 0}})


def carried(
    delivery: Delivery, judge: Judge = lambda request: FINE, **settings: Any
) -> tuple[list[str], Request]:
    """The id of a delivery, and the request that carried it."""

    async def whole() -> tuple[list[str], Request]:
        async with ProviderServer(judge) as server:
            ids = await carry(CUSTOM_HTTP, {"url": f"{server.url}/send", **settings}, delivery)
            return ids, server.requests[0]

    return asyncio.run(whole())


def refused(delivery: Delivery, judge: Judge = lambda request: FINE, **settings: Any) -> BotctlError:
    """The error that a carrying ends in."""
    with pytest.raises(BotctlError) as caught:
        carried(delivery, judge, **settings)
    return caught.value


@pytest.mark.parametrize(
    ("delivery", "document"),
    [
        (code_for(EMAIL), {"contact": EMAIL, "code": CODE, "link": ""}),
        (link_for(PHONE), {"contact": PHONE, "code": "", "link": LINK}),
    ],
)
def test_without_json_all_that_is_known_is_sent(delivery: Delivery, document: dict[str, Any]) -> None:
    _, request = carried(delivery)

    assert request.document == {"id": "dlv0000001", "minutes": 10, **document}


def test_placeholders_are_filled_where_they_stand() -> None:
    template = {
        "to": "{{contact}}",
        "text": "{{code}} is good for {{ minutes }} minutes",
        "ttl": "{{minutes}}",
        "nested": [{"ref": "otp-{{id}}"}, 1, None, True],
    }

    _, request = carried(code_for(PHONE), json=template)

    assert request.document == {
        "to": PHONE,
        "text": "048213 is good for 10 minutes",
        "ttl": 10,
        "nested": [{"ref": "otp-dlv0000001"}, 1, None, True],
    }


@pytest.mark.parametrize(
    "contact",
    ['a"},"admin":true,"x":{"@b.c', "{{code}}@b.c", "${HOME}@b.c", "a\\u0022@b.c", "ä@b.c", "]@b.c"],
)
def test_no_contact_changes_the_shape_of_the_json(contact: str) -> None:
    template = {"to": "{{contact}}", "text": "to {{contact}}: {{code}}"}

    _, request = carried(code_for(contact), json=template)

    assert request.document == {"to": contact, "text": f"to {contact}: {CODE}"}


def test_requests_are_signed_as_the_reference_library_checks_it() -> None:
    ids, request = carried(code_for(EMAIL), judge_custom, secret=WEBHOOK_SECRET)

    assert (ids, request.headers["webhook-id"]) == (["sent-1"], "dlv0000001")
    assert Webhook(WEBHOOK_SECRET).verify(request.body, request.headers) == request.document


def test_the_signatures_time_is_that_of_the_clock() -> None:
    async def whole() -> str:
        async with ProviderServer(lambda request: FINE) as server:
            settings = CUSTOM_HTTP.settings.model_validate({"url": server.url, "secret": WEBHOOK_SECRET})
            carrier = CUSTOM_HTTP.connect(settings, StandingClock(1_614_265_330_999))
            await carrier.carry(code_for(EMAIL))
            await carrier.close()
            return server.requests[0].headers["webhook-timestamp"]

    assert asyncio.run(whole()) == "1614265330"


def test_without_a_secret_repeats_can_be_told_all_the_same() -> None:
    _, request = carried(code_for(EMAIL))

    assert {name for name in request.headers if name.startswith("webhook-")} == {"webhook-id"}


def test_the_users_headers_are_sent_and_none_of_them_is_a_signature() -> None:
    headers = {"Authorization": "Bearer abc", "Content-Type": "application/vnd.x+json", "Webhook-Id": "mine"}

    _, request = carried(code_for(EMAIL), headers=headers, method="PUT")

    sent = [request.headers[name] for name in ("authorization", "content-type", "webhook-id")]
    assert (request.method, sent) == ("PUT", ["Bearer abc", "application/vnd.x+json", "dlv0000001"])


def test_an_answer_without_an_id_is_known_by_the_deliverys() -> None:
    ids, _ = carried(code_for(EMAIL), lambda request: Reply(204, ""))

    assert ids == ["dlv0000001"]


@pytest.mark.parametrize("path", ["result.queued", "id", "{{ result.queued }}", "result"])
def test_success_is_what_leads_to_something_true(path: str) -> None:
    ids, _ = carried(code_for(EMAIL), success_when=path)

    assert ids == ["sent-1"]


@pytest.mark.parametrize("path", ["result.count", "result.missing", "nothing.at.all"])
def test_a_success_that_is_not_true_is_none(path: str) -> None:
    error = refused(code_for(EMAIL), success_when=path)

    assert isinstance(error, OutsideError)
    assert (error.retryable, error.message) == (
        False,
        f"custom_http answered HTTP 200, but `{path}` is not true",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"json": {"to": "{{phone}}", "code": "{{code}}"}},
            "`identity.custom_http.json` has a placeholder `phone`, which is never filled",
        ),
        (
            {"json": {"to": "{{contact.name}}", "code": "{{code}}"}},
            "`identity.custom_http.json` has a placeholder `contact.name`, which is never filled",
        ),
        ({"json": {"to": "{{contact}}"}}, "`identity.custom_http.json` has no place for the code"),
        ({"secret": "short"}, "`identity.custom_http.secret` is not a secret of Standard Webhooks"),
        ({"secret": "schlüssel"}, "`identity.custom_http.secret` is not a secret of Standard Webhooks"),
        ({"url": "http://10.255.0.1:9/send"}, "`identity.custom_http.url` leads into a private network:"),
        ({"url": "http://169.254.169.254/x"}, "`identity.custom_http.url` leads into a private network:"),
    ],
)
def test_settings_that_cannot_work_are_the_users_to_mend(settings: dict[str, Any], message: str) -> None:
    error = refused(code_for(EMAIL), **settings)

    assert isinstance(error, UserError) and error.help
    assert error.message.startswith(message)


def test_a_link_needs_a_place_in_the_json() -> None:
    error = refused(link_for(EMAIL), json={"to": "{{contact}}", "text": "{{code}}"})

    assert (error.message, error.help) == (
        "`identity.custom_http.json` has no place for the link",
        "write {{link}} into one of its texts",
    )


def test_a_path_that_cannot_be_read_is_told_at_once() -> None:
    error = refused(code_for(EMAIL), success_when="result[0")

    assert isinstance(error, UserError)
    assert error.message.startswith("`identity.custom_http.success_when`: ")


@pytest.mark.parametrize("status", [404, 405, 410])
def test_an_address_with_nothing_behind_it_is_the_users_to_mend(status: int) -> None:
    error = refused(code_for(EMAIL), lambda request: Reply(status, ""))

    assert (type(error), error.message) == (UserError, f"custom_http answered HTTP {status}")


def test_a_private_network_is_entered_if_that_is_meant() -> None:
    async def whole() -> str:
        async with ProviderServer(lambda request: FINE) as server:
            # 127.1 is this machine, but not written as such
            url = f"http://127.1:{server.port}/send"
            with pytest.raises(UserError):
                await carry(CUSTOM_HTTP, {"url": url}, code_for(EMAIL))
            assert server.requests == []
            return (await carry(CUSTOM_HTTP, {"url": url, "allow_private": True}, code_for(EMAIL)))[0]

    assert asyncio.run(whole()) == "sent-1"
