"""Rules about the tools of a workspace: patterns that fit nothing, names that stand there twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from botctl.lint.bot_site import WorkspaceSite
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.spec.fields import close_word, one_of
from botctl.tools.skills import SKILLS
from botctl.tools.tool import FUNCTIONS

_WILD = re.compile(r"[*?\[]")


def check_patterns(site: WorkspaceSite) -> Iterator[Finding]:
    """A pattern that fits no tool.

    `tools` names tools as `server__tool`, with `*` for any characters. One that fits nothing allows, denies
    or asks about nothing. A `deny` with a `*` may be there for tools to come, so it is only told when there
    is no such server, or when the name of a tool begins almost like it.

    Bad:

    ```yaml
    name: demo
    functions:
      refund: {url: "https://shop.example.com/refund", destructive: true}
    tools: {ask: [functions__refnd]}
    ```

    Good:

    ```yaml
    name: demo
    functions:
      refund: {url: "https://shop.example.com/refund", destructive: true}
    tools: {ask: [functions__refund]}
    ```
    """
    servers = [*site.spec.servers, *([FUNCTIONS] if site.spec.functions else [])]
    servers += [SKILLS] if site.spec.skills else []
    for field in ("allow", "deny", "ask"):
        for index, pattern in enumerate(getattr(site.spec.tools, field)):
            at: Path = ("tools", field, index)
            if "${" in pattern or any(fnmatchcase(name, pattern) for name in site.known.tools):
                continue
            yield from _unfitting(site, pattern, servers, at, may_be_ahead=field == "deny")


def _unfitting(
    site: WorkspaceSite, pattern: str, servers: list[str], at: Path, *, may_be_ahead: bool
) -> Iterator[Finding]:
    server, has_server, _ = pattern.partition("__")
    if has_server and not _WILD.search(server) and not _begins_a_server(pattern, servers):
        close = close_word(server, servers)
        known = f"there is {one_of(servers, 'and')}" if servers else "the workspace has none"
        yield Finding(
            f"the pattern `{pattern[:60]}` names a server that the workspace does not have",
            at=at,
            label=f"no server is called `{server[:40]}`",
            help=f"did you mean `{close}`?" if close else known,
        )
        return
    is_wild = bool(_WILD.search(pattern))
    unlocked = site.known.unlocked
    if (has_server or is_wild) and any(_may_begin(pattern, f"{name}__") for name in unlocked):
        return
    begun_alike = _begun_alike(pattern, site)
    if is_wild and may_be_ahead and not begun_alike:
        return
    close = begun_alike or tool_meant(pattern, site.known.tools)
    yield Finding(
        f"the pattern `{pattern[:60]}` fits no tool",
        at=at,
        label="no tool has such a name",
        help=f"did you mean `{close}`?" if close else "write it like `server__tool` or `server__*`",
    )


def _begins_a_server(pattern: str, servers: list[str]) -> bool:
    return any(_may_begin(pattern, f"{server}__") for server in servers)


def _may_begin(pattern: str, prefix: str) -> bool:
    """Whether a name that begins with `prefix` may fit the pattern."""
    wild = _WILD.search(pattern)
    plain = pattern[: wild.start()] if wild else pattern
    return plain.startswith(prefix) or (wild is not None and prefix.startswith(plain))


def _begun_alike(pattern: str, site: WorkspaceSite) -> str | None:
    """A pattern such as `orders__delete_*` for one such as `orders__delet_*`, if a tool begins like that."""
    begun = re.fullmatch(r"(\w+__)([A-Za-z]+)(_?\*)", pattern)
    if begun is None:
        return None
    server, word, rest = begun.groups()
    tools = (name.removeprefix(server) for name in site.known.tools if name.startswith(server))
    words = dict.fromkeys(name.partition("_")[0] for name in tools if "_" in name)
    meant = [one for one in words if _is_slip(word, one)]
    return f"{server}{meant[0]}{rest}" if len(meant) == 1 else None


def _is_slip(one: str, other: str) -> bool:
    """Whether a word of some length is the other but for a letter too few or too many, or two exchanged."""
    if min(len(one), len(other)) < 4:
        return False
    if len(one) == len(other):
        return one != other and sorted(one) == sorted(other)
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def tool_meant(pattern: str, tools: Collection[str]) -> str | None:
    """The tool whose name was surely meant by a pattern that fits none, or the only one of that own name."""
    close = close_word(pattern, tools)
    if close:
        return close
    named = [name for name in tools if name.partition("__")[2] == pattern]
    return named[0] if len(named) == 1 else None


def check_skills(site: WorkspaceSite) -> Iterator[Finding]:
    """A skill stands in the list twice.

    Bad:

    ```yaml
    name: demo
    skills: [skills/returns, skills/returns]
    ```

    Good:

    ```yaml
    name: demo
    skills: [skills/returns]
    ```
    """
    first: dict[str, int] = {}
    for index, folder in enumerate(site.spec.skills):
        before = first.setdefault(folder.rstrip("/"), index)
        if before != index:
            yield Finding(
                f"the skill {folder[:80]} is listed twice",
                at=("skills", index),
                label="here again",
                help="take one of them out",
                others=((("skills", before), "first here"),),
            )


def check_servers(site: WorkspaceSite) -> Iterator[Finding]:
    """A server whose tools others hide.

    Tools are called `server__tool`. Those of functions begin with `functions__` and those of skills with
    `skills__`, and go before those of a server of that name; of two servers of which one's name begins with
    the other's and `__`, the longer is asked.

    Bad:

    ```yaml
    name: demo
    servers: {functions: {command: python, args: [-m, functions_server]}}
    functions: {refund: {url: "https://shop.example.com/refund"}}
    ```

    Good:

    ```yaml
    name: demo
    servers: {orders: {command: python, args: [-m, functions_server]}}
    functions: {refund: {url: "https://shop.example.com/refund"}}
    ```
    """
    taken = {FUNCTIONS: bool(site.spec.functions), SKILLS: bool(site.spec.skills)}
    for name in site.spec.servers:
        longer = next((other for other in site.spec.servers if other.startswith(f"{name}__")), "")
        if taken.get(name) or longer:
            yield Finding(
                f"tools of the server `{name}` may be hidden",
                at=("servers", name),
                key=True,
                label=f"tools of `{longer}` begin alike"
                if longer
                else f"{name} of this workspace begin alike",
                help="give the server another name",
            )


PATTERN = Rule(code="TL201", severity="warning", check=check_patterns, doc=check_patterns.__doc__)
SERVERS = Rule(code="TL203", severity="warning", check=check_servers, doc=check_servers.__doc__)
SKILL_TWICE = Rule(code="TL202", severity="warning", check=check_skills, doc=check_skills.__doc__)
