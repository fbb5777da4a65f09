"""A sample MCP server: leads of a sales team, and what it sends them."""
