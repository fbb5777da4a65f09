"""openai: OpenAI's models, over chat completions.

```yaml
llm:
  provider: openai
  model: gpt-5.4-mini
  api_key: ${OPENAI_API_KEY}     # this variable is also used when api_key is left out
```

Models that take no temperature or no pictures are asked without, and the trace says so.
"""

from __future__ import annotations

from botctl.clock import Clock
from botctl.llm.chat import ChatModel
from botctl.llm.default_models import DEFAULT_MODELS
from botctl.llm.openai_wire import Dialect, connect_openai
from botctl.llm.provider import ModelSettings, Provider


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model of OpenAI's."""
    return connect_openai(OPENAI, settings, clock, Dialect(length_field="max_completion_tokens"))


OPENAI = Provider(
    name="openai",
    doc=__doc__,
    connect=connect,
    default_model=DEFAULT_MODELS["openai"],
    default_base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
)
