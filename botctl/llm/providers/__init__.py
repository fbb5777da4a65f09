"""The model providers botctl has: the one list of them."""

from botctl.llm.provider import Provider
from botctl.llm.providers.anthropic import ANTHROPIC
from botctl.llm.providers.custom import CUSTOM
from botctl.llm.providers.openai import OPENAI
from botctl.llm.providers.scripted import SCRIPTED

PROVIDERS: tuple[Provider, ...] = (ANTHROPIC, OPENAI, CUSTOM, SCRIPTED)
