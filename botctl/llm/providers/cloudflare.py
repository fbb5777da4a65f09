"""cloudflare: open models on Cloudflare's Workers AI, over its OpenAI-compatible address.

```yaml
llm:
  provider: cloudflare
  model: "@cf/openai/gpt-oss-120b"
  account_id: ${CLOUDFLARE_ACCOUNT_ID}  # this variable is also used when account_id is left out
  api_key: ${CLOUDFLARE_API_TOKEN}      # likewise; a token with the permission Workers AI: Read
```

It calls no tools and takes no pictures.
"""

from __future__ import annotations

from botctl.clock import Clock
from botctl.llm.chat import ChatModel
from botctl.llm.default_models import DEFAULT_MODELS
from botctl.llm.openai_wire import Dialect, connect_openai
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.service import Refusal

# Workers AI's list of errors (2026-11): the neurons of the day are used up; tomorrow there are new ones.
_UNPAID = frozenset({"3036", "4006"})
_NO_SUCH_MODEL = "5007"
_NO_ROUTE = frozenset({"7000", "7003"})


def _put_right(refusal: Refusal) -> None:
    """A model that does not exist is a 400, and an account that does not exist looks like one."""
    if refusal.code == _NO_SUCH_MODEL:
        refusal.status = 404
    elif refusal.code in _NO_ROUTE:
        refusal.status, refusal.is_json = 404, False


_DIALECT = Dialect(
    pictures=None,
    unpaid=_UNPAID,
    address_help="check `llm.account_id` (CLOUDFLARE_ACCOUNT_ID), and `llm.base_url` if you set it",
    put_right=_put_right,
)


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model on Workers AI."""
    return connect_openai(CLOUDFLARE, settings, clock, _DIALECT)


CLOUDFLARE = Provider(
    name="cloudflare",
    doc=__doc__,
    connect=connect,
    aliases=("workers-ai",),
    default_model=DEFAULT_MODELS["cloudflare"],
    default_base_url="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1",
    key_variable="CLOUDFLARE_API_TOKEN",
    account_variable="CLOUDFLARE_ACCOUNT_ID",
    supports_tools=False,
)
