"""Faces for people: chat, reader, command line; the outermost place, which composes the rest."""
