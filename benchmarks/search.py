"""What a question costs beside its encoding: mending and search, and the judge.

    python benchmarks/search.py [NOTES QUESTIONS]

NOTES is a folder of notes, QUESTIONS a file as `notes eval` takes it.
"""

import sys
import tempfile
from pathlib import Path

from measure import ROOT, machine, spread

from assistant import evaluate
from assistant.ask import Assistant
from assistant.settings import read_settings
from index.corpus import read
from index.engines import open_encoder
from ui.building import build_index


def main() -> None:
    """Print the table."""
    given = sys.argv[1:] or [str(ROOT / "corpus"), str(ROOT / "benchmarks/questions/docker.jsonl")]
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings()
        notes = read({"default": Path(given[0])})
        encoder = open_encoder("", "onnx", settings.cache_dir)
        snapshot = build_index(notes, Path(folder), encoder, lambda text: None)
        assistant = Assistant(snapshot, encoder, "", "", settings.risk)
        cases = evaluate.read_cases(Path(given[1]))
        evaluate.evaluate(assistant, cases[:20])
        results = evaluate.evaluate(assistant, cases)
        size = sum(file.size for file in snapshot.manifest.files.values()) / 1e6
    counts = snapshot.manifest.counts
    print(f"{counts['passages']} passages, index of {size:.1f} MB, {len(cases)} questions")
    print(f"  {machine()}")
    print(f"  encoding {spread([r.times.encoding for r in results], 'ms')}")
    print(f"  search   {spread([r.times.search for r in results], 'ms')}")
    print(f"  judge    {spread([r.times.judge for r in results], 'ms')}")


if __name__ == "__main__":
    main()
