"""Corrects a question: the wrong keyboard layout, misspelt words of the notes, lost spaces."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import hangulpy
import regex
from rapidfuzz import process
from rapidfuzz.distance import OSA

from assistant.interpretation.english import frequencies, respelt, split
from index.words import Vocabulary, morphemes, stem

_TOKEN = regex.compile(r"\p{Hangul}+|[\p{Latin}']+")
_HANGUL = regex.compile(r"\p{Hangul}")
_SYLLABLES = regex.compile(r"[가-힣]+")
# A particle follows a Latin word at once, but a Latin word begins behind a space.
_SCRIPTS_MEET = regex.compile(r"(?<=[가-힣])(?=\p{Latin})")
_LOOSE_JAMO = regex.compile(r"[ㄱ-ㅎㅏ-ㅣ]")
# Tags of what follows a noun or ends a verb: particles, endings, suffixes, the copula.
_BOUND = ("J", "E", "X", "VC")
# What joins the parts of paths, files, flags and names.
_JOINED = regex.compile(r"[-_/\\@#$0-9]|[.:]\w")
# A Latin word with a particle.
_WITH_PARTICLE = regex.compile(r"[a-zA-Z]\p{Hangul}")
# As long as a syllable or less: a name beside Hangul, and no word typed in another layout.
_SHORT = 3
# Names of files, settings and packages; what a version or a path adds to them stays.
_IDENTIFIER = regex.compile(r"(?<![\w./\\@:-])\p{Latin}+(?:[-_.]\p{Latin}+)+(?![\w/\\@:-])")
_SHORTEST_IDENTIFIER = 6
# Tags that only a clause has: verbs and adjectives, adverbs, determiners, pronouns.
_CLAUSE = ("V", "MAG", "MM", "NP", "XSA", "XSV")
# Tags that the pieces of an unknown name are given, where each happens to look like a word.
_NAMED = ("N", "MAG", "MM", "XR")
_NOUN = "메모"
# What is longer is no word, and each of its beginnings would be looked up.
_LONGEST = 40
_UNSPACED = 7
_LONG_HANGUL = 8
# Vowels and final consonants that are taken for each other, as conjoining jamo.
_ALIKE = ("ᅢᅦ", "ᅤᅨ", "ᅬᅫᅰ", "ᅥᅧ", "ᅡᅣ", "ᅩᅭ", "ᅮᅲ", "ᆫᆷᆼ", "ᆨᆩᆿ", "ᆸᇁ", "ᆮᆺᆻᆽᆾᇀ")

Known = Callable[[str], bool]
Morphemes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Speller:
    """Corrects questions by the words of the notes.

    known: tells whether a word belongs to general language. words: the words of lexical search;
    identifiers are taken from them.
    """

    vocabulary: Vocabulary
    known: Known
    words: Iterable[str] = ()

    def mend(self, question: str) -> str:
        """Return the corrected question; without a sign of a mistake, it is unchanged."""
        question = _SCRIPTS_MEET.sub(" ", self._layout(question))
        question = _IDENTIFIER.sub(self._identifier, question)
        question = _TOKEN.sub(self._word, question)
        return _TOKEN.sub(self._spaced, question)

    def _layout(self, question: str) -> str:
        """Return the question in the right keyboard layout, where it was typed in the other one.

        `ehzj zjsxpdlsj` becomes 도커 컨테이너, and 애차ㄷㄱ becomes docker.
        """
        latin = [word for word in _TOKEN.findall(question) if word.isascii()]
        if latin and not any(map(self._is_word, latin)) and not _on_purpose(question, latin):
            korean: str = hangulpy.convert_qwerty_to_hangul(question)
            runs = _SYLLABLES.findall(korean)
            if not _LOOSE_JAMO.search(korean) and any(map(self._starts_with_noun, runs)):
                return korean
        return _TOKEN.sub(lambda found: self._typed_in_korean(found[0]), question)

    def _typed_in_korean(self, word: str) -> str:
        if not _LOOSE_JAMO.search(word):
            return word
        english: str = hangulpy.convert_hangul_to_qwerty(word).lower()
        return english if english in self._latin else word

    def _word(self, found: regex.Match[str]) -> str:
        word = found[0]
        if not word.isascii():
            return self._hangul_word(word)
        before = found.string[max(0, found.start() - 1) : found.start()]
        after = found.string[found.end() : found.end() + 2]
        part = _JOINED.match(before) or _JOINED.match(after)
        return word if part else self._latin_word(word)

    def _identifier(self, found: regex.Match[str]) -> str:
        """Return the one identifier of the notes that is an edit away, else the word as it is."""
        word = found[0].lower()
        if len(word) < _SHORTEST_IDENTIFIER or word in self._identifiers:
            return found[0]
        near = process.extract(
            word, self._identifiers, scorer=OSA.distance, score_cutoff=1, limit=None
        )
        # One letter more makes another name, as .yaml is.
        meant = [each for each, *_ in near if len(each) >= len(word)]
        return meant[0] if len(meant) == 1 else found[0]

    def _latin_word(self, word: str) -> str:
        lower = word.lower()
        # Capitals inside a word are a name's; a word with one letter more is another word, as
        # systemd and buildx are.
        if len(word) < 4 or word[1:] != lower[1:] or "'" in word:
            return word
        if self._is_word(word) or self._is_word(word[:-1]):
            return word
        return respelt(lower, self._latin) or split(lower, self._latin) or word

    def _hangul_word(self, word: str) -> str:
        if not 2 <= len(word) <= _LONGEST or self._is_known_noun(word):
            return word
        for end in range(len(word), 1, -1):
            noun = self._near(word[:end]) if _is_bound(word[:end], word[end:]) else None
            if noun and noun not in word:
                return noun + word[end:]
        return word

    def _spaced(self, found: regex.Match[str]) -> str:
        """Return a Hangul clause that was typed without spaces with a space before each word."""
        run = found[0]
        if len(run) < _UNSPACED or run.isascii():
            return run
        # Behind a Latin word stands a particle: a noun in its place lets it be read as one.
        behind = found.start() > 0 and found.string[found.start() - 1].isascii()
        behind = behind and found.string[found.start() - 1].isalnum()
        read = morphemes(_NOUN + run)[1:] if behind else self._read(run)
        if not any(tag.startswith(_CLAUSE) for _, tag in read):
            return run
        parts: list[str] = []
        before = ""
        for surface, tag in read:
            if parts and self._belongs(surface, tag, parts[-1], before):
                parts[-1] += surface
            else:
                parts.append(surface)
            before = tag.split("+")[-1]
        return " ".join(parts)

    def _belongs(self, surface: str, tag: str, part: str, before: str) -> bool:
        """Return whether a morpheme is written without a space before it.

        part: the text before it, back to the last space. before: the tag of the last morpheme of
        that text.
        """
        if tag.startswith(_BOUND) or before.startswith("XP"):
            return True
        if before.startswith("N") and tag.startswith("N") and min(len(surface), len(part)) < 2:
            return True
        # Pieces of a name that no dictionary has, as 버네 and 티스.
        named = before.startswith(_NAMED) and tag.startswith(_NAMED)
        return named and self._hangul.isdisjoint((part, surface)) and not self.known(surface)

    def _read(self, run: str) -> Morphemes:
        """Return the morphemes of a run; a word of the notes at its start is one morpheme."""
        read = morphemes(run)
        heads = [run[:end] for end in range(2, len(run)) if run[:end] in self._hangul]
        if heads and len(read[0][0]) < len(heads[-1]):
            read = ((heads[-1], "NNG"), *morphemes(run[len(heads[-1]) :]))
        return tuple(self._whole(read))

    def _whole(self, read: Morphemes) -> Iterator[tuple[str, str]]:
        """Yield the morphemes, and join those that are one word of the notes.

        In 왜도커써 the analyser reads 도 as a particle, but 도커 is one word.
        """
        at, before = 0, "N"
        while at < len(read):
            surface, tag = read[at]
            pieces = 1
            if tag.startswith(_BOUND) and not before.startswith("N"):
                pieces = self._of_notes(read[at:])
            if pieces > 1:
                surface, tag = "".join(part for part, _ in read[at : at + pieces]), "NNG"
            yield surface, tag
            at, before = at + pieces, tag.split("+")[-1]

    def _of_notes(self, read: Morphemes) -> int:
        """Return the number of first morphemes that form a word of the notes, 1 if none do."""
        words = accumulate(surface for surface, _ in read)
        return max((n for n, word in enumerate(words, 1) if word in self._hangul), default=1)

    def _near(self, noun: str) -> str | None:
        if noun in self._hangul or self.known(noun):
            return None
        jamo = _letters(noun)
        cutoff = 1 if len(jamo) <= _LONG_HANGUL else 2
        found = process.extractOne(
            jamo, self._by_letters.keys(), scorer=OSA.distance, score_cutoff=cutoff
        )
        if not found or (len(jamo) < _LONG_HANGUL and not _sounds_alike(jamo, found[0])):
            return None
        return self._by_letters[found[0]]

    def _is_word(self, word: str) -> bool:
        lower = word.lower()
        known = lower in frequencies() or self.known(lower) or self.known(word)
        return known or stem(lower) in self._stems

    def _is_known_noun(self, word: str) -> bool:
        return any(
            word[:end] in self._hangul and _is_bound(word[:end], word[end:])
            for end in range(len(word), 1, -1)
        )

    def _starts_with_noun(self, run: str) -> bool:
        return any(run[:end] in self._hangul for end in range(2, len(run) + 1))

    @cached_property
    def _identifiers(self) -> frozenset[str]:
        return frozenset(filter(_IDENTIFIER.fullmatch, self.words))

    @cached_property
    def _latin(self) -> frozenset[str]:
        return frozenset(self.vocabulary.latin)

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.vocabulary.latin))

    @cached_property
    def _hangul(self) -> frozenset[str]:
        return frozenset(self.vocabulary.hangul)

    @cached_property
    def _by_letters(self) -> dict[str, str]:
        return {_letters(word): word for word in reversed(list(self.vocabulary.hangul))}


def _on_purpose(question: str, latin: Sequence[str]) -> bool:
    """Return whether Latin words were meant as they are: whoever types Hangul beside them has the
    layout right, where a particle follows one or one is short."""
    short = _HANGUL.search(question) and min(map(len, latin)) <= _SHORT
    return bool(short or _WITH_PARTICLE.search(question))


def _letters(word: str) -> str:
    return unicodedata.normalize("NFD", word)


def _sounds_alike(letters: str, other: str) -> bool:
    """Return whether two words of equal length differ only in one letter that sounds alike."""
    if len(letters) != len(other):
        return False
    changed = [pair for pair in zip(letters, other, strict=True) if pair[0] != pair[1]]
    return len(changed) == 1 and any(set(changed[0]) <= set(group) for group in _ALIKE)


def _is_bound(noun: str, rest: str) -> bool:
    """Return whether the rest of a word behind a noun is only particles and endings."""
    if not rest:
        return True
    # A noun that the dictionary has stands in for one that it may not have; particles differ
    # behind a final consonant.
    known = "볼륨" if len(_letters(noun[-1])) > 2 else _NOUN
    tags = [tag for _, tag in morphemes(known + rest)][1:]
    return bool(tags) and all(tag.startswith(_BOUND) for tag in tags)
