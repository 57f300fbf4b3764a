"""The voices of Kokoro-82M v1.0: two letters (accent, gender), then a name; and the file that declares others.

Its Japanese and Chinese voices are left out: they need phonemizers that `kokoro-onnx` does not have.

Files of one's own are named in a TOML file (see `declaration`), relative to it:

    name = "kokoro-half"           # synth generate --engine kokoro:half.toml
    licence_weights = "Apache-2.0"
    model = "kokoro-v1.0.fp16.onnx"
    voices = "voices-v1.0.bin"     # style vectors by name

    [[voice]]                      # those of v1.0 if none is listed
    id = "anna"
    name = "af_anna"               # of its style vector; the first letter is the accent, the language's usual one else
    licence = "CC0-1.0"
    consent = "written consent of 2026-05-02"
"""

from __future__ import annotations

from typing import Literal

from .declaration import Declaration, OwnVoice

_NAMES = (
    "af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky "
    "am_adam am_echo am_eric am_fenrir am_liam am_michael am_onyx am_puck am_santa "
    "bf_alice bf_emma bf_isabella bf_lily bm_daniel bm_fable bm_george bm_lewis "
    "ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola pf_dora pm_alex pm_santa"
)
# accent letter -> ISO 639-1 code, espeak-ng's name
ACCENTS = {
    "a": ("en", "en-us"),
    "b": ("en", "en-gb"),
    "e": ("es", "es"),
    "f": ("fr", "fr-fr"),
    "h": ("hi", "hi"),
    "i": ("it", "it"),
    "p": ("pt", "pt-br"),
}


def _voice(name: str) -> OwnVoice:
    gender: Literal["f", "m"] = "f" if name[1] == "f" else "m"
    return OwnVoice(
        id=name,
        gender=gender,
        language=ACCENTS[name[0]][0],
        licence="Apache-2.0",
        consent="voice of the model, as its authors published it",
        source="hexgrad/Kokoro-82M v1.0",
    )


KOKORO_VOICES = tuple(_voice(name) for name in _NAMES.split())
KOKORO_LANGUAGES = tuple(dict.fromkeys(language for language, _ in ACCENTS.values()))


class KokoroDeclaration(Declaration):
    """A Kokoro model in files of the user's."""

    clones: Literal[False] = False
    languages: tuple[str, ...] = KOKORO_LANGUAGES
    licence_code: str = "MIT AND GPL-3.0-or-later"  # its phonemizer and espeak-ng are GPL
    pseudo_speakers: Literal[False] = False
    model: str
    voices: str
    voice: tuple[OwnVoice, ...] = KOKORO_VOICES


def accent_of(voice: OwnVoice) -> str:
    """espeak-ng's name of the accent a voice speaks with. Raises ValueError for a language Kokoro does not read."""
    name = voice.name or voice.id
    language, accent = ACCENTS.get(name[0], ("", ""))
    if name[1:2] in ("f", "m") and name[2:3] == "_" and language == voice.language:
        return accent
    for language, accent in ACCENTS.values():
        if language == voice.language:
            return accent
    raise ValueError(f"voice {voice.id!r}: Kokoro reads {', '.join(KOKORO_LANGUAGES)}, not {voice.language!r}")
