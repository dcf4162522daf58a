"""Learns what the judge ships with, from labelled questions about several sets of notes.

    python benchmarks/train_judge.py [--write] [--unread] [--keep FOLDER] NOTES=QUESTIONS[:PART] …

NOTES is a folder of notes, QUESTIONS files with commas between, as `notes eval` takes them. Each
set is also asked some questions of the others, which it does not cover. Prints how well each set is
judged, by folds and by what was learned from the others alone; --write replaces
assistant/data/judge.json. --unread does the same for notes of a model whose passages are not read.
--keep leaves the indexes in a folder, to go on from them the next time.
"""

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.answering.ask import Assistant
from assistant.calibration import evaluate
from assistant.calibration.calibrate import Labelled, calibrate, label, learn
from assistant.calibration.calibrated_build import build_index
from assistant.calibration.evaluate import Case
from assistant.retrieval.judge import LEARNED, Judge, Learned, shipped_judge
from assistant.settings import read_settings
from index.encoding import background_questions
from index.encoding.encoder import Encoder
from index.encoding.engines import open_encoder
from index.reading.corpus import read
from index.storage import store

DATA = Path(__file__).parents[1] / "assistant" / "data"
_OTHERS = 120
# Of the hardest questions one in so many is as often as people ask them.
_HARD = 4


def opened(notes: str, folder: Path, encoder: Encoder) -> Assistant:
    """Return what answers from the notes, gone on from what the folder has."""
    folder.mkdir(parents=True, exist_ok=True)
    before = store.foundation(folder)
    collection = read({"default": Path(notes)})
    snapshot = build_index(collection, folder, encoder, lambda text: None, before=before)
    return Assistant(snapshot, encoder, "", "", risk=0.1)


def labelled(assistant: Assistant, cases: Sequence[Case], unread: bool) -> Labelled:
    """Return questions labelled, judged against the background of the notes."""
    reader = None if unread else assistant.reader
    contents, encoder = assistant.snapshot.contents, assistant.encoder
    judge = _unread(assistant) if unread else assistant.judge
    return label(
        contents,
        judge,
        encoder,
        assistant.lexicon,
        reader,
        [case.question for case in cases],
        lambda number, hit: evaluate.shows_answer(cases[number], contents.notes, hit),
        [case.covered for case in cases],
    )


def _unread(assistant: Assistant) -> Judge:
    bank = {
        language: list(assistant.encoder.encode(background_questions.questions(language), "query"))
        for language in background_questions.LANGUAGES
    }
    known = assistant.lexicon.known
    return calibrate(assistant.snapshot.contents, bank, known, shipped_judge(False), None)


def strangers(sets: dict[str, list[Case]], name: str) -> list[Case]:
    """Return questions of the other sets, which this one does not cover."""
    others = [case for other, cases in sets.items() if other != name for case in cases]
    chosen = others[:: max(1, len(others) // _OTHERS)]
    bare = {"gold": (), "gold_path": "", "lines": (), "kind": "stranger"}
    return [case.model_copy(update=bare) for case in chosen]


def lifelike(learned: Learned, cases: Sequence[Case]) -> Learned:
    """Return what was learned, its thresholds following from fewer of the hardest questions: people
    ask them less often than they are written to learn from."""
    hard = [number for number, case in enumerate(cases) if case.kind == evaluate.HARD]
    left_out = {number for at, number in enumerate(hard) if at % _HARD}
    kept = [number for number in range(len(cases)) if number not in left_out]
    return replace(
        learned,
        confidences=tuple(round(learned.confidences[number], 3) for number in kept),
        right=tuple(learned.right[number] for number in kept),
        covered=tuple(learned.covered[number] for number in kept),
    )


def report(name: str, cases: Sequence[Case], found: Labelled, learned: Learned) -> None:
    """Print how well confidences tell covered questions from the others."""
    judge = Judge({}, learned)
    confidences = [judge.probability(row) for row in found.standard]
    _show(name, cases, found, confidences)


def _show(name: str, cases: Sequence[Case], found: Labelled, said: Sequence[float]) -> None:
    values, right = np.asarray(said), np.asarray(found.right)
    most = values >= np.quantile(values, 0.4)
    line = f"shown line right {right[np.asarray(found.covered)].mean():.3f} of the covered"
    print(f"  {name}: {evaluate.separation(cases, list(said))}, {line}, ", end="")
    print(f"{right[most].mean():.3f} of the surest 60%")


def main() -> None:
    """Learn, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--unread", action="store_true")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    encoder = open_encoder("", "onnx", read_settings().cache_dir)
    named: dict[str, list[Case]] = {}
    for each in options.sets:
        notes, _, files = each.partition("=")
        parts = [file.partition(":")[::2] for file in files.split(",")]
        cases = [case for file, part in parts for case in evaluate.read_cases(Path(file), part)]
        named[notes] = [case for case in cases if not case.history]
    every, sets = {}, {}
    with ExitStack() as stack:
        place = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for notes, cases in named.items():
            every[notes] = cases + strangers(named, notes)
            name = "-".join(Path(notes).resolve().parts[-2:])
            assistant = opened(notes, place / name, encoder)
            sets[notes] = labelled(assistant, every[notes], options.unread)
    learned = learn(list(sets.values()))
    print("Learned from all, judged by folds that took no part:")
    start = 0
    for notes, found in sets.items():
        after = start + len(found.right)
        _show(notes, every[notes], found, learned.confidences[start:after])
        start = after
    print("Learned from the others alone:")
    for notes, found in sets.items():
        if others := [other for own, other in sets.items() if own != notes]:
            report(notes, every[notes], found, learn(others))
    if options.write:
        name = "judge-unread.json" if options.unread else "judge.json"
        kept = lifelike(learned, [case for cases in every.values() for case in cases])
        (DATA / name).write_bytes(LEARNED.dump_json(kept) + b"\n")


if __name__ == "__main__":
    main()
