"""Telemetry for operators: metrics for Prometheus, and logs as JSON or for a terminal."""

import logging
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from assistant.answering import Answer, Stages

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The server's Prometheus metrics, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "notes_request_seconds",
            "Time of HTTP requests",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "notes_stage_seconds",
            "Time of a question's stages",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._answers = Counter(
            "notes_answers", "Questions answered", ["grade", "language"], registry=self.registry
        )
        self.limited = Counter(
            "notes_limited", "Requests refused by a rate limit", registry=self.registry
        )
        self.running = Gauge(
            "notes_questions_running", "Questions being answered", registry=self.registry
        )
        self.waiting = Gauge(
            "notes_questions_waiting", "Questions that wait for a thread", registry=self.registry
        )
        self.dropped = Gauge(
            "notes_answers_not_kept", "Answers that could not be kept", registry=self.registry
        )
        self.switches = Counter(
            "notes_index_switches", "Other versions that began to be served", registry=self.registry
        )
        self.faults = Counter(
            "notes_index_faults",
            "Versions that could not be served, and builds that failed",
            ["step"],
            registry=self.registry,
        )
        self._index = Gauge(
            "notes_index_info", "The index being served", ["version"], registry=self.registry
        )
        self._version = version
        self._index.labels(version).set(1)

    def serves(self, version: str) -> None:
        """Count a switch to another version of the index."""
        self._index.labels(version).set(1)
        if version != self._version:
            self._index.remove(self._version)
        self._version = version
        self.switches.inc()

    def answered(self, answer: Answer, stages: Stages) -> None:
        """Count an answer and the time of its stages."""
        self._answers.labels(answer.grade, answer.language).inc()
        for name, seconds in stages.items():
            self._stages.labels(name).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def set_up_logs() -> None:
    """Log to stderr, also for libraries: in colour on a terminal, else one JSON object a line."""
    terminal = sys.stderr.isatty()
    shown: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[*common, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    # A library that turned its own level down means its own handlers, not this one.
    handler.setLevel(logging.WARNING)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=common, processors=[remove, *shown])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
