"""Rules about how the servers and functions of a workspace are reached: folders, programs and addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from botctl.lint.addresses import leads_to_this_machine
from botctl.lint.bot_site import WorkspaceSite
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.spec.fields import close_word
from botctl.spec.workspace import ServerSpec

_INTERPRETERS = {"python", "python3", "node", "deno", "bun", "ruby", "bash", "sh"}
_SCRIPT = re.compile(r"[^-\s$][^\s$]*\.(?:py|js|mjs|cjs|ts|rb|sh)")


def check_folder(site: WorkspaceSite) -> Iterator[Finding]:
    """A server that is to run in a folder that is not there.

    `cwd` is relative to the project. The server cannot be started.

    Bad:

    ```yaml
    name: demo
    servers: {orders: {command: python, args: [-m, orders_server], cwd: serverss}}
    ```

    Good:

    ```yaml
    name: demo
    servers: {orders: {command: python, args: [-m, orders_server], cwd: skills}}
    ```
    """
    for name, server in site.spec.servers.items():
        if server.cwd and "$" not in server.cwd and not os.path.isdir(site.folder / server.cwd):
            yield Finding(
                f"there is no folder {server.cwd[:100]} for the server `{name}`",
                at=("servers", name, "cwd"),
                label="no such folder",
                help=_instead(site, "", server.cwd),
            )


def check_program(site: WorkspaceSite) -> Iterator[Finding]:
    """A server whose program is a file that is not there.

    A `command` with a slash in it is a path, and so is a script that an interpreter is given: both relative
    to the server's `cwd`, or to the project. The server cannot be started.

    Bad:

    ```yaml
    name: demo
    servers: {orders: {command: python, args: [skills/orders_server.py]}}
    ```

    Good:

    ```yaml
    name: demo
    servers: {orders: {command: python, args: [-m, skills.orders_server]}}
    ```
    """
    for name, server in site.spec.servers.items():
        file, at = _file_of(server)
        folder = os.path.join(site.folder, server.cwd)
        is_there = not file or os.path.exists(os.path.join(folder, file))
        if "$" in server.cwd or is_there or not os.path.isdir(folder):
            continue
        yield Finding(
            f"there is no file {file[:100]}, which the server `{name}` is started with",
            at=("servers", name, *at),
            label="no such file",
            help=_instead(site, server.cwd, file),
        )


def _file_of(server: ServerSpec) -> tuple[str, Path]:
    """The file with which a server is started, and where it is written; "" if that is not certain."""
    command = server.command
    if "/" in command and not os.path.isabs(command) and not command.startswith("~") and "$" not in command:
        return command, ("command",)
    if command in _INTERPRETERS and server.args and _SCRIPT.fullmatch(server.args[0]):
        return ("", ()) if os.path.isabs(server.args[0]) else (server.args[0], ("args", 0))
    return "", ()


def _instead(site: WorkspaceSite, folder: str, name: str) -> str:
    """What there is beside what is not there."""
    before, own = os.path.split(name.rstrip("/"))
    around = os.path.join(site.folder, folder, before)
    close = close_word(own, sorted(os.listdir(around))) if os.path.isdir(around) else None
    place = "the project" if not folder else f"{folder} (`cwd`)"
    return f"did you mean {os.path.join(before, close)}?" if close else f"make it; it is relative to {place}"


def check_address(site: WorkspaceSite) -> Iterator[Finding]:
    """An address that no request can be sent to.

    `url` of a server or of a function is an address on the web: it begins with https:// or http://, and a
    host follows.

    Bad:

    ```yaml
    name: demo
    servers: {orders: {url: "orders.example.com/mcp"}}
    ```

    Good:

    ```yaml
    name: demo
    servers: {orders: {url: "https://orders.example.com/mcp"}}
    ```
    """
    named = [*(("servers", name, one.url) for name, one in site.spec.servers.items())]
    named += [("functions", name, one.url) for name, one in site.spec.functions.items()]
    for kind, name, url in named:
        fault, help = _fault(url)
        if fault:
            yield Finding(
                f"the url of {kind[:-1]} `{name}` is no address on the web",
                at=(kind, name, "url"),
                label=fault,
                help=help,
            )


def _fault(url: str) -> tuple[str, str]:
    """What is wrong with an address, and what to write instead; "" if nothing is, or if that is not known."""
    if not url or url.lstrip().startswith(("$", "{")):
        return "", ""
    try:
        scheme, host = urlsplit(url.strip())[:2]
    except ValueError as error:
        return str(error).lower(), "write it like https://mcp.example.com"
    if scheme in ("http", "https"):
        return ("", "") if host else ("no host follows", "write it like https://mcp.example.com")
    if "://" in url or url.startswith("/"):
        rest = url.partition("://")[2].lstrip("/")
        return "it begins with neither https:// nor http://", f"write https://{rest or 'mcp.example.com'}"
    scheme = "http" if leads_to_this_machine(f"http://{url}") else "https"
    return "it begins with neither https:// nor http://", f"write {scheme}://{url}"


FOLDER = Rule(code="WS304", severity="warning", check=check_folder, doc=check_folder.__doc__)
PROGRAM = Rule(code="WS305", severity="warning", check=check_program, doc=check_program.__doc__)
ADDRESS = Rule(code="WS306", severity="error", check=check_address, doc=check_address.__doc__)
