"""A real Milvus standalone server, from the PyPI package `milvus`, that only this machine reaches.

It listens at every address, whatever it is told: so it runs in a network of its own, and a relay
leads there from one port of this machine. Both end with the process that started them.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path

import milvus

_PATIENCE = 180.0
_PORT = 19530
_HEALTH = "http://127.0.0.1:9091/healthz"
_KILLED_WITH_PARENT = 1
_OWN_NETWORK = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class MilvusServer:
    """Starts, kills and starts again one server on one folder, always at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and return once it is healthy. Raises RuntimeError when it is not."""
        command = [sys.executable, __file__, str(self._folder), str(self._port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, preexec_fn=_die_with_parent
        )
        assert self._process.stdout
        if self._process.stdout.readline() != "healthy\n":
            self.kill()
            log = self._folder / "logs" / "output.log"
            said = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise RuntimeError(f"Milvus did not start; it wants to be root on Linux.\n{said}")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait(timeout=30)
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None

    def remove(self) -> None:
        """End it, and remove its files."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _die_with_parent() -> None:
    _LIBC.prctl(_KILLED_WITH_PARENT, signal.SIGKILL)


def _main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    # Made before the network is left: it belongs to the one outside.
    listener = socket.create_server(("127.0.0.1", port))
    if _LIBC.unshare(_OWN_NETWORK):
        raise OSError(ctypes.get_errno(), "no network of its own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607
    config = milvus.MilvusServerConfig(data_dir=str(folder))
    config.resolve()
    milvus._initialize_data_files(str(folder))
    environment = os.environ | {
        "DEPLOY_MODE": "STANDALONE",
        "MILVUS_RUN_DIR": str(folder / "run"),
        "LD_LIBRARY_PATH": str(folder / "bin"),
    }
    with (folder / "logs" / "output.log").open("ab") as log:
        server = subprocess.Popen(
            [str(folder / "bin" / "milvus"), "run", "standalone"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
        )
    end = time.monotonic() + _PATIENCE
    while not _is_healthy():
        if server.poll() is not None or time.monotonic() > end:
            sys.exit(1)
        time.sleep(0.1)
    print("healthy", flush=True)
    asyncio.run(_relay(listener))


def _is_healthy() -> bool:
    with suppress(OSError), urllib.request.urlopen(_HEALTH, timeout=5) as response:
        return b"OK" in response.read()
    return False


async def _relay(listener: socket.socket) -> None:
    running: set[asyncio.Task[None]] = set()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner = await asyncio.open_connection("127.0.0.1", _PORT)
        except OSError:
            writer.close()
            return
        for source, target in ((reader, inner[1]), (inner[0], writer)):
            task = asyncio.create_task(_pump(source, target))
            running.add(task)
            task.add_done_callback(partial(running.discard))

    async with await asyncio.start_server(lead, sock=listener) as server:
        await server.serve_forever()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()


if __name__ == "__main__":
    _main()
