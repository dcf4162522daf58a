"""Known vectors of the default model, against which an export is tested."""

import numpy as np

from index.encoding.encoder import Encoder, Kind
from index.errors import ModelError

# The first eight components of a vector, from the SentenceTransformer folder in single precision,
# and of a sentence embedding, as exported: tests compare it with the package that it comes from.
KNOWN: tuple[tuple[Kind, str, tuple[float, ...], tuple[float, ...]], ...] = (
    (
        "query",
        "도커 볼륨이 뭐야?",
        (0.08386, -0.03854, -0.04481, -0.00072, 0.06126, -0.06797, 0.01853, 0.03662),
        (-0.02715, 0.0366, 0.0191, -0.02084, 0.04774, 0.01945, 0.04601, 0.00881),
    ),
    (
        "query",
        "How do I keep data when a container is removed?",
        (0.04641, -0.02384, -0.01915, -0.04632, -0.00152, -0.02046, 0.06588, 0.00835),
        (-0.06038, 0.02686, 0.04143, -0.02812, -0.08937, -0.0598, -0.01799, -0.04717),
    ),
    (
        "passage",
        "Image는 Class, Container는 Object와 같다. `docker run` 🐳",
        (0.04396, -0.03302, -0.04291, -0.03566, 0.08768, -0.04745, 0.02908, 0.01402),
        (-0.03369, 0.08121, 0.05639, -0.05484, -0.02952, -0.05445, -0.08096, -0.06697),
    ),
)
# Products of 8-bit inputs move a component by 0.0015 at most; a wrong weight by 0.02 and more.
TOLERANCE = 0.006


def verify(encoder: Encoder) -> None:
    """Raise ModelError if the encoder's vectors differ from the known ones by over TOLERANCE."""
    for kind, text, known, sentence_embedding in KNOWN:
        (encoding,) = encoder.encode([text], kind)
        found = [
            *encoding.vector[: len(known)],
            *encoder.sentence_embeddings([text])[0, : len(sentence_embedding)],
        ]
        distance = float(np.abs(np.array(found) - np.array([*known, *sentence_embedding])).max())
        # Written so that NaN fails as well.
        if not distance <= TOLERANCE:
            raise ModelError(
                f"The exported model gives wrong vectors: {distance:.4f} beside the known one "
                f"for {text!r}, where {TOLERANCE} is allowed."
            )
