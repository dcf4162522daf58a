"""Interprets a question: spelling, synonyms, names, small talk, follow-ups."""

from assistant.interpretation import smalltalk
from assistant.interpretation.follow_ups import (
    Interpretation,
    Memory,
    Turn,
    corrected,
    likeliest,
    stands_alone,
    together,
)
from assistant.interpretation.lexicon import Lexicon
from assistant.interpretation.smalltalk import (
    SmallTalk,
    Talk,
    is_gibberish,
    read,
    without_courtesies,
)

__all__ = [
    "Interpretation",
    "Lexicon",
    "Memory",
    "SmallTalk",
    "Talk",
    "Turn",
    "corrected",
    "is_gibberish",
    "likeliest",
    "read",
    "smalltalk",
    "stands_alone",
    "together",
    "without_courtesies",
]
