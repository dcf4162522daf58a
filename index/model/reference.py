"""What the default model is known to answer, so that an export can prove itself."""

import numpy as np

from index.encoder import Encoder, Kind
from index.errors import ModelError

# The first eight components, from the SentenceTransformer folder in single precision.
KNOWN: tuple[tuple[Kind, str, tuple[float, ...]], ...] = (
    (
        "query",
        "도커 볼륨이 뭐야?",
        (0.08386, -0.03854, -0.04481, -0.00072, 0.06126, -0.06797, 0.01853, 0.03662),
    ),
    (
        "query",
        "How do I keep data when a container is removed?",
        (0.04641, -0.02384, -0.01915, -0.04632, -0.00152, -0.02046, 0.06588, 0.00835),
    ),
    (
        "passage",
        "Image는 Class, Container는 Object와 같다. `docker run` 🐳",
        (0.04396, -0.03302, -0.04291, -0.03566, 0.08768, -0.04745, 0.02908, 0.01402),
    ),
)
# Products of 8-bit inputs move a component by 0.0015 at most; a wrong weight by 0.02 and more.
TOLERANCE = 0.006


def verify(encoder: Encoder) -> None:
    """Raise ModelError where the encoder does not answer as the default model does."""
    for kind, text, known in KNOWN:
        (encoding,) = encoder.encode([text], kind)
        distance = float(np.abs(encoding.vector[: len(known)] - np.array(known)).max())
        # Written so that NaN fails as well.
        if not distance <= TOLERANCE:
            raise ModelError(
                f"The exported model gives wrong vectors: {distance:.4f} beside the known one "
                f"for {text!r}, where {TOLERANCE} is allowed."
            )
