"""The faces that both peers have: commands, HTTP by FastAPI, and lines for the benchmarks.

python PEER build MODEL NOTES DATA
python PEER ask MODEL DATA "question"
python PEER serve MODEL DATA PORT
python PEER talk MODEL DATA
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

Section = dict[str, Any]


class Peer(NamedTuple):
    """encode: a question's vector. search: the sections for a question, at most limit."""

    encode: Callable[[str], object]
    search: Callable[[str, int], list[Section]]


Build = Callable[[str, Path, Path], int]
Load = Callable[[str, Path], Peer]


def main(build: Build, load: Load) -> None:
    """Run the command line."""
    command, model, *rest = sys.argv[1:]
    if command == "build":
        print(build(model, Path(rest[0]), Path(rest[1])))
    elif command == "ask":
        for section in load(model, Path(rest[0])).search(rest[1], 3):
            print(f"{section['title']}  {section['path']}:{section['line']}\n{section['text']}\n")
    elif command == "serve":
        _serve(load(model, Path(rest[0])), int(rest[1]))
    elif command == "talk":
        _talk(load(model, Path(rest[0])))


def _serve(peer: Peer, port: int) -> None:
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Question(BaseModel):
        question: str
        limit: int = 3

    app = FastAPI()

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    @app.post("/ask")
    def ask(body: Question) -> list[Section]:
        # In FastAPI's threads: one after the other, it answers fewer.
        return peer.search(body.question, body.limit)

    uvicorn.run(app, port=port, log_level="warning")


def _talk(peer: Peer) -> None:
    """Read a request a line, write what came of it and how many milliseconds it took."""
    for line in sys.stdin:
        request = json.loads(line)
        started = time.perf_counter()
        if request["do"] == "encode":
            peer.encode(request["question"])
            found = []
        else:
            found = peer.search(request["question"], request["limit"])
        spent = (time.perf_counter() - started) * 1000
        ranked = [[each["path"], each["line"], each["score"]] for each in found]
        print(json.dumps({"ms": spent, "ranked": ranked}), flush=True)
