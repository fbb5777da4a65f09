"""A sample MCP server: what a shop sells, to search and to recommend from."""
