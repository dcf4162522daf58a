"""Which packages a start spends its time on importing, largest first.

python benchmarks/imports.py [REPEATS]
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from measure import QUESTIONS, ROOT, machine

_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_SHOWN = 25
_OWN = ("index", "assistant", "ui")


def commands() -> dict[str, list[str]]:
    """Return the commands with their arguments, the server at a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return {"notes serve": ["serve", "--port", port], "notes ask": ["ask", QUESTIONS[0]]}


def imported(arguments: list[str], data_dir: Path) -> Counter[str]:
    """Return the milliseconds that each package took until an answer was there, or the server."""
    command = [sys.executable, "-X", "importtime", "-m", "ui", *arguments]
    environment = os.environ | {"NOTES_DATA_DIR": str(data_dir)}
    found: Counter[str] = Counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        for line in running.stderr:
            if match := _LINE.match(line):
                found[match[2].partition(".")[0]] += int(match[1]) / 1000
            elif "is ready" in line:
                running.terminate()
                break
        running.communicate()
    if running.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with status {running.returncode}.")
    return found


def main() -> None:
    """Print a table for each command."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in commands().items():
            imported(arguments, Path(folder))  # builds the index, reads the files once
            runs = [imported(arguments, Path(folder)) for _ in range(repeats)]
            packages = {key for run in runs for key in run}
            medians = {key: statistics.median(run[key] for run in runs) for key in packages}
            whole = statistics.median(sum(run.values()) for run in runs)
            print(f"{name}: {whole:.0f} ms of imports, median of {repeats}; {machine()}")
            shown = sorted(medians, key=lambda key: -medians[key])[:_SHOWN]
            for key in shown:
                print(f"  {medians[key]:6.1f} ms  {key}{'  (own)' if key in _OWN else ''}")


if __name__ == "__main__":
    main()
