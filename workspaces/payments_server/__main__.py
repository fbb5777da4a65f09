"""`python -m workspaces.payments_server`: a payment provider's MCP server on stdin and stdout."""

from .server import make_server

if __name__ == "__main__":
    make_server().run("stdio")
