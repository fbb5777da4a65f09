"""The model providers botctl has."""

from botctl.llm.provider import Provider
from botctl.llm.providers import anthropic, custom, openai, scripted

PROVIDERS: tuple[Provider, ...] = (anthropic.ANTHROPIC, openai.OPENAI, custom.CUSTOM, scripted.SCRIPTED)
