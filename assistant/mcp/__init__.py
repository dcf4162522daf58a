"""MCP: the notes as tools for assistants that are language models."""
