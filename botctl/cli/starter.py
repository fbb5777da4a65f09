"""A starter: the files of a new bot, from the samples in botctl/starters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from botctl.errors import UsageError
from botctl.llm.provider import Provider
from botctl.llm.providers import PROVIDERS
from botctl.platforms import PLATFORMS
from botctl.secrets import references
from botctl.spec.fields import close_word

SCRIPTED = "scripted"
CONSOLE = "console"
IGNORED = (".botctl/", ".env", "__pycache__/")
"""What does not belong into a repository."""

_STARTERS = Path(__file__).parent.parent / "starters"
_PLATFORMS = _STARTERS / "platforms"
_MONTH_CENTS = 2000
_KINDS = {
    "bot.yaml": "bot",
    "workflow.yaml": "workflow",
    "workspace.yaml": "workspace",
    "stories.yaml": "test",
}


def use_cases() -> dict[str, str]:
    """What a bot can be made for, each with a sentence about it; the simplest first."""
    found = {
        folder.name: re.findall(
            r"^description: (.+)$", (folder / "bot.yaml").read_text(encoding="utf-8"), re.M
        )[0]
        for folder in sorted(_STARTERS.iterdir())
        if (folder / "bot.yaml").is_file()
    }
    return dict(sorted(found.items(), key=lambda pair: pair[0] != "hello"))


def platform_names() -> list[str]:
    """Where a bot may talk beside this terminal."""
    return [platform.name for platform in PLATFORMS if platform.name != CONSOLE]


def provider_names() -> list[str]:
    """Whose models may answer, the one without an account first."""
    return [SCRIPTED, *(provider.name for provider in PROVIDERS if provider.name != SCRIPTED)]


def chosen(what: str, given: str, known: Iterable[str]) -> str:
    """What was asked for, if there is such a thing."""
    names = list(known)
    if given in names:
        return given
    close = close_word(given, names)
    raise UsageError(
        f"there is no {what} `{given}`",
        help=f"did you mean `{close}`?" if close else "one of " + ", ".join(names),
    )


def needs_model(use_case: str) -> bool:
    """Whether a model answers something in it."""
    return (_STARTERS / use_case / "script.yaml").exists()


def refuse_unfit(use_case: str, provider: str) -> None:
    """A UsageError if a provider's models cannot do what a bot needs of them."""
    calls_tools = needs_model(use_case) and not (_STARTERS / use_case / "workflow.yaml").exists()
    if calls_tools and not _provider(provider).supports_tools:
        raise UsageError(
            f"models of `{provider}` cannot call tools, which `{use_case}` lives on",
            help="choose another provider",
        )


def starter_files(use_case: str, name: str, platforms: Iterable[str], provider: str) -> dict[str, str]:
    """The texts of all files of a new bot, by their paths in the project."""
    folder = _STARTERS / use_case
    refuse_unfit(use_case, provider)
    module = module_name(name)
    words = {
        "__NAME__": name,
        "__MODULE__": module,
        "__PLATFORMS__\n": platform_lines(name, [CONSOLE, *platforms]),
        "__MODEL__\n": model_lines(provider),
    }
    places = {
        "bot.yaml": f"bots/{name}/bot.yaml",
        "workflow.yaml": f"bots/{name}/workflow.yaml",
        "script.yaml": f"bots/{name}/script.yaml" if provider == SCRIPTED else "",
        "stories.yaml": f"bots/{name}/tests/conversations.yaml",
        "workspace.yaml": f"workspaces/{name}.yaml",
        "tools.py.txt": f"workspaces/{module}_tools.py",
    }
    written = {}
    for file in sorted(folder.rglob("*.*")):
        place = places.get(file.name, f"workspaces/{module}_articles/{file.name}")
        if place:
            text = filled_in(file.read_text(encoding="utf-8"), words)
            written[place] = schema_comment(_KINDS.get(file.name, ""), place) + text
    return dict(sorted(written.items()))


def module_name(name: str) -> str:
    """A bot's name as a part of the name of a Python module."""
    module = re.sub(r"\W", "_", name).lower()
    return f"bot_{module}" if module[0].isdigit() else module


def filled_in(text: str, words: Mapping[str, str]) -> str:
    """A text of a starter with what it leaves open."""
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def platform_lines(name: str, platforms: Iterable[str]) -> str:
    """What stands under `platforms:` in bot.yaml."""
    words = {"__NAME__": name, "__VARIABLE__": module_name(name).upper()}
    return "".join(
        filled_in((_PLATFORMS / f"{platform}.yaml").read_text(encoding="utf-8"), words)
        for platform in dict.fromkeys(platforms)
    )


def model_lines(name: str) -> str:
    """The line `llm` of bot.yaml; who pays for calls has a limit to begin with."""
    if name == SCRIPTED:
        return (
            "# No account, no key: a script answers. For a model write {provider: anthropic}, or another.\n"
            "llm: {provider: scripted, script: script.yaml}\n"
        )
    provider = _provider(name)
    if provider.needs_base_url:
        return (
            f"llm:\n  provider: {name}\n"
            '  base_url: "${MODEL_URL:-http://127.0.0.1:11434/v1}"\n'
            '  model: "${MODEL_NAME:-llama3.3}"\n'
            "  price: {input: 0, output: 0} # dollars per million tokens\n"
        )
    return (
        f"# Its key stands in {' and '.join(model_variables(name))}, in the environment or in .env.\n"
        f"llm: {{provider: {name}}}\n"
        f"billing: {{per_month_cents: {_MONTH_CENTS}}}\n"
    )


def model_variables(name: str) -> list[str]:
    """The environment variables that a provider reads by itself."""
    provider = _provider(name)
    return [variable for variable in (provider.key_variable, provider.account_variable) if variable]


def variables_of(texts: Iterable[str]) -> list[str]:
    """The environment variables that files name outside of comments, in order."""
    lines = [line for text in texts for line in text.splitlines() if not line.lstrip().startswith("#")]
    return list(dict.fromkeys(name for line in lines for name in references(line)))


def schema_comment(kind: str, place: str) -> str:
    """The line by which editors know what a file may hold; "" for a file that has no schema."""
    up = "../" * place.count("/")
    return f"# yaml-language-server: $schema={up}.botctl/schema/{kind}.json\n" if kind else ""


def _provider(name: str) -> Provider:
    return next(provider for provider in PROVIDERS if provider.name == name)
