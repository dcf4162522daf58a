"""Sixteen clients ask while the server switches versions; `make soak` switches 200 times."""

import os
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import psutil
import pytest
from running import server as run_server
from switching import asking, built, switch, until

from index.encoding.onnx_encoder import OnnxEncoder

MEASURED = "SOAK_SECONDS" in os.environ
SWITCHES = 200 if MEASURED else 6
_WARM = SWITCHES // 4
_GROWTH = 1.05


@pytest.mark.timeout(1800)
def test_no_request_fails_or_mixes_versions(tmp_path: Path, onnx_encoder: OnnxEncoder) -> None:
    versions = built(tmp_path, onnx_encoder)
    sources = versions.sources
    memory = []
    with run_server(versions.data_dir, NOTES_LOG_REQUESTS="false") as server:
        process = psutil.Process(server.pid)
        with asking(server, sources) as counts:
            for version in islice(cycle(sources), SWITCHES):
                switch(server, version)
                answered = counts[version]
                until(lambda v=version, n=answered: counts[v] > n, "it answers from there")
                memory.append(process.memory_info().rss)
    print(dict(counts))
    assert not [outcome for outcome in counts if outcome.startswith("failed")], Counter(counts)
    assert counts.keys() == sources.keys()
    if MEASURED:
        warm, most = memory[_WARM], max(memory[_WARM:])
        print(f"memory: {warm / 2**20:.0f} MB, {most / 2**20:.0f} MB at most")
        assert most <= _GROWTH * warm
