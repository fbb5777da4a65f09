"""Parsing: a document becomes a spec, or diagnostics. What pydantic finds is said in our words, in one table.

Codes, with the family of the file (BT bots, WS workspaces, WF workflows, PJ botctl.yaml) before them:
101 a field that does not exist, 102 a field that is missing, 103 a value of the wrong kind, 104 a word that
is not one of those possible, 105 a value out of range, 106 fields that do not go together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from botctl.errors import UserError
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document
from botctl.source.rule import Finding
from botctl.source.span import Path
from botctl.spec.fields import close_word, field_names, field_note, one_of

M = TypeVar("M", bound=BaseModel)

UNKNOWN, MISSING, KIND, WORD, RANGE, TOGETHER = "101", "102", "103", "104", "105", "106"


class Subject(Struct, frozen=True, kw_only=True):
    """What is parsed: its family of codes, and what to call it in a sentence."""

    family: str
    noun: str


class _Mistake(NamedTuple):
    """One of pydantic's errors, with its place in the document.

    at: the value; within: what is around it; name: its field, for people; kinds: the types of all errors
    about this value, of which a union has one for each branch.
    """

    details: ErrorDetails
    at: Path
    within: Path
    name: str
    kinds: tuple[str, ...]


class _Words(NamedTuple):
    code: str
    finding: Finding


def parse(
    document: Document,
    model: type[M],
    at: Path = (),
    *,
    subject: Subject,
    value: Any = None,
    environment: Environment | None = None,
) -> tuple[M | None, list[Diagnostic]]:
    """What stands at `at` as a `model`, or one diagnostic for each mistake in it.

    value: parsed instead of what stands there. environment: fills `${NAME}` in fields that are not text, such
    as a port; text keeps its `${NAME}`.
    """
    value = document.get(at) if value is None else value
    if not isinstance(value, dict):
        code, finding = _no_mapping(value, subject)
        return None, [document.diagnose(subject.family + code, "error", finding, at)]
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    if environment is not None:
        filled = _fill_in(errors, value, environment)
        if filled is not value:
            return parse(document, model, at, subject=subject, value=filled)
    found = [_said(mistake, model, subject) for mistake in _mistakes(errors, value, model)]
    return None, [document.diagnose(subject.family + code, "error", finding, at) for code, finding in found]


def _no_mapping(value: Any, subject: Subject) -> _Words:
    if value is None:
        return _Words(
            MISSING, Finding(f"{subject.noun} is empty", label="nothing stands here", help="write its fields")
        )
    message = f"{subject.noun} should be a mapping, not {kind_of(value)}"
    return _Words(KIND, Finding(message, label="this is no mapping", help="write `field: value` lines"))


def _mistakes(errors: list[ErrorDetails], value: Any, model: type[BaseModel]) -> list[_Mistake]:
    """Each mistake once.

    One inside of a value makes those about the value as a whole pointless (they are other branches of a
    union), and a field that was misspelt is not missing too.
    """
    by_place: dict[Path, list[ErrorDetails]] = {}
    for details in errors:
        by_place.setdefault(_place(details, value), []).append(details)
    misspelt = {
        (*place[:-1], close_word(str(place[-1]), field_names(model, place[:-1])) or "")
        for place, here in by_place.items()
        if here[0]["type"] == "extra_forbidden"
    }
    return [
        _Mistake(here[0], place, place[:-1], _name(place), tuple(details["type"] for details in here))
        for place, here in by_place.items()
        if not (here[0]["type"] == "missing" and place in misspelt)
        and not (
            place and any(len(other) > len(place) and other[: len(place)] == place for other in by_place)
        )
    ]


def _place(details: ErrorDetails, value: Any) -> Path:
    """The path of an error in the document: pydantic's names branches of unions too."""
    at: Path = ()
    here = value
    for part in details["loc"]:
        if isinstance(here, dict) and part in here:
            at, here = (*at, part), here[str(part)]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            at, here = (*at, part), here[part]
    return (*at, str(details["loc"][-1])) if details["type"] == "missing" else at


def _name(place: Path) -> str:
    """How a field is called in a sentence."""
    if not place:
        return ""
    if isinstance(place[-1], int):
        parents = [part for part in place if isinstance(part, str)]
        return f"entry {place[-1] + 1} of `{parents[-1]}`" if parents else f"entry {place[-1] + 1}"
    return f"`{place[-1]}`"


def _said(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    error = mistake.details
    for types, words in _TABLE:
        if error["type"] in types:
            return words(mistake, model, subject)
    nouns = dict.fromkeys(_KINDS[kind] for kind in mistake.kinds if kind in _KINDS)
    if nouns:
        return _wrong_kind(mistake, " or ".join(nouns))
    return _Words(KIND, Finding(f"{mistake.name} cannot be read: {error['msg'].lower()}", at=mistake.at))


def _unknown(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    names = field_names(model, mistake.within)
    key = str(mistake.at[-1])
    around = _name(mistake.within) if mistake.within else subject.noun
    close = close_word(key, names)
    help = f"did you mean `{close}`?" if close else f"its fields are {one_of(names, 'and')}"
    finding = Finding(
        f"{around} has no field `{key}`", at=mistake.at, key=True, label="no such field", help=help
    )
    return _Words(UNKNOWN, finding)


def _missing(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    key = str(mistake.at[-1])
    note = field_note(model, mistake.at)
    around = _name(mistake.within) if mistake.within else subject.noun
    help = f"add `{key}`" + (f": {note}" if note else "")
    return _Words(
        MISSING,
        Finding(
            f"{around} has no `{key}`",
            at=mistake.within,
            key=True,
            label=f"`{key}` is missing here",
            help=help,
        ),
    )


def _wrong_kind(mistake: _Mistake, noun: str) -> _Words:
    given = mistake.details["input"]
    key = isinstance(mistake.at[-1], str) if mistake.at else False
    if given is None:
        message, label = f"{mistake.name} is empty", f"should be {noun}"
        help = "write a value, or take the field out" if key else "write a value"
        return _Words(KIND, Finding(message, at=mistake.at, label=label, help=help))
    message = f"{mistake.name} should be {noun}, not {kind_of(given)}"
    help = f"write {noun}"
    if isinstance(given, str) and "${" in given:
        help = "set the environment variable, or give it a default such as `${NAME:-1}`"
    elif noun == "text" and isinstance(given, bool | int | float):
        help = "put it in quotes"
    elif noun == "a list":
        help = "write it as a list: `[...]`, or lines that begin with `-`"
    elif noun == "a mapping":
        help = "write its fields as `field: value`"
    return _Words(KIND, Finding(message, at=mistake.at, label=f"{kind_of(given)}", help=help))


def _no_such_word(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    given = mistake.details["input"]
    expected = str(mistake.details.get("ctx", {}).get("expected", ""))
    words = [word for word in expected.replace(" or ", ", ").replace("'", "").split(", ") if word]
    if given is None:
        message, help = f"{mistake.name} is empty", f"use {one_of(words)}"
        return _Words(WORD, Finding(message, at=mistake.at, label="nothing stands here", help=help))
    shown = f"`{_cut(given)}`" if isinstance(given, str | int | float) else kind_of(given)
    close = close_word(given, words) if isinstance(given, str) else None
    return _Words(
        WORD,
        Finding(
            f"{mistake.name} cannot be {shown}",
            at=mistake.at,
            label="not one of its words",
            help=f"did you mean `{close}`?" if close else f"use {one_of(words)}",
        ),
    )


def _out_of_range(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    context = mistake.details.get("ctx", {})
    bound = next((f"{words} {context[key]}" for key, words in _BOUNDS.items() if key in context), "finite")
    given = mistake.details["input"]
    message = f"{mistake.name} should be {bound}, not {_cut(given)}"
    return _Words(RANGE, Finding(message, at=mistake.at, label="out of range", help=f"write a value {bound}"))


def _empty(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    note = field_note(model, mistake.at)
    finding = Finding(f"{mistake.name} is empty", at=mistake.at, label="nothing stands here", help=note)
    return _Words(RANGE, finding)


def _too_long(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    most = mistake.details.get("ctx", {}).get("max_length")
    what = "characters" if isinstance(mistake.details["input"], str) else "entries"
    message = f"{mistake.name} has more than {most} {what}"
    return _Words(RANGE, Finding(message, at=mistake.at, label="too long", help="make it shorter"))


def _misses_pattern(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    pattern = str(mistake.details.get("ctx", {}).get("pattern", ""))
    words = _PATTERNS.get(pattern, f"text that fits the pattern {pattern}")
    message = f"{mistake.name} should be {words}"
    return _Words(
        RANGE,
        Finding(message, at=mistake.at, label="another character stands here", help="take the others out"),
    )


def _own_words(mistake: _Mistake, model: type[BaseModel], subject: Subject) -> _Words:
    """A sentence that a model's own validator raised; one that begins with "should" is about its field."""
    sentence = str(mistake.details.get("ctx", {}).get("error", "")) or mistake.details["msg"]
    if sentence.startswith("should "):
        message = f"{mistake.name or subject.noun} {sentence}"
        kind, help = kind_of(mistake.details["input"]), f"write {sentence.removeprefix('should be ')}"
        return _Words(KIND, Finding(message, at=mistake.at, label=kind, help=help))
    field, is_needed, _ = sentence.partition(" is needed")
    label = f"{field} is missing here" if is_needed else "not as it is here"
    help = f"add {field}" if is_needed else "keep one of them, or change what they belong to"
    return _Words(TOGETHER, Finding(sentence, at=mistake.at, key=True, label=label, help=help))


def kind_of(value: Any) -> str:
    """What a value is, in a sentence."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


_KINDS = {
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), "text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "a mapping"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_PATTERNS = {
    "^[A-Za-z0-9][A-Za-z0-9_.-]*$": "letters, digits, `_`, `.` and `-`, with a letter or digit first",
}
_TABLE: tuple[tuple[frozenset[str], Callable[[_Mistake, type[BaseModel], Subject], _Words]], ...] = (
    (frozenset({"extra_forbidden"}), _unknown),
    (frozenset({"missing"}), _missing),
    (frozenset({"literal_error", "enum"}), _no_such_word),
    (
        frozenset(
            {
                "greater_than",
                "greater_than_equal",
                "less_than",
                "less_than_equal",
                "finite_number",
            }
        ),
        _out_of_range,
    ),
    (frozenset({"string_too_short", "too_short"}), _empty),
    (frozenset({"string_too_long", "too_long"}), _too_long),
    (frozenset({"string_pattern_mismatch"}), _misses_pattern),
    (frozenset({"value_error", "assertion_error"}), _own_words),
)


def _fill_in(errors: list[ErrorDetails], value: Any, environment: Environment) -> Any:
    """`value` with each `${NAME}` that stands where no text can be resolved; itself if there is none."""
    filled = value
    for details in errors:
        given = details["input"]
        if isinstance(given, str) and "${" in given and not environment.missing(given):
            try:
                filled = _replaced(filled, details["loc"], environment.resolve(given))
            except UserError:
                continue
    return filled


def _replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    part, *rest = path
    if isinstance(value, Mapping) and part in value:
        return {**value, part: _replaced(value[str(part)], tuple(rest), new)}
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return [*value[:part], _replaced(value[part], tuple(rest), new), *value[part + 1 :]]
    return value
