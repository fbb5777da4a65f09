"""A sample MCP server: employees, what leave they have left, and what they asked for."""
