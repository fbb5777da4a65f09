"""The model providers botctl has: the one list of them."""

from botctl.llm.provider import Provider
from botctl.llm.providers.anthropic import ANTHROPIC
from botctl.llm.providers.cloudflare import CLOUDFLARE
from botctl.llm.providers.custom import CUSTOM
from botctl.llm.providers.google import GOOGLE
from botctl.llm.providers.groq import GROQ
from botctl.llm.providers.openai import OPENAI
from botctl.llm.providers.scripted import SCRIPTED

PROVIDERS: tuple[Provider, ...] = (ANTHROPIC, OPENAI, GOOGLE, GROQ, CLOUDFLARE, CUSTOM, SCRIPTED)
