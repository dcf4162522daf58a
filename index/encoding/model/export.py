"""Export of the default model: `python -m index.encoding.model.export onnx|torch DIR`.

A new folder is tested against known vectors before it is moved to its final place.
"""

import argparse
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import get_args

from index.encoding.encoder import Encoder
from index.encoding.model import model_files
from index.encoding.model.model_files import Engine
from index.encoding.model.place import place
from index.errors import ModelError

_ROOT = Path(__file__).resolve().parents[3]


def ensure(kind: Engine, cache_dir: Path) -> Path:
    """Return the exported folder in the cache; export it first if it is missing or incomplete.

    The export runs in a process of its own, so that its memory is freed. Raises ModelError with
    the reason if the export fails.
    """
    target = cache_dir / model_files.folder_name(kind)
    if model_files.is_current(target):
        return target
    status, reason = _run([sys.executable, "-m", __name__, kind, str(target)])
    if status not in (0, 1):
        raise ModelError(f"Exporting the {kind} model was ended (status {status}): start again.")
    if status or not model_files.is_current(target):
        raise ModelError(reason or f"Exporting the {kind} model failed without a reason.")
    return target


def export(kind: Engine, target: Path) -> None:
    """Write the folder; do nothing if it is complete already.

    Raises ModelError if the weights or a library are not installed, the disk is full or not
    writable, the result is wrong, or `target` holds something else.
    """
    try:
        written = place(kind, target, partial(_write, kind))
    except ImportError as error:
        package = error.name if kind == "onnx" else "sentence-transformers"
        raise ModelError(
            f"Exporting the {kind} model needs the package {error.name}: "
            f"run `pip install {package}`."
        ) from error
    _say(f"{target} is ready" if written else f"{target} is already there")


def main(arguments: list[str]) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m index.encoding.model.export", description="Export the default model."
    )
    parser.add_argument("kind", choices=get_args(Engine))
    parser.add_argument("dir", type=Path, help="the folder to write")
    options = parser.parse_args(arguments)
    try:
        export(options.kind, options.dir.absolute())
    except ModelError as error:
        _say(str(error))
        return 1
    return 0


def _write(kind: Engine, folder: Path) -> None:
    from index.encoding.model import container

    _say(f"writing the {kind} model ({model_files.MODEL.name})")
    packed = container.read(container.FILE.locate())
    vocabulary, limit = packed.vocabulary, packed.sizes.positions
    if kind == "onnx":
        from index.encoding.model import encoder_graph, pieces

        pieces.write(vocabulary, limit, folder / model_files.PIECES)
        encoder_graph.write(packed, folder)
    else:
        from index.encoding.model import tokenizer, torch_folder

        words = tokenizer.build(vocabulary, limit).to_str()
        (folder / model_files.TOKENIZER).write_text(words, encoding="utf-8")
        torch_folder.write(packed, folder)
    from index.encoding.model import sentence_graph

    sentence_graph.write(folder)
    model_files.describe(folder, model_files.MODEL)
    prove(kind, folder)


def prove(kind: Engine, folder: Path) -> None:
    """Raise ModelError if the encoder of a folder gives other vectors than the default model."""
    from index.encoding.model import reference

    _say("comparing it with known vectors")
    encoder: Encoder
    if kind == "onnx":
        from index.encoding.onnx_encoder import OnnxEncoder

        encoder = OnnxEncoder(folder)
    else:
        from index.encoding.torch_encoder import TorchEncoder

        encoder = TorchEncoder(folder)
    reference.verify(encoder)


def _run(command: list[str]) -> tuple[int, str]:
    """Return the exit status and the last line of stderr; all of stderr is passed on."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    last = ""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            last = line.strip() or last
    return process.returncode, last


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
