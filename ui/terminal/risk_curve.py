"""Draws the risk-coverage curve of an evaluation."""

from collections.abc import Sequence

from assistant.calibration import Result, is_right

_WIDTH, _HEIGHT, _MARGIN = 640, 400, 56


def risk_coverage(results: Sequence[Result]) -> str:
    """Return an SVG with the risk-coverage curve of selective prediction.

    For each share of questions answered, the most confident first, the curve shows the share of
    wrong answers (El-Yaniv and Wiener 2010).
    """
    ordered = sorted(results, key=lambda result: -result.confidence)
    wrong, points = 0, []
    for answered, result in enumerate(ordered, 1):
        wrong += not is_right(result)
        points.append((answered / len(ordered), wrong / answered))
    top = max(0.1, max(risk for _, risk in points))
    line = " ".join(f"{_x(coverage):.1f},{_y(risk / top):.1f}" for coverage, risk in points)
    ticks = "".join(_tick(step / 4, top) for step in range(5))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" '
        f'aria-label="Risk against coverage">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fdfcfa"/>{ticks}'
        f'<polyline points="{line}" fill="none" stroke="#1a5fb4" stroke-width="2"/>'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 12}" text-anchor="middle">'
        f"share of questions answered</text>"
        f'<text transform="translate(16 {_HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        f"share of answers that are wrong</text></svg>\n"
    )


def _x(share: float) -> float:
    return _MARGIN + share * (_WIDTH - 2 * _MARGIN)


def _y(share: float) -> float:
    return _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)


def _tick(share: float, top: float) -> str:
    x, y = _x(share), _y(share)
    grid = 'stroke="#e4e1da"'
    return (
        f'<line x1="{x}" y1="{_y(0)}" x2="{x}" y2="{_y(1)}" {grid}/>'
        f'<line x1="{_x(0)}" y1="{y}" x2="{_x(1)}" y2="{y}" {grid}/>'
        f'<text x="{x}" y="{_y(0) + 18}" text-anchor="middle">{share:.2f}</text>'
        f'<text x="{_x(0) - 6}" y="{y + 4}" text-anchor="end">{share * top:.2f}</text>'
    )
