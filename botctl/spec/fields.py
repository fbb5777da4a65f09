"""The fields of a spec: what may stand where, for help in diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from botctl.section import field_docs
from botctl.source.span import Path


def field_names(model: type[BaseModel], path: Path) -> list[str]:
    """The fields that the mapping at `path` may have; none if it may have any."""
    names: dict[str, None] = {}
    for inside in _models_at(model, path):
        names.update(dict.fromkeys(_written_names(inside)))
    return list(names)


def field_note(model: type[BaseModel], path: Path) -> str:
    """The first sentence of a field's documentation; "" if it has none."""
    for inside in _models_at(model, path[:-1]):
        note = field_docs(inside).get(_field_name(inside, path[-1]), "")
        if note:
            return note.split("\n")[0].split(". ")[0].rstrip(".")
    return ""


def close_word(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that was surely meant; None if none is close."""
    from difflib import get_close_matches

    words = list(words)
    folded = {_folded(known): known for known in words}
    if _folded(word) in folded:
        return folded[_folded(word)]
    close = get_close_matches(word, words, n=1, cutoff=0.7) or get_close_matches(
        _folded(word), folded, n=1, cutoff=0.75
    )
    if close:
        return folded.get(close[0], close[0])
    # In a word of three letters two that changed places are too far apart for the measure above.
    return next((folded[known] for known in folded if sorted(known) == sorted(_folded(word))), None)


def one_of(words: Sequence[str], joint: str = "or") -> str:
    """Words in a sentence: `a`, `b` or `c`."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) < 2:
        return "".join(quoted) or "none"
    return f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}"


def with_article(word: str) -> str:
    """A word with `a` or `an` before it, as it is spoken: an llm_call."""
    return f"an {word}" if word[:1] in "aeiou" or word.startswith(("llm_", "mcp_")) else f"a {word}"


def _folded(word: str) -> str:
    """So that outputVariable, output_variable and Output-Variable are one word."""
    return word.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _written_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _field(model: type[BaseModel], part: str | int) -> FieldInfo | None:
    return model.model_fields.get(_field_name(model, part))


def _field_name(model: type[BaseModel], part: str | int) -> str:
    return next((name for name, field in model.model_fields.items() if part in (name, field.alias)), "")


def _models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The models that a mapping at `path` may be; several where the field is a union."""
    here: list[Any] = [model]
    for part in path:
        following: list[Any] = []
        for kind in here if isinstance(part, int) else _alone(here):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                field = _field(kind, part)
                if field is not None:
                    following.append(field.annotation)
            else:
                following += _entry_types(kind)
        here = [inner for kind in following for inner in _unwrapped(kind)]
    return [kind for kind in _alone(here) if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _alone(kinds: list[Any]) -> list[Any]:
    """Types, of a list those of its entries: one entry may stand alone for a list of one."""
    from typing import get_origin

    return [
        inner
        for kind in kinds
        for inner in (_unwrapped(_entry_types(kind)[0]) if get_origin(kind) is list else (kind,))
    ]


def _entry_types(kind: Any) -> tuple[Any, ...]:
    """What is inside of `list[...]` and `dict[str, ...]`."""
    return get_args(kind)[-1:]


def _unwrapped(kind: Any) -> Iterator[Any]:
    """A type without Annotated and Optional; each member of a union."""
    import types
    import typing

    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        yield from _unwrapped(get_args(kind)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in get_args(kind):
            yield from _unwrapped(member)
    else:
        yield kind
