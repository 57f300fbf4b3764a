"""Published turn-taking figures of other models, to stand beside ours.

Their data are not ours: people's recordings (Candor, ICC) and synthetic speech of other voices, in English, scored with
a recognizer and a language model. Ours come from a held-out synthetic corpus with exact labels. Compare orders of
magnitude, not digits.
"""

from __future__ import annotations

from dataclasses import dataclass

V1 = "Full-Duplex-Bench v1.0, results table of its repository (arXiv 2503.04721)"
V1_5 = "Full-Duplex-Bench v1.5 (arXiv 2507.23159)"
PERSONAPLEX = "PersonaPlex (arXiv 2602.06053), in Full-Duplex-Bench's table"
DIFFERS = (
    "Published rows were measured on other data: human and synthetic recordings, through a recognizer and a judge "
    "model. Compare orders of magnitude only."
)


@dataclass(frozen=True)
class PublishedFigures:
    """A model's figures, by the names of `agent.judging.evaluate`."""

    model: str
    figures: dict[str, float]
    sources: tuple[str, ...]


def _row(
    model: str,
    sources: tuple[str, ...],
    pause: float,
    backchannel: tuple[float, float, float],
    turn: tuple[float, float],
    interruption: tuple[float, float],
    overlap: tuple[float, float, float, float, float] | None = None,
) -> PublishedFigures:
    """v1.0: pause TOR (synthetic), backchannel TOR, per s, JSD, turn and interruption TOR, latency; then v1.5's."""
    figures = {
        "pause_tor": pause,
        "turn_tor": turn[0],
        "turn_latency": turn[1],
        "backchannel_tor": backchannel[0],
        "backchannels_per_second": backchannel[1],
        "backchannel_jsd": backchannel[2],
        "interruption_tor": interruption[0],
        "interruption_latency": interruption[1],
    }
    if overlap is not None:
        names = ("stop_latency", "response_latency", "keeps_backchannel", "keeps_talk_to_other", "keeps_background")
        figures.update(zip(names, overlap, strict=True))
    return PublishedFigures(model, figures, sources)


PUBLISHED = (
    _row("Moshi", (V1, V1_5), 0.985, (1.0, 0.001, 0.957), (0.941, 0.265), (1.0, 0.257), (1.16, 1.47, 0.06, 0.19, 0.07)),
    _row("PersonaPlex", (PERSONAPLEX,), 0.584, (0.327, 0.025, 0.649), (0.992, 0.070), (1.0, 0.400)),
    _row(
        "Freeze-Omni",
        (V1, V1_5),
        0.642,
        (0.636, 0.001, 0.997),
        (0.336, 0.953),
        (0.867, 1.409),
        (1.42, 1.35, 0.80, 0.25, 0.25),
    ),
    _row(
        "Gemini Live 2.0",
        (V1, V1_5),
        0.255,
        (0.091, 0.012, 0.896),
        (0.655, 1.301),
        (0.891, 1.183),
        (2.20, 2.62, 0.93, 0.99, 0.30),
    ),
    _row(
        "GPT-Realtime",
        (V1, f"{V1_5}: GPT-4o Realtime"),
        0.010,
        (0.0, 0.007, 0.980),
        (1.0, 1.470),
        (0.97, 1.500),
        (0.23, 1.50, 0.70, 0.02, 0.04),
    ),
)
