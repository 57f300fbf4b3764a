"""The wires without sockets: bytes in, bytes out, as Moshi's, OpenAI's and our own clients have them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import sphn  # type: ignore[import-untyped]
from openai.types.realtime import RealtimeServerEvent

from agent.live.bare_turns import BareTurns
from agent.live.controls import Controls
from agent.live.frame_out import FrameOut, PartTimes
from agent.live.partner import About
from agent.live.talk_events import (
    AgentBegan,
    AgentEnded,
    AgentWrites,
    Happening,
    ToolWanted,
    Trouble,
    UserBegan,
    UserEnded,
    UserWords,
)
from agent.live.voice_activity import SpeechEvent
from agent.live.wishes import Forgotten, TalkSettings, ToolResult, ToolSpec, Truncate, TurnRules, Write
from agent.serve.wires import moshi_messages as protocol
from agent.serve.wires.moshi import PARAMETERS, MoshiWire
from agent.serve.wires.moshi_messages import Kind
from agent.serve.wires.opus import OpusReader, Pages
from agent.serve.wires.pcm import PcmWire
from agent.serve.wires.realtime import RealtimeWire
from agent.serve.wires.realtime_errors import EventError
from agent.serve.wires.sound_format import SoundOut, law, shortened
from agent.serve.wires.wire import (
    Ask,
    Forget,
    Opening,
    ServerFacts,
    Status,
    ToClient,
    UserSound,
    Wire,
    pcm_of,
    samples_of,
)
from corpus.audio import FRAME_SAMPLES, Samples
from tests.support.malformed import malformed
from tests.support.places import ASSETS
from tests.support.speechlike import speech_like

RECORDED = json.loads((ASSETS / "moshi_client_messages.json").read_text())
HOST = ServerFacts("tiny", 4)
OPENING = Opening("id", "tiny", "secret", False, False)
ONE_LINE = r"^[^\n]{10,400}\Z"
STATUS = Status(12.0, 30.0, 0)


def frame(audio: Samples | float = 0.0, text: str = "", user_text: str = "", ready: bool = True) -> FrameOut:
    sound = np.full(FRAME_SAMPLES, audio, np.float32) if isinstance(audio, float) else audio
    return FrameOut(sound, text, user_text, np.zeros(3, np.int64), ready, PartTimes(1.0, 2.0, 3.0))


def frames_of(seconds: float, seed: int = 0) -> list[Samples]:
    return list(speech_like(seconds, seed).reshape(-1, FRAME_SAMPLES))


def heard(wire: Wire, messages: list[bytes] | list[str]) -> Samples:
    """All sound that a wire takes out of messages."""
    found = [item.samples for each in messages for item in wire.receive(each) if isinstance(item, UserSound)]
    return np.concatenate(found) if found else np.zeros(0, np.float32)


# ---- Moshi


def test_moshi_server_messages_are_those_of_the_reference() -> None:
    """What kyutai's server.py sends for the same frames, byte for byte."""
    wire, reference = MoshiWire({}), sphn.OpusStreamWriter(24_000)
    assert wire.opened(OPENING) == [b"\x00"]
    assert wire.frame(frame(0.0, "", ready=False), STATUS) == []  # LMGen.step gave None
    for index, sound in enumerate(frames_of(1.6)):
        text = "" if index % 3 else " wé"
        expected = [b"\x01" + reference.append_pcm(sound)] + ([b"\x02" + text.encode()] if text else [])
        assert wire.frame(frame(sound, text), STATUS) == expected


def test_recorded_messages_of_moshi_clients_are_heard() -> None:
    """Recorded bytes: as moshi.client sends them, and with two packets a page as the web client's opus-recorder has."""
    for name, messages in RECORDED.items():
        sound = heard(MoshiWire({}), [base64.b64decode(each) for each in messages])
        assert len(sound) == 10 * FRAME_SAMPLES, name
        original = speech_like(0.8, seed=11)
        score = max(
            float(np.corrcoef(sound[lag:], original[: len(sound) - lag])[0, 1]) for lag in range(0, 400, 4)
        )  # the encoder delays by some milliseconds
        assert score > 0.8, (name, score)


def test_moshi_discards_what_it_does_not_know() -> None:
    wire = MoshiWire({})
    for message in (b"", b"\x01", b"\x03\x01", b"\x06", b"\x2a rest", b"\x08image", b"\xff", "text", b"\x02hello"):
        assert wire.receive(message) == []
    with pytest.raises(ValueError, match="JSON"):
        wire.receive(b"\x04{")
    assert wire.receive(b'\x04{"controls": {"hold": true}}') == []
    assert wire.controls.hold


def test_kinds_round_trip() -> None:
    for kind in Kind:
        message = protocol.MoshiMessage(kind, b"payload")
        assert protocol.decode(message.encode()) == message
    assert [int(kind) for kind in Kind] == list(range(8))


def test_query_of_moshis_web_client_and_personaplex() -> None:
    web = "text_temperature=0.6&text_topk=20&audio_temperature=0.9&audio_topk=200&pad_mult=1.5&text_seed=7&audio_seed=8"
    more = "repetition_penalty_context=64&repetition_penalty=1&email=&image_resolution=224&worker_auth_id=x"
    query = dict(pair.split("=") for pair in f"{web}&{more}".split("&"))
    assert MoshiWire(query).controls == Controls(
        text_temperature=0.6,
        text_top_k=20,
        audio_temperature=0.9,
        audio_top_k=200,
        pad_bias=1.5,
        end_pad_bias=0.0,
        hold=False,
        seed=7,
    )
    wire = MoshiWire({"voice_prompt": "NATF2.pt", "text_prompt": "You are a teacher.", "seed": "-1"})
    assert wire.ignored == ["voice_prompt", "text_prompt"]
    assert MoshiWire({"voice_prompt": "mine"}, frozenset({"mine"})).ignored == ["voice_prompt"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("voice_prompt", "../../etc/passwd"),
        ("voice_prompt", "/tmp/NATF2.pt"),
        ("voice_prompt", "NATF9.pt"),
        ("text_prompt", "x" * 5000),
        ("text_topk", "many"),
        ("text_topk", "1e999"),
        ("text_temperature", "nan"),
        ("text_temperature", "-1"),
        ("seed", "0.5"),
        ("pad_mult", "1e9"),
        ("hold", "perhaps"),
    ],
)
def test_malformed_parameters_are_refused_in_one_line(name: str, value: str) -> None:
    for connect in (MoshiWire,) if name in PARAMETERS or name.endswith("prompt") else (MoshiWire, PcmWire):
        with pytest.raises(ValueError, match=ONE_LINE):
            connect({name: value})


# ---- Ogg-Opus from strangers


def opus(frames: list[Samples]) -> list[bytes]:
    writer = sphn.OpusStreamWriter(24_000)
    return [writer.append_pcm(each) for each in frames]


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_pages_are_found_in_any_pieces_and_between_garbage(size: int) -> None:
    pages = [page for part in opus(frames_of(0.8)) for page in Pages().append(part)]
    data = b"garbage OggOgg" + b"\x00Ogg".join(pages) + b"OggS\x07"
    cutter, found = Pages(), []
    for at in range(0, len(data), size):
        found += cutter.append(data[at : at + size])
        assert len(cutter.rest) < 70_000
    assert found == pages


def test_sound_goes_on_after_broken_pages() -> None:
    parts, reader = opus(frames_of(1.6)), OpusReader()
    broken = bytearray(parts[5])
    broken[28:] = b"\xff" * (len(broken) - 28)
    sizes = [len(reader.append(part)) for part in (*parts[:5], bytes(broken), b"\x00" * 50, *parts[6:])]
    assert sizes[:5] == [FRAME_SAMPLES] * 5
    assert sizes[-10:] == [FRAME_SAMPLES] * 10
    assert reader.pages.skipped


def test_a_small_page_cannot_make_much_sound() -> None:
    bomb = b"OggS" + bytes(22) + bytes([255]) + bytes([2] * 255) + bytes([0b00011_0_01, 0] * 255)
    reader = OpusReader(seconds_ahead=2.0)
    samples = sum(len(reader.append(bomb)) for _ in range(200))
    assert samples <= 24_000 * (2 + 31)  # one page more than allowed, at 120 ms a packet
    assert reader.broken > 150
    reader.elapsed(3600.0)
    assert reader.budget <= 48_000


# ---- raw PCM


def test_pcm_messages() -> None:
    wire = PcmWire({"stats": "1", "text_top_k": "3", "hold": "true"})
    assert (wire.controls.text_top_k, wire.controls.hold) == (3, True)
    tone = frames_of(0.08)[0]
    assert np.abs(heard(wire, [pcm_of(tone)]) - tone).max() <= 0.5 / 32768
    sound, text, user_text, stats = wire.frame(frame(tone, " hé", "hm"), STATUS)
    assert sound == pcm_of(tone)
    found = [json.loads(each) for each in (text, user_text, stats)]
    numbers = {"lag_ms": 12.0, "frame_ms": 30.0, "dropped": 0}
    assert found == [{"text": " hé"}, {"user_text": "hm"}, {"stats": numbers}]
    reply = wire.receive('{"controls": {"hold": false, "pad_bias": 2}, "ping": 5, "clear": true}')
    assert [type(item) for item in reply] == [ToClient, ToClient, Forget]
    assert wire.controls == Controls(text_top_k=3, pad_bias=2)
    assert json.loads(wire.opened(OPENING)[0])["session"]["resume"] == "secret"
    assert PcmWire({}).frame(frame(tone), STATUS) == [pcm_of(tone)]
    with pytest.raises(ValueError, match="temprature"):
        PcmWire({"temprature": "1"})
    with pytest.raises(ValueError, match="two bytes"):
        wire.receive(b"abc")


def test_pcm_tells_turns_words_and_trouble() -> None:
    wire = PcmWire.connect({}, {}, MINDED)
    assert json.loads(wire.opened(OPENING)[0])["session"]["about"]["mind"] == "gguf:some.gguf"
    happened = (
        UserBegan(1, 100.0),
        UserWords(1, "wa", False),
        UserWords(1, "What?", True),
        UserEnded(1, 300.0),
        AgentBegan(2),
        AgentWrites(2, "no"),
        Happening(0.5, "think", "What?"),
        AgentEnded(2, "interrupted", "no"),
        Trouble("the mind cannot be reached"),
    )
    found = [json.loads(each) for each in wire.frame(replace(frame(), events=happened), STATUS)[1:]]
    assert found == [
        {"turn": {"side": "user", "began": 1}},
        {"words": {"turn": 1, "text": "wa", "final": False}},
        {"words": {"turn": 1, "text": "What?", "final": True}},
        {"turn": {"side": "user", "ended": 1}},
        {"turn": {"side": "agent", "began": 2}},
        {"text": "no"},
        {"turn": {"side": "agent", "ended": 2, "status": "interrupted"}},
        {"trouble": "the mind cannot be reached"},
    ]


def test_pcm16_is_clipped_and_exact() -> None:
    assert pcm_of(np.array([2.0, -2.0, 0.0, 0.5], np.float32)) == b"\xff\x7f\x00\x80\x00\x00\x00\x40"
    every = np.arange(-32768, 32768, dtype="<i2").tobytes()
    assert pcm_of(samples_of(every)) == every


# ---- OpenAI Realtime


def events_of(messages: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in messages]


class Talking:
    """A wire with a partner behind it that needs no model: what is asked of it is heeded as `BareModel` does."""

    def __init__(self, wire: RealtimeWire) -> None:
        self.wire, self.turns = wire, BareTurns(Controls())
        self.events: list[dict[str, Any]] = []

    def send(self, **event: Any) -> list[dict[str, Any]]:
        """A client's event; what it is answered at once."""
        found: list[Any] = []
        for item in self.wire.receive(json.dumps(event)):
            if isinstance(item, ToClient):
                found.append(item.message)
            elif isinstance(item, Ask):
                self.turns.ask(item.wish)
        return self.take(found)

    def frame(self, audio: Samples | float = 0.0, text: str = "", user_text: str = "") -> list[dict[str, Any]]:
        """A frame of the agent."""
        out = frame(audio, text, user_text)
        if self.turns.wanted().hold:
            out = frame()
        out = replace(out, events=self.turns.hear(np.zeros(FRAME_SAMPLES, np.float32), out))
        return self.take(self.wire.frame(out, STATUS))

    def take(self, messages: list[Any]) -> list[dict[str, Any]]:
        found = events_of(messages)
        self.events += found
        return found

    def says(self, frames: int, word: str = " w") -> None:
        """The agent says something, and falls silent."""
        for index in range(frames + 16):
            on = index < frames
            self.frame(frames_of(0.08, index)[0] if on else 0.0, f"{word}{index}" if on else "")


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in found]


def validated(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events, each of which is valid by OpenAI's own schema, but for our one."""
    models = {
        get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(get_args(RealtimeServerEvent)[0])
    }
    for event in found:
        if event["type"] != "duologue.refused":
            models[event["type"]].model_validate(event)
    return found


def script(talk: Talking) -> None:
    """A short conversation: the user speaks, the agent answers and falls silent, the client asks for things."""
    wire = talk.wire
    talk.take(wire.waiting(2, 30.0))
    talk.take(wire.opened(OPENING))
    talk.take(wire.speech(SpeechEvent("started", 100.0)))
    talk.frame(0.0, "", " hi")
    talk.take(wire.speech(SpeechEvent("stopped", 700.0)))
    for _ in range(5):
        talk.frame()
    talk.says(15)
    for _ in range(30):
        talk.frame()
    talk.send(type="session.update", session={"type": "realtime", "instructions": "be kind", "tracing": "auto"})
    talk.send(type="input_audio_buffer.append", audio=base64.b64encode(pcm_of(frames_of(0.08)[0])).decode())
    talk.send(type="input_audio_buffer.commit")
    talk.send(type="input_audio_buffer.clear")
    talk.send(type="conversation.item.retrieve", item_id="item_agent_1_0")
    talk.send(type="conversation.item.truncate", item_id="item_agent_1_0", content_index=0, audio_end_ms=300)
    talk.send(type="conversation.item.delete", item_id="item_agent_1_0")
    talk.send(type="output_audio_buffer.clear")
    talk.take(wire.failed(ValueError("no")))
    talk.take(wire.closing("bye"))


def test_realtime_events_are_those_of_openais_schema() -> None:
    talk = Talking(RealtimeWire({}, HOST))
    script(talk)
    found = validated(talk.events)
    assert list(dict.fromkeys(kinds(found))) == [
        "rate_limits.updated",
        "session.created",
        "input_audio_buffer.speech_started",
        "conversation.item.input_audio_transcription.delta",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
        "session.updated",
        "duologue.refused",
        "input_audio_buffer.cleared",
        "conversation.item.retrieved",
        "conversation.item.truncated",
        "conversation.item.deleted",
        "output_audio_buffer.cleared",
        "error",
    ]
    assert len({event["event_id"] for event in found}) == len(found)
    done = next(event for event in found if event["type"] == "response.done")["response"]
    assert done["output"][0]["content"][0]["transcript"] == "".join(f" w{index}" for index in range(15))
    assert done["usage"]["output_token_details"]["audio_tokens"] >= 15
    added = [event for event in found if event["type"] == "conversation.item.added"]
    assert [event["previous_item_id"] for event in added[:2]] == [None, "item_user_1"]
    updated = next(event for event in found if event["type"] == "session.updated")["session"]
    assert updated["duologue"]["ignored"] == ["instructions", "tracing"]
    assert updated["instructions"] == ""
    refused = next(event for event in found if event["type"] == "duologue.refused")["error"]
    assert (refused["param"], refused["code"]) == ("session.instructions", "no_mind")


def test_realtime_sound_is_that_of_the_response() -> None:
    """Two frames from before the first word, then all until it is quiet; nothing between responses."""
    talk, sounds = (
        Talking(RealtimeWire({}, HOST)),
        [np.full(FRAME_SAMPLES, level / 100, np.float32) for level in range(40)],
    )
    for index, sound in enumerate(sounds):
        talk.frame(sound if 10 <= index < 20 else 0 * sound, " w" if 10 <= index < 15 else "")
    sent = [event["delta"] for event in talk.events if event["type"] == "response.output_audio.delta"]
    found = np.concatenate([samples_of(base64.b64decode(delta)) for delta in sent])
    spoken = np.concatenate([np.zeros(2 * FRAME_SAMPLES, np.float32), *sounds[10:20]])
    assert np.abs(found[: len(spoken)] - spoken).max() < 1e-4
    assert not found[len(spoken) :].any()
    assert len(found) - len(spoken) <= 16 * FRAME_SAMPLES


def test_realtime_beta_names() -> None:
    talk = Talking(RealtimeWire.connect({}, {"OpenAI-Beta": "realtime=v1"}, HOST))
    script(talk)
    found = set(kinds(talk.events))
    assert {"response.audio.delta", "response.audio_transcript.delta", "conversation.item.created"} <= found
    assert not found & {"response.output_audio.delta", "conversation.item.added", "conversation.item.done"}
    created = next(event for event in talk.events if event["type"] == "session.created")["session"]
    assert created["input_audio_format"] == "pcm16"
    talk.send(type="session.update", session={"input_audio_format": "g711_ulaw", "turn_detection": None})
    assert talk.events[-1]["session"]["input_audio_format"] == "g711_ulaw"
    assert talk.events[-1]["session"]["turn_detection"] is None


def test_a_response_that_is_asked_for_is_told_at_once_and_always_ends() -> None:
    talk = Talking(RealtimeWire({}, HOST))
    assert kinds(talk.send(type="response.create", response={"metadata": {"client_event_id": "x"}})) == [
        "response.created",
        "rate_limits.updated",
    ]
    assert talk.turns.wanted().end_pad_bias > 0
    with pytest.raises(EventError, match="under way") as caught:
        talk.send(type="response.create")
    assert caught.value.code == "conversation_already_has_active_response"
    for _ in range(30):  # the model has nothing to say
        talk.frame()
    done = talk.events[-1]["response"]
    assert (talk.events[-1]["type"], done["status"], done["output"]) == ("response.done", "completed", [])
    assert done["metadata"] == {"client_event_id": "x"}
    talk.send(type="response.create")
    talk.says(4)
    assert kinds(talk.events).count("response.created") == 2
    assert talk.events[-1]["response"]["output"][0]["content"][0]["transcript"] == " w0 w1 w2 w3"
    talk.frame(frames_of(0.08)[0], " unasked")
    done, created, _ = talk.send(type="response.create")[-3:]
    assert done["response"]["status_details"]["reason"] == "turn_detected"
    talk.says(2)
    assert talk.events[-1]["response"]["id"] == created["response"]["id"]


def test_a_cancelled_response_ends_and_nothing_more() -> None:
    talk = Talking(RealtimeWire({}, HOST))
    with pytest.raises(EventError) as caught:
        talk.send(type="response.cancel")
    assert caught.value.code == "response_cancel_not_active"
    for index in range(3):
        talk.frame(frames_of(0.08, index)[0], f" w{index}")
    done = talk.send(type="response.cancel")[-1]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "client_cancelled")
    assert talk.turns.wanted().hold
    before = len(talk.events)
    for _ in range(12):
        talk.frame(frames_of(0.08)[0], " more")
    assert len(talk.events) == before  # silent for a second, nothing else
    assert not talk.turns.wanted().hold
    talk.says(3)
    assert talk.events[-1]["response"]["status"] == "completed"


def test_push_to_talk_answers_when_it_is_asked_to() -> None:
    talk = Talking(RealtimeWire({}, HOST))
    talk.send(type="session.update", session={"audio": {"input": {"turn_detection": None}}})
    talk.says(4)
    assert talk.turns.wanted().hold
    assert "response.created" not in kinds(talk.events)
    assert not talk.wire.speech(SpeechEvent("started", 0.0))
    with pytest.raises(EventError) as caught:
        talk.send(type="input_audio_buffer.commit")
    assert caught.value.code == "input_audio_buffer_commit_empty"
    talk.send(type="input_audio_buffer.append", audio=base64.b64encode(pcm_of(frames_of(0.08)[0])).decode())
    committed = talk.send(type="input_audio_buffer.commit")
    assert kinds(committed) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    talk.send(type="response.create")
    talk.says(4)
    assert talk.events[-1]["response"]["output"][0]["content"][0]["transcript"] == " w0 w1 w2 w3"
    assert talk.turns.wanted().hold


UPDATE: dict[str, Any] = {"type": "session.update"}
MINDED = ServerFacts("tiny", 4, About(mind="gguf:some.gguf", voices=("joe",), finds_turns=True))


def asked(wire: RealtimeWire, **event: Any) -> list[Any]:
    """What a client's event asks of the partner."""
    return [item.wish for item in wire.receive(json.dumps(event)) if isinstance(item, Ask)]


def test_with_a_mind_all_of_it_acts() -> None:
    wire = RealtimeWire({}, MINDED)
    tool = {"type": "function", "name": "time", "description": "tells the time", "parameters": {"type": "object"}}
    vad = {"type": "semantic_vad", "eagerness": "high", "create_response": False}
    audio = {"input": {"turn_detection": vad}, "output": {"voice": "joe", "speed": 1.2}}
    given = {"type": "realtime", "instructions": "be kind", "tools": [tool], "tool_choice": "required", "audio": audio}
    rules = TurnRules("semantic_vad", eagerness="high", responds=False)
    spec = ToolSpec("time", "tells the time", {"type": "object"})
    assert asked(wire, type="session.update", session={**given, "max_output_tokens": 100}) == [
        TalkSettings("be kind", "joe", 1.2, (spec,), "required", rules, 100)
    ]
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What time is it?"}]}
    assert asked(wire, type="conversation.item.create", item={**message, "id": "a"}) == [
        Write("a", "user", "What time is it?")
    ]
    (wish,) = asked(wire, type="response.create", response={"instructions": "be brief", "conversation": "none"})
    assert (wish.instructions, wish.remembered) == ("be brief", False)
    happened = (AgentBegan(1, wish.id), ToolWanted(1, "c1", "time", "{}"), AgentEnded(1, "completed", "", 20, 5))
    found = validated(events_of(wire.frame(replace(frame(), events=happened), STATUS)))
    assert "response.function_call_arguments.done" in kinds(found)
    assert found[-1]["response"]["output"][0]["name"] == "time"
    assert found[-1]["response"]["usage"]["input_tokens"] == 20
    output = {"type": "function_call_output", "call_id": "c1", "output": "noon"}
    assert asked(wire, type="conversation.item.create", item={**output, "id": "b"}) == [ToolResult("b", "c1", "noon")]
    happened = (UserBegan(1, 100.0), UserWords(1, "wa", False), UserWords(1, "What", True), UserEnded(1, 300.0))
    found = validated(events_of(wire.frame(replace(frame(), events=happened), STATUS)))
    assert [event["transcript"] for event in found if "transcript" in event] == ["What"]
    happened = (AgentBegan(2), AgentWrites(2, "no"), AgentWrites(2, "on"), AgentEnded(2, "interrupted", "noon"))
    found = validated(events_of(wire.frame(replace(frame(), events=happened), STATUS)))
    assert [event["delta"] for event in found if "delta" in event] == ["no", "on"]
    assert found[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert asked(wire, type="conversation.item.truncate", item_id="item_agent_2_0", audio_end_ms=9) == [
        Truncate(2, 9.0)
    ]
    assert asked(wire, type="conversation.item.delete", item_id="a") == [Forgotten("a")]
    assert asked(wire, type="response.create", response={"input": [message]})[0].given[0].text == "What time is it?"


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_telephone_sound_is_the_peers(kind: str) -> None:
    """Byte for byte what Python's own `audioop` makes, where there still is one."""
    every = np.arange(-32768, 32768, dtype="<i2")
    audioop = pytest.importorskip("audioop")
    to_law, to_linear = (
        (audioop.lin2ulaw, audioop.ulaw2lin) if kind[-1] == "u" else (audioop.lin2alaw, audioop.alaw2lin)
    )
    assert law(kind).tolist() == np.frombuffer(to_linear(bytes(range(256)), 2), "<i2").tolist()
    ours, theirs = (
        law(kind)[np.frombuffer(each, np.uint8)] for each in (shortened(every, kind), to_law(every.tobytes(), 2))
    )
    assert np.abs(ours - every).max() <= np.abs(theirs.astype(int) - every).max()
    assert np.mean(ours == theirs) > 0.94  # it rounds down where we take the nearest


def test_telephone_sound_goes_both_ways() -> None:
    wire = RealtimeWire({}, HOST)
    forms = {side: {"format": {"type": "audio/pcmu"}} for side in ("input", "output")}
    wire.receive(json.dumps({"type": "session.update", "session": {"audio": forms}}))
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)).astype(np.float32)
    sent = SoundOut("audio/pcmu")(tone)
    assert abs(len(sent) - 8000) < 300
    found = [heard(wire, [json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(sent).decode()})])]
    assert abs(len(found[0]) - 24_000) < 2400
    match = np.abs(np.fft.rfft(found[0] * np.hanning(len(found[0]))))
    assert abs(int(match.argmax()) * 24_000 / len(found[0]) - 440) < 2


def test_realtime_controls() -> None:
    wire = RealtimeWire({"seed": "4"}, HOST)
    wire.receive(json.dumps({"type": "session.update", "session": {"temperature": 0.9}}))
    extra = {"controls": {"pad_bias": 1.0}}
    wire.receive(json.dumps({"type": "session.update", "session": {"type": "realtime", "duologue": extra}}))
    assert wire.controls == Controls(text_temperature=0.9, pad_bias=1.0, seed=4)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        ({"type": "conversation.item.truncate"}, "item_truncate_invalid_item_id"),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_delete_invalid_item_id"),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id"),
        ({"type": "conversation.item.create"}, "missing_required_parameter"),
        ({"type": "conversation.item.create", "item": {"type": "dance"}}, "invalid_value"),
        ({"type": 7}, "invalid_event"),
        ({}, "invalid_event"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter"),
        ({"type": "input_audio_buffer.append", "audio": "###"}, "invalid_value"),
        ({"type": "input_audio_buffer.append", "audio": "é"}, "invalid_value"),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_type"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "session.update"}, "missing_required_parameter"),
        ({"type": "session.update", "session": {"temperature": "hot"}}, None),
        ({"type": "session.update", "session": {"duologue": {"controls": {"self": 1}}}}, None),
        (
            {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/mp3"}}}}},
            "invalid_value",
        ),
        ({"type": "session.update", "session": {"input_audio_format": "mp3"}}, "invalid_value"),
        ({"type": "session.update", "session": {"max_output_tokens": 0}}, "invalid_value"),
        ({"type": "session.update", "session": {"tools": [{"type": "mcp"}]}}, "invalid_value"),
        (
            {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"type": "x"}}}}},
            "invalid_value",
        ),
        ({"type": "session.update", "session": {"audio": {"output": {"speed": 9}}}}, "invalid_value"),
        ({"type": "session.update", "session": {"instructions": 3}}, "invalid_type"),
    ],
)
def test_realtime_mistakes_are_named(event: dict[str, Any], code: str | None) -> None:
    wire = RealtimeWire({}, HOST)
    with pytest.raises(ValueError, match=ONE_LINE) as caught:
        wire.receive(json.dumps(event))
    if code is not None:
        assert isinstance(caught.value, EventError)
        assert caught.value.code == code
    validated(events_of(wire.failed(caught.value)))


# ---- all wires


@pytest.mark.parametrize("connect", [MoshiWire.connect, PcmWire.connect, RealtimeWire.connect])
def test_ten_thousand_malformed_messages(connect: Callable[..., Wire]) -> None:
    """Each is heard, discarded or refused with one line; the wire then works as before."""
    rng, wire = random.Random(5), connect({}, {}, HOST)
    refusals = []
    for _ in range(10_000):
        try:
            found = wire.receive(malformed(rng))
            assert all(np.isfinite(item.samples).all() for item in found if isinstance(item, UserSound))
        except ValueError as error:
            refusals.append(str(error))
    assert not [reason for reason in refusals if "\n" in reason or len(reason) > 400]
    assert all(wire.failed(ValueError(reason)) for reason in refusals)
    assert len(refusals) > 200
    assert wire.frame(replace(frame(0.1, " on"), events=(AgentBegan(1),)), STATUS)
