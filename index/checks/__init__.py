"""A linter for notes: it finds problems for readers and for the search of answers."""

__all__ = []
