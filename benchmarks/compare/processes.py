"""The systems at work: a server that is asked over HTTP, and a process that is asked by lines."""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from benchmarks.compare.results import ROOT
from benchmarks.compare.systems import CACHE, System

_PATIENCE = 120

Doing = Literal["encode", "ask", "rank"]


@dataclass(frozen=True)
class Server:
    """A server that was just started: its process, where it will listen, when it began."""

    process: subprocess.Popen[bytes]
    port: int
    begun: float


@dataclass(frozen=True)
class Reply:
    """Milliseconds that it took, and what was found: path, line of the heading, score."""

    ms: float
    ranked: tuple[tuple[str, int, float], ...]


@contextmanager
def served(system: System, data: Path) -> Iterator[Server]:
    """Start the server; yields at once, before it is ready. What it says goes into a log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = system.command("serve", data=data, port=port)
    begun = time.perf_counter()
    with (CACHE / f"{system.name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=system.surroundings(), stdout=log, stderr=log
        )
        try:
            yield Server(process, port, begun)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                # It still answers what nobody waits for any more.
                process.kill()
                process.wait()


def until_answered(server: Server, path: str) -> float:
    """Return the seconds from the start until the path answers 200."""
    while server.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return time.perf_counter() - server.begun
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.01)
        if time.perf_counter() - server.begun > _PATIENCE:
            raise RuntimeError(f"Nothing answers {path} within {_PATIENCE} s.")
    raise RuntimeError(f"The server ended before {path} was answered; see the logs in {CACHE}.")


@contextmanager
def connected(server: Server, system: System) -> Iterator[Callable[[str], float]]:
    """Yield what asks a question on one connection, and returns the milliseconds it took."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    connection.connect()

    def ask(question: str) -> float:
        body = json.dumps({"question": question}).encode()
        begun = time.perf_counter()
        connection.request("POST", system.asks, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        spent = (time.perf_counter() - begun) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{system.title} answered {answer.status}: {said[:200]!r}")
        return spent

    try:
        yield ask
    finally:
        connection.close()


@contextmanager
def talking(system: System, data: Path) -> Iterator[Callable[[Doing, str], Reply]]:
    """Yield what asks the system in its own process, and returns what came of it."""
    with subprocess.Popen(
        system.command("talk", data=data),
        cwd=ROOT,
        env=system.surroundings(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        requests, replies = process.stdin, process.stdout
        assert requests
        assert replies

        def ask(do: Doing, question: str) -> Reply:
            request = {"do": do, "question": question, "limit": 100 if do == "rank" else 3}
            requests.write(json.dumps(request) + "\n")
            requests.flush()
            line = replies.readline()
            if not line:
                raise RuntimeError(f"{system.title} ended: {system.command('talk', data=data)}")
            said: dict[str, Any] = json.loads(line)
            return Reply(said["ms"], tuple((path, line, s) for path, line, s in said["ranked"]))

        try:
            yield ask
        finally:
            requests.close()


def run(command: list[str], system: System) -> tuple[float, str]:
    """Return the seconds that a command took, and what it printed on both streams."""
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=system.surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    spent = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stdout[-500:]}")
    return spent, done.stdout


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds that processors worked for a process and its children."""
    found = [each.cpu_times() for each in _family(process)]
    return sum(each.user + each.system for each in found)


def memory(process: subprocess.Popen[bytes]) -> tuple[float, float, float]:
    """Return megabytes that a process and its children have: resident, proportional, their own."""
    found = [each.memory_full_info() for each in _family(process)]
    return (
        sum(each.rss for each in found) / 1e6,
        sum(each.pss for each in found) / 1e6,
        sum(each.uss for each in found) / 1e6,
    )


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]
