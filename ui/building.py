"""A build as the commands run it: the index with the judge calibrated to its notes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assistant import smalltalk
from assistant.ask import JUDGE, SMALLTALK, word_test
from assistant.calibrate import calibrate, label, learn
from assistant.evaluate import Case, is_gold
from assistant.judge import JUDGES, Judge, shipped
from assistant.lexicon import Lexicon
from index.build import Bank, build
from index.contents import Contents
from index.corpus import Collection
from index.encoder import Encoder
from index.store import Snapshot


def build_index(
    collection: Collection,
    data_dir: Path,
    encoder: Encoder,
    report: Callable[[str], None],
    cases: Sequence[Case] = (),
) -> Snapshot:
    """Return a new version of the index over the notes.

    The judge is calibrated by the notes alone, and by labelled cases where there are any; of
    conversations it learns nothing.
    """
    cases = [case for case in cases if not case.history]

    def prepare(contents: Contents, bank: Bank) -> Mapping[str, bytes]:
        judge = calibrate(contents, bank, word_test(encoder), shipped())
        if cases:
            judge = _taught(contents, judge, encoder, cases)
        return {
            JUDGE: JUDGES.dump_json(judge),
            SMALLTALK: smalltalk.prepare(contents, encoder),
        }

    return build(collection, data_dir, encoder, report, prepare)


def _taught(contents: Contents, judge: Judge, encoder: Encoder, cases: Sequence[Case]) -> Judge:
    lexicon = Lexicon(contents.vocabulary, contents.lexical, word_test(encoder))
    labelled = label(
        contents,
        judge,
        encoder,
        lexicon,
        [case.question for case in cases],
        lambda number, hit: is_gold(cases[number], contents.notes, hit),
        [case.covered for case in cases],
    )
    return Judge(judge.backgrounds, learn([labelled], judge.learned))
