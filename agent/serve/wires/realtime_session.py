"""The session object of the Realtime API: what a client may set, checked, merged, and as settings of a partner."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from corpus.audio import SAMPLE_RATE

from ...live.wishes import TalkSettings, ToolSpec, TurnRules
from .realtime_errors import EventError
from .sound_format import FORMATS, OLD_NAMES

Event = dict[str, Any]
FORMAT: Event = {"type": "audio/pcm", "rate": SAMPLE_RATE}
SERVER_VAD: Event = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": True,
    "interrupt_response": True,
    "idle_timeout_ms": None,
}
SEMANTIC_VAD: Event = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
BETA_PATHS = {  # the beta's flat names
    "modalities": ("output_modalities",),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "input_audio_format": ("audio", "input", "format"),
    "output_audio_format": ("audio", "output", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "max_response_output_tokens": ("max_output_tokens",),
}
NO_MIND = "no mind is at work here, the model speaks by itself: start agent serve with --mind"


@dataclass(frozen=True)
class Refused:
    """A setting that is well formed and cannot be had here."""

    param: str
    message: str


def fresh(model: str, mind: bool) -> Event:
    """The session before the client asked for anything."""
    audio_in = {"format": FORMAT, "transcription": None, "noise_reduction": None, "turn_detection": SERVER_VAD}
    return copy.deepcopy(
        {
            "type": "realtime",
            "object": "realtime.session",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto" if mind else "none",
            "max_output_tokens": "inf",
            "truncation": "auto",
            "audio": {"input": audio_in, "output": {"format": FORMAT, "voice": "own", "speed": 1.0}},
        }
    )


def merged(shown: Event, given: object, mind: bool, voices: tuple[str, ...]) -> tuple[Event, list[Refused], list[str]]:
    """The session after `session.update`, what of it cannot be had, and the names that have no effect here.

    Raises:
        EventError: a value of the wrong kind.
    """
    if not isinstance(given, dict):
        raise EventError("session.update needs a `session` object", "missing_required_parameter", "session")
    if given.get("type", "realtime") not in ("realtime", None):
        raise EventError("session.type must be realtime", param="session.type")
    settings, refused, ignored = copy.deepcopy(shown), list[Refused](), list[str]()
    for path, value in _leaves(given):
        name = ".".join(path)
        if name not in CHECKS:
            ignored.append(name[:60])
            continue
        value = CHECKS[name](f"session.{name}", value)
        if reason := _missing(name, value, mind, voices):
            if name != "audio.output.voice":
                refused.append(Refused(f"session.{name}", reason))
            ignored.append(name)
            continue
        place = settings
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    return settings, refused, sorted(ignored)[:20]


def settings_of(shown: Event) -> TalkSettings:
    """What a session asks of its partner."""
    turns, out = shown["audio"]["input"]["turn_detection"], shown["audio"]["output"]
    choice = shown["tool_choice"]
    most = shown["max_output_tokens"]
    return TalkSettings(
        instructions=shown["instructions"] or None,
        voice=None if out["voice"] == "own" else out["voice"],
        speed=out["speed"],
        tools=tuple(ToolSpec(each["name"], each["description"], each["parameters"]) for each in shown["tools"]),
        tool_choice=choice if isinstance(choice, str) else choice["name"],
        turns=_rules(turns),
        most_tokens=None if most == "inf" else most,
        speaks="audio" in shown["output_modalities"],
    )


def _rules(turns: Event | None) -> TurnRules:
    if turns is None:
        return TurnRules("none", responds=False, interrupts=False)
    return TurnRules(
        turns["type"],
        turns.get("threshold", 0.5),
        float(turns.get("silence_duration_ms", 500)),
        turns.get("eagerness", "auto"),
        turns["create_response"],
        turns["interrupt_response"],
    )


def _missing(name: str, value: Any, mind: bool, voices: tuple[str, ...]) -> str:
    """Why a well-formed value cannot be had, "" if it can."""
    if name == "audio.output.voice" and value != "own" and value not in voices:
        return "there is no such voice here"
    if mind:
        return ""
    wordless = name == "output_modalities" and "audio" not in value
    if (name in ("instructions", "tools") and value) or wordless:
        return NO_MIND
    return "the model speaks at its own speed" if name == "audio.output.speed" and value != 1.0 else ""


def _leaves(given: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """Settings by their path in the general release's session."""
    leaves = []
    for key, value in given.items():
        if key in ("type", "duologue", "temperature", "id", "object"):
            continue
        if key in BETA_PATHS:
            leaves.append((BETA_PATHS[key], value))
        elif key == "audio":
            for side in _object("session.audio", value):
                settings = _object(f"session.audio.{side}", value[side])
                leaves += [(("audio", str(side), str(name)), each) for name, each in settings.items()]
        else:
            leaves.append(((str(key),), value))
    return leaves


def _object(param: str, value: Any) -> Event:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EventError(f"{param} must be an object", "invalid_type", param)
    return value


def _format(param: str, value: Any) -> Event:
    kind = OLD_NAMES.get(value) if isinstance(value, str) else _object(param, value).get("type", "audio/pcm")
    rate = None if isinstance(value, str) else _object(param, value).get("rate")
    if kind not in FORMATS or (kind == "audio/pcm" and rate not in (None, SAMPLE_RATE)):
        raise EventError(f"{param} must be audio/pcm at {SAMPLE_RATE} Hz, audio/pcmu or audio/pcma", param=param)
    return {"type": kind, "rate": SAMPLE_RATE} if kind == "audio/pcm" else {"type": kind}


def _turns(param: str, value: Any) -> Event | None:
    if value is None:
        return None
    given = _object(param, value)
    kind = given.get("type", "server_vad")
    if kind not in ("server_vad", "semantic_vad"):
        raise EventError(f"{param}.type must be server_vad or semantic_vad", param=f"{param}.type")
    settings = {**(SERVER_VAD if kind == "server_vad" else SEMANTIC_VAD)}
    for name in settings.keys() & given.keys():
        if given[name] is not None:
            settings[name] = _turn_value(f"{param}.{name}", name, given[name])
    return settings


def _turn_value(param: str, name: str, value: Any) -> Any:
    if name in ("create_response", "interrupt_response"):
        good = isinstance(value, bool)
    elif name == "eagerness":
        good = value in ("low", "medium", "high", "auto")
    elif name == "type":
        good = True
    else:
        most = 1.0 if name == "threshold" else 60_000
        good = not isinstance(value, bool) and isinstance(value, (int, float)) and 0 <= value <= most
    if not good:
        raise EventError(f"{param} has no such value", param=param)
    return value


def _text(param: str, value: Any) -> str:
    if not isinstance(value, str):
        raise EventError(f"{param} must be a text", "invalid_type", param)
    return value


def _voice(param: str, value: Any) -> str:
    return _text(param, value.get("id") if isinstance(value, dict) else value)


def _speed(param: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.25 <= value <= 1.5:
        raise EventError(f"{param} must lie in 0.25..1.5", param=param)
    return float(value)


def _modalities(param: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not set(map(str, value)) <= {"audio", "text"}:
        raise EventError(f'{param} must be ["audio"] or ["text"]', param=param)
    return ["audio"] if "audio" in value else ["text"]


def _most(param: str, value: Any) -> int | str:
    if value == "inf":
        return "inf"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4096:
        raise EventError(f'{param} must lie in 1..4096, or be "inf"', param=param)
    return value


def _tools(param: str, value: Any) -> list[Event]:
    if not isinstance(value, list):
        raise EventError(f"{param} must be a list", "invalid_type", param)
    tools = []
    for index, tool in enumerate(value):
        tool = _object(f"{param}[{index}]", tool)
        if tool.get("type", "function") != "function":
            raise EventError(f"{param}[{index}]: only functions can be called", param=f"{param}[{index}].type")
        name = _text(f"{param}[{index}].name", tool.get("name"))
        description, parameters = tool.get("description") or "", tool.get("parameters") or {"type": "object"}
        tools.append({"type": "function", "name": name, "description": description, "parameters": parameters})
    return tools


def _choice(param: str, value: Any) -> str | Event:
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return {"type": "function", "name": value["name"]}
    if value not in ("auto", "none", "required"):
        raise EventError(f"{param} must be auto, none, required or a function", param=param)
    return str(value)


def _kept(param: str, value: Any) -> Any:
    """Taken as it is: it describes what the client would like and changes nothing here."""
    return value


CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "instructions": _text,
    "tools": _tools,
    "tool_choice": _choice,
    "output_modalities": _modalities,
    "max_output_tokens": _most,
    "truncation": _kept,
    "audio.input.format": _format,
    "audio.input.transcription": _kept,
    "audio.input.noise_reduction": _kept,
    "audio.input.turn_detection": _turns,
    "audio.output.format": _format,
    "audio.output.voice": _voice,
    "audio.output.speed": _speed,
}
