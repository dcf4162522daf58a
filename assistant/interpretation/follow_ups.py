"""Follow-up questions: each is searched with the part of the conversation that it needs.

A question in a conversation can be read in three ways: alone, joined with the questions before it,
and together with the title of the section that answered last. Each reading is searched and judged.
A reading that repeats more of the conversation matches the notes better, whatever the person
meant; so the weights by which the confidences are compared are learned.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
import regex
from cachetools import LRUCache

from assistant.interpretation.smalltalk import Talk
from assistant.retrieval import Found, Query
from index.encoding import Encoding
from index.words import spans

# Logistic regression on the part of the conversations that is for development, with pairs of
# unrelated questions beside them: how sure it is alone and joined, cues, content words,
# how far what it finds alone is ahead of the section that answered last.
_FOLLOWS = np.array([-1.4, 0.9, 1.1, -1.3, -1.2, 1.8])
_TITLED = -1.5
# That a follow-up is answered, by a logistic regression on those questions: by how well it is alone
# and how well joined with what was asked before.
_FOLLOWED = (0.35, 0.8)
_FOLLOWED_INTERCEPT = 1.0
# Of a long conversation the last questions say what is talked of.
_ASKED = 3
# Earlier questions must leave room for this one in what the encoder reads.
_LONGEST = 200
_REMEMBERED = 4096
_POINTS_BACK = regex.compile(
    r"^(그럼|그러면|그래서|반대로|왜|and|so|then|what about|how about|why)\b"
    r"|그거|그걸|그게|그건|그것|거기|아까|방금|둘 ?중|그니까|그러니까|요약하면|정리하면"
    r"|다시 말|말고"
    r"|\b(it|its|that|those|these|this|they|them|there|one|ones)\b"
    r"|잘못|틀렸|정정|말한|물어본|궁금한 거"
    r"|\b(again|once more|still|other words|you mean|you're saying|i meant|i said|wrong|oops)\b",
    regex.IGNORECASE,
)


_CORRECTIONS = (
    regex.compile(
        r"(?P<wrong>[\p{L}\p{N}_.-]+?)(이|가|은|는|을|를|도)?\s*(말고|아니라|아니고|됐고|대신)\s+(?P<right>.+)"
    ),
    regex.compile(
        r"(?P<right>\p{L}.*?)(,| and| but| (?=not the ))\s*not (the |a |an )?"
        r"(?P<wrong>[\p{L}\p{N}_-]+)\W*$",
        regex.IGNORECASE,
    ),
    regex.compile(
        r"\bnot (the |a |an )?(?P<wrong>[\p{L}\p{N}_-]+)\s*(,|but)\s*(?P<right>.+)",
        regex.IGNORECASE,
    ),
)


@dataclass(frozen=True)
class Turn:
    """An earlier question as it was understood.

    asked: the questions that were searched together for it, oldest first. section: the section
    found first, as the numbers of its document and section. title: the title of that section.
    """

    asked: tuple[str, ...]
    section: tuple[int, int]
    title: str

    def joined(self, text: str) -> tuple[str, ...]:
        """Return the questions to search together for a follow-up on this one, oldest first."""
        before = [question[:_LONGEST] for question in self.asked]
        wrong, right = corrected(text)
        if wrong:
            before = [_without(question, wrong) for question in before]
        return (*filter(None, before), right)[-_ASKED:]


def corrected(text: str) -> tuple[str, str]:
    """Return the words that a question takes back, and the question that it asks instead.

    `아니 이미지 말고 볼륨` gives `("이미지", "볼륨")`; a question that takes nothing back gives an
    empty string and itself.
    """
    for pattern in _CORRECTIONS if len(text) <= _LONGEST else ():
        if found := pattern.search(text):
            right = found["right"].strip(" ,.!?")
            if right:
                return found["wrong"], right
    return "", text


def _without(question: str, wrong: str) -> str:
    # A plural is taken back with its singular.
    begins = wrong.lower().removesuffix("s")
    kept = [word for word in question.split() if not word.lower().startswith(begins)]
    return " ".join(kept)


@dataclass(frozen=True)
class Interpretation:
    """One way to read a question, with its search result and the confidence that this answers.

    asked: the questions that are searched together. talk: the kind of small talk, None for a
    question to the notes.
    """

    asked: tuple[str, ...]
    query: Query
    found: Found
    confidence: float
    talk: Talk | None = None


@dataclass(frozen=True)
class Memory:
    """Cache of understood conversations, so that a next question is cheap; safe for threads."""

    _turns: LRUCache[tuple[str, ...], Turn] = field(default_factory=lambda: LRUCache(_REMEMBERED))
    _lock: Lock = field(default_factory=Lock)

    def recall(self, questions: tuple[str, ...]) -> Turn | None:
        """Return the turn of the last of these questions, None where it is not cached."""
        with self._lock:
            return self._turns.get(questions)

    def keep(self, questions: tuple[str, ...], turn: Turn) -> None:
        """Cache the turn of the last of these questions; a full cache drops the least used."""
        with self._lock:
            self._turns[questions] = turn


def stands_alone(text: str, frequency: Callable[[str], int]) -> bool:
    """Return whether a question must not be joined with the questions before it.

    It names at least two things, the notes know none of them, and no word points back, as `it`
    does: joined, it would be answered from the earlier questions alone.
    frequency: a function from a word to the number of texts of the notes that hold it.
    """
    named = list(spans(text))
    known = any(frequency(word) for span in named for word in span.words)
    return len(named) > 1 and not known and not _POINTS_BACK.search(text)


def likeliest(
    alone: Interpretation, joined: Interpretation, titled: Interpretation, ahead: float
) -> Interpretation:
    """Return the most likely of three readings.

    The confidence of a follow-up is corrected, since it repeats words of the conversation.
    ahead: the score of the first hit of `alone` minus that of the section that answered last.
    """
    own, both = _logit(alone.confidence), _logit(joined.confidence)
    if not _follows(alone.query.text, own, both, ahead):
        return alone
    meant = joined if both >= _logit(titled.confidence) + _TITLED else titled
    confidence = 1 / (1 + np.exp(-(np.dot(_FOLLOWED, (own, both)) + _FOLLOWED_INTERCEPT)))
    return replace(meant, confidence=float(confidence))


def _follows(text: str, own: float, both: float, ahead: float) -> bool:
    """Return whether a question follows up on the one before, from logits of its readings."""
    words = sum(1 for _ in spans(text))
    signals = (own, both, bool(_POINTS_BACK.search(text)), np.log1p(words), ahead, 1.0)
    return float(_FOLLOWS @ np.asarray(signals)) > 0


def together(first: Query, second: Query) -> Query:
    """Return one query for two encoded texts, without encoding them again.

    The encoder's vector is the mean of token states, so the vector of both texts is the mean over
    the states of both. The sentence embedding of both lies halfway between the two.
    """
    one, two = first.encoding, second.encoding
    states = np.concatenate([one.states, two.states])
    mean = states[:, -len(one.vector) :].mean(axis=0)
    vector = mean / max(float(np.linalg.norm(mean)), 1e-12)
    moved = np.where(two.offsets >= 0, two.offsets + len(first.text) + 1, two.offsets)
    offsets = np.concatenate([one.offsets, moved])
    sentence_embedding = one.sentence_embedding + two.sentence_embedding
    sentence_embedding /= max(float(np.linalg.norm(sentence_embedding)), 1e-12)
    return Query(
        f"{first.text} {second.text}",
        second.language,
        Encoding(vector.astype(np.float32), states, offsets, sentence_embedding),
        first.words + second.words,
        tuple(dict.fromkeys(first.missing + second.missing)),
    )


def _logit(probability: float) -> float:
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(bounded / (1 - bounded)))
