"""The page's drawings in SVG: where a value lies against its band, and the histogram of floor-transfer offsets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpus.timing import Offsets

from .format import amount, number
from .stats import Measure

FIRST, LAST, BIN = -1.5, 2.5, 0.1  # s: offsets beyond are counted in the outermost bins
WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 40  # margins around the bars


def band_mark(measure: Measure) -> str:
    """A strip with the target band shaded and a tick at the value; empty without both."""
    if measure.band is None or measure.value is None:
        return ""
    low, high = measure.band
    margin = (high - low) * 0.8
    first, last = min(low - margin, measure.value), max(high + margin, measure.value)
    at, start, end = (4 + 132 * (x - first) / (last - first) for x in (measure.value, low, high))
    state = "in" if measure.inside else "out"
    return (
        f'<svg class="band {state}" viewBox="0 0 140 16" width="140" height="16" aria-hidden="true">'
        '<rect class="track" x="2" y="6" width="136" height="4" rx="2"/>'
        f'<rect class="target" x="{start:.1f}" y="3" width="{end - start:.1f}" height="10" rx="2"/>'
        f'<rect class="value" x="{at - 1.5:.1f}" y="0" width="3" height="16" rx="1.5"/></svg>'
    )


def shares(offsets: Offsets) -> npt.NDArray[np.float64]:
    """Share of the offsets in each bin of 0.1 s, those beyond the axis in the outermost ones: `[40]`."""
    edges = np.linspace(FIRST, LAST, round((LAST - FIRST) / BIN) + 1)
    inner = np.clip(offsets, FIRST + BIN / 2, LAST - BIN / 2)
    counts = np.histogram(inner, bins=edges)[0]
    return counts / max(len(offsets), 1)


def _x(seconds: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (seconds - FIRST) / (LAST - FIRST)


def _axes(top: float) -> list[str]:
    """Grid lines and labels for shares up to `top`, and the seconds below."""
    parts = []
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if top / step <= 5)
    for tick in np.arange(0, top + step / 2, step):
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * tick / top
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * tick:.0f} %</text>')
    for tick in np.arange(FIRST, LAST + 0.1, 0.5):
        label = {FIRST: f"≤ {number(FIRST, 1)}", LAST: f"≥ {number(LAST, 1)}"}.get(tick, number(tick, 1))
        anchor = "end" if tick == LAST else "middle"
        parts.append(f'<text x="{_x(tick):.1f}" y="{HEIGHT - 22}" text-anchor="{anchor}">{label}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">'
        "floor-transfer offset, seconds (negative: overlap)</text>"
    )
    return parts


def histogram(offsets: Offsets, reference: Offsets, preset: str) -> str:
    """Measured offsets as bars, the preset's distribution as an outline. `preset` is the already escaped name."""
    if not len(offsets):
        return '<p class="note">No floor transfer was measured.</p>'
    measured, expected = shares(offsets), shares(reference)
    top = float(max(measured.max(), expected.max())) * 1.08
    floor, scale = HEIGHT - BOTTOM, (HEIGHT - TOP - BOTTOM) / top
    bars, outline = [], []
    for index, (share, wanted) in enumerate(zip(measured, expected, strict=True)):
        left, right = _x(FIRST + index * BIN), _x(FIRST + (index + 1) * BIN)
        kind = "overlap" if FIRST + (index + 0.5) * BIN < 0 else "gap"
        bars.append(
            f'<rect class="{kind}" x="{left + 0.75:.1f}" y="{floor - share * scale:.1f}" '
            f'width="{right - left - 1.5:.1f}" height="{share * scale:.1f}"/>'
        )
        outline.append(f"{left:.1f},{floor - wanted * scale:.1f} {right:.1f},{floor - wanted * scale:.1f}")
    median = amount(float(np.median(offsets)), "s")
    return (
        f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Histogram of '
        f'{number(len(offsets))} floor-transfer offsets, median {median}, against the preset {preset}">'
        + "".join(_axes(top) + bars)
        + f'<line class="zero" x1="{_x(0):.1f}" x2="{_x(0):.1f}" y1="{TOP}" y2="{floor}"/>'
        + (f'<polyline class="reference" points="{" ".join(outline)}"/>' if len(reference) else "")
        + "</svg>"
    )
