"""Passages and what is asked of them, read and encoded as the program encodes them."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.encoding.encoder import Encoder, Encoding
from index.normalising import normalise
from index.vectors.token_embeddings import spoken, token_lines

QUESTIONS = Path(__file__).with_name("questions")
_NEAR = 25


@dataclass(frozen=True, eq=False)
class Text:
    """One encoded text: float16 (tokens, states), the line of each token, -1 for the heading."""

    states: npt.NDArray[np.float16]
    lines: npt.NDArray[np.int16]
    vector: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Data:
    """Passages and questions with their texts; own: the passage that a question was written for.

    held: of each passage, whether it takes no part in training. near: passages like each question.
    """

    passages: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    stated: list[Text]
    asked: list[Text]
    own: list[int]
    held: list[bool]
    near: list[list[int]]

    def chosen(self, answered: bool, held: bool) -> list[int]:
        """Return questions by whether their passage answers and whether it is held back."""
        return [
            number
            for number, question in enumerate(self.questions)
            if bool(question["lines"]) == answered and self.held[self.own[number]] == held
        ]

    def other(self, question: int, generator: random.Random) -> int:
        """Return a passage of another document that is like the question."""
        path = self.passages[self.own[question]]["path"]
        near = [each for each in self.near[question] if self.passages[each]["path"] != path]
        return generator.choice(near or self.near[question])


def read(files: Sequence[Path], encoder: Encoder) -> Data:
    """Return passages with what is asked of them, encoded as the program encodes it."""
    passages = rows(files)
    places = {passage["id"]: number for number, passage in enumerate(passages)}
    questions = [each for each in rows(sorted(QUESTIONS.iterdir())) if each["passage"] in places]
    texts = [normalise("\n".join([each["heading"], *each["lines"]])) for each in passages]
    found = encoder.encode(texts, "passage")
    stated = [_stated(*each) for each in zip(found, texts, passages, strict=True)]
    encoded = encoder.encode([each["question"] for each in questions], "query")
    asked = [
        Text(each.own_states.astype(np.float16), np.zeros(0, np.int16), each.vector)
        for each in encoded
    ]
    centred = [
        vectors - vectors.mean(axis=0)
        for vectors in (np.stack([each.vector for each in part]) for part in (asked, stated))
    ]
    most = min(_NEAR, len(passages))
    near = np.argpartition(-(centred[0] @ centred[1].T), most - 1, axis=1)[:, :most].tolist()
    own = [places[each["passage"]] for each in questions]
    return Data(passages, questions, stated, asked, own, [held(p) for p in passages], near)


def rows(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what the lines of some files hold."""
    return [json.loads(line) for file in files for line in file.open(encoding="utf-8")]


def held(passage: dict[str, Any]) -> bool:
    """Return whether a passage takes no part in training, as all of its document."""
    named = repr((passage["source"], passage["path"])).encode()
    return int(hashlib.sha1(named, usedforsecurity=False).hexdigest(), 16) % 10 == 1


def _stated(found: Encoding, text: str, passage: dict[str, Any]) -> Text:
    kept = spoken(found, text)
    heading = len(normalise(passage["heading"])) + 1
    lines = token_lines(found.offsets[kept], heading, passage["lines"])
    return Text(found.states[kept].astype(np.float16), lines, found.vector)
