"""The providers that carry codes and links."""

from botctl.identity.provider import IdentityProvider
from botctl.identity.providers.console import CONSOLE
from botctl.identity.providers.custom_http import CUSTOM_HTTP
from botctl.identity.providers.msg91 import MSG91
from botctl.identity.providers.resend import RESEND
from botctl.identity.providers.ses import SES
from botctl.identity.providers.twilio import TWILIO

IDENTITY_PROVIDERS: tuple[IdentityProvider, ...] = (CONSOLE, CUSTOM_HTTP, MSG91, RESEND, SES, TWILIO)
