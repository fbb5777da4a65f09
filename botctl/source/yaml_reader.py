"""The YAML reader: values as YAML 1.2 means them, and their places.

PyYAML only cuts the text into events; what they mean is decided here. `on`, `yes`, `no`, `off`, dates and
sexagesimals stay text (YAML 1.1 reads them otherwise), keys are always text, and there is nothing in the
result that JSON could not hold. PyYAML is imported when the first YAML is read: JSON files do without.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

from botctl.source.place import (
    BLOCK,
    FLOW,
    MOST_DIGITS,
    MOST_LEVELS,
    MOST_VALUES,
    PLAIN,
    Extent,
    Fault,
    Place,
    Reading,
    Unreadable,
    duplicate_key,
    half_a_character,
    has_half_a_character,
    no_such_number,
    too_deep,
    too_many,
)
from botctl.source.yaml_errors import unreadable_yaml

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_BEGINS = frozenset("+-.0123456789")
_WHOLE = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_ENDLESS = frozenset(
    (*(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")), ".nan", ".NaN", ".NAN")
)
_CORE = "tag:yaml.org,2002:"


class _Anchored(NamedTuple):
    """A value that aliases can repeat, and how many values it holds."""

    value: Any
    place: Place
    size: int


def read_yaml(text: str) -> tuple[Reading, list[Fault]]:
    """The one document in `text` (null if there is none) and the faults in it; Unreadable otherwise."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        composer = _Composer(text, loader(text).get_event)
        return composer.document(), composer.faults
    except yaml.YAMLError as error:
        raise unreadable_yaml(text, error) from error


class _Composer:
    """Makes values of the events of one text."""

    def __init__(self, text: str, next_event: Callable[[], Any]) -> None:
        self.text = text
        self.faults: list[Fault] = []
        self._next = next_event
        self._anchors: dict[str, _Anchored | None] = {}
        self._count = 0

    def document(self) -> Reading:
        """The value of the whole text."""
        self._next()
        event = self._next()
        if _kind(event) == "StreamEnd":
            return Reading(None, Place(0, 0, PLAIN))
        value, place = self._value(self._next(), 0)
        while _kind(event) != "StreamEnd":
            event = self._next()
            if _kind(event) == "DocumentStart":
                raise Unreadable(_second_document(_extent(event)[0]))
            if _kind(event) not in ("DocumentEnd", "StreamEnd"):
                break
        return Reading(value, place)

    def _value(self, event: Any, level: int) -> tuple[Any, Place]:
        self._count += 1
        start = event.start_mark.index
        if self._count > MOST_VALUES:
            raise too_many(start)
        if _kind(event) == "Alias":
            return self._alias(event)
        if level > MOST_LEVELS:
            raise too_deep(start)
        before = self._count
        if event.anchor:
            self._anchors[event.anchor] = None
        value: Any
        if _kind(event) == "Scalar":
            value, place = self._scalar(event)
        elif _kind(event) == "SequenceStart":
            value, place = self._list(event, level)
        else:
            value, place = self._mapping(event, level)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, place, self._count - before + 1)
        return value, place

    def _alias(self, event: Any) -> tuple[Any, Place]:
        start, end = event.start_mark.index, event.end_mark.index
        place = Place(start, end, PLAIN)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            known = event.anchor in self._anchors
            self.faults.append(_unknown_alias(event.anchor, start, end, inside_itself=known))
            return None, place
        self._count += anchored.size
        if self._count > MOST_VALUES:
            raise too_many(start)
        return anchored.value, _moved(anchored.place, start, end)

    def _list(self, event: Any, level: int) -> tuple[list[Any], Place]:
        self._check_tag(event, "seq")
        items: list[Any] = []
        place = Place(event.start_mark.index, event.end_mark.index, FLOW if event.flow_style else BLOCK)
        place.items = []
        event = self._next()
        while _kind(event) != "SequenceEnd":
            value, inside = self._value(event, level + 1)
            items.append(value)
            place.items.append(inside)
            event = self._next()
        self._close(place, event)
        return items, place

    def _mapping(self, event: Any, level: int) -> tuple[dict[str, Any], Place]:
        self._check_tag(event, "map")
        entries: dict[str, Any] = {}
        place = Place(event.start_mark.index, event.end_mark.index, FLOW if event.flow_style else BLOCK)
        place.keys, place.entries = {}, {}
        event = self._next()
        while _kind(event) != "MappingEnd":
            key, extent = self._key(event, place, level)
            value, inside = self._value(self._next(), level + 1)
            if key is not None and key in entries:
                self.faults.append(duplicate_key(key, extent, place.keys[key]))
            elif key is not None:
                entries[key], place.keys[key], place.entries[key] = value, extent, inside
            event = self._next()
        self._close(place, event)
        return entries, place

    def _close(self, place: Place, event: Any) -> None:
        """Set where a list or mapping ends. Of a block, libyaml only knows where the next thing begins."""
        if place.style == FLOW:
            place.end = event.end_mark.index
            return
        inside = place.children()
        ends = [extent[1] for extent in (place.keys or {}).values()] + [child.end for child in inside]
        place.end = max(ends, default=place.start)

    def _key(self, event: Any, around: Place, level: int) -> tuple[str | None, Extent]:
        """The text of a key; None where there is none, which is told."""
        start = event.start_mark.index
        if _kind(event) == "Scalar":
            _, place = self._value(event, level + 1)
            extent = (start, place.end)
            if event.value == "<<" and event.implicit[0]:
                self.faults.append(_merge_key(extent))
                return None, extent
            if event.value == "" and event.implicit[0]:
                self.faults.append(_empty_key(extent))
                return None, extent
            return event.value, extent
        value, place = self._value(event, level + 1)
        extent = (start, place.end)
        if isinstance(value, str):
            return value, extent
        is_template = self.text.startswith("{{", around.start) and start == around.start + 1
        self.faults.append(_bare_template(self.text, around.start) if is_template else _no_text_key(extent))
        return None, extent

    def _scalar(self, event: Any) -> tuple[Any, Place]:
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or PLAIN
        if style in "|>":
            end = start + len(self.text[start:end].rstrip())
        place = Place(start, end, style)
        text = event.value
        if event.tag is not None and event.tag != "!":
            return self._tagged(event, place), place
        if event.implicit[0] and event.tag is None:
            return self._plain(text, place), place
        if style == '"' and has_half_a_character(text):
            self.faults.append(half_a_character(start, end))
        return text, place

    def _plain(self, text: str, place: Place) -> Any:
        """What a text without quotes and tag means."""
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMBER_BEGINS:
            return text
        if _WHOLE.match(text):
            if len(text) <= MOST_DIGITS:
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        elif _NUMBER.match(text):
            if isfinite(number := float(text)):
                return number
        elif text not in _ENDLESS:
            return text
        self.faults.append(no_such_number(place.start, place.end))
        return 0

    def _tagged(self, event: Any, place: Place) -> Any:
        kind = event.tag.removeprefix(_CORE)
        if kind == "str":
            return event.value
        value = self._plain(event.value, place)
        fits = {"null": value is None, "bool": isinstance(value, bool)}
        fits["int"] = isinstance(value, int) and not isinstance(value, bool)
        fits["float"] = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits.get(kind):
            self.faults.append(_foreign_tag(event, place))
        return value

    def _check_tag(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", _CORE + kind):
            place = Place(event.start_mark.index, event.start_mark.index + 1, PLAIN)
            self.faults.append(_foreign_tag(event, place))


def _kind(event: Any) -> str:
    """Scalar, Alias, SequenceStart, ... : the name of PyYAML's class."""
    return type(event).__name__[:-5]


def _extent(event: Any) -> Extent:
    return event.start_mark.index, event.end_mark.index


def _moved(place: Place, start: int, end: int) -> Place:
    """The place of an alias: the whole of it, and all that it repeats, is where the alias stands.

    Only the outermost is moved; what is inside keeps its place at the anchor, which is where it is written.
    """
    moved = Place(start, end, place.style if place.children() else PLAIN)
    moved.keys, moved.entries, moved.items = place.keys, place.entries, place.items
    return moved


def _second_document(at: int) -> Fault:
    return Fault(
        code="YM104",
        message="this file holds several documents",
        start=at,
        end=at + 3,
        label="a second document begins here",
        help="keep one document in a file, and take the `---` out",
    )


def _unknown_alias(name: str, start: int, end: int, *, inside_itself: bool) -> Fault:
    return Fault(
        code="YM108",
        message=f"the alias `*{name}` stands inside of what it repeats"
        if inside_itself
        else f"the alias `*{name}` repeats nothing",
        start=start,
        end=end,
        label=f"`&{name}` is not finished here" if inside_itself else f"no `&{name}` stands before this",
        help="write the value out, or put it in quotes if it is text",
    )


def _merge_key(extent: Extent) -> Fault:
    return Fault(
        code="YM109",
        message="`<<` does not merge mappings: YAML 1.2 has no such key",
        start=extent[0],
        end=extent[1],
        label="not a key",
        help="write the entries out here",
    )


def _empty_key(extent: Extent) -> Fault:
    return Fault(
        code="YM109",
        message="a key is empty",
        start=extent[0],
        end=extent[1] + 1,
        label="no key stands before the `:`",
        help="write a key before the `:`, or put the text in quotes",
    )


def _no_text_key(extent: Extent) -> Fault:
    return Fault(
        code="YM109",
        message="a key is a list or a mapping",
        start=extent[0],
        end=extent[1],
        label="keys are text",
        help="put it in quotes if it is text",
    )


def _bare_template(text: str, at: int) -> Fault:
    end = text.find("}}", at)
    end = end + 2 if end >= 0 else at + 2
    return Fault(
        code="YM110",
        message="a text that begins with `{{` needs quotes",
        start=at,
        end=end,
        label="YAML takes this for a mapping",
        help=f'write "{text[at:end]}" in quotes',
    )


def _foreign_tag(event: Any, place: Place) -> Fault:
    tag = event.tag.replace(_CORE, "!!")
    return Fault(
        code="YM111",
        message=f"the tag `{tag}` does not fit here",
        start=place.start,
        end=place.end,
        label="this value has the tag",
        help="take the tag out",
    )
