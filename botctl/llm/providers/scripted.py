"""scripted: a model that answers from a file, for tests, demos and work without a network.

```yaml
llm: {provider: scripted, script: script.yaml}
```

The script is a list. The first entry that fits answers:

```yaml
- match: order (\\d+)                 # a regular expression, searched in the last user message (the prompt)
  calls:
    - {tool: shop__get_order, arguments: {id: "{{1}}"}}
- after_tool: shop__get_order        # fits right after a result of this tool
  reply: "Here you are: {{result}}"
- match: classify
  json: {category: billing}
- match: weather
  times: 2                           # fits twice, then no more
  error: {message: the model is overloaded, retryable: true, retry_after: 2}
- match: slow
  delay: 20s                         # alone: wait, and let a later entry answer
- reply: I have no words for this.   # without `match`: always fits
```

An entry says one of `reply`, `calls`, `json`, `error`, and may have a `delay` before it; a `reply` may stand
beside `calls`, as models say a word while they call. Patterns ignore
case. `{{result}}` is the last tool result (with `after_tool`, that tool's), `{{0}}`, `{{1}}`, `{{name}}` what
the pattern and its groups found; they work in `reply`, `json` and `arguments`. An argument that is one
placeholder becomes a number where the tool's schema wants one. An entry with `calls` and no `after_tool` does
not fit while a tool result is the last thing said, so that it cannot call for ever.

Without a script the answer is the last user message after "(scripted) ". Tokens are counted as a quarter of
the letters. A delay longer than `llm.timeout` ends as a timeout; retryable errors are tried again, like those
of any provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from botctl.clock import Clock
from botctl.duration import Duration, format_duration
from botctl.errors import OutsideError, UserError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest, StopReason, ToolCall, Usage
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.retry import RetryingModel
from botctl.section import Section

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
Kind = Literal["reply", "calls", "json", "error", "delay"]
_ANSWERS: tuple[Kind, ...] = ("reply", "calls", "json", "error")


class ScriptedCall(Section):
    """A tool call that an entry answers with."""

    tool: str = Field(min_length=1)
    """The tool's full name, `server__tool`."""
    arguments: dict[str, Any] = {}
    """What it is called with."""
    malformed: str | None = None
    """What stands where the arguments should, to play a model that writes broken JSON."""


class ScriptedError(Section):
    """The trouble that an entry answers with."""

    message: str = Field(min_length=1)
    """What went wrong."""
    retryable: bool = False
    """Whether asking again may help."""
    retry_after: Duration | None = None
    """How long the service asks to wait."""


def _spelled_out(written: object) -> object:
    return {"message": written} if isinstance(written, str) else written


class ScriptEntry(Section):
    """One entry of a script."""

    match: str = ""
    """A regular expression, searched in the last user message, ignoring case; fits always if left out."""
    after_tool: str = ""
    """Fits only right after a result of this tool."""
    times: int | None = Field(default=None, ge=1)
    """Fits this many times, counted over all conversations since the start; without end if left out."""
    delay: Duration = 0.0
    """How long to wait before answering."""
    reply: str | None = None
    """The answer, with {{result}}, {{1}} and the pattern's named groups."""
    calls: list[ScriptedCall] | None = Field(default=None, min_length=1)
    """The tools to call."""
    answer: Any = Field(default=None, alias="json")
    """A JSON value to answer with."""
    error: Annotated[ScriptedError | None, BeforeValidator(_spelled_out)] = None
    """The trouble to fail with: a sentence, or {message, retryable, retry_after}."""
    stop: StopReason | None = None
    """Why the answer ends, to play a cut answer (`length`) or a `refusal`; the usual reason if left out."""


@dataclass(slots=True)
class Line:
    """An entry ready for use. kind: what it answers with, `delay` if it only waits; left: how often it may
    still fit, None without end."""

    entry: ScriptEntry
    kind: Kind
    pattern: re.Pattern[str] | None
    left: int | None


class NoEntryFits(UserError):
    """A script has no answer to what was asked."""


def _any(line: Line, request: ChatRequest) -> bool:
    return True


class ScriptedModel:
    """A model that answers from a script; the same requests in the same order get the same answers.

    admits: which entries may answer a request at all, for scripts that tell more than this file knows.
    """

    def __init__(
        self,
        lines: tuple[Line, ...] | None,
        settings: ModelSettings,
        clock: Clock,
        admits: Callable[[Line, ChatRequest], bool] = _any,
    ) -> None:
        self._lines = lines
        self._admits = admits
        self._settings = settings
        self._clock = clock
        self._model = settings.model or "scripted"

    async def reply(self, request: ChatRequest) -> ChatReply:
        """The answer of the first entry that fits."""
        prompt = last_user_text(request)
        if self._lines is None:
            return self._say(request, _echo(request, prompt))
        results = _latest_results(request)
        for line in self._lines:
            entry = line.entry
            if line.left == 0 or (results and line.kind == "calls" and not entry.after_tool):
                continue
            if not self._admits(line, request):
                continue
            if entry.after_tool and entry.after_tool not in results:
                continue
            found = line.pattern.search(prompt) if line.pattern else None
            if line.pattern and found is None:
                continue
            if line.left is not None:
                line.left -= 1
            if entry.delay:
                await self._wait(entry.delay)
            if line.kind != "delay":
                values = _Values(request, results.get(entry.after_tool), found)
                return self._answer(line, request, values)
        told = f"a result of `{next(reversed(results))}`" if results else f"`{_short(prompt)}`"
        raise NoEntryFits(
            f"no entry of {self._settings.script} fits {told}",
            help="add an entry, or one without `match` at the end",
        )

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def _wait(self, seconds: float) -> None:
        await self._clock.sleep(min(seconds, self._settings.timeout))
        if seconds > self._settings.timeout:
            limit = format_duration(self._settings.timeout)
            raise OutsideError(f"scripted did not answer within {limit}", retryable=True)

    def _answer(self, line: Line, request: ChatRequest, values: _Values) -> ChatReply:
        entry = line.entry
        if entry.error is not None:
            raise OutsideError(
                entry.error.message, retryable=entry.error.retryable, retry_after=entry.error.retry_after
            )
        if entry.calls is not None:
            # Ids must differ within a conversation; how much was said so far makes them so.
            start = len(request.turns)
            calls = tuple(
                _call(f"call_{start}_{number}", call, request, values)
                for number, call in enumerate(entry.calls, 1)
            )
            return self._say(request, values.text(entry.reply or ""), entry.stop or "tools", calls)
        if line.kind == "json":
            text = json.dumps(values.fill_in(entry.answer), ensure_ascii=False)
        else:
            text = values.text(entry.reply or "")
        return self._say(request, text, entry.stop or "end")

    def _say(
        self, request: ChatRequest, text: str, stop: StopReason = "end", calls: tuple[ToolCall, ...] = ()
    ) -> ChatReply:
        letters = len(request.system) + sum([len(turn.text) for turn in request.turns])
        said = len(text) + sum([len(str(call.arguments)) for call in calls])
        return ChatReply(
            text=text,
            model=request.model or self._model,
            stop=stop,
            tool_calls=calls,
            usage=Usage(input_tokens=(letters + 3) // 4, output_tokens=(said + 3) // 4),
        )


class _Values:
    """What the placeholders of one answer stand for."""

    def __init__(self, request: ChatRequest, result: str | None, found: re.Match[str] | None) -> None:
        self._request = request
        self._result = result
        self._found = found

    def text(self, written: str) -> str:
        """A text with its placeholders filled in; one that stands for nothing stays as written."""
        return _PLACEHOLDER.sub(self._value, written) if "{{" in written else written

    def fill_in(self, written: Any) -> Any:
        """A JSON value with the placeholders in its texts filled in."""
        if isinstance(written, str):
            return self.text(written)
        if isinstance(written, list):
            return [self.fill_in(item) for item in written]
        if isinstance(written, dict):
            return {name: self.fill_in(item) for name, item in written.items()}
        return written

    def _value(self, placeholder: re.Match[str]) -> str:
        name = placeholder[1]
        if name == "result":
            if self._result is not None:
                return self._result
            return next((turn.text for turn in reversed(self._request.turns) if turn.role == "tool"), "")
        try:
            return self._found[int(name) if name.isdigit() else name] or "" if self._found else placeholder[0]
        except IndexError:
            return placeholder[0]


def _call(call_id: str, call: ScriptedCall, request: ChatRequest, values: _Values) -> ToolCall:
    if call.malformed is not None:
        return ToolCall(id=call_id, name=call.tool, arguments=None, raw=call.malformed)
    offer = next((offer for offer in request.tools if offer.name == call.tool), None)
    properties = offer.parameters.get("properties") if offer else None
    arguments: dict[str, Any] = values.fill_in(call.arguments)
    for name, written in call.arguments.items():
        wanted = properties.get(name) if isinstance(properties, dict) else None
        if isinstance(written, str) and _PLACEHOLDER.fullmatch(written.strip()):
            arguments[name] = _as_wanted(arguments[name], wanted)
    return ToolCall(id=call_id, name=call.tool, arguments=arguments)


def _as_wanted(text: str, wanted: object) -> str | int | float:
    """A text as the number that a property's schema asks for, if it is one."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    try:
        if kind == "integer":
            return int(text)
        return float(text) if kind == "number" else text
    except ValueError:
        return text


def last_user_text(request: ChatRequest) -> str:
    """What the user said last: the prompt."""
    for turn in reversed(request.turns):
        if turn.role == "user":
            return turn.text
    return ""


def _latest_results(request: ChatRequest) -> dict[str, str]:
    """The results, by tool, that end the conversation; empty if something else was said after them."""
    results: dict[str, str] = {}
    for turn in reversed(request.turns):
        if turn.role != "tool":
            break
        results.setdefault(turn.tool_name, turn.text)
    return dict(reversed(results.items()))


def _echo(request: ChatRequest, prompt: str) -> str:
    if request.schema is not None:
        raise UserError(
            "the scripted model has no script to take a JSON answer from",
            help="set `llm.script` in bot.yaml to a file with an entry such as `- json: {...}`",
        )
    return f"(scripted) {prompt}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"


class _Loader(yaml.SafeLoader):
    """YAML in which yes, no, on, off and dates stay text, as everywhere in botctl's files."""

    yaml_implicit_resolvers = {
        letter: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:timestamp" and (tag != "tag:yaml.org,2002:bool" or letter in "tTfF")
        ]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_script(file: str) -> tuple[Line, ...]:
    """The entries of a script; a UserError that names the file, the line and the entry."""
    try:
        loader = _Loader(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}", help="check `llm.script`") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise UserError(f"{file} is not text in UTF-8", help="check `llm.script`") from None
    try:
        root = loader.get_single_node()
        nodes = root.value if isinstance(root, yaml.SequenceNode) else []
        entries = [(node, loader.construct_document(node)) for node in nodes]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(
            f"{file}:{line} is not YAML: {error.problem}",
            help="text with `{{`, `: ` or ` #` in it needs quotes",
        ) from None
    finally:
        loader.dispose()
    if not entries:
        raise UserError(f"{file} is not a script", help="write a list of entries, such as `- reply: Hello`")
    return tuple(
        _read_entry(f"{file}:{node.start_mark.line + 1}, entry {number}", node, written)
        for number, (node, written) in enumerate(entries, 1)
    )


def _read_entry(place: str, node: yaml.Node, written: object) -> Line:
    if not isinstance(written, dict):
        raise UserError(f"{place}: an entry is a mapping", help="write `- reply: ...`")
    keys = [key.value for key, _ in node.value]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise UserError(f"{place}: `{twice}` is written twice", help="delete one of them")
    try:
        entry = ScriptEntry.model_validate(written)
    except ValidationError as error:
        raise _wrong_field(place, error) from None
    return line_of(entry, place)


def line_of(entry: ScriptEntry, place: str) -> Line:
    """An entry ready for use; a UserError that begins with its place if it says too much or too little."""
    given = entry.model_dump(by_alias=True, exclude_none=True)
    kinds: list[Kind] = [kind for kind in _ANSWERS if kind in given]
    if "calls" in kinds and "reply" in kinds:
        kinds.remove("reply")  # said beside the calls
    if len(kinds) > 1 or not (kinds or entry.delay):
        told = "both `" + "` and `".join(kinds) + "`" if kinds else "no answer"
        raise UserError(f"{place}: there is {told}", help="write one of reply, calls, json, error")
    try:
        pattern = re.compile(entry.match, re.IGNORECASE) if entry.match else None
    except re.error as error:
        raise UserError(f"{place}: `match` is not a regular expression: {error}") from None
    return Line(entry, kinds[0] if kinds else "delay", pattern, entry.times)


def _wrong_field(place: str, error: ValidationError) -> UserError:
    problem = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        legal = ", ".join(item.alias or name for name, item in ScriptEntry.model_fields.items())
        return UserError(f"{place}: there is no field `{field}`", help=f"an entry may have {legal}")
    message = problem["msg"].removeprefix("Value error, ")
    return UserError(f"{place}: `{field}` is wrong: {message[:1].lower()}{message[1:]}")


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model that answers from `settings.script`, or repeats what it is told if there is none."""
    lines = read_script(settings.script) if settings.script else None
    return RetryingModel(ScriptedModel(lines, settings, clock), clock, budget=2 * settings.timeout)


SCRIPTED = Provider(name="scripted", doc=__doc__, connect=connect, default_model="scripted", needs_key=False)
