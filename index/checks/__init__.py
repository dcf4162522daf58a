"""A linter for notes: what readers stumble over, and what keeps notes from answering well."""

__all__ = []
