"""What checking many pages costs: time and memory of `notes check`, by their number.

    python benchmarks/checking.py [PAGES]

The pages are copies of the notes, each with links into the next one, 5,000 and a tenth of them.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, machine

_RUN = """
import json, os, resource, sys, time
from pathlib import Path
from index.checks.folder import check

if __name__ == "__main__":
    started = time.perf_counter()
    report = check(Path(sys.argv[1]), workers=os.cpu_count() or 1)
    spent = time.perf_counter() - started
    used = [resource.getrusage(who).ru_maxrss / 1024 for who in
            (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([report.files, len(report.findings), spent, *used]))
"""


def main() -> None:
    """Print a line for each number of pages."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    source = (ROOT / "corpus/docker.md").read_text("utf-8")
    print(f"{len(source.encode()) / 1000:.1f} kB a page; {machine()}")
    for pages in (most // 10, most):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "run.py"
            script.write_text(_RUN)
            _write(Path(folder) / "notes", source, pages)
            _print(script, Path(folder) / "notes")


def _write(folder: Path, source: str, pages: int) -> None:
    for number in range(pages):
        place = folder / f"{number % 100}"
        place.mkdir(parents=True, exist_ok=True)
        after = (number + 1) % pages
        link = f"../{after % 100}/{after}.md#데이터-영속성-volumes"
        (place / f"{number}.md").write_text(f"{source}\n[다음]({link})\n", "utf-8")


def _print(script: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files, findings, seconds, own, workers = json.loads(done.stdout)
    print(
        f"{files:>6,} pages: {seconds:5.1f} s, {own:.0f} MB, each worker {workers:.0f} MB,"
        f" {findings:,} findings"
    )


if __name__ == "__main__":
    main()
