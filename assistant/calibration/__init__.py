"""Evaluates answers by files of questions, and calibrates the judge to each set of notes."""

from assistant.calibration import evaluate
from assistant.calibration.calibrated_build import build_index, is_calibrated_alike, unseen
from assistant.calibration.evaluate import MEASURES, Case, Result, is_right

__all__ = [
    "MEASURES",
    "Case",
    "Result",
    "build_index",
    "evaluate",
    "is_calibrated_alike",
    "is_right",
    "unseen",
]
