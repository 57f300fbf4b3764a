"""The voices of Kokoro-82M v1.0: two letters (accent, gender), then a name.

Its Japanese and Chinese voices are left out: they need phonemizers that `kokoro-onnx` does not have.
"""

from __future__ import annotations

from typing import Literal

from .declaration import OwnVoice

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
