"""Differences: where what happened in a step is not what was expected, and how that is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from botctl.clock import to_iso
from botctl.expr.comparison import is_found
from botctl.expr.path import ExpressionError, Missing, look_up, parse_bare_path
from botctl.expr.template import to_text
from botctl.messages import OutgoingMessage
from botctl.project.graph import LOOP_BODY, LOOP_DONE
from botctl.project.stories import moment_ms
from botctl.source.span import Path
from botctl.spec.story import ExpectedSchedule, ExpectedText, StoryStep
from botctl.stories.happening import TURNS, Happening, Told, Visit
from botctl.stories.tools import same

_LOOP_HANDLES = (LOOP_BODY, LOOP_DONE)


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that came otherwise. at: the expectation, below the step; fact: a sentence; expected and
    actual: what is held against each other, line by line; node: the node that did it, "" if none did."""

    at: Path
    fact: str
    expected: tuple[str, ...] = ()
    actual: tuple[str, ...] = ()
    node: str = ""


def differences(step: StoryStep, actor: str, now: Happening) -> Iterator[Difference]:
    """All that came otherwise than the step expects."""
    yield from _path(step, now)  # first: where the story took another way the rest follows from that
    yield from _messages(step, actor, now)
    yield from _elsewhere(step, now)
    yield from _calls(step, now)
    yield from _texts("prompts", "model call", step.prompts, [one.prompt for one in now.asked],
                      [one.spot.node for one in now.asked])  # fmt: skip
    yield from _variables(step, now)
    yield from _handoffs(step, now)
    tickets = [(subject, visit.spot.node) for visit in now.visits for subject in visit.tickets]
    yield from _texts("tickets", "ticket", step.tickets, [one for one, _ in tickets],
                      [node for _, node in tickets])  # fmt: skip
    yield from _schedules(step, now)
    yield from _status(step, now)
    yield from _cost(step, now)


def misses(expected: ExpectedText, text: str) -> str:
    """Why a text is not the expected one, in a few words; "" if it is."""
    if expected.text is not None and expected.text.rstrip() != text.rstrip():
        return "is another text"
    for part in expected.contains:
        if part not in text:
            return f"does not contain `{part}`"
    for part in expected.lacks:
        if part in text:
            return f"contains `{part}`"
    if expected.matches is not None and not is_found(expected.matches, text):
        return f"does not match `{expected.matches}`"
    return ""


def told_as(expected: ExpectedText) -> str:
    """What is expected, for people."""
    parts = [expected.text] if expected.text is not None else []
    if expected.contains:
        parts.append("… " + " … ".join(expected.contains) + " …")
    if expected.lacks:
        parts.append("(without " + ", ".join(f"`{part}`" for part in expected.lacks) + ")")
    if expected.matches is not None:
        parts.append(f"/{expected.matches}/")
    return " ".join(parts) or "(any text)"


def shown(message: OutgoingMessage) -> str:
    """A message with its buttons, for people."""
    buttons = "".join(f" [{button.label}]" for button in message.buttons)
    files = "".join(f" <{one.name or one.kind}>" for one in message.attachments)
    return message.text + buttons + files


def _messages(step: StoryStep, actor: str, now: Happening) -> Iterator[Difference]:
    if step.expect is None:
        return
    said = [told for told in now.told if told.user]
    speaks = step.after is None and step.until is None and step.decide is None

    def wrong(number: int, told: Told) -> str:
        assert step.expect is not None
        expected = step.expect[number]
        to = expected.to or (actor if speaks else "")
        if to and told.user != to:
            return f"went to {told.user} and not to {to}"
        return misses(expected, told.message.text) or _other_extras(
            told.message, expected.buttons, expected.attachments
        )

    yield from _lists(
        "expect",
        "message",
        [told_as(one) + _buttons(one.buttons) for one in step.expect],
        [shown(told.message) for told in said],
        [told.spot.node for told in said],
        lambda number, index: wrong(number, said[index]),
    )


def _buttons(labels: Sequence[str] | None) -> str:
    return "".join(f" [{label}]" for label in labels or ())


def _other_extras(
    message: OutgoingMessage, buttons: Sequence[str] | None, attachments: Sequence[str] | None
) -> str:
    if buttons is not None and [button.label for button in message.buttons] != list(buttons):
        return "has other buttons"
    if attachments is not None and [one.name or one.kind for one in message.attachments] != list(attachments):
        return "has other attachments"
    return ""


def _elsewhere(step: StoryStep, now: Happening) -> Iterator[Difference]:
    if step.elsewhere is None:
        return
    wanted = step.elsewhere
    told = [one for one in now.told if not one.user]

    def wrong(number: int, index: int) -> str:
        expected, message = wanted[number], told[index].message
        if expected.platform and expected.platform != message.platform:
            return f"went to {message.platform}"
        if expected.channel and expected.channel != message.channel_id:
            return f"went to {message.channel_id}"
        return misses(expected, message.text) or _other_extras(message, expected.buttons, None)

    yield from _lists(
        "elsewhere",
        "message elsewhere",
        [f"{one.platform or 'anywhere'} {one.channel or ''}: {told_as(one)}" for one in wanted],
        [f"{one.message.platform} {one.message.channel_id}: {shown(one.message)}" for one in told],
        [one.spot.node for one in told],
        wrong,
    )


def _path(step: StoryStep, now: Happening) -> Iterator[Difference]:
    if step.path is None:
        return
    reached = _walk(tuple(step.path), now.visits)
    if reached is None:
        return
    number, index = reached
    if index < len(now.visits):
        visit = now.visits[index]
        before = f" after `{_left_by(now.visits[index - 1])}`" if index else ""
        wanted = f"`{step.path[number]}`" if number < len(step.path) else "the end"
        fact = f"the path left the expected one{before}: `{_left_by(visit)}` came, {wanted} was expected"
        wanted_node = step.path[number].partition(".")[0] if number < len(step.path) else ""
        is_other_way = wanted_node == visit_name(visit)  # the right node was left by another handle
        node = (visit if is_other_way or not index else now.visits[index - 1]).spot.node
    else:
        last = f" after `{_left_by(now.visits[-1])}`" if now.visits else ""
        node = now.visits[-1].spot.node if now.visits else ""
        fact = f"the path ended{last}, `{step.path[number]}` was expected"
    at: Path = ("path", number) if number < len(step.path) else ("path",)
    yield Difference(
        at=at, fact=fact, expected=tuple(step.path), actual=tuple(map(_left_by, now.visits)), node=node
    )


def _walk(path: tuple[str, ...], visits: Sequence[Visit]) -> tuple[int, int] | None:
    """None if the visits are the path; else how far both go together: (entries, visits)."""
    best = (0, 0)
    waiting = [(0, 0)]
    seen: set[tuple[int, int]] = set()
    while waiting:
        number, index = waiting.pop()
        if (number, index) in seen:
            continue
        seen.add((number, index))
        best = max(best, (number, index))
        if number == len(path):
            if index == len(visits):
                return None
            continue
        if path[number] == "...":
            waiting += [(number + 1, later) for later in range(index, len(visits) + 1)]
        elif index < len(visits) and path[number] in _names(visits[index]):
            waiting.append((number + 1, index + 1))
    return best


def visit_name(visit: Visit) -> str:
    """The node of a visit, with its bot if that was delegated to."""
    return f"{visit.spot.bot}/{visit.spot.node}" if visit.depth else visit.spot.node


def _left_by(visit: Visit) -> str:
    name = visit_name(visit)
    if visit.error:
        return f"{name}.error"
    return f"{name}.{visit.handle}" if visit.handle not in ("", "next") else name


def _names(visit: Visit) -> set[str]:
    """All that a path may call a visit."""
    names = {visit_name(visit), f"{visit.spot.bot}/{visit.spot.node}"}
    handle = visit.handle or ("error" if visit.error else "")
    handles = _LOOP_HANDLES if visit.what == TURNS else (handle,)  # a loop is left once, after its turns
    return names | {f"{name}.{handle}" for name in names for handle in handles if handle}


def _calls(step: StoryStep, now: Happening) -> Iterator[Difference]:
    if step.called is None:
        return
    wanted = step.called

    def wrong(number: int, index: int) -> str:
        expected, call = wanted[number], now.calls[index]
        if expected.tool != call.tool:
            return "is another tool"
        if expected.arguments is not None and not same(expected.arguments, dict(call.arguments)):
            return "has other arguments"
        return ""

    yield from _lists(
        "called",
        "tool call",
        [
            f"{one.tool} {to_text(one.arguments) if one.arguments is not None else ''}".rstrip()
            for one in wanted
        ],
        [f"{one.tool} {to_text(dict(one.arguments))}" for one in now.calls],
        [one.spot.node for one in now.calls],
        wrong,
    )


def _texts(
    field: str, noun: str, wanted: Sequence[ExpectedText] | None, texts: Sequence[str], nodes: Sequence[str]
) -> Iterator[Difference]:
    if wanted is None:
        return
    yield from _lists(
        field,
        noun,
        [told_as(one) for one in wanted],
        texts,
        nodes,
        lambda number, index: misses(wanted[number], texts[index]),
    )


def _variables(step: StoryStep, now: Happening) -> Iterator[Difference]:
    for name, wanted in (step.variables or {}).items():
        try:
            found = look_up(parse_bare_path(name), now.variables)
        except ExpressionError as error:
            yield Difference(
                at=("variables", name), fact=f"`{name}` is no path of a variable: {error.message}"
            )
            continue
        value = None if isinstance(found, Missing) else found
        if not same(value, wanted):
            fact = f"the variable `{name}` is another"
            told = ("(not set)",) if isinstance(found, Missing) else (to_text(value) or "null",)
            yield Difference(
                at=("variables", name), fact=fact, expected=(to_text(wanted) or "null",), actual=told,
                node=now.writers.get(name.partition(".")[0], ""),
            )  # fmt: skip


def _handoffs(step: StoryStep, now: Happening) -> Iterator[Difference]:
    if step.handoff is None:
        return
    wanted = step.handoff

    def wrong(number: int, index: int) -> str:
        expected, (reason, node, reviewers) = wanted[number], now.handoffs[index]
        if expected.node and expected.node != node:
            return f"was asked by `{node}`"
        if expected.reviewers is not None and list(expected.reviewers) != list(reviewers):
            return "has other reviewers: " + (", ".join(reviewers) or "anybody")
        return misses(expected, reason)

    yield from _lists(
        "handoff",
        "handoff",
        [told_as(one) for one in wanted],
        [reason for reason, _, _ in now.handoffs],
        [node for _, node, _ in now.handoffs],
        wrong,
    )


def _schedules(step: StoryStep, now: Happening) -> Iterator[Difference]:
    if step.schedules is None:
        return
    wanted = step.schedules

    def wrong(number: int, index: int) -> str:
        expected, (at_ms, text, every, key, _) = wanted[number], now.schedules[index]
        if expected.at and moment_ms(expected.at) != at_ms:
            return f"is due at {_moment(at_ms)}"
        if expected.every and expected.every != every:
            return f"repeats `{every}`"
        if expected.key and expected.key != key:
            return f"has the key `{key}`"
        return misses(expected, text)

    yield from _lists(
        "schedules",
        "schedule",
        [_schedule(one) for one in wanted],
        [f"{_moment(at_ms)} {text}" for at_ms, text, *_ in now.schedules],
        [schedule[-1] for schedule in now.schedules],
        wrong,
    )


def _schedule(expected: ExpectedSchedule) -> str:
    at = f"{_moment(moment_ms(expected.at))} " if expected.at else ""
    return at + told_as(expected)


def _moment(at_ms: int) -> str:
    return to_iso(at_ms).replace(":00.000Z", "Z").replace(".000Z", "Z")


def _status(step: StoryStep, now: Happening) -> Iterator[Difference]:
    if step.status is not None and step.status != now.status:
        failed = next((visit for visit in reversed(now.visits) if visit.error), None)
        why = f": {now.error}" if now.error else ""
        last = now.visits[-1].spot.node if now.visits else ""
        yield Difference(
            at=("status",),
            fact=f"the run is `{now.status or 'not there'}` and not `{step.status}`{why}",
            expected=(step.status,),
            actual=(now.status or "no run",),
            node=failed.spot.node if failed else last,
        )
    if step.error is not None and misses(step.error, now.error):
        yield Difference(
            at=("error",),
            fact=f"the error {misses(step.error, now.error)}",
            expected=(told_as(step.error),),
            actual=(now.error or "(none)",),
        )


def _cost(step: StoryStep, now: Happening) -> Iterator[Difference]:
    tokens = sum(one.tokens for one in now.asked)
    if step.most_tokens is not None and tokens > step.most_tokens:
        yield Difference(
            at=("most_tokens",), fact=f"the step cost {tokens} tokens, more than {step.most_tokens}"
        )
    cents = now.micro_cents / 1_000_000
    if step.most_cents is not None and cents > step.most_cents:
        yield Difference(
            at=("most_cents",), fact=f"the step cost {cents:g} cents, more than {step.most_cents:g}"
        )


def _lists(
    field: str,
    noun: str,
    wanted: Sequence[str],
    found: Sequence[str],
    nodes: Sequence[str],
    wrong: Callable[[int, int], str],
) -> Iterator[Difference]:
    """The first entry of a list that came otherwise. wrong: why an entry that was found is not the wanted."""
    common = range(min(len(wanted), len(found)))
    expected = tuple(
        found[number] if number in common and not wrong(number, number) else text
        for number, text in enumerate(wanted)
    )
    actual = tuple(found)
    for number in range(max(len(wanted), len(found))):
        if number >= len(found):
            fact = f"{noun} {number + 1} of {len(wanted)} did not come"
            yield Difference(at=(field, number), fact=fact, expected=expected, actual=actual)
            return
        node = nodes[number]
        by = f" (of `{node}`)" if node else ""
        if number >= len(wanted):
            fact = f"there is one {noun} more{by} than was expected"
            yield Difference(at=(field,), fact=fact, expected=expected, actual=actual, node=node)
            return
        why = wrong(number, number)
        if why:
            fact = f"{noun} {number + 1}{by} {why}"
            yield Difference(at=(field, number), fact=fact, expected=expected, actual=actual, node=node)
            return
