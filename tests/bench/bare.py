"""The yardstick for HTTP: a bare Starlette endpoint that makes one SQLite commit per request."""

from __future__ import annotations

import sqlite3
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def serve(path: str, port: int) -> None:
    """Serve on 127.0.0.1 until stopped."""
    store = sqlite3.connect(path, isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = FULL")
    store.execute("CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, body TEXT)")

    async def endpoint(request: Request) -> JSONResponse:
        body = await request.json()
        store.execute("BEGIN IMMEDIATE")
        store.execute("INSERT INTO messages (body) VALUES (?)", (str(body),))
        store.execute("COMMIT")
        return JSONResponse({"response": "hello"})

    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
