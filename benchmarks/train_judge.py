"""Learns what the judge ships with, from labelled questions about one or more sets of notes.

    python benchmarks/train_judge.py [--write] NOTES=QUESTIONS[:PART] …

NOTES is a folder of notes, QUESTIONS a file as `notes eval` takes it. Prints how well each set is
judged, also by what was learned from the others alone; --write replaces assistant/data/judge.json.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from assistant import evaluate
from assistant.ask import Assistant
from assistant.calibrate import Labelled, label, learn
from assistant.judge import JUDGES, LEARNED, Judge, Learned
from assistant.settings import read_settings
from index.corpus import read
from index.encoder import Encoder
from index.engines import open_encoder
from ui.building import build_index

TARGET = Path(__file__).parents[1] / "assistant" / "data" / "judge.json"


def labelled(
    notes: str, questions: Path, part: str, others: list[evaluate.Case], encoder: Encoder
) -> tuple[list[evaluate.Case], Labelled]:
    """Return a set's questions, with those that other notes do not cover either, labelled."""
    with tempfile.TemporaryDirectory() as folder:
        collection = read({"default": Path(notes)})
        snapshot = build_index(collection, Path(folder), encoder, lambda text: None)
        assistant = Assistant(snapshot, encoder, "", "", risk=0.1)
        cases = [case for case in evaluate.read_cases(questions, part) if not case.history]
        cases += [case for case in others if not any(case.id == own.id for own in cases)]
        judge = JUDGES.validate_json(snapshot.extras["judge.json"])
        found = label(
            snapshot.contents,
            judge,
            encoder,
            assistant.lexicon,
            [case.question for case in cases],
            lambda number, hit: evaluate.is_gold(cases[number], snapshot.notes, hit),
            [case.covered for case in cases],
        )
    return cases, found


def report(name: str, cases: list[evaluate.Case], found: Labelled, learned: Learned) -> None:
    """Print how well confidences tell covered questions from the others."""
    judge = Judge({}, learned)
    confidences = np.asarray([judge.probability(row) for row in found.standard])
    print(f"  {name}: {evaluate.separation(cases, confidences.tolist())}")


def main() -> None:
    """Learn, print, and write if asked to."""
    encoder = open_encoder("", "onnx", read_settings().cache_dir)
    pairs = [argument.split("=") for argument in sys.argv[1:] if "=" in argument]
    sets, uncovered = [], []
    for notes, rest in pairs:
        questions, _, part = rest.partition(":")
        cases, found = labelled(notes, Path(questions), part, uncovered, encoder)
        uncovered += [case for case in cases if not case.covered]
        sets.append((notes, cases, found))
    learned = learn([found for _, _, found in sets])
    print("Learned from all, judged by folds that took no part:")
    start = 0
    for name, cases, found in sets:
        confidences = learned.confidences[start : start + len(found.right)]
        print(f"  {name}: {evaluate.separation(cases, list(confidences))}")
        start += len(found.right)
    for name, cases, found in sets:
        if others := [other for own, _, other in sets if own != name]:
            print("Learned from the others alone:")
            report(name, cases, found, learn(others))
    if "--write" in sys.argv:
        TARGET.write_bytes(LEARNED.dump_json(learned) + b"\n")


if __name__ == "__main__":
    main()
