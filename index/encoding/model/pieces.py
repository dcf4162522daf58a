"""Writer of the tokenizer file that `unigram` reads: pieces, scores, unknown characters."""

import sys
import unicodedata
from pathlib import Path

import marisa_trie
import numpy as np
from tokenizers import normalizers

from index.arrays import Ints
from index.encoding.model.container import PieceVocabulary


def write(vocabulary: PieceVocabulary, limit: int, path: Path) -> None:
    """Write the file; the tokenizer cuts at `limit` tokens, including `<s>` and `</s>`."""
    trie = marisa_trie.Trie(vocabulary.pieces)
    keys = [trie[piece] for piece in vocabulary.pieces]
    ids = np.empty(len(keys), dtype=np.int32)
    ids[keys] = np.arange(len(keys))
    np.savez(
        path,
        trie=np.frombuffer(trie.tobytes(), dtype=np.uint8),
        ids=ids,
        scores=vocabulary.scores[ids],
        unknown_characters=_unknown_characters(),
        longest=max(map(len, vocabulary.pieces)),
        limit=limit,
    )


def _unknown_characters() -> Ints:
    """Return the characters that Python decomposes or reorders, but the library `tokenizers` not.

    The tables of `tokenizers` are of Unicode 9; it leaves later characters as they are.
    """
    known = normalizers.NFKD()

    def is_known(character: str) -> bool:
        # One overlay moves before every mark, one iota behind it.
        texts = (character, f"q{character}\u0334", f"q\u0345{character}")
        return all(known.normalize_str(t) == unicodedata.normalize("NFKD", t) for t in texts)

    found = set()
    for character in map(chr, range(sys.maxunicode + 1)):
        apart = unicodedata.decomposition(character)
        if (apart or unicodedata.combining(character)) and not is_known(character):
            found.add(character)
            # What a later character is made of came later as well and is not joined to it.
            if apart and not apart.startswith("<"):
                found.add(unicodedata.normalize("NFD", character)[-1])
    return np.array(sorted(map(ord, found)), dtype=np.int32)
