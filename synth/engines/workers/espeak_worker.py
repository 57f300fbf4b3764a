"""espeak-ng as a worker: its library by ctypes, with the times of its own word and phoneme events; or its program.

    espeak_worker.py wheel|library|program PLACE LANGUAGE ACCENT[,ACCENT...]

The library is loaded anew for each request: what it says hangs on what it said before (the state of its filters and of
the C library's random numbers), and here the same request gives the same samples.
"""

from __future__ import annotations

import ctypes
import math
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from duologue_worker import Speak, serve  # type: ignore[import-not-found]

RATE = 22_050  # Hz, of all its voices
WORDS_PER_MINUTE, PITCH, RANGE = 175, 50, 50  # its own
TEMPO_SPREAD, PITCH_SPREAD = 0.03, 3.0  # what a seed moves: log of the tempo, points of its pitch

_RETRIEVAL, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_SET_RATE, _SET_PITCH, _SET_RANGE = 1, 3, 4
_WORD, _PHONEME, _LIST_END = 1, 7, 0
_SOUNDLESS = re.compile(r"_[:_|!]*|")  # pauses, and the closures before a sound

Event = tuple[int, int, int, str]  # type, character of the text (from 0), sample, phoneme


class EspeakScales(NamedTuple):
    """How one request is spoken, in espeak-ng's own scales."""

    tempo: int
    pitch: int
    range: int

    @classmethod
    def of(cls, request: dict[str, Any]) -> EspeakScales:
        """From the request's rate, liveliness and seed."""
        lively, chance = request["liveliness"], random.Random(request["seed"])
        tempo = WORDS_PER_MINUTE * request["rate"] * math.exp(chance.gauss(0, TEMPO_SPREAD) * lively)
        pitch = PITCH + chance.gauss(0, PITCH_SPREAD) * lively
        return cls(round(tempo), round(pitch), round(min(RANGE * lively, 100)))


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int), ("message", ctypes.c_uint), ("position", ctypes.c_int), ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Library:
    """espeak-ng's library, and where its data is; None for where it was built to look."""

    def __init__(self, path: str, data: str | None) -> None:
        self._path, self._data = path, data.encode() if data else None
        self._clib = ctypes.CDLL(None)
        self._clib.dlclose.argtypes = [ctypes.c_void_p]

    def version(self) -> str:
        """Such as 1.52.0."""
        library = self._open()
        library.espeak_Info.restype = ctypes.c_char_p
        version: bytes = library.espeak_Info(None)
        self._close(library)
        return version.decode().split()[0]

    def knows(self, voice: str) -> bool:
        """Whether it has an accent."""
        library = self._open()
        known: bool = library.espeak_SetVoiceByName(voice.encode()) == 0
        self._close(library)
        return known

    def speak(self, text: str, voice: str, scales: EspeakScales) -> Any:
        """Samples `[T]`, and the words of a text with their times; None where it says none of them."""
        library = self._open()
        self._clib.srand(1)  # of its breath noise
        clips, events = [np.zeros(0, np.int16)], []

        def take(samples: Any, count: int, event: Any) -> int:
            if samples and count > 0:
                clips.append(np.ctypeslib.as_array(samples, (count,)).copy())
            number = 0
            while event[number].type != _LIST_END:
                one = event[number]
                phoneme = one.id.string.decode("ascii", "replace") if one.type == _PHONEME else ""
                events.append((one.type, one.position - 1, one.sample, phoneme))
                number += 1
            return 0

        callback = _CALLBACK(take)
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in zip((_SET_RATE, _SET_PITCH, _SET_RANGE), scales, strict=True):
            library.espeak_SetParameter(parameter, value, 0)
        said = text.encode()
        library.espeak_Synth(said, len(said) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        self._close(library)
        samples = np.concatenate(clips)
        return samples / 32768.0, timed_words(text, events, len(samples)) or None

    def _open(self) -> Any:
        library = ctypes.CDLL(self._path)
        if library.espeak_Initialize(_RETRIEVAL, 0, self._data, _PHONEME_EVENTS) != RATE:
            raise OSError(f"{self._path} finds no data of espeak-ng")
        return library

    def _close(self, library: Any) -> None:
        library.espeak_Terminate()
        self._clib.dlclose(library._handle)


class Program:
    """The program `espeak-ng`, started for each request: no word times, and the range of pitch is its own."""

    def __init__(self, path: str) -> None:
        self._path = path

    def version(self) -> str:
        """Such as 1.52.0."""
        said = re.search(r"\d+(?:\.\d+)+", self._run("--version").decode(errors="replace"))
        return said[0] if said else "unknown"

    def knows(self, voice: str) -> bool:
        """Whether it has an accent."""
        return subprocess.run([self._path, "-q", "-v", voice, "a"], capture_output=True, check=False).returncode == 0

    def speak(self, text: str, voice: str, scales: EspeakScales) -> tuple[Any, None]:
        """Samples `[T]`; None, as it times no words."""
        options = ("-v", voice, "-s", str(scales.tempo), "-p", str(scales.pitch), "--stdin", "--stdout")
        sound = self._run(*options, given=text.encode())
        head = sound.find(b"data") + 8  # of a WAV file whose length is not known when its head is written
        return np.frombuffer(sound[head : len(sound) - (len(sound) - head) % 2], "<i2") / 32768.0, None

    def _run(self, *options: str, given: bytes = b"") -> bytes:
        return subprocess.run([self._path, *options], input=given, capture_output=True, check=True).stdout


def timed_words(text: str, events: Sequence[Event], total: int) -> list[tuple[str, float, float]]:
    """Every whitespace token of a text with its start and end in seconds.

    A word lasts from its first sounding phoneme to the end of its last one. Words that espeak-ng says as one ("of the")
    share its time by their letters.

    Args:
        text: as it was spoken.
        events: in order.
        total: samples of the clip.
    """
    tokens = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    spans = _spans(tokens, events, total)
    begun = sorted(spans)
    words: list[tuple[str, float, float]] = []
    for place, first in enumerate(begun):
        last = begun[place + 1] if place + 1 < len(begun) else len(tokens)
        group = [text[slice(*token)] for token in tokens[first if place else 0 : last]]
        start, end = spans[first]
        ends = np.cumsum([2 + sum(map(str.isalnum, word)) for word in group])
        edges = [start, *(start + (end - start) * int(up_to) / int(ends[-1]) for up_to in ends)]
        times = [round(edge / RATE, 4) for edge in edges]
        words += [(word, *span) for word, span in zip(group, pairwise(times), strict=True)]
    return words


def _spans(tokens: Sequence[tuple[int, int]], events: Sequence[Event], total: int) -> dict[int, tuple[int, int]]:
    """First and last sample of each token that has sounding phonemes."""
    spans: dict[int, tuple[int, int]] = {}
    token = 0
    for number, (kind, position, sample, phoneme) in enumerate(events):
        if kind == _WORD:
            at = next((one for one, (_, end) in enumerate(tokens) if position < end), len(tokens) - 1)
            token = max(token, at)
        elif kind == _PHONEME and not _SOUNDLESS.fullmatch(phoneme):
            end = next((after[2] for after in events[number + 1 :] if after[2] > sample), total)
            spans[token] = (spans.get(token, (sample, 0))[0], min(end, total))
    return {token: (start, end) for token, (start, end) in spans.items() if end > start}


def main(kind: str, place: str, language: str, accents: str) -> None:
    """Speak until stdin closes."""
    voice: Library | Program
    if kind == "wheel":
        import espeakng_loader  # type: ignore[import-untyped]

        voice = Library(str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path()))
    else:
        voice = Library(place, None) if kind == "library" else Program(place)
    missing = [accent for accent in accents.split(",") if not voice.knows(accent)]
    if missing:
        sys.exit(f"espeak-ng {voice.version()} ({place}) does not know {', '.join(missing)}")

    def speak(request: dict[str, Any]) -> Any:
        return voice.speak(request["text"], request["voice"], EspeakScales.of(request))

    def load() -> Speak:
        return speak

    serve(
        {
            "name": "espeak",
            "version": voice.version(),
            "sample_rate": RATE,
            "clones": False,
            "languages": [language],
            "licence_code": "GPL-3.0-or-later",
            "licence_weights": "GPL-3.0-or-later",
        },
        load,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
