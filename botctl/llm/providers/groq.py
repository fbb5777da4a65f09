"""groq: open models on Groq's machines, over chat completions.

```yaml
llm:
  provider: groq
  model: openai/gpt-oss-120b
  api_key: ${GROQ_API_KEY}       # this variable is also used when api_key is left out
```

A tool call that Groq cannot read comes back as one with wrong arguments, which the model may correct.
"""

from __future__ import annotations

from botctl.clock import Clock
from botctl.llm.chat import ChatModel
from botctl.llm.default_models import DEFAULT_MODELS
from botctl.llm.openai_wire import Dialect, connect_openai
from botctl.llm.pictures import PictureRules
from botctl.llm.provider import ModelSettings, Provider

# 4 MB for a picture in base64 (Groq's documents on vision, 2026).
_DIALECT = Dialect(length_field="max_completion_tokens", pictures=PictureRules(largest=3_000_000))


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model of Groq's."""
    return connect_openai(GROQ, settings, clock, _DIALECT)


GROQ = Provider(
    name="groq",
    doc=__doc__,
    connect=connect,
    default_model=DEFAULT_MODELS["groq"],
    default_base_url="https://api.groq.com/openai/v1",
    key_variable="GROQ_API_KEY",
)
