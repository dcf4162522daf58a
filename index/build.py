"""A build: notes to passages to vectors to a new version of the index."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from index import corpus, store
from index.encoder import Encoder
from index.passages import embedded_text, heading_path, passages

PASSAGE_TOKENS = 256

Report = Callable[[str], None]


def build(
    collection: corpus.Collection, data_dir: Path, encoder: Encoder, report: Report
) -> store.Snapshot:
    """Build a new version of the index, switch to it and return it.

    Raises IndexUnusable; the version before then goes on being served.
    """
    for item in collection.skipped:
        report(f"Left out: {item.path} {item.reason}.")
    documents = collection.documents
    found = [
        passage
        for number, document in enumerate(documents)
        for passage in passages(document, number, PASSAGE_TOKENS, encoder.count_tokens)
    ]
    texts, owners = [], []
    for row, passage in enumerate(found):
        document = documents[passage.document]
        texts.append(embedded_text(document, passage))
        owners.append((row, -1))
        for position, line in enumerate(passage.lines):
            texts.append(f"{heading_path(document, passage)}\n{line.plain}")
            owners.append((row, position))
    report(f"Encoding {len(found)} passages with {len(texts) - len(found)} lines ...")
    vectors = np.stack([encoding.vector for encoding in encoder.encode(texts, "passage")])
    return store.write(
        data_dir,
        store.Notes(documents, tuple(found)),
        store.vectors_of(vectors, np.asarray(owners, np.int32)),
        encoder.weights,
        {name: str(folder.resolve()) for name, folder in collection.folders.items()},
        {f"{d.corpus}/{d.id}": corpus.source_hash(d.source) for d in documents},
    )
