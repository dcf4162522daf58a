"""Reads the notes and builds the index, for commands and for a server that watches its notes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from assistant.calibration import build_index, is_calibrated_alike, unseen
from assistant.milvus_connection import milvus as store_of
from assistant.retrieval import reranker_of
from assistant.settings import Settings
from index.building import Progress, announced, build_lock, follow, parser_fingerprint, unchanged
from index.encoding import open_encoder
from index.reading import corpus
from index.storage import store

if TYPE_CHECKING:
    from assistant.calibration.evaluate import Case
    from assistant.retrieval.passage_reader import Reader
    from index.encoding.encoder import Encoder, Encoding
    from index.milvus.milvus_store import Milvus
    from index.reading.corpus import Collection
    from index.storage.store import Snapshot


def assemble(
    settings: Settings,
    report: Callable[[str], None],
    encoder: "Encoder | None" = None,
    cases: "Sequence[Case]" = (),
    corpora: Mapping[str, Path] | None = None,
    progress: Progress = unseen,
    wait: bool = True,
    loaded: "Snapshot | None" = None,
) -> "Snapshot":
    """Return the index over the notes; where nothing has changed, it is the current version.

    encoder, corpora: None for those of the settings. wait: whether to wait for another process
    that builds; if not, IndexBusy is raised. loaded: a version in memory, which is not read again
    if it is the current one. Raises CorpusError, ModelError or IndexUnusable; the current version
    then stays in service.
    """

    def read(known: Mapping[str, str] | None = None) -> "Collection":
        places = corpora or settings.corpora
        globs = settings.included, settings.excluded
        return corpus.read(places, *globs, known, settings.cache_dir)

    before: Snapshot | None
    with build_lock.building(settings.data_dir, wait, report):
        if loaded and loaded.version == store.current(settings.data_dir):
            before = loaded
        else:
            before = store.foundation(settings.data_dir)
        known = (
            before.manifest.sources
            if before and before.manifest.reader == parser_fingerprint()
            else None
        )
        # Notes that cannot be read are told before seconds go into the model.
        collection = read(known)
        encoder = encoder or open_encoder(settings.model, settings.engine, settings.cache_dir)
        reranker = reranker_of(settings)
        if before and before.manifest.weights != encoder.weights:
            before, collection = None, read()
        elif known is not None and not cases and _stands(before, collection, reranker):
            _given(before, store_of(settings), encoder, settings.data_dir, report)
            return before
        return build_index(
            collection,
            settings.data_dir,
            encoder,
            report,
            cases,
            before,
            progress,
            settings.keep_versions,
            store_of(settings),
            reranker,
        )


def _given(
    standing: "Snapshot",
    milvus: "Milvus | None",
    encoder: "Encoder",
    data_dir: Path,
    report: Callable[[str], None],
) -> None:
    """Send the vectors of a version to Milvus, if it is set and does not have them yet."""
    if not milvus:
        return
    from index.milvus import remote_index

    if not milvus.has(remote_index.collection(standing.manifest, data_dir)):

        def encoded(texts: Sequence[str]) -> "list[Encoding]":
            return list(encoder.encode(texts, "query"))

        announced(standing.contents, encoded, milvus, data_dir, report)(standing.manifest)
    follow(standing, milvus, data_dir, report)


def _stands(
    before: "Snapshot | None", collection: "Collection", reranker: "Reader | None"
) -> "TypeGuard[Snapshot]":
    """Return whether a build would give the same version: same notes, same calibration code."""
    alike = before and unchanged(collection, before)
    return bool(before and alike and is_calibrated_alike(before, reranker))
