"""A sample MCP server: the members of a community, with their roles and interests."""
