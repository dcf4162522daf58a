"""The bare encoder in a pool of threads: `python -m benchmarks.compare.ceiling THREADS SECONDS`.

Questions come on standard input, one a line; printed is how many a second were encoded, and the
milliseconds of processors that one took.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from assistant.settings import read_settings
from index.encoding.engines import open_encoder


def main() -> None:
    """Print the number."""
    threads, seconds = int(sys.argv[1]), float(sys.argv[2])
    questions = [line.strip() for line in sys.stdin]
    settings = read_settings()
    encoder = open_encoder(settings.model, settings.engine, settings.cache_dir)
    list(encoder.encode(questions[:20], "query"))
    begun, used = time.perf_counter(), time.process_time()

    def encode(first: int) -> int:
        done = 0
        for question in questions[first::threads]:
            if time.perf_counter() - begun > seconds:
                break
            list(encoder.encode([question], "query"))
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(encode, range(threads)))
    spent, used = time.perf_counter() - begun, time.process_time() - used
    print(json.dumps({"per_second": done / spent, "processor_ms": used * 1000 / done}))


if __name__ == "__main__":
    main()
