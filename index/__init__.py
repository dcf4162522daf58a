"""The offline half: Markdown to sections, passages, vectors and a store on disk."""

import os

# Questions run side by side, each on one thread: small products split over several threads, as
# numpy has it by default, wait for each other longer than they take. Read when numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# ONNX Runtime would keep an id of the machine, and have it ready to be sent.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
