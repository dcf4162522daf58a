"""Text to vectors: encoders, their tokenizers, and a bank of general background questions."""

from index.encoding import background_questions
from index.encoding.background_questions import LANGUAGES, BackgroundQuestions
from index.encoding.encoder import SENTENCE_COMPONENTS, Encoder, Encoding, Kind, Weights
from index.encoding.engines import open_encoder
from index.encoding.token_batches import windows
from index.encoding.unigram import UnigramTokenizer

__all__ = [
    "LANGUAGES",
    "SENTENCE_COMPONENTS",
    "BackgroundQuestions",
    "Encoder",
    "Encoding",
    "Kind",
    "UnigramTokenizer",
    "Weights",
    "background_questions",
    "open_encoder",
    "windows",
]
