"""Stores questions and votes on answers, and finds the questions that the notes do not answer."""

from assistant.feedback.feedback_store import Feedback, kept_gaps
from assistant.feedback.gaps import (
    Gap,
    centred_question,
    encoded_question,
    question_vectors,
    remembered,
)

__all__ = [
    "Feedback",
    "Gap",
    "centred_question",
    "encoded_question",
    "kept_gaps",
    "question_vectors",
    "remembered",
]
