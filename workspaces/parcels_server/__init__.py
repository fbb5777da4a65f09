"""A sample MCP server: parcels that were delivered, and those on their way back."""
