"""Recognises small talk and gibberish: greetings, thanks, questions about the assistant."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal, cast

import numpy as np
import regex

from assistant.interpretation.english import frequencies
from assistant.retrieval import Query
from index.arrays import Floats
from index.encoding import Encoder, Encoding
from index.language import language
from index.storage import Contents

Talk = Literal["greeting", "goodbye", "thanks", "capability"]

# Small talk is what is nearer to a phrase than this, and more so the better the notes answer it;
# chosen on the part of benchmarks/questions/smalltalk.jsonl that is for development.
_NEAR = 0.45
_ANSWERED = 0.35
# With a word of the notes in it, it has to be nearer; letters alone have to be the phrase itself.
_NEAR_WITH_WORDS = 0.8
_SAME = 0.95
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
# With these a question begins that corrects the one before it.
_DENIALS = {"아니", "아니요", "no"}
# Where a sentence ends, or a part of one: no dot within a name.
_BETWEEN = regex.compile(r"(?<=[,.!?~…])\s+")
_LAUGHTER = regex.compile(r"[ㄱ-ㅎㅏ-ㅣ\s]+")
_LOOSE_JAMO = regex.compile(r"[ㄱ-ㅎㅏ-ㅣ]+")
_ONE_CHARACTER = regex.compile(r"(.)\1{3,}")
_HANGUL = regex.compile(r"[가-힣]+")
_VOWELS = regex.compile(r"[aeiouyà-ÿ]")
_LATIN = regex.compile(r"\p{Latin}+")
# Words have at least this many characters a piece of the tokenizer; what keys give at random less.
_LATIN_A_PIECE = 1.65
_SHORTEST = 4


@dataclass(frozen=True)
class SmallTalk:
    """Phrases of small talk with their vectors.

    vectors: float32 (phrases, dimension), unit length, the mean vector of all questions subtracted.
    """

    kinds: tuple[Talk, ...]
    vectors: Floats

    def kind(self, contents: Contents, query: Query, confidence: float) -> Talk | None:
        """Return the kind of small talk, None for a question to the notes.

        confidence: the probability that the notes answer the query.
        """
        asked = _unit(query.encoding.vector - contents.general.vector_means[query.language])
        cosines = self.vectors @ asked
        nearest = int(cosines.argmax())
        least = _NEAR + _ANSWERED * confidence
        if any(contents.lexical.frequency(word) for word in query.words):
            least = max(least, _NEAR_WITH_WORDS)
        if _LAUGHTER.fullmatch(query.text):
            least = _SAME
        near = cosines[nearest] >= least
        return self.kinds[nearest] if near else None


def prepare(contents: Contents, encoded: Callable[[Sequence[str]], Sequence[Encoding]]) -> bytes:
    """Return the phrases' vectors as bytes, to be stored with an index, for `read`.

    encoded: a function that encodes questions.
    """
    texts = [text for _, text in _phrases()]
    means = contents.general.vector_means
    vectors = [
        _unit(encoding.vector - means[language(text)])
        for text, encoding in zip(texts, encoded(texts), strict=True)
    ]
    file = io.BytesIO()
    np.save(file, np.stack(vectors).astype(np.float16))
    return file.getvalue()


def read(data: bytes) -> SmallTalk:
    """Return the phrases with the vectors that `prepare` made."""
    vectors = np.load(io.BytesIO(data)).astype(np.float32)
    return SmallTalk(tuple(kind for kind, _ in _phrases()), vectors)


def without_courtesies(text: str) -> str:
    """Return a question without the greetings and thanks before and behind it.

    `Hello! What is a volume?` becomes `What is a volume?`. Only whole sentences, or parts up to a
    comma, are left out. A text of nothing but courtesies is returned unchanged.
    """
    parts = _BETWEEN.split(text)
    asked = [number for number, part in enumerate(parts) if _bare(part) not in _courtesies()]
    return " ".join(parts[asked[0] : asked[-1] + 1]) if asked else text


@cache
def _courtesies() -> frozenset[str]:
    said = (text for kind, text in _phrases() if kind != "capability")
    # What is left of a row of emoji, or of "...", is as little asked.
    return (frozenset(map(_bare, said)) | {""}) - _DENIALS


def _bare(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def is_gibberish(text: str, contents: Contents, words: Sequence[str], encoder: Encoder) -> bool:
    """Return whether the text has no real word, as in `asdfgh`.

    words: the words of the text as lexical search reads them; one that the notes have is real.
    """
    if any(contents.lexical.frequency(word) for word in words):
        return False
    return all(_is_noise(word, encoder) for word in _WORD.findall(text))


def _is_noise(word: str, encoder: Encoder) -> bool:
    lowered = word.lower()
    if word.isdigit() or _LOOSE_JAMO.fullmatch(word) or _ONE_CHARACTER.fullmatch(lowered):
        return True
    if _HANGUL.fullmatch(word):
        return not _has_common_syllables(word)
    if not _LATIN.fullmatch(word) or frequencies().get(lowered) or len(word) < _SHORTEST:
        return False
    if _is_run_of_keys(lowered) or not _VOWELS.search(lowered):
        return True
    (pieces,) = encoder.count_tokens([word])
    return len(word) > _SHORTEST and len(word) / max(pieces, 1) < _LATIN_A_PIECE


def _is_run_of_keys(word: str) -> bool:
    places = {key: (row, place) for row, keys in enumerate(_KEYS) for place, key in enumerate(keys)}
    steps = [
        a in places
        and b in places
        and places[a][0] == places[b][0]
        and abs(places[a][1] - places[b][1]) <= 1
        for a, b in pairwise(word)
    ]
    return all(steps)


def _has_common_syllables(word: str) -> bool:
    """Return whether all syllables are among the 2,350 of KS X 1001, which spell Korean words."""
    try:
        # The others are spelt out there, in more bytes.
        return len(word.encode("euc_kr")) == 2 * len(word)
    except UnicodeEncodeError:
        return False


def _phrases() -> list[tuple[Talk, str]]:
    lines = files("assistant.data").joinpath("smalltalk.txt").read_text("utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines)
    return [(cast(Talk, kind), text) for kind, _, text in pairs]


def _unit(vector: Floats) -> Floats:
    unit: Floats = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
