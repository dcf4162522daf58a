"""Words for lexical search: analysis of Korean and English, BM25, and the notes' vocabulary."""

from index.words import lexical, vocabulary
from index.words.analyzer import Span, analyze, morphemes, spans, stem
from index.words.lexical import Lexical
from index.words.stopword_list import stopwords
from index.words.vocabulary import Vocabulary

__all__ = [
    "Lexical",
    "Span",
    "Vocabulary",
    "analyze",
    "lexical",
    "morphemes",
    "spans",
    "stem",
    "stopwords",
    "vocabulary",
]
