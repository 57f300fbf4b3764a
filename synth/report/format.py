"""Numbers, times and untrusted text as people see them, in HTML and in a terminal."""

from __future__ import annotations

import html
import unicodedata

from .stats import Measure

MEASURE_NAMES = {
    "ipu": "IPU",
    "pause": "Pause",
    "gap": "Gap",
    "overlap": "Overlap",
    "median_offset": "Median offset",
    "overlapped_share": "Overlapped transfers",
    "offset_distance": "Wasserstein distance to people",
    "offset_ks": "Kolmogorov-Smirnov distance",
    "offset_p": "p of that distance",
    "backchannels": "Backchannels, of speech",
    "backchannels_enclosed": "Backchannels enclosed",
    "backchannels_overlapped": "Backchannels overlapped",
    "backchannel_length": "Mean backchannel",
}
_DIGITS = {"s/min": 1, "/min": 1, "/h": 0}
MINUS = "\N{MINUS SIGN}"
JOINERS = "\u200c\u200d"  # without these some scripts and emoji fall apart


def printable(text: str) -> str:
    """Untrusted text on one line without control, bidirectional-override or other invisible characters."""
    spaced = " ".join(text.split())
    return "".join(c for c in spaced if c in JOINERS or not unicodedata.category(c).startswith("C"))


def escape(text: object) -> str:
    """Untrusted text, safe inside HTML elements and quoted attributes."""
    return html.escape(printable(str(text)), quote=True)


def number(value: float, digits: int = 0) -> str:
    """A number with thousands set apart and a true minus sign."""
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def clock(seconds: float) -> str:
    """A position in a recording: 0:07.3."""
    tenths = round(max(seconds, 0.0) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def duration(seconds: float) -> str:
    """A length of time, its two largest parts: 45 s, 3 min 05 s, 2 h 10 min."""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def amount(value: float | None, unit: str) -> str:
    """A measured value in its unit; shares (no unit) as a percentage."""
    if value is None:
        return "not measured"
    if not unit:
        return f"{number(100 * value, 1)} %"
    return f"{number(value, _DIGITS.get(unit, 2))} {unit}"


def band(measure: Measure) -> str:
    """The target band of a measure: 3.5 to 5.5, in the unit of its value."""
    if measure.band is None:
        return "no target"
    scale, digits = (100, 0) if not measure.unit else (1, _DIGITS.get(measure.unit, 2))
    low, high = (number(scale * edge, digits) for edge in measure.band)
    return f"{low} to {high}" + ("" if measure.unit else " %")
