"""The side-by-side benchmarks: the peers answer, and the page says what was measured."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

from benchmarks.compare import bars, growth, report
from benchmarks.compare.growth import Growth
from benchmarks.compare.load import Ceiling, Load, Memory
from benchmarks.compare.quality import Quality
from benchmarks.compare.question import Question
from benchmarks.compare.questions import different
from benchmarks.compare.results import Percentiles, Spread, Taken, percentiles, read, spread, write
from benchmarks.compare.size import Size
from benchmarks.compare.start import Start
from index.encoding.model.export import ensure
from index.reading.corpus import read as read_notes

ROOT = Path(__file__).parents[1]
PLAIN = ROOT / "benchmarks" / "peers" / "plain.py"
TAKEN = Taken("a machine", "2026-11-28", 3, {"plain script": "faiss-cpu 1"}, 0.02)


def seconds(value: float) -> Spread:
    return Spread(value, value, value)


def started(system: str, ready: float) -> Start:
    return Start(system, seconds(ready), seconds(ready + 1), seconds(1), None, seconds(1))


def loaded(system: str, clients: int, per_second: float, ms: float) -> Load:
    return Load(system, clients, seconds(per_second), *[seconds(ms)] * 5, refused=0, failed=0)


class TestPlainPeer:
    def test_it_finds_the_section_and_the_heading_stands_in_its_line(
        self, models_dir: Path, tmp_path: Path
    ) -> None:
        run = [sys.executable, str(PLAIN)]
        model, data = str(ensure("torch", models_dir)), str(tmp_path / "data")
        subprocess.run([*run, "build", model, str(ROOT / "corpus"), data], check=True)
        request = {"do": "rank", "question": "볼륨은 어디에 저장되나요?", "limit": 3}
        said = subprocess.check_output(
            [*run, "talk", model, data], input=json.dumps(request) + "\n", text=True
        )
        path, line, score = json.loads(said)["ranked"][0]
        (document,) = read_notes({"": ROOT / "corpus"}).documents
        lines = {section.first_line: section.anchor for section in document.sections}
        assert (path, lines[line]) == ("docker.md", "데이터-영속성-volumes")
        assert 0.5 < score <= 1

    def test_sections_are_cut_at_headings_alone(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text(
            "---\ntitle: A\n---\nBefore.\n\n# One\n```sh\n# no heading\n```\n## Two\n---\nEnd.\n"
        )
        code = (
            "import json, pathlib, sections; print(json.dumps(sections.split(pathlib.Path(NOTES))))"
        )
        said = subprocess.check_output(
            [sys.executable, "-c", code.replace("NOTES", repr(str(tmp_path)))],
            cwd=PLAIN.parent,
            text=True,
        )
        found = [(each["line"], each["title"], each["text"]) for each in json.loads(said)]
        assert found == [
            (1, "a.md", "Before."),
            (6, "One", "# One\n```sh\n# no heading\n```"),
            (10, "Two", "## Two\n---\nEnd."),
        ]


class TestNumbers:
    def test_medians_and_percentiles(self) -> None:
        assert spread([3, 1, 2]) == Spread(2, 1, 3)
        assert percentiles([list(range(1, 101)), [1] * 100]) == Percentiles(1, 90, 98, 1, 50.5)

    def test_no_question_is_asked_twice(self) -> None:
        asked = list(islice(different(seed=3), 5000))
        assert len(set(asked)) == len(asked)
        assert asked[:10] == list(islice(different(seed=3), 10))

    def test_the_growth_of_an_index_is_read_from_what_is_printed(self) -> None:
        printed = (
            "2 cores\n"
            "1,001 passages, 5,000 vectors: FlatStore\n"
            "  vector search, p50                         0.20 ms\n"
            "  within half of the notes, p50 and recall@10 0.35 ms, 0.9000\n"
            "  a question beside encoding, p50            2.00 ms\n"
            "9,999 passages, 50,000 vectors: GraphStore\n"
            "  vector search, p50                         0.40 ms\n"
            "  within half of the notes, p50 and recall@10 0.50 ms, 0.8000\n"
            "  a question beside encoding, p50            7.00 ms\n"
            "A question beside encoding, asked of each in turn, p50\n"
            "    1,001 passages    2.10 ms  1.00 times\n"
            "    9,999 passages    7.35 ms  3.50 times\n"
        )
        rows = growth.table(printed)
        assert rows[-1] == Growth(growth.BESIDE, ("2.10 ms", "7.35 ms"))
        (bar,) = bars.growth(rows)
        assert (bar.measured, bar.met) == ("3.50", False)


class TestPage:
    def test_what_is_missed_is_said_to_be_missed(self, tmp_path: Path) -> None:
        ours, plain, txtai = (
            started(name, ready) for name, ready in (("notes", 2), ("plain", 10), ("txtai", 7))
        )
        write("start", TAKEN, [ours, plain, txtai], tmp_path)
        page = report.page(tmp_path)
        assert "| start to ready, over plain's | at most 1/4 | 0.20 | reached |" in page
        assert "| start to ready, over txtai's | at most 1/4 | 0.29 | **missed** |" in page
        assert "other programs took 2% of the processors" in page
        # What never ran is left out.
        assert "## Memory" not in page

    def test_every_bar(self, tmp_path: Path) -> None:
        ms = Percentiles(10, 11, 12, 9, 11)
        write("question", TAKEN, [Question("notes", ms, ms, replace(ms, p50=4))], tmp_path)
        rows = [
            loaded("notes", 1, 50, 20),
            loaded("notes", 32, 60, 900),
            loaded("plain", 32, 30, 9),
        ]
        failing = replace(loaded("notes", 128, 60, 90), refused=0.25, failed=2)
        write("load", TAKEN, [*rows, failing], tmp_path)
        write(
            "ceiling",
            TAKEN,
            [Ceiling(1, seconds(50), seconds(9)), Ceiling(2, seconds(100), seconds(8))],
            tmp_path,
        )
        small, large = [(seconds(mb),) * 3 for mb in (300, 700)]
        memory = [Memory("notes", small, large), Memory("plain", large, large)]
        write("memory", TAKEN, memory, tmp_path)
        sizes = [Size("notes", 600, 2, 78), Size("notes-torch", 2000, 2, 600)]
        write("size", TAKEN, sizes, tmp_path)
        asked = Quality("notes", "notes", "all", 9, 0.9, 0.8, 1, None)
        peers = [replace(asked, system=n, ndcg=v) for n, v in (("plain", 0.8), ("txtai", 0.95))]
        write("quality", TAKEN, [asked, *peers], tmp_path)
        assert [(bar.measured, bar.met) for bar in report.reached(_kept(tmp_path))] == [
            ("6.00 ms", False),
            ("0.60", False),
            ("2.00", True),
            ("45.00", False),
            ("2; 25% refused by 503, the last reply in 90 ms", False),
            ("0.43", True),
            ("1.00", False),
            ("0.26", True),
            ("-0.050 over txtai", False),
            ("+0.000 over plain", True),
        ]

    def test_the_page_in_the_docs_is_what_the_reports_say(self) -> None:
        assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == report.page()


def _kept(folder: Path) -> dict[str, list[object]]:
    kinds = {
        "question": Question, "load": Load, "ceiling": Ceiling, "memory": Memory, "size": Size,
        "quality": Quality,
    }  # fmt: skip
    found = {name: read(name, kind, folder) for name, kind in kinds.items()}
    return {name: part[1] for name, part in found.items() if part}
