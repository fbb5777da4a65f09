"""An MCP server of the protocol before 2026-07-28, written by hand: a handshake, sessions, notices unasked.

`older.py` speaks on stdio. As a module it serves HTTP from a thread, and can forget its sessions.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
REFUSED = {"code": -32601, "message": "Method not found"}


class OlderServer:
    """Has one tool, `count`, and after its first call a second one, `more`."""

    def __init__(self) -> None:
        self.calls = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The response to a request."""
        result = self._result(request["method"], request.get("params") or {})
        outcome = {"error": REFUSED} if result is None else {"result": result}
        return {"jsonrpc": "2.0", "id": request["id"], **outcome}

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            return {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "older", "version": "1"},
            }
        if method == "tools/list":
            return self._page(params.get("cursor"))
        if method == "tools/call":
            self.calls += 1
            return {"content": [{"type": "text", "text": str(self.calls)}]}
        return None

    def _page(self, cursor: str | None) -> dict[str, Any]:
        """The tools, one a page."""
        names = ["count", "last"] + (["more"] if self.calls else [])
        at = int(cursor or 0)
        page: dict[str, Any] = {"tools": [{"name": names[at], "inputSchema": {"type": "object"}}]}
        if at + 1 < len(names):
            page["nextCursor"] = str(at + 1)
        return page


class HttpSessions(ThreadingHTTPServer):
    """The server over HTTP, with the sessions it remembers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.older = OlderServer()
        self.sessions: set[str] = set()
        self.opened = 0


class Requests(BaseHTTPRequestHandler):
    """One request: 404 for a session that is not known, as the protocol demands."""

    server: HttpSessions
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if request["method"] == "initialize":
            self.server.opened += 1
            session = f"s{self.server.opened}"
            self.server.sessions.add(session)
            self._send(200, self.server.older.answer(request), session)
        elif request["method"] != "server/discover" and not self._known():
            self._send(404, {"error": "no such session"})
        elif "id" in request:
            self._send(200, self.server.older.answer(request))
        else:
            self._send(202)

    def do_GET(self) -> None:
        self._send(405)

    def do_DELETE(self) -> None:
        self.server.sessions.discard(self.headers["mcp-session-id"])
        self._send(200)

    def _known(self) -> bool:
        return self.headers.get("mcp-session-id") in self.server.sessions

    def _send(self, status: int, body: dict[str, Any] | None = None, session: str = "") -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        if text:
            self.send_header("content-type", "application/json")
        if session:
            self.send_header("mcp-session-id", session)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *words: Any) -> None:
        pass


@contextmanager
def older_http_server() -> Iterator[HttpSessions]:
    """The server in a thread; its port is `server_port`."""
    with HttpSessions() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Answer line by line."""
    server = OlderServer()
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        print(json.dumps(server.answer(request)), flush=True)
        if request["method"] == "tools/call":
            print(json.dumps(CHANGED), flush=True)


if __name__ == "__main__":
    main()
