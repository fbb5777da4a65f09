"""The one table of models: what a provider is asked for when bot.yaml names none.

Chosen from the names that the official SDKs know (PLATFORMS 7, 2026-11: anthropic 2.11, openai 3.52,
google-genai 3.4, groq): of each family the one in the middle, for price and speed; of Cloudflare's, one that
its own documents name. Model names die; this is the only place that has any.
"""

from __future__ import annotations

DEFAULT_MODELS = {
    "anthropic": "claude-sonnet-5-5",
    "openai": "gpt-5.4-mini",
    "google": "gemini-3.8-flash",
    "groq": "openai/gpt-oss-120b",
    "cloudflare": "@cf/openai/gpt-oss-120b",
}
