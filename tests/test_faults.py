"""What goes wrong while an index is built, on the real program: the old version goes on answering.

`make soak` kills fifty builds; `make test` a few.
"""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import NOTES, ROOT, environment, notes

from assistant.calibration.calibrated_build import build_index
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import IndexUnusable
from index.reading.corpus import Skipped, read
from index.storage import store

KILLS = 50 if "SOAK_SECONDS" in os.environ else 4
LITTER = {"build.lock", "current", "encoded.sqlite", "versions"}
# How long a build takes here, the first time it is measured: kills come at any moment of it.
LONGEST = 1.6


@pytest.fixture(scope="module")
def first(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with notes and their index, not to be changed."""
    folder = tmp_path_factory.mktemp("first")
    write(folder, "first")
    build_index(read({"default": folder / "notes"}), folder / "data", onnx_encoder, print)
    return folder


@pytest.fixture
def place(first: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be harmed."""
    shutil.copytree(first, tmp_path / "place")
    return tmp_path / "place"


def write(folder: Path, word: str) -> None:
    """Write notes each of whose sentences says which they are."""
    (folder / "notes").mkdir(exist_ok=True)
    for number in range(12):
        text = f"# Harbour {number}\n\n## Opening\n\nHarbour {number} opens in the {word} season.\n"
        (folder / "notes" / f"{number}.md").write_text(text, "utf-8")


def build(
    place: Path, before: Callable[[], None] | None = None, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a build; before: done in its process first."""
    return subprocess.run(
        [*NOTES, "build", str(place / "notes"), *arguments],
        env=environment(place / "data", {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        preexec_fn=before,
    )


def answered(place: Path) -> str:
    """Return what is answered."""
    done = notes(place / "data", "ask", "When does harbour 3 open?")
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_whole(place: Path, word: str) -> None:
    """Check that the index answers from these notes, and that nothing was left lying about."""
    snapshot = store.load(place / "data")
    texts = [passage.lines[0].plain for passage in snapshot.notes.passages]
    assert len(texts) == 12
    assert all(f"in the {word} season" in text for text in texts)
    assert {path.name for path in (place / "data").iterdir()} <= LITTER
    assert len(list((place / "data" / "versions").iterdir())) <= 3


def test_a_killed_build_leaves_the_old_version_and_no_litter(place: Path) -> None:
    random.seed(7)
    word = "first"
    for number in range(KILLS):
        following = f"w{number}"
        write(place, following)
        process = subprocess.Popen(
            [*NOTES, "build", str(place / "notes")],
            env=environment(place / "data", {}),
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(random.uniform(0.1, LONGEST))  # noqa: S311
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        texts = {p.lines[0].plain for p in store.load(place / "data").notes.passages}
        assert len(texts) == 12
        # It is the old version or, where the build came so far, the new one: never a mixture.
        now = {text.split()[-2] for text in texts}
        assert now in ({word}, {following})
        (word,) = now
    write(place, "last")
    done = build(place)
    assert done.returncode == 0, done.stderr
    check_whole(place, "last")


def test_a_build_that_is_interrupted_says_that_nothing_is_lost(place: Path) -> None:
    before = store.current(place / "data")
    (place / "data" / "encoded.sqlite").unlink()
    write(place, "second")
    process = subprocess.Popen(
        [*NOTES, "build", str(place / "notes")],
        env=environment(place / "data", {}),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert process.stderr.readline().startswith("Encoding 12 passages")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said.strip()[:8]) == (130, "Stopped.")
    assert store.current(place / "data") == before


def test_a_full_disk_leaves_the_old_version(place: Path) -> None:
    was = answered(place)
    write(place, "second")
    for most in (1_000, 200_000, 1_000_000):
        done = build(
            place, lambda most=most: resource.setrlimit(resource.RLIMIT_FSIZE, (most,) * 2)
        )  # type: ignore[misc]
        assert done.returncode == 2, done.stderr
        assert "NOTES_DATA_DIR" in done.stderr
        assert "Traceback" not in done.stderr
        assert answered(place) == was
    assert build(place).returncode == 0
    check_whole(place, "second")


def test_a_folder_that_cannot_be_written_is_named(place: Path) -> None:
    done = subprocess.run(
        [*NOTES, "build", str(place / "notes")],
        env=environment(Path("/proc/notes"), {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 2
    assert "/proc/notes" in done.stderr
    assert "NOTES_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("most", [200, 460, 500, 620, 700])
def test_too_little_memory_leaves_the_old_version(place: Path, most: int) -> None:
    was = answered(place)
    write(place, "second")
    limit = (most * 2**20,) * 2
    done = build(place, lambda: resource.setrlimit(resource.RLIMIT_AS, limit))
    # A library in C may end the program, with words of its own; no error of Python's does.
    assert done.returncode != 0
    assert done.returncode != 1 or "Traceback" not in done.stderr
    if done.returncode == 2:
        assert done.stderr.strip().splitlines()[-1].startswith("notes: ")
    assert answered(place) == was
    assert build(place).returncode == 0
    check_whole(place, "second")


@pytest.mark.parametrize("harm", ["cut", "flip", "remove"])
def test_a_damaged_file_is_named_and_the_version_before_answers(
    place: Path, onnx_encoder: OnnxEncoder, harm: str
) -> None:
    write(place, "second")
    build_index(read({"default": place / "notes"}), place / "data", onnx_encoder, print)
    folder = place / "data" / "versions" / store.current(place / "data")
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        path.unlink()
        if harm != "remove":
            middle = len(data) // 2
            flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            path.write_bytes(data[:middle] if harm == "cut" else flipped)
        said: list[str] = []
        snapshot = store.serviceable(place / "data", said.append)
        if path.name != "manifest.json" or snapshot.version != folder.name:
            assert "first" in snapshot.notes.passages[0].lines[0].plain
            assert path.name in said[0]
            assert "notes build" in said[0]
        path.unlink(missing_ok=True)
        path.write_bytes(data)
    assert "second" in answered(place)
    (folder / "vectors.npy").write_bytes(b"")
    done = notes(place / "data", "ask", "When does harbour 3 open?")
    assert done.returncode == 0
    assert "first" in done.stdout
    assert "vectors.npy is damaged" in done.stderr
    assert build(place).returncode == 0
    check_whole(place, "second")


def test_with_no_whole_version_the_damage_is_an_error(place: Path) -> None:
    folder = place / "data" / "versions" / store.current(place / "data")
    (folder / "vectors.npy").unlink()
    with pytest.raises(IndexUnusable, match=r"vectors\.npy.*notes build"):
        store.serviceable(place / "data", print)


@contextmanager
def flickering(path: Path) -> Iterator[None]:
    """Let a file come and go all the time."""
    ended = threading.Event()
    text = path.read_text()

    def run() -> None:
        while not ended.is_set():
            path.unlink(missing_ok=True)
            path.write_text(text)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_note_that_vanishes_while_it_is_read_is_left_out(place: Path) -> None:
    with flickering(place / "notes" / "3.md"):
        for _ in range(200):
            found = read({"default": place / "notes"})
            assert len(found.documents) >= 11
            assert all(isinstance(item, Skipped) for item in found.skipped)
    assert len(read({"default": place / "notes"}).documents) == 12


HOLDER = """
import sys, time
from pathlib import Path
from index.building import build_lock
with build_lock.building(Path(sys.argv[1]), True, print):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holding(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process build, as far as anybody sees."""
    command = [sys.executable, "-c", HOLDER, str(data_dir)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_second_build_says_who_builds(place: Path) -> None:
    write(place, "second")
    with holding(place / "data") as other:
        done = build(place, None, "--no-wait")
        assert done.returncode == 2
        assert f"process {other.pid} " in done.stderr
        assert "--no-wait" in done.stderr
        waiting = subprocess.Popen(
            [*NOTES, "build", str(place / "notes")],
            env=environment(place / "data", {}),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr
        assert f"Waiting for process {other.pid} " in waiting.stderr.readline()
        time.sleep(0.3)
        assert waiting.poll() is None
        other.kill()
        rest = waiting.communicate(timeout=120)[1]
    assert waiting.returncode == 0
    assert f"Process {other.pid} " in rest
    assert "ended early" in rest
    check_whole(place, "second")


def test_versions_are_listed_and_gone_back_to(place: Path) -> None:
    first = store.current(place / "data")
    write(place, "second")
    assert build(place).returncode == 0
    listed = notes(place / "data", "versions").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["*", first]
    done = notes(place / "data", "rollback")
    assert done.returncode == 0
    assert first in done.stderr
    assert "first season" in answered(place)
    missing = notes(place / "data", "rollback", "19990101")
    assert missing.returncode == 2
    assert "notes versions" in missing.stderr
    assert store.current(place / "data") == first
    assert notes(place / "data", "rollback").returncode == 2


def test_a_build_says_when_nothing_has_changed(place: Path) -> None:
    assert build(place).returncode == 0
    version = store.current(place / "data")
    done = build(place)
    assert f"Nothing has changed since version {version}" in done.stderr
    assert store.current(place / "data") == version
