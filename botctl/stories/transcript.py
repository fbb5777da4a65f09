"""The transcript: a story that failed, told so that one sees where it left what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import ndiff

from botctl.clock import to_iso
from botctl.duration import format_duration
from botctl.project.stories import LoadedStories
from botctl.source.diagnostic import Diagnostic
from botctl.source.render import render
from botctl.source.rule import Finding
from botctl.spec.story import StoryStep
from botctl.stories.differences import Difference, shown, visit_name
from botctl.stories.happening import Gap, Happening, Visit
from botctl.stories.play import Failure, Played

Paint = Callable[[str, str], str]


def plain(text: str, style: str) -> str:
    """No colours."""
    return text


def told(played: Played, loaded: LoadedStories, paint: Paint = plain) -> str:
    """A story that failed, from its beginning to where it failed, and why."""
    failure = played.failure
    assert failure is not None
    story = loaded.spec.stories[played.number]
    lines = [paint(f"{played.bot}: {played.name}", "bold")]
    for index, now in enumerate(played.happened):
        mark = ">" if index == failure.step else " "
        style = "error" if index == failure.step else ""
        for line in _step(story.steps[index], now, played.people[0].name):
            lines.append(paint(f"{mark} {line}", style) if style else f"{mark} {line}")
    lines += ["", render([diagnostic(played, loaded)], paint=paint).rpartition("\n\n")[0]]
    lines += _details(failure, paint)
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n"))


def diagnostic(played: Played, loaded: LoadedStories) -> Diagnostic:
    """Why a story failed, with the place of what was expected."""
    failure = played.failure
    assert failure is not None
    node = failure.difference.node if failure.difference else ""
    finding = Finding(
        failure.fact,
        label=f"here, step {failure.step + 1} of `{played.name}`",
        help=failure.help or _look_at(node, played.happened[failure.step].visits if node else ()),
    )
    code = "ST302" if failure.gaps else "ST301" if failure.difference else "ST303"
    return loaded.document.diagnose(code, "error", finding, failure.at)


def _look_at(node: str, visits: Sequence[Visit]) -> str:
    """The node that did it, and the last one before it that could have gone another way."""
    if not node:
        return ""
    place = max((n for n, visit in enumerate(visits) if visit.spot.node == node), default=0)
    for visit in reversed(visits[:place]):
        left_loop = visit.iteration[-1][0] if visit.iteration and not visits[place].iteration else ""
        decided = left_loop or (visit.spot.node if visit.handle not in ("", "next") or visit.error else "")
        if decided:
            return f"look at node `{node}`, or at `{decided}`, which led there"
    return f"look at node `{node}`"


def _step(step: StoryStep, now: Happening, first: str) -> Iterator[str]:
    yield _action(step, step.by or first)
    if now.visits:
        yield "    path: " + " -> ".join(_visit(visit) for visit in now.visits)
    for call in now.calls:
        yield f"    call: {call.tool}  [{call.spot}]"
    gaps = {gap.fact for gap in now.gaps}
    for visit in now.visits:
        if visit.error and visit.error not in gaps:
            yield f"    {visit.spot.node} failed: {visit.error}"
    for one in now.told:
        to = one.user or f"{one.message.platform} {one.message.channel_id}"
        by = f"  [{one.spot.node}]" if one.spot.node else ""
        first_line, *rest = shown(one.message).split("\n")
        if one.message.purpose == "notice":
            rest = []
        yield f"    to {to}: {first_line}{'' if rest else by}"
        for number, line in enumerate(rest, 1):
            yield f"        {line}{by if number == len(rest) else ''}"
    if now.died:
        yield "    (the process was killed in this step and started again)"
    if now.status:
        yield f"    {now.status}" + (f": {now.error}" if now.error else "")


def _visit(visit: Visit) -> str:
    handle = f".{visit.handle}" if visit.handle not in ("", "next") else ""
    what = f" ({visit.what})" if visit.what else ""
    return visit_name(visit) + handle + what


def _action(step: StoryStep, who: str) -> str:
    if step.after is not None:
        return f"{format_duration(step.after)} later"
    if step.until is not None:
        return f"until {step.until}"
    if step.decide is not None:
        return f"{step.decide.by or 'a reviewer'} answers: {step.decide.answer}"
    if step.link is not None:
        return f"{who} presses the link ({step.link})"
    if step.code is not None:
        return f"{who} types a code ({step.code})"
    if step.press is not None:
        return f"{who} presses [{step.press}]"
    files = "".join(f" <{one.name or one.kind}>" for one in step.files)
    return f"{who}: {step.say or ''}{files}"


def _details(failure: Failure, paint: Paint) -> list[str]:
    lines: list[str] = []
    if failure.difference is not None:
        lines += _compared(failure.difference, paint)
    for other in failure.others:
        lines += ["", f"  also: {other.fact}", *_compared(other, paint)]
    for number, gap in enumerate(failure.gaps):
        lines += _gap(gap, paint, is_first=number == 0)
    return lines


def _compared(difference: Difference, paint: Paint) -> list[str]:
    if not difference.expected and not difference.actual:
        return []
    return ["", *_diff(difference.expected, difference.actual, paint)]


def _diff(expected: Sequence[str], actual: Sequence[str], paint: Paint) -> list[str]:
    """- what was expected, + what came; the same lines once."""
    styles = {"- ": "good", "+ ": "error", "? ": "dim"}
    before = [line for text in expected for line in (text.split("\n") or [""])]
    after = [line for text in actual for line in (text.split("\n") or [""])]
    lines = ["  - expected   + came"]
    for line in ndiff(before, after):
        line = line.rstrip("\n")
        lines.append("  " + (paint(line, styles[line[:2]]) if line[:2] in styles else line))
    return lines


def _gap(gap: Gap, paint: Paint, *, is_first: bool) -> list[str]:
    lines = [] if is_first else ["", f"  also: {gap.fact}"]
    if gap.wanted is not None and gap.actual is not None:
        lines += ["", *_diff(gap.wanted.rstrip().split("\n"), gap.actual.rstrip().split("\n"), paint)]
    if gap.snippet:
        lines += ["", "  add it to the story, or to the whole file:", ""]
        lines += [f"    {line}" for line in gap.snippet.rstrip().split("\n")]
    return lines


def moment(at_ms: int) -> str:
    """A moment, short."""
    return to_iso(at_ms)[:16] + "Z"
