"""`python -m workspaces.catalogue_server`: the catalogue's MCP server on stdin and stdout."""

from .server import make_server

if __name__ == "__main__":
    make_server().run("stdio")
