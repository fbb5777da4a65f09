"""The judges: what each real service would answer to a request. From the facts of their documentation."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from standardwebhooks import Webhook, WebhookVerificationError

from tests.identity.world import Reply, Request

RESEND_KEY = "re_9xK2mPq7_testing"
RESEND_DOMAIN = "example.com"
TWILIO_ACCOUNT = "AC" + "0123456789abcdef" * 2
TWILIO_TOKEN = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
TWILIO_NUMBER = "+15005550006"
MSG91_KEY = "451234Abcdefgh6789"
MSG91_TEMPLATE = "65f0a1b2c3d4e5f6a7b8c9d0"
AWS_KEY = "AKIDEXAMPLEEXAMPLE00"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AWS_REGION = "eu-central-1"
SES_SENDER = "codes@example.com"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MAILBOX = re.compile(r"[^@\s<>]+@([a-z0-9-]+\.)+[a-z]+")


class ResendJudge:
    """POST /emails. Keeps mails by idempotency key; addresses at `.invalid` are not reached."""

    def __init__(self) -> None:
        self.mails: dict[str, bytes] = {}

    def __call__(self, request: Request) -> Reply:
        headers = request.headers
        if not headers.get("user-agent"):
            return _resend(403, "forbidden", "a User-Agent header is required")
        if "authorization" not in headers:
            return _resend(401, "missing_api_key", "Missing API Key")
        if headers["authorization"] != f"Bearer {RESEND_KEY}":
            return _resend(403, "invalid_api_key", "API key is invalid")
        if (request.method, request.target) != ("POST", "/emails"):
            return _resend(404, "not_found", "The requested endpoint does not exist")
        if headers.get("content-type") != "application/json":
            return _resend(422, "missing_required_field", "Missing `to` field")
        return self._take(headers.get("idempotency-key", ""), request)

    def _take(self, key: str, request: Request) -> Reply:
        mail = request.document
        if set(mail) != {"from", "to", "subject", "text"} or not all(mail.values()):
            return _resend(422, "missing_required_field", "Missing a required field")
        if not _MAILBOX.search(mail["from"]):
            return _resend(422, "invalid_from_address", "Invalid `from` field.")
        if f"@{RESEND_DOMAIN}" not in mail["from"]:
            return _resend(403, "validation_error", "The other.test domain is not verified.")
        if not all(_MAILBOX.fullmatch(one) and not one.endswith(".invalid") for one in mail["to"]):
            return _resend(422, "validation_error", "Invalid `to` field. The email address needs to follow")
        if not 1 <= len(key) <= 256:
            return _resend(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        if self.mails.setdefault(key, request.body) != request.body:
            return _resend(
                409, "invalid_idempotent_request", "Same idempotency key used with another payload"
            )
        return Reply(200, {"id": f"mail-{list(self.mails).index(key)}"})


def _resend(status: int, name: str, message: str) -> Reply:
    return Reply(status, {"statusCode": status, "name": name, "message": message})


def judge_twilio(request: Request) -> Reply:
    """POST .../Messages.json, with the account's token or the API key SKkey:secret."""
    logins = [f"{TWILIO_ACCOUNT}:{TWILIO_TOKEN}", "SK0123456789:keysecret00"]
    if request.headers.get("authorization") not in [
        f"Basic {b64encode(login.encode()).decode()}" for login in logins
    ]:
        return _twilio(401, 20003, "Authenticate")
    path = f"/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json"
    if (request.method, request.target) != ("POST", path):
        return _twilio(404, 20404, f"The requested resource {request.target} was not found")
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        return _twilio(400, 21604, "A 'To' phone number is required.")
    form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
    if set(form) not in ({"To", "From", "Body"}, {"To", "MessagingServiceSid", "Body"}):
        return _twilio(400, 21603, "A 'From' phone number is required.")
    if not E164.fullmatch(form["To"]):
        return _twilio(400, 21211, f"Invalid 'To' Phone Number: {form['To']}")
    magic = {"+15005550009": 21614, "+15005550004": 21610, "+15005550003": 21408, "+15005550008": 21608}
    if form["To"] in magic:
        return _twilio(400, magic[form["To"]], f"Message cannot be sent to {form['To']}: {form['Body']}")
    if form.get("From", TWILIO_NUMBER) != TWILIO_NUMBER:
        return _twilio(400, 21606, "The 'From' phone number provided is not yours")
    if len(form["Body"]) > 1600:
        return _twilio(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    return Reply(201, {"sid": "SM" + "0" * 32, "status": "queued", "error_code": None, "error_message": None})


def _twilio(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})


def judge_msg91(request: Request) -> Reply:
    """POST /api/v5/otp. Always 200; numbers that are not Indian mobiles or German ones are refused."""
    if (request.method, request.target) != ("POST", "/api/v5/otp"):
        return Reply(404, "<html>Not Found</html>")
    if request.headers.get("authkey") != MSG91_KEY:
        return _msg91("Invalid authkey")
    if request.headers.get("content-type") != "application/json":
        return _msg91("Some Parameters missing")
    asked = request.document
    if set(asked) != {"template_id", "mobile", "otp", "otp_expiry"}:
        return _msg91("Some Parameters missing")
    if asked["template_id"] != MSG91_TEMPLATE:
        return _msg91("Template ID Missing or Invalid Template")
    if not re.fullmatch(r"(91[6-9][0-9]{9}|49[0-9]{9,12})", asked["mobile"]):
        return _msg91(f"Invalid mobile number {asked['mobile']}")
    if not re.fullmatch(r"[0-9]{4,9}", asked["otp"]) or not 1 <= asked["otp_expiry"] <= 1440:
        return _msg91("invalid_otp_expiry")
    return Reply(200, {"type": "success", "request_id": "366b6f6e6f54303732363735"})


def _msg91(message: str) -> Reply:
    return Reply(200, {"type": "error", "message": message})


@cache
def _send_email_shape() -> Any:
    model = ServiceModel(Loader().load_service_model("sesv2", "service-2"), "sesv2")
    return model.operation_model("SendEmail").input_shape


def signature_of(request: Request, secret: str, scheme: str = "http") -> tuple[str, str]:
    """(given, expected) signature of a request, the expected one made anew by botocore from what arrived."""
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/([^/]+)/aws4_request,"
        r" SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        request.headers["authorization"],
    )
    assert match is not None
    key, date, region, service, names, given = match.groups()
    signed = {name: request.headers[name] for name in names.split(";")}
    if not {"host", "x-amz-date"} <= set(signed) or signed["x-amz-date"][:8] != date:
        return given, "without host and date"
    url = f"{scheme}://{request.headers['host']}{request.target}"
    anew = AWSRequest(request.method, url, headers=signed, data=request.body)
    anew.context["timestamp"] = signed["x-amz-date"]
    signer = SigV4Auth(Credentials(key, secret), service, region)
    return given, signer.signature(signer.string_to_sign(anew, signer.canonical_request(anew)), anew)


def judge_ses(request: Request) -> Reply:
    """POST /v2/email/outbound-emails, signed for service `ses`; only SES_SENDER is verified."""
    written = request.headers.get("authorization", "")
    if f"/{AWS_REGION}/ses/aws4_request" not in written:
        return _ses(403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'ses'.")
    if f"Credential={AWS_KEY}/" not in written:
        return _ses(403, "UnrecognizedClientException", "The security token included is invalid.")
    age = datetime.now(UTC) - datetime.strptime(request.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    given, expected = signature_of(request, AWS_SECRET)
    if given != expected or abs(age) > timedelta(minutes=5):
        return _ses(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")
    if (request.method, request.target) != ("POST", "/v2/email/outbound-emails"):
        return _ses(404, "UnknownOperationException", "")
    mail = request.document
    report = ParamValidator().validate(mail, _send_email_shape())
    if report.has_errors():
        return _ses(400, "BadRequestException", report.generate_report())
    if SES_SENDER not in mail["FromEmailAddress"]:
        message = "Email address is not verified. The following identities failed the check in region"
        return _ses(400, "MessageRejected", f"{message} {AWS_REGION}: {mail['FromEmailAddress']}")
    if not all(_MAILBOX.fullmatch(one) for one in mail["Destination"]["ToAddresses"]):
        return _ses(400, "BadRequestException", "Local address contains control or whitespace")
    return Reply(200, {"MessageId": "0107018f-0001"})


def _ses(status: int, kind: str, message: str) -> Reply:
    type = f"{kind}:http://internal.amazon.com/coral/com.amazonaws.sesv2/"
    return Reply(status, {"message": message}, {"x-amzn-errortype": type})


def judge_custom(request: Request) -> Reply:
    """POST /send, signed with Standard Webhooks. `nobody` is not reached."""
    try:
        Webhook(WEBHOOK_SECRET).verify(request.body, request.headers)
    except WebhookVerificationError as error:
        return Reply(401, {"error": f"not to be trusted: {error}"})
    if (request.method, request.target, request.headers["content-type"]) != (
        "POST",
        "/send",
        "application/json",
    ):
        return Reply(404, "nothing here")
    if request.document["contact"].startswith("nobody"):
        return Reply(422, {"error": f"cannot reach {request.document['contact']}"})
    return Reply(202, {"id": "sent-1", "result": {"queued": True}})
