"""ses: requests that are signed so that botocore, signing anew, agrees; and the shape that moto reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from msgspec.structs import replace

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.letter import write_mail
from botctl.identity.provider import ContactRefusedError
from botctl.identity.providers.ses import SES, SesSettings
from tests.identity.providers.judges import (
    AWS_KEY,
    AWS_REGION,
    AWS_SECRET,
    SES_SENDER,
    judge_ses,
    signature_of,
)
from tests.identity.world import EMAIL, Judge, ProviderServer, Reply, Request, carry, code_for

RIGHT = {
    "access_key_id": AWS_KEY,
    "secret_access_key": AWS_SECRET,
    "region": AWS_REGION,
    "sender": f"Support <{SES_SENDER}>",
}


def carried(judge: Judge = judge_ses, **changes: str) -> Request:
    """The request that carried a code."""

    async def whole() -> Request:
        async with ProviderServer(judge) as server:
            await carry(SES, {**RIGHT, "base_url": server.url, **changes}, code_for(EMAIL))
            return server.requests[0]

    return asyncio.run(whole())


def refused(judge: Judge = judge_ses, **changes: str) -> BotctlError:
    """The error that a carrying ends in."""
    with pytest.raises(BotctlError) as caught:
        carried(judge, **changes)
    return caught.value


def test_the_judge_knows_the_official_signature() -> None:
    # "get-vanilla" of the AWS Signature Version 4 test suite.
    signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    request = Request(
        "GET",
        "/",
        {
            "host": "example.amazonaws.com",
            "x-amz-date": "20150830T123600Z",
            "authorization": "AWS4-HMAC-SHA256"
            " Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
            f" SignedHeaders=host;x-amz-date, Signature={signature}",
        },
        b"",
    )

    assert signature_of(request, AWS_SECRET, "https") == (signature, signature)


def test_a_mail_is_posted_as_simple_content() -> None:
    request = carried()

    mail = write_mail(code_for(EMAIL))
    assert (request.headers["content-type"], request.document) == (
        "application/json",
        {
            "FromEmailAddress": f"Support <{SES_SENDER}>",
            "Destination": {"ToAddresses": [EMAIL]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": mail.text, "Charset": "UTF-8"}},
                }
            },
        },
    )


def test_a_tampered_request_is_not_the_one_that_was_signed() -> None:
    request = carried()
    tampered = [
        replace(request, body=request.body.replace(b"048213", b"048214")),
        replace(request, target=request.target + "?x=1"),
        replace(request, method="PUT"),
        replace(request, headers={**request.headers, "host": "elsewhere.test"}),
        replace(request, headers={**request.headers, "content-type": "text/plain"}),
    ]

    statuses = [judge_ses(one).status for one in (request, *tampered)]

    assert statuses == [200, 403, 403, 403, 403, 403]


def test_a_temporary_keys_token_is_sent_and_signed() -> None:
    request = carried(session_token="IQoJb3JpZ2luX2VjEXAMPLE==")
    without = replace(request, headers={**request.headers, "x-amz-security-token": "another"})

    assert (judge_ses(request).status, judge_ses(without).status) == (200, 403)


def test_another_region_is_signed_for() -> None:
    error = refused(region="us-east-1")

    assert isinstance(error, UserError) and error.message.startswith(
        "ses refused `identity.ses.access_key_id`"
    )


def test_the_real_services_address_has_the_region_in_it() -> None:
    settings = SesSettings.model_validate(RIGHT)

    assert settings.base_url.replace("{region}", settings.region) == (
        "https://email.eu-central-1.amazonaws.com"
    )


def test_a_sender_that_is_not_verified_is_the_users_to_mend() -> None:
    error = refused(sender="codes@other.test")

    assert (type(error), error.message.partition(":")[0], error.help) == (
        UserError,
        "ses refused `identity.ses.sender`",
        "verify it in the SES console, region eu-central-1; in the sandbox recipients must be verified too",
    )


@pytest.mark.parametrize(
    ("status", "type_", "message", "kind", "retryable", "not_executed"),
    [
        (429, "TooManyRequestsException", "Too many requests", OutsideError, True, True),
        (400, "Throttling", "Maximum sending rate exceeded.", OutsideError, True, True),
        (400, "LimitExceededException", "Daily message quota exceeded.", OutsideError, False, True),
        (400, "MessageRejected", "Address blacklisted.", ContactRefusedError, False, False),
        (400, "BadRequestException", "Missing final '@domain'", ContactRefusedError, False, False),
        (400, "BadRequestException", "Subject is too long", OutsideError, False, False),
        (503, "ServiceUnavailable", "", OutsideError, True, False),
    ],
)
@pytest.mark.parametrize("written", ["header", "body"])
def test_errors_say_what_may_be_tried_again(
    status: int,
    type_: str,
    message: str,
    kind: type,
    retryable: bool,
    not_executed: bool,
    written: str,
) -> None:
    in_header = {"x-amzn-errortype": f"{type_}:http://internal.amazon.com/"} if written == "header" else {}
    document = {"message": message} if in_header else {"__type": f"com.amazonaws#{type_}", "Message": message}

    error = refused(lambda request: Reply(status, document, in_header))

    assert isinstance(error, OutsideError)
    assert (type(error), error.retryable, error.not_executed) == (kind, retryable, not_executed)


@pytest.mark.parametrize(
    "type_", ["AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException"]
)
def test_an_account_that_may_not_send_is_the_users_to_mend(type_: str) -> None:
    reply = Reply(400, {"message": "no"}, {"x-amzn-errortype": type_})

    error = refused(lambda request: reply)

    assert (type(error), error.message) == (UserError, "ses does not send for this account: no")


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    """A moto server, which plays all of AWS but checks no signatures."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def moto_client(url: str) -> Any:
    return boto3.client(
        "sesv2",
        region_name=AWS_REGION,
        endpoint_url=url,
        aws_access_key_id=AWS_KEY,
        aws_secret_access_key=AWS_SECRET,
        config=Config(proxies={}),
    )


def test_moto_reads_the_mail_that_was_sent(moto_url: str) -> None:
    moto_client(moto_url).create_email_identity(EmailIdentity=SES_SENDER)

    ids = asyncio.run(carry(SES, {**RIGHT, "base_url": moto_url}, code_for(EMAIL)))

    mail = write_mail(code_for(EMAIL))
    sent = ses_backends[DEFAULT_ACCOUNT_ID][AWS_REGION].sent_messages
    assert [(one.id, one.source, one.destinations, one.subject, one.body) for one in sent] == [
        (ids[0], f"Support <{SES_SENDER}>", {"ToAddresses": [EMAIL]}, mail.subject, mail.text)
    ]


def test_moto_refuses_a_sender_that_is_not_verified(moto_url: str) -> None:
    with pytest.raises(UserError) as caught:
        settings = {**RIGHT, "sender": "codes@other.test", "base_url": moto_url}
        asyncio.run(carry(SES, settings, code_for(EMAIL)))

    assert caught.value.message.startswith("ses refused `identity.ses.sender`: ")
