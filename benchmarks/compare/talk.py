"""Ours, asked by lines: `python -m benchmarks.compare.talk DATA`, as benchmarks/peers/face.py."""

import json
import sys
import time
from pathlib import Path

from assistant.answering.ask import Assistant, Question
from assistant.settings import Settings, read_settings
from index.encoding.engines import open_encoder
from index.storage import store


def main() -> None:
    """Read a request a line, write what came of it and how many milliseconds it took."""
    settings = read_settings(data_dir=Path(sys.argv[1]))
    assistant = _opened(settings)
    for line in sys.stdin:
        request = json.loads(line)
        ranked: list[tuple[str, int, float]] = []
        started = time.perf_counter()
        if request["do"] == "encode":
            list(assistant.encoder.encode([request["question"]], "query"))
        elif request["do"] == "ask":
            assistant.ask(Question(request["question"], request["limit"]))
        else:
            ranked = _ranked(assistant, request["question"], request["limit"])
        spent = (time.perf_counter() - started) * 1000
        print(json.dumps({"ms": spent, "ranked": ranked}), flush=True)


def _opened(settings: Settings) -> Assistant:
    encoder = open_encoder(settings.model, settings.engine, settings.cache_dir)
    snapshot = store.serviceable(settings.data_dir, lambda text: None)
    return Assistant(snapshot, encoder, settings.link_template, "", settings.risk)


def _ranked(assistant: Assistant, question: str, limit: int) -> list[tuple[str, int, float]]:
    notes = assistant.snapshot.notes
    query = assistant.query(assistant.lexicon.speller.mend(question))
    found = []
    for hit in assistant.search(query).hits[:limit]:
        passage = notes.passages[hit.passage]
        document = notes.documents[passage.document]
        line = document.sections[passage.section].first_line
        found.append((document.path, line, float(hit.score)))
    return found


if __name__ == "__main__":
    main()
