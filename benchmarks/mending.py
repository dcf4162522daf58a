"""How well notes are mended that were read in a wrong code page.

    python benchmarks/mending.py [../shared/eval/k8s-ko/corpus]

The notes are damaged by each code page: with all bytes kept, as browsers read them, and with those
dropped that the code page leaves undefined and no-break spaces made blanks. Of a folder that is
given, every sixth page by name counts, at most 20: the others taught the table of shapes. Clean
texts are the translations that this machine carries.
"""

import gettext
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from measure import ROOT, machine
from train_shapes import HELD_OUT

from assistant.answering.ask import Assistant
from assistant.calibration import evaluate
from assistant.calibration.calibrated_build import build_index
from assistant.settings import read_settings
from index.encoding.encoder import Encoder
from index.encoding.engines import open_encoder
from index.markdown.notes import DOUBTFUL
from index.markdown.sections import parse
from index.reading.corpus import read
from index.repair.code_pages import NO_BREAK, PAGES, CodePage
from index.repair.piece_scores import open_reader
from index.repair.repaired import Mending, mend

_MOST_PAGES = 20
_MEGABYTE = 1_000_000
_LOCALES = Path("/usr/share/locale")
_HANGUL = re.compile("[가-힣]")

_reader = partial(open_reader, read_settings().cache_dir)


def damaged(text: str, page: CodePage, kept: bool) -> str:
    """Return a text as it reads in a wrong code page, with all bytes kept or without the lost."""
    data = text.encode()
    if not kept and page.name != "latin-1":
        data = bytes(code for code in data if code not in page.lost)
    return page.read(data if kept else data.replace(bytes([NO_BREAK]), b" "))


def main() -> None:
    """Print every number."""
    print(machine())
    notes = [ROOT / "corpus/docker.md", ROOT / "README.ko.md"]
    _exact(notes)
    _lossy("corpus/docker.md", notes[:1])
    if len(sys.argv) > 1:
        pages = sorted(Path(sys.argv[1]).rglob("*.md"))
        _lossy("other notes", pages[::HELD_OUT][:_MOST_PAGES])
        _fast([page for number, page in enumerate(pages) if number % HELD_OUT])
    _clean()
    _asked(notes[0])


def _exact(files: Sequence[Path]) -> None:
    texts = [file.read_text("utf-8") for file in files]
    for page in PAGES:
        same = sum(mend(damaged(text, page, True), None).text == text for text in texts)
        print(f"{page.name:13} all bytes kept: {same} of {len(texts)} files byte for byte")


def _lossy(name: str, files: Sequence[Path]) -> None:
    for page in PAGES:
        right = whole = anchors = headings = left = 0
        words: list[tuple[float, bool]] = []
        for file in files:
            text = file.read_text("utf-8")
            mending = mend(damaged(text, page, False), _reader)
            left += len(mending.beyond)
            for line, read_ in zip(text.split("\n"), mending.text.split("\n"), strict=True):
                right += _right(line, read_)
                whole += len(_HANGUL.findall(line))
            meant, found = (_anchors(each) for each in (text, mending.text))
            headings += len(meant)
            anchors += sum(a == b for a, b in zip(meant, found, strict=False))
            words += _judged(text, mending)
        print(
            f"{page.name:13} bytes lost, {name}: {right / whole:.4f} of {whole:,} syllables, "
            f"{anchors} of {headings} anchors, {left} lines left"
        )
        print(f"{'':13} {_confidence(words)}", flush=True)


def _right(line: str, found: str) -> int:
    """Return how many syllables of a line stand in what was found, in order."""
    if len(line) == len(found):
        return sum(a == b for a, b in zip(line, found, strict=True) if _HANGUL.match(a))
    matches = SequenceMatcher(None, line, found, autojunk=False).get_matching_blocks()
    return sum(len(_HANGUL.findall(line[m.a : m.a + m.size])) for m in matches)


def _anchors(text: str) -> list[str]:
    return [section.anchor for section in parse(text, "").sections]


def _judged(text: str, mending: Mending) -> Iterator[tuple[float, bool]]:
    """Yield the confidence of each mended word with whether it is right, where lines align."""
    meant, found = text.split("\n"), mending.text.split("\n")
    starts, position = [], 0
    for line in found:
        starts.append(position)
        position += len(line) + 1
    number = 0
    for word in mending.mended:
        while number + 1 < len(starts) and starts[number + 1] <= word.start:
            number += 1
        if len(meant[number]) == len(found[number]):
            own = slice(word.start - starts[number], word.end - starts[number])
            yield word.confidence, meant[number][own] == found[number][own]


def _confidence(words: Sequence[tuple[float, bool]]) -> str:
    steps = (0.0, 0.5, 0.7, DOUBTFUL, 0.99, 1.1)
    shown = []
    for low, high in pairwise(steps):
        own = [right for confidence, right in words if low <= confidence < high]
        if own:
            shown.append(f"{low:g} to {min(high, 1):g}: {fmean(own):.3f} of {len(own)}")
    return "words right by confidence " + "; ".join(shown)


def _fast(pages: Sequence[Path]) -> None:
    text = "\n".join(page.read_text("utf-8") for page in pages)
    _reader()
    for page in PAGES:
        cut = damaged(text, page, False).encode()[:_MEGABYTE].decode(errors="ignore")
        started, used = time.perf_counter(), time.process_time()
        mend(cut, _reader)
        took, worked = time.perf_counter() - started, time.process_time() - used
        print(f"{page.name:13} 1 MB mended in {took:.1f} s, {worked:.1f} s of a processor")


def _clean() -> None:
    lines = languages = touched = 0
    for folder in sorted(_LOCALES.iterdir()):
        texts = [text for file in folder.rglob("*.mo") for text in _translated(file)]
        source = "\n\n".join(texts)
        languages += bool(texts)
        lines += source.count("\n") + 1 - len(texts)
        touched += bool(mend(source, None).mended)
    print(f"clean translations: {lines:,} lines of {languages} languages, {touched} touched")
    folders = ("assistant", "benchmarks", "index", "tests", "ui")
    code = [
        file.read_text("utf-8")
        for folder in folders
        for file in sorted((ROOT / folder).rglob("*.py"))
    ]
    code += [file.read_text("utf-8") for file in sorted(ROOT.glob("*.md"))]
    touched = sum(bool(mend(text, None).mended) for text in code)
    print(f"clean code: {sum(text.count(chr(10)) for text in code):,} lines, {touched} touched")


def _translated(file: Path) -> Iterator[str]:
    try:
        with file.open("rb") as stream:
            catalog = gettext.GNUTranslations(stream)
    except (OSError, ValueError, IndexError):  # some have a header that is not read
        return
    # The standard library offers no other way to all messages.
    yield from (text for text in catalog._catalog.values() if text)  # type: ignore[attr-defined]


def _asked(notes: Path) -> None:
    encoder = open_encoder("", "onnx", read_settings().cache_dir)
    text = notes.read_text("utf-8")
    print(f"{'clean':13} {_answers(text, encoder)}")
    for page in PAGES:
        print(f"{page.name:13} {_answers(damaged(text, page, False), encoder)}", flush=True)


def _answers(text: str, encoder: Encoder) -> str:
    cases = evaluate.read_cases(ROOT / "benchmarks/questions/docker.jsonl", "report")
    covered = [case for case in cases if case.covered and not case.history]
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        notes.mkdir()
        (notes / "docker.md").write_text(text, "utf-8")
        collection = read({"default": notes}, cache_dir=read_settings().cache_dir)
        snapshot = build_index(collection, Path(folder) / "data", encoder, lambda _: None)
        assistant = Assistant(snapshot, encoder, "", "", read_settings().risk)
        results = evaluate.evaluate(assistant, covered)
    found = []
    for language in ("ko", "en"):
        own = [result for result in results if result.case.language == language]
        first, gain = (fmean(r.measures[name] for r in own) for name in ("R@1", "nDCG@10"))
        found.append(f"{language} R@1 {first:.3f} nDCG@10 {gain:.3f}")
    return f"questions of part report: {'  '.join(found)}"


if __name__ == "__main__":
    main()
