"""The shop's orders as an MCP server, with its own SQLite data."""
