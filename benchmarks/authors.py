"""What each piece of advice to authors is worth: the notes as they are, and with its opposite.

    python benchmarks/authors.py

Each opposite is applied to a copy of `corpus/docker.md`, which is built and asked the questions of
part `develop`. Anchors are kept, so that the same sections count as right.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

import regex
from measure import ROOT, machine

from assistant.answering.ask import Assistant
from assistant.calibration import evaluate
from assistant.calibration.calibrated_build import build_index
from assistant.calibration.evaluate import Case, Result
from assistant.settings import read_settings
from index.checks.folder import check
from index.encoding.encoder import Encoder
from index.encoding.engines import open_encoder
from index.markdown.dialects.anchors import slug
from index.reading.corpus import read

GLOSSARY = """\
- [도커, Docker]
- [이미지, Image]
- [컨테이너, Container]
- [볼륨, Volume]
- [레이어, Layer]
- [도커파일, Dockerfile]
- [컴포즈, Compose]
- [바인드 마운트, Bind Mount]
- [격리, Isolation]
- [이식성, Portability]
- [보안, Security]
- [확장성, Scalability]
- [영속성, Persistence]
- [캐시, cache]
- [의존성, dependency]
- [커널, kernel]
- [가상 머신, VM, Virtual Machine]
"""
_TERMS = {
    "Docker Compose": "도커 컴포즈",
    "Docker": "도커",
    "Images": "이미지",
    "Image": "이미지",
    "Containers": "컨테이너",
    "Container": "컨테이너",
    "Volumes": "볼륨",
    "Volume": "볼륨",
    "Layer": "레이어",
    "Compose": "컴포즈",
    "Bind Mount": "바인드 마운트",
    "Bind mount": "바인드 마운트",
    "VM": "가상 머신",
}
_HEADING = regex.compile(r"(?m)^## 📝(?P<title>.+)$")
_LIST = regex.compile(r"(?m)(?:^ *- .+\n(?:^ {2,}.+\n)*)+")
_FENCE = regex.compile(r"(?ms)(^ *```.*?^ *```$\n)")
_ITEM = regex.compile(r"(?m)^ *- (?P<text>.+)$")
_TABLE = regex.compile(r"(?m)^(?P<head>\|.+\|)\n(?P<line>\|[-| :]+\|)\n(?P<rows>(?:\|.+\|\n)+)")
_ASIDE = regex.compile(r" ?\((?=[^()]*[A-Za-z])[^()가-힣]*\)")
_CODE = regex.compile(r"(?s)(```.*?```|`[^`\n]+`|\]\([^)\n]*\)|\{#[^}]*\})")

Change = Callable[[str], str]
Files = Mapping[str, str]


def same(source: str) -> str:
    """Return the notes as they are."""
    return source


def silent_headings(source: str) -> str:
    """Return the notes with numbers for headings."""
    numbers = iter(range(1, 100))
    return _HEADING.sub(lambda m: f"## {next(numbers)}장 {{#{_anchor(m)}}}", source)


def joined_lists(source: str) -> str:
    """Return the notes with each list as one paragraph, its sentences kept."""
    return _outside_contents(source, lambda part: _LIST.sub(lambda m: _joined(m[0], " "), part))


def run_on(source: str) -> str:
    """Return the notes with each list as one sentence."""

    def one(part: str) -> str:
        return _LIST.sub(lambda m: regex.sub(r"\.(?=\s|,|$)", ",", _joined(m[0], ", ")), part)

    return _outside_contents(source, one)


def headless_table(source: str) -> str:
    """Return the notes with nothing in the header of the table."""
    return _TABLE.sub(lambda m: f"{'| ' * m['head'].count('|')}\n{m['line']}\n{m['rows']}", source)


def prose_table(source: str) -> str:
    """Return the notes with the table's cells as one paragraph."""
    return _TABLE.sub(lambda m: _cells(m["rows"]) + "\n", source)


def korean_only(source: str) -> str:
    """Return the notes without English terms beside the Korean ones, or for them."""
    source = _HEADING.sub(lambda m: f"{m[0]} {{#{_anchor(m)}}}", source)
    matter, mark, body = source.partition("\n---\n")
    parts = _CODE.split(body)
    parts[::2] = [_translated(part) for part in parts[::2]]
    return matter + mark + "".join(parts)


def no_matter(source: str) -> str:
    """Return the notes without front matter."""
    return source.partition("\n---\n")[2]


def no_examples(source: str) -> str:
    """Return the notes without example questions."""
    return regex.sub(r"(?m)^examples:\n(?:  - .*\n)+", "", source)


ADVICE: Sequence[tuple[str, Change, Files]] = (
    ("as they are", same, {}),
    ("headings are numbers", silent_headings, {}),
    ("lists joined into paragraphs", joined_lists, {}),
    ("lists joined into one sentence", run_on, {}),
    ("table without its header", headless_table, {}),
    ("table as a paragraph", prose_table, {}),
    ("English terms left out", korean_only, {}),
    ("… and a glossary added", korean_only, {"glossary.yaml": GLOSSARY}),
    ("as they are, and a glossary", same, {"glossary.yaml": GLOSSARY}),
    ("no example questions", no_examples, {}),
    ("no front matter", no_matter, {}),
)


def main() -> None:
    """Print the table."""
    settings = read_settings()
    encoder = open_encoder("", "onnx", settings.cache_dir)
    source = (ROOT / "corpus/docker.md").read_text("utf-8")
    cases = evaluate.read_cases(ROOT / "benchmarks/questions/docker.jsonl", "develop")
    covered = [case for case in cases if case.covered and not case.history]
    print(f"{len(covered)} questions that the notes answer; {machine()}")
    print("ko/en R@1: right section first; nDCG@10; mark: the first mark answers, before on the")
    print("same questions in brackets; line: median characters of what can be marked")
    before: dict[str, Result] = {}
    for name, change, files in ADVICE:
        with tempfile.TemporaryDirectory() as folder:
            changed = change(source)
            assistant = _built(Path(folder), {"docker.md": changed, **files}, encoder)
            results = evaluate.evaluate(assistant, covered)
            before = before or {result.case.id: result for result in results}
            print(f"{name:32} {_numbers(assistant, changed, results, before)}", flush=True)
    print(_links(source))


def _built(folder: Path, files: Files, encoder: Encoder) -> Assistant:
    notes = folder / "notes"
    notes.mkdir()
    for name, text in files.items():
        (notes / name).write_text(text, "utf-8")
    snapshot = build_index(read({"default": notes}), folder / "data", encoder, lambda _: None)
    return Assistant(snapshot, encoder, "", "", read_settings().risk)


def _numbers(
    assistant: Assistant, source: str, results: Sequence[Result], before: Mapping[str, Result]
) -> str:
    found = []
    for language in ("ko", "en"):
        own = [result for result in results if result.case.language == language]
        first, gain = (fmean(r.measures[name] for r in own) for name in ("R@1", "nDCG@10"))
        found.append(f"{language} R@1 {first:.3f} nDCG@10 {gain:.3f}")
    kept = [result for result in results if _stands(result.case, source)]
    earlier = [before[result.case.id] for result in kept]
    sizes = [
        len(line.plain) for passage in assistant.snapshot.notes.passages for line in passage.lines
    ]
    marks = f"mark {_marked(kept):.3f} [{_marked(earlier):.3f}] line {median(sizes):.0f}"
    return "  ".join([*found, marks])


def _stands(case: Case, source: str) -> bool:
    return bool(case.lines) and all(words in source for words in case.lines)


def _marked(results: Iterable[Result]) -> float:
    return fmean(bool(result.highlighted and result.highlighted[0]) for result in results)


def _links(source: str) -> str:
    """Return how many links break when the headings are worded anew, without and with ids."""
    renamed = _HEADING.sub(r"## 새로 쓴 \g<title>", source)
    named = _HEADING.sub(lambda m: f"## 새로 쓴 {m['title']} {{#{_anchor(m)}}}", source)
    counts = []
    for text in (renamed, named):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "docker.md").write_text(text, "utf-8")
            counts.append(len(check(Path(folder), ("broken-anchor",)).findings))
    return f"headings worded anew: {counts[0]} links break, with explicit ids {counts[1]}"


def _anchor(match: "regex.Match[str]") -> str:
    return slug(match["title"])


def _outside_contents(source: str, change: Change) -> str:
    """Change what follows the table of contents, which is no answer, but no code."""
    before, mark, rest = source.partition("\n## ")
    parts = _FENCE.split(rest)
    parts[::2] = [change(part) for part in parts[::2]]
    return before + mark + "".join(parts)


def _joined(listed: str, by: str) -> str:
    return by.join(match["text"].strip() for match in _ITEM.finditer(listed)) + "\n"


def _cells(rows: str) -> str:
    cells = (cell.strip() for row in rows.splitlines() for cell in row.strip("|").split("|"))
    return ", ".join(cells)


def _translated(text: str) -> str:
    text = _ASIDE.sub("", text)
    for term, korean in _TERMS.items():
        text = regex.sub(rf"\b{term}(?![a-zA-Z])", korean, text)
    return text


if __name__ == "__main__":
    main()
