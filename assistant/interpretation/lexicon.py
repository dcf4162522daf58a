"""Reads the words of a question: corrects them, and adds synonyms and words in the other script."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import regex

from assistant.interpretation.loanwords import same, skeleton
from assistant.interpretation.names import names
from assistant.interpretation.spelling import Speller
from assistant.retrieval import Query
from index.encoding import Encoding
from index.language import language as language_of
from index.words import Lexical, Vocabulary, analyze, stem

_QUOTED = regex.compile(r'["“](.+)["”]')
_LATIN = regex.compile(r"\p{Latin}+")
# Words that the notes do not have, and people ask with again and again.
_REMEMBERED = 4096


@dataclass(frozen=True)
class Lexicon:
    """Reads questions by the words of the notes.

    known: tells whether a word belongs to general language.
    """

    vocabulary: Vocabulary
    lexical: Lexical
    known: Callable[[str], bool]

    @cached_property
    def speller(self) -> Speller:
        """Return the speller that corrects questions."""
        return Speller(self.vocabulary, self.known, self.lexical.words)

    def meant(self, typed: str) -> str:
        """Return the corrected question; a question in quotes is taken as typed, without them."""
        quoted = _QUOTED.fullmatch(typed)
        return quoted[1] if quoted else self.speller.mend(typed)

    def query(self, text: str, encoding: Encoding) -> Query:
        """Return the query of an encoded question: its words and the names the notes lack."""
        language = language_of(text)
        missing = (
            name for name, words in names(text, language) if not self._mentioned(name, words)
        )
        return Query(text, language, encoding, self.words(text), tuple(dict.fromkeys(missing)))

    def _mentioned(self, name: str, words: Sequence[str]) -> bool:
        found = (*words, *self.words(name))
        return any(self.lexical.frequency(word) for word in found)

    def words(self, question: str) -> tuple[str, ...]:
        """Return the words to search for.

        They are the words of the question, spellings of its unknown words in the other script
        (컴포즈 finds `compose`), and synonyms from the glossary.
        """
        found = list(analyze(question))
        # A stem sounds less like the other script than the word that was written.
        written = {stem(word): word for word in _LATIN.findall(question.lower())}
        for word in dict.fromkeys(found):
            if not self.lexical.frequency(word):
                found += self._across(written.get(word, word))
        return tuple(found + list(self._synonyms(question)))

    @cached_property
    def _across(self) -> Callable[[str], list[str]]:
        # Without the lexicon in it, so that it is freed with its version.
        return lru_cache(_REMEMBERED)(partial(_across, self._skeletons))

    def _synonyms(self, question: str) -> Iterator[str]:
        lowered = question.lower()
        for group in self.vocabulary.glossary:
            named = [term for term in group if term.lower() in lowered]
            if named:
                for term in group:
                    if term not in named:
                        yield from analyze(term)

    @cached_property
    def _skeletons(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for word in (*self.vocabulary.latin, *self.vocabulary.hangul):
            if key := skeleton(word):
                found[key].append(word)
        return found


def _across(skeletons: Mapping[str, Sequence[str]], word: str) -> list[str]:
    """Return the words of the notes in the other script that sound like this word."""
    others = skeletons.get(skeleton(word), ())
    pairs = ((word, other) if word.isascii() else (other, word) for other in others)
    found = [other for other, pair in zip(others, pairs, strict=True) if _differ(*pair)]
    return [part for other in found for part in analyze(other)]


def _differ(latin: str, hangul: str) -> bool:
    return latin.isascii() and not hangul.isascii() and same(latin, hangul)
