"""A sample MCP server: free times and bookings."""
