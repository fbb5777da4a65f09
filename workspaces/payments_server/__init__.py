"""A sample MCP server: what customers paid, as a payment provider knows it."""
