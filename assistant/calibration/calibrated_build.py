"""Builds an index together with a judge that is calibrated to its notes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.answering import JUDGE, SMALLTALK, word_test
from assistant.calibration.calibrate import calibrate, label, learn
from assistant.calibration.evaluate import Case, shows_answer
from assistant.interpretation import Lexicon, smalltalk
from assistant.retrieval import JUDGES, Judge, Reader, reader_of, shipped_judge
from index.building import Draft, Progress, build, fingerprint
from index.encoding import Encoder
from index.reading import Collection
from index.storage import KEPT, Contents, Snapshot

if TYPE_CHECKING:
    from index.milvus.milvus_store import Milvus

# What calibrated the judge, and how many passages came or went since.
_CALIBRATED = "calibrated.json"
# Of what general questions get from the notes only the mean and the spread count: they are measured
# anew once more than this share of the notes is other.
_MOST_CHANGED = 0.02
# Another label in Slack calibrates nothing anew.
_JUDGED_BY = tuple(
    f"assistant/{room}" for room in ("retrieval", "interpretation", "calibration", "data")
)


def unseen(done: int, total: int) -> None:
    """Ignore progress: the default for `build_index`."""


def build_index(
    collection: Collection,
    data_dir: Path,
    encoder: Encoder,
    report: Callable[[str], None],
    cases: Sequence[Case] = (),
    before: Snapshot | None = None,
    progress: Progress = unseen,
    keep: int = KEPT,
    milvus: "Milvus | None" = None,
    reranker: Reader | None = None,
) -> Snapshot:
    """Return a new version of the index, with unchanged parts taken from the version before.

    The judge is calibrated to the notes, and by labelled cases if there are any; cases with a
    history are ignored. The judge of the version before is kept where little has changed.
    """
    cases = [case for case in cases if not case.history]

    def prepare(draft: Draft) -> Mapping[str, bytes]:
        contents, before = draft.contents, draft.before
        changed = draft.changed + (_calibrated(before)[1] if before else 0)
        alike = before and not cases and is_calibrated_alike(before, reranker)
        if before and alike and _is_little(changed, contents):
            judge = before.extras[JUDGE]
        else:
            judge, changed = JUDGES.dump_json(_judge(contents, draft, encoder, cases, reranker)), 0
        return {
            JUDGE: judge,
            SMALLTALK: smalltalk.prepare(contents, draft.kept.questions),
            _CALIBRATED: json.dumps([_calibrator(reranker), changed]).encode(),
        }

    return build(collection, data_dir, encoder, report, prepare, before, progress, keep, milvus)


def is_calibrated_alike(snapshot: Snapshot, reranker: Reader | None) -> bool:
    """Return whether a version's judge was calibrated by the same code and the same reranker."""
    return _calibrated(snapshot)[0] == _calibrator(reranker)


def _calibrated(snapshot: Snapshot) -> tuple[str, int]:
    name, changed = json.loads(snapshot.extras.get(_CALIBRATED, b'["", 0]'))
    return name, changed


def _calibrator(reranker: Reader | None) -> str:
    return _program() + (f" {reranker.name}" if reranker else "")


@cache
def _program() -> str:
    return fingerprint(_JUDGED_BY)


def _is_little(changed: int, contents: Contents) -> bool:
    return changed <= _MOST_CHANGED * len(contents.notes.passages)


def _judge(
    contents: Contents,
    draft: Draft,
    encoder: Encoder,
    cases: Sequence[Case],
    reranker: Reader | None,
) -> Judge:
    reader = reader_of(contents, reranker)
    judge = calibrate(
        contents, draft.bank, word_test(encoder), shipped_judge(reader is not None), reader
    )
    if not cases:
        return judge
    lexicon = Lexicon(contents.vocabulary, contents.lexical, word_test(encoder))
    labelled = label(
        contents,
        judge,
        encoder,
        lexicon,
        reader,
        [case.question for case in cases],
        lambda number, hit: shows_answer(cases[number], contents.notes, hit),
        [case.covered for case in cases],
    )
    return replace(judge, learned=learn([labelled], judge.learned))
