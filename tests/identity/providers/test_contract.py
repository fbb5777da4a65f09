"""What all identity providers that are reached by HTTP have in common, each with its judge over loopback."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from typing import Any, NamedTuple

import pytest
import yaml

from botctl.clock import SystemClock
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.provider import ContactRefusedError, Delivery, IdentityProvider
from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.identity.providers.custom_http import CUSTOM_HTTP
from botctl.identity.providers.msg91 import MSG91
from botctl.identity.providers.resend import RESEND
from botctl.identity.providers.ses import SES
from botctl.identity.providers.twilio import TWILIO
from tests.identity.providers import judges
from tests.identity.world import (
    CODE,
    EMAIL,
    LINK,
    PHONE,
    TOKEN,
    Judge,
    ProviderServer,
    Reply,
    Request,
    carry,
    code_for,
    link_for,
)


class Case(NamedTuple):
    """One provider. settings: right ones, `{url}` is the server; wrong: what makes them wrong; id: what its
    judge calls what was sent; refused: a contact that it does not reach."""

    provider: IdentityProvider
    judge: Judge
    settings: dict[str, Any]
    wrong: dict[str, Any]
    contact: str
    refused: str
    id: str


CASES = [
    Case(
        RESEND,
        judges.ResendJudge(),
        {"api_key": judges.RESEND_KEY, "sender": "Support <codes@example.com>", "base_url": "{url}"},
        {"api_key": "re_wrong_wrong"},
        EMAIL,
        "nobody@customer.invalid",
        "mail-0",
    ),
    Case(
        SES,
        judges.judge_ses,
        {
            "access_key_id": judges.AWS_KEY,
            "secret_access_key": judges.AWS_SECRET,
            "region": judges.AWS_REGION,
            "sender": judges.SES_SENDER,
            "base_url": "{url}",
        },
        {"secret_access_key": "wrongwrongwrong"},
        EMAIL,
        "no body@customer.test",
        "0107018f-0001",
    ),
    Case(
        TWILIO,
        judges.judge_twilio,
        {
            "account_sid": judges.TWILIO_ACCOUNT,
            "auth_token": judges.TWILIO_TOKEN,
            "sender": judges.TWILIO_NUMBER,
            "base_url": "{url}",
        },
        {"auth_token": "wrongwrongwrong"},
        PHONE,
        "+15005550009",
        "SM" + "0" * 32,
    ),
    Case(
        MSG91,
        judges.judge_msg91,
        {"auth_key": judges.MSG91_KEY, "template_id": judges.MSG91_TEMPLATE, "base_url": "{url}"},
        {"auth_key": "wrongwrongwrong"},
        PHONE,
        "+15005550009",
        "366b6f6e6f54303732363735",
    ),
    Case(
        CUSTOM_HTTP,
        judges.judge_custom,
        {"url": "{url}/send", "secret": judges.WEBHOOK_SECRET},
        {"secret": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
        EMAIL,
        "nobody@customer.test",
        "sent-1",
    ),
]


def _each(*without: IdentityProvider) -> pytest.MarkDecorator:
    cases = [case for case in CASES if case.provider not in without]
    return pytest.mark.parametrize("case", cases, ids=[case.provider.name for case in cases])


every_provider = _each()
every_provider_of_links = _each(MSG91)
every_provider_with_its_key_in_a_header = _each(SES, TWILIO, CUSTOM_HTTP)


def filled(settings: dict[str, Any], url: str) -> dict[str, Any]:
    """The settings with the server's address in them."""
    return {
        name: value.replace("{url}", url) if isinstance(value, str) else value
        for name, value in settings.items()
    }


def answered(case: Case, judge: Judge | None, delivery: Delivery, **settings: Any) -> str | BotctlError:
    """What carrying ends in: an id or an error."""

    async def whole() -> str | BotctlError:
        async with ProviderServer(judge) as server:
            try:
                return (await carry(case.provider, filled(case.settings | settings, server.url), delivery))[0]
            except BotctlError as error:
                return error

    return asyncio.run(whole())


def nature(result: str | BotctlError) -> Any:
    """(type, retryable, not_executed, retry_after) of an error."""
    if isinstance(result, OutsideError):
        return type(result), result.retryable, result.not_executed, result.retry_after
    return type(result)


def always(status: int, document: Any = None, **headers: str) -> Judge:
    """A server that has one answer."""
    reply = Reply(status, document, {name.replace("_", "-"): value for name, value in headers.items()})
    return lambda request: reply


def test_every_provider_that_talks_http_is_a_case() -> None:
    assert {case.provider.name for case in CASES} | {"console"} == {one.name for one in IDENTITY_PROVIDERS}


@every_provider
def test_what_the_service_would_accept_is_sent_and_its_id_told(case: Case) -> None:
    result = answered(case, case.judge, code_for(case.contact))

    assert result == case.id


@every_provider
def test_the_real_service_is_asked_if_nothing_else_is_set(case: Case) -> None:
    field = case.provider.settings.model_fields.get("base_url")

    assert field is None or str(field.default).startswith("https://")
    assert field is not None or case.provider is CUSTOM_HTTP


@every_provider
def test_a_wrong_key_is_the_users_to_mend(case: Case) -> None:
    result = answered(case, case.judge, code_for(case.contact), **case.wrong)

    assert isinstance(result, UserError)
    assert result.message.startswith(f"{case.provider.name} refused `")
    assert result.help
    assert not any(str(value) in result.message for value in case.wrong.values())


@every_provider
def test_a_contact_that_is_not_reached_is_told_apart(case: Case) -> None:
    result = answered(case, case.judge, code_for(case.refused))

    assert nature(result) == (ContactRefusedError, False, False, None)
    assert case.refused.lstrip("+") not in str(result)


@every_provider
def test_too_many_requests_were_surely_not_executed_and_say_when_to_come_back(case: Case) -> None:
    result = answered(case, always(429, {"message": "slow down"}, retry_after="7"), code_for(case.contact))

    assert nature(result) == (OutsideError, True, True, 7.0)


@every_provider
def test_a_pause_is_an_hour_at_most_and_a_date_is_none(case: Case) -> None:
    pauses = [
        answered(case, always(429, retry_after=written), code_for(case.contact))
        for written in ("86400", "Wed, 21 Oct 2026 07:28:00 GMT")
    ]

    assert [nature(one)[3] for one in pauses] == [3600.0, None]


@every_provider
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_fault_of_the_service_leaves_open_whether_it_sent(case: Case, status: int) -> None:
    result = answered(case, always(status, "<html>oops</html>"), code_for(case.contact))

    assert nature(result) == (OutsideError, True, False, None)


@every_provider
def test_a_refused_connection_surely_sent_nothing(case: Case) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    with pytest.raises(OutsideError) as caught:
        settings = filled(case.settings, f"http://127.0.0.1:{port}")
        asyncio.run(carry(case.provider, settings, code_for(case.contact)))

    assert nature(caught.value) == (OutsideError, True, True, None)
    assert f"{case.provider.name} at 127.0.0.1:{port} cannot be reached" in caught.value.message


@every_provider
def test_silence_ends_at_the_time_limit_and_leaves_open_whether_it_sent(case: Case) -> None:
    result = answered(case, None, code_for(case.contact), timeout="200ms")

    assert nature(result) == (OutsideError, True, False, None)
    assert str(result).endswith(" did not answer within 200ms")


@every_provider
def test_a_connection_that_breaks_off_leaves_open_whether_it_sent(case: Case) -> None:
    async def whole() -> BotctlError:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with pytest.raises(OutsideError) as caught:
                await carry(case.provider, filled(case.settings, url), code_for(case.contact))
        return caught.value

    assert nature(asyncio.run(whole())) == (OutsideError, True, False, None)


@every_provider
def test_a_redirect_is_not_followed(case: Case) -> None:
    async def whole() -> tuple[Any, int]:
        async with ProviderServer(always(200, {"id": "stolen"})) as elsewhere:
            judge = always(307, location=f"{elsewhere.url}/emails")
            async with ProviderServer(judge) as server:
                with pytest.raises(UserError) as caught:
                    await carry(case.provider, filled(case.settings, server.url), code_for(case.contact))
            return caught.value.message, len(elsewhere.requests)

    assert asyncio.run(whole()) == (
        f"{case.provider.name} answered HTTP 307, a redirect, which is not followed",
        0,
    )


@every_provider
def test_every_request_says_who_asks(case: Case) -> None:
    async def whole() -> list[str]:
        async with ProviderServer(case.judge) as server:
            await carry(case.provider, filled(case.settings, server.url), code_for(case.contact))
        return [request.headers["user-agent"] for request in server.requests]

    assert asyncio.run(whole()) == ["botctl"]


@every_provider
def test_one_carrier_carries_again_and_again(case: Case) -> None:
    async def whole() -> int:
        async with ProviderServer(case.judge) as server:
            first = code_for(case.contact, id="two1")
            second = code_for(case.contact, id="two2", code="000000")
            await carry(case.provider, filled(case.settings, server.url), first, second)
        return len(server.requests)

    assert asyncio.run(whole()) == 2


@every_provider
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429, 500])
def test_what_a_server_echoes_back_is_in_no_error_and_in_no_log(
    case: Case, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = str(case.settings[next(iter(case.wrong))])

    def echo(request: Request) -> Reply:
        told = f"{request.body!r} {case.contact} {CODE} {CODE[:3]} {CODE[3:]} {'-'.join(CODE)} {key}"
        return Reply(
            status,
            {"type": "error", "name": "x", "message": told, "id": CODE, "sid": CODE, "MessageId": CODE},
        )

    result = answered(case, echo, code_for(case.contact))

    written = "".join(traceback.format_exception(result)) if isinstance(result, BotctlError) else result
    everything = written + caplog.text + repr(result) + str(getattr(result, "help", ""))
    spaced = f"{CODE[:3]} {CODE[3:]}"
    hidden = [CODE, spaced, "-".join(CODE), case.contact, case.contact.lstrip("+"), key]
    assert [one for one in hidden if one in everything] == []


@every_provider_of_links
@pytest.mark.parametrize("status", [200, 400, 401, 422, 500])
def test_an_echoed_link_is_in_no_error_and_in_no_log(
    case: Case, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(request: Request) -> Reply:
        message = f"cannot send {LINK} {LINK.replace('/', '%2F')} {LINK.replace('/', chr(92) + '/')}"
        return Reply(status, {"message": message, "id": LINK, "sid": LINK, "MessageId": LINK})

    result = answered(case, echo, link_for(case.contact))

    written = "".join(traceback.format_exception(result)) if isinstance(result, BotctlError) else result
    assert TOKEN not in written + caplog.text


@every_provider
def test_no_half_of_a_code_is_left_where_a_long_answer_is_cut(case: Case) -> None:
    results = [
        answered(case, always(400, {"message": "x" * length + CODE}), code_for(case.contact))
        for length in (194, 196, 198)
    ]

    assert [CODE[:2] in str(one) for one in results] == [False, False, False]


@every_provider_with_its_key_in_a_header
def test_a_key_that_http_does_not_allow_is_told_without_it(case: Case) -> None:
    name = next(iter(case.wrong))

    result = answered(case, case.judge, code_for(case.contact), **{name: "key\r\nof-two-lines"})

    assert isinstance(result, UserError)
    assert "of-two-lines" not in "".join(traceback.format_exception(result))


@every_provider
@pytest.mark.parametrize("address", ["not an address", "ftp://127.0.0.1/", "http://", "http://[::1"])
def test_an_address_that_is_none_is_the_users_to_mend(case: Case, address: str) -> None:
    place = "url" if case.provider is CUSTOM_HTTP else "base_url"
    settings = case.settings | {place: address}

    with pytest.raises((UserError, ValueError)) as caught:
        asyncio.run(carry(case.provider, settings, code_for(case.contact)))

    assert isinstance(caught.value, UserError) or place in str(caught.value)


@every_provider
def test_settings_do_not_show_their_secrets(case: Case) -> None:
    settings = case.provider.settings.model_validate(filled(case.settings, "http://127.0.0.1:1"))

    carrier = case.provider.connect(settings, SystemClock())

    shown = repr(settings) + str(settings) + repr(carrier)
    assert [name for name in case.wrong if str(case.settings[name]) in shown] == []


@pytest.mark.parametrize("provider", IDENTITY_PROVIDERS, ids=lambda provider: str(provider.name))
def test_the_example_of_a_providers_manual_is_taken(provider: IdentityProvider) -> None:
    example = (provider.doc or "").partition("```yaml\n")[2].partition("```")[0]
    section = yaml.safe_load(example)["identity"][provider.name]

    settings = provider.settings.model_validate(section)

    assert set(provider.secrets) <= settings.model_fields_set
