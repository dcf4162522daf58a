"""Finds names in a question, so that names which the notes never mention can be reported."""

from collections import Counter
from collections.abc import Iterator
from functools import cache

import regex

from assistant.interpretation.english import frequencies
from index.encoding import background_questions
from index.language import Language
from index.words import Span, analyze, morphemes, spans

# An English word more frequent in books is no name: swarm, podman and pasta are, limit is not.
_COMMON = 10_000_000
_LATIN = regex.compile(r"\p{Latin}[\p{Latin}\p{N}]*")
_CAPITALS = regex.compile(r"\p{Lu}{2,}|\p{L}+\p{Lu}")
_SHORTEST = 2


def names(text: str, language: Language) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each possible name in a question as written, with the words to look it up by.

    Korean nouns that touch each other are one name, since the analyser splits a name that it does
    not know. Words that are common in general questions are no names.
    """
    for run in _runs(text):
        written = text[run[0].start : run[-1].end]
        words = tuple(word for span in run for word in span.words)
        general = len(written) < _SHORTEST or set(words) <= _general()
        if not general and _is_name(written, language):
            yield written, words


def _runs(text: str) -> Iterator[list[Span]]:
    """Yield runs of nouns and Latin words; spans that touch each other make one run."""
    nouns = set(_nouns(text))
    run: list[Span] = []
    for span in spans(text):
        written = text[span.start : span.end]
        if (span.start, span.end) not in nouns and not _LATIN.search(written):
            continue
        if run and span.start > run[-1].end:
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _nouns(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each Korean noun in a text."""
    position = 0
    for surface, tag in morphemes(text):
        start = text.index(surface, position)
        position = start + len(surface)
        if tag.startswith(("NNG", "NNP")):
            yield start, position


def _is_name(written: str, language: Language) -> bool:
    """Return whether a word is a name; in English text, a common word such as `limit` is none."""
    if language == "ko" or not _LATIN.fullmatch(written) or _CAPITALS.search(written):
        return True
    return frequencies().get(written.lower(), 0) < _COMMON


@cache
def _general() -> frozenset[str]:
    """Return the words that at least two general questions share."""
    texts = (
        text
        for language in background_questions.LANGUAGES
        for text in background_questions.questions(language)
    )
    counts = Counter(word for text in texts for word in set(analyze(text)))
    return frozenset(word for word, count in counts.items() if count > 1)
