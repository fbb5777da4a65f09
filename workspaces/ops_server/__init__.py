"""A sample MCP server: services that can be looked at, restarted and deployed."""
