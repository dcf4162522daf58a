"""A build as the commands run it: the index with the judge calibrated to its notes."""

from collections.abc import Callable, Mapping

from assistant.ask import JUDGE, word_test
from assistant.calibrate import calibrate
from assistant.judge import JUDGES, shipped
from assistant.settings import Settings
from index import corpus
from index.build import Bank, build
from index.encoder import Encoder
from index.store import Contents, Snapshot


def build_index(settings: Settings, encoder: Encoder, report: Callable[[str], None]) -> Snapshot:
    """Return a new version of the index over the notes that the settings name."""

    def prepare(contents: Contents, bank: Bank) -> Mapping[str, bytes]:
        judge = calibrate(contents, bank, word_test(encoder), shipped())
        return {JUDGE: JUDGES.dump_json(judge)}

    return build(corpus.read(settings.corpora), settings.data_dir, encoder, report, prepare)
