"""A sample MCP server: incidents, who was told of them and who leads them."""
