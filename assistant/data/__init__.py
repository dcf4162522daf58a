"""Texts and numbers that ship with the program."""
