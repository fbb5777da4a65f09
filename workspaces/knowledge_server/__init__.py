"""A sample MCP server: articles to search and read, and questions that none of them answers."""
