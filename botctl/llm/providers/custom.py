"""custom: any server that speaks OpenAI's chat completions, such as vLLM, Ollama, LM Studio or a proxy.

```yaml
llm:
  provider: custom
  base_url: http://127.0.0.1:11434/v1
  model: llama3.3
  api_key: ${MY_SERVER_KEY}      # leave it out if the server needs none
```

A server that refuses a temperature, a JSON Schema or pictures is asked without, and the trace says so.
"""

from __future__ import annotations

from botctl.clock import Clock
from botctl.llm.chat import ChatModel
from botctl.llm.openai_wire import Dialect, connect_openai
from botctl.llm.provider import ModelSettings, Provider


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model of the server at `base_url`."""
    return connect_openai(CUSTOM, settings, clock, Dialect())


CUSTOM = Provider(name="custom", doc=__doc__, connect=connect, needs_key=False, needs_base_url=True)
