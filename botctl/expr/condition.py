"""The condition: `{{intent.text}} == billing and not ({{total}} < 500 or {{code}} is_empty)`.

Its words are told apart before any value is known, so what a user wrote can never become an operator, a
bracket or a quote. `not` binds closest, then `and`, then `or`. A bare text ends at the next operator, `and`
or `or`; text that holds one of these is written in quotes: `{{taste}} == "salt and pepper"`. `not` is an
operator only where a comparison begins: in `{{status}} == not found` it is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, TypeAlias

from msgspec import Struct

from botctl.expr.comparison import ASKED, Comparison, Operand, as_number
from botctl.expr.condition_words import Kind, Word, split_words, unquoted
from botctl.expr.path import ExpressionError
from botctl.expr.template import Placeholder, Unknown, joined, split_placeholders

_DEEPEST = 50


Part: TypeAlias = "Comparison | Both | Either | Not"
"""A comparison, or comparisons joined."""


class Both(NamedTuple):
    """Parts joined by `and`."""

    parts: tuple[Part, ...]

    def holds(self, variables: Mapping[str, Any], unknown: Unknown) -> bool:
        """Whether all hold; they are asked in order, up to the first that does not."""
        return all(part.holds(variables, unknown) for part in self.parts)


class Either(NamedTuple):
    """Parts joined by `or`."""

    parts: tuple[Part, ...]

    def holds(self, variables: Mapping[str, Any], unknown: Unknown) -> bool:
        """Whether one holds; they are asked in order, up to the first that does."""
        return any(part.holds(variables, unknown) for part in self.parts)


class Not(NamedTuple):
    """A part after `not`."""

    part: Part

    def holds(self, variables: Mapping[str, Any], unknown: Unknown) -> bool:
        """Whether the part does not hold."""
        return not self.part.holds(variables, unknown)


class Condition(Struct, frozen=True):
    """A condition that was read once and is asked often. comparisons: all of them, in the order written."""

    text: str
    root: Part
    comparisons: tuple[Comparison, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """All placeholders, in the order in which they are written; offsets count in the condition."""
        return tuple(placeholder for operand in self.operands() for placeholder in operand.placeholders)

    def operands(self) -> Iterator[Operand]:
        """Both sides of every comparison, in the order in which they are written."""
        for comparison in self.comparisons:
            yield comparison.left
            if comparison.right is not None:
                yield comparison.right

    def holds(self, variables: Mapping[str, Any], unknown: Unknown = None) -> bool:
        """Whether it is so with these variables. `unknown` is told each name that leads nowhere, as far as
        the operands had to be looked at. ExpressionError where a variable holds a pattern that is none."""
        return self.root.holds(variables, unknown)


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Condition:
    """Read a condition. ExpressionError where it cannot be understood, or surely means something else."""
    reader = _Reader(text)
    root = reader.whole()
    return Condition(text, root, tuple(reader.comparisons))


class _Reader:
    """A place among the words of a condition, moved forward as they are understood."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = split_words(text)
        self.next = 0
        self.depth = 0
        self.comparisons: list[Comparison] = []

    def whole(self) -> Part:
        if not self.words:
            raise ExpressionError(
                "the condition is empty",
                length=max(len(self.text), 1),
                help="write one such as `{{order.total}} >= 500`",
            )
        root = self.either()
        word = self.peek()
        if word is not None and word.kind is Kind.CLOSE:
            self.refuse(word, "this bracket closes nothing", 'put text with brackets in quotes: "a (b)"')
        if word is not None:
            self.refuse(
                word,
                f"`and` or `or` is expected, not `{word.text}`",
                "brackets hold whole comparisons: `({{a}} == x or {{b}} == y) and {{c}}`",
            )
        return root

    def either(self) -> Part:
        return self.joined("or", Either)

    def both(self) -> Part:
        return self.joined("and", Both)

    def joined(self, joiner: str, join: type[Either] | type[Both]) -> Part:
        """Parts with this word between them."""
        parts = [self.both() if joiner == "or" else self.one()]
        while (word := self.peek()) is not None and word.kind is Kind.JOINER and word.text == joiner:
            self.next += 1
            if len(parts) == 1:
                self.refuse_lone_text(parts[0], joiner)
            parts.append(self.both() if joiner == "or" else self.one())
            self.refuse_lone_text(parts[-1], joiner)
        return parts[0] if len(parts) == 1 else join(tuple(parts))

    def one(self) -> Part:
        word = self.peek()
        if word is not None and word.kind is Kind.BARE and word.text == "not":
            self.enter(word)
            part = self.one()
            self.depth -= 1
            return Not(part)
        if word is None or word.kind is not Kind.OPEN:
            comparison = self.comparison()
            self.comparisons.append(comparison)
            return comparison
        self.enter(word)
        part = self.either()
        closing = self.peek()
        if closing is None:
            self.refuse(word, "this bracket is not closed", "add the missing `)`")
        if closing.kind is not Kind.CLOSE:
            self.refuse(closing, f"`)` is expected, not `{closing.text}`", "put text in quotes")
        self.next += 1
        self.depth -= 1
        return part

    def enter(self, word: Word) -> None:
        self.next += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse(word, "this is nested too deeply", f"at most {_DEEPEST} levels")

    def comparison(self) -> Comparison:
        left = self.operand("")
        operator = self.peek()
        if operator is None or operator.kind is not Kind.OPERATOR:
            return Comparison(left, "", None, left.offset)
        if left.source.split()[1:][-1:] in (["not"], ["is"]) and not left.is_quoted:
            self.refuse(
                self.words[self.next - 1],
                f"`{self.words[self.next - 1].text}` does not belong before an operator",
                "negate with `!=`, not_contains, or `not` before the whole comparison",
            )
        self.next += 1
        if operator.text in ASKED:
            after = self.peek()
            if after is not None and after.kind not in {Kind.JOINER, Kind.CLOSE}:
                self.refuse(after, f"nothing is compared with `{operator.text}`", "join with `and` or `or`")
            return Comparison(left, operator.text, None, operator.start)
        comparison = Comparison(left, operator.text, self.operand(operator.text), operator.start)
        second = self.peek()
        if second is not None and second.kind is Kind.OPERATOR:
            self.refuse(
                second,
                f"`{second.text}` is a second operator in one comparison",
                "join two comparisons with `and`; put text that holds an operator in quotes",
            )
        comparison.check_pattern()
        return comparison

    def operand(self, operator: str) -> Operand:
        """The words up to the next operator, joiner, or bracket that closes more than was opened in them."""
        first = self.next
        opened: list[Word] = []
        while (word := self.peek()) is not None and word.kind not in {Kind.OPERATOR, Kind.JOINER}:
            if word.kind is Kind.CLOSE and not opened:
                break
            if word.kind is Kind.OPEN:
                opened.append(word)
            elif word.kind is Kind.CLOSE:
                opened.pop()
            self.next += 1
        if self.next == first:
            self.refuse_missing(operator)
        if opened:
            self.refuse(
                opened[-1],
                "this bracket is not closed",
                'brackets hold whole comparisons; put text that holds them in quotes: "a (b)"',
            )
        start, end = self.words[first].start, self.words[self.next - 1].end
        is_quoted = self.next - first == 1 and self.words[first].kind is Kind.QUOTED
        pieces = (
            unquoted(self.text, self.words[first]) if is_quoted else split_placeholders(self.text, start, end)
        )
        source = self.text[start:end]
        return Operand(source, start, joined(source, pieces), is_quoted)

    def refuse_missing(self, operator: str) -> NoReturn:
        word = self.peek()
        before = self.words[self.next - 1] if self.next else None
        place = f"after `{before.text}`" if before else f"before `{word.text}`" if word else "here"
        raise ExpressionError(
            f"a value is missing {place}",
            offset=word.start if word else len(self.text),
            length=len(word.text) if word else 1,
            help='write the value; empty text is "", and text that holds an operator stands in quotes'
            if operator or word is None or word.text not in ASKED
            else f"write `{{{{name}}}} {word.text}`",
        )

    def refuse_lone_text(self, part: Part, joiner: str) -> None:
        """Refuse `{{x}} == a or b`: a bare text alone is always true, which nobody means."""
        while isinstance(part, Not):
            part = part.part
        if not isinstance(part, Comparison) or part.operator or part.left.is_quoted or part.left.placeholders:
            return
        text = part.left.source
        if text in {"true", "false", "null"} or as_number(text) is not None:
            return
        raise ExpressionError(
            f"`{text}` stands alone beside `{joiner}`, where it is always true",
            offset=part.left.offset,
            length=len(text),
            help=f"write `{{{{name}}}} == {text}`, or put the text that holds `{joiner}` in quotes",
        )

    def peek(self) -> Word | None:
        return self.words[self.next] if self.next < len(self.words) else None

    def refuse(self, word: Word, message: str, help: str) -> NoReturn:
        raise ExpressionError(message, offset=word.start, length=word.end - word.start, help=help)
