"""The wires without sockets: bytes in, bytes out, as Moshi's, OpenAI's and our own clients have them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import pytest
import sphn  # type: ignore[import-untyped]
from openai.types.realtime import RealtimeServerEvent

from agent.live.controls import Controls
from agent.live.frame_out import FrameOut, PartTimes
from agent.live.voice_activity import SpeechEvent
from agent.serve.wires import moshi_messages as protocol
from agent.serve.wires.moshi import PARAMETERS, MoshiWire
from agent.serve.wires.moshi_messages import Kind
from agent.serve.wires.opus import OpusReader, Pages
from agent.serve.wires.pcm import PcmWire
from agent.serve.wires.realtime import RealtimeWire
from agent.serve.wires.wire import Forget, Heard, Opening, Reply, ServerFacts, Status, Wire, pcm_of, samples_of
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
    found = [item.samples for each in messages for item in wire.receive(each) if isinstance(item, Heard)]
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
    assert [type(item) for item in reply] == [Reply, Reply, Forget]
    assert wire.controls == Controls(text_top_k=3, pad_bias=2)
    assert json.loads(wire.opened(OPENING)[0])["session"]["resume"] == "secret"
    assert PcmWire({}).frame(frame(tone), STATUS) == [pcm_of(tone)]
    with pytest.raises(ValueError, match="temprature"):
        PcmWire({"temprature": "1"})
    with pytest.raises(ValueError, match="two bytes"):
        wire.receive(b"abc")


def test_pcm16_is_clipped_and_exact() -> None:
    assert pcm_of(np.array([2.0, -2.0, 0.0, 0.5], np.float32)) == b"\xff\x7f\x00\x80\x00\x00\x00\x40"
    every = np.arange(-32768, 32768, dtype="<i2").tobytes()
    assert pcm_of(samples_of(every)) == every


# ---- OpenAI Realtime


def events_of(messages: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in messages]


def realtime_script(wire: RealtimeWire) -> Iterator[list[Any]]:
    """A short conversation: the user speaks, the agent answers and falls silent, the client asks for things."""
    yield wire.waiting(2, 30.0)
    yield wire.opened(OPENING)
    yield wire.speech(SpeechEvent("started", 100.0))
    yield wire.frame(frame(0.0, "", " hi"), STATUS)
    yield wire.speech(SpeechEvent("stopped", 700.0))
    for index in range(60):
        speaking = 5 <= index < 20
        yield wire.frame(frame(frames_of(0.08, index)[0] if speaking else 0.0, f" w{index}" * speaking), STATUS)
    for message in (
        {"type": "session.update", "session": {"type": "realtime", "instructions": "be kind"}},
        {"type": "input_audio_buffer.commit"},
        {"type": "input_audio_buffer.clear"},
    ):
        yield [item.message for item in wire.receive(json.dumps(message)) if isinstance(item, Reply)]
    yield wire.failed("no")
    yield wire.closing("bye")


def test_realtime_events_are_those_of_openais_schema() -> None:
    models = {
        get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(get_args(RealtimeServerEvent)[0])
    }
    found = [event for part in realtime_script(RealtimeWire({}, HOST)) for event in events_of(part)]
    for event in found:
        models[event["type"]].model_validate(event)
    kinds = list(dict.fromkeys(event["type"] for event in found))
    assert kinds == [
        "rate_limits.updated",
        "session.created",
        "input_audio_buffer.speech_started",
        "conversation.item.input_audio_transcription.delta",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
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
        "conversation.item.done",
        "response.done",
        "session.updated",
        "input_audio_buffer.cleared",
        "error",
    ]
    assert len({event["event_id"] for event in found}) == len(found)
    done = next(event for event in found if event["type"] == "response.done")["response"]
    assert done["output"][0]["content"][0]["transcript"] == "".join(f" w{index}" for index in range(5, 20))
    updated = next(event for event in found if event["type"] == "session.updated")["session"]["duologue"]
    assert updated["ignored"] == ["instructions"]


def test_realtime_sound_is_that_of_the_response() -> None:
    """Two frames from before the first word, then all until it is quiet; nothing between responses."""
    wire, sounds = RealtimeWire({}, HOST), [np.full(FRAME_SAMPLES, level / 100, np.float32) for level in range(40)]
    sent = []
    for index, sound in enumerate(sounds):
        quiet = np.zeros_like(sound) if index >= 20 else sound
        part = wire.frame(frame(quiet if index >= 10 else 0 * quiet, " w" if 10 <= index < 15 else ""), STATUS)
        sent += [event["delta"] for event in events_of(part) if event["type"] == "response.output_audio.delta"]
    found = np.concatenate([samples_of(base64.b64decode(delta)) for delta in sent])
    spoken = np.concatenate([np.zeros(2 * FRAME_SAMPLES, np.float32), *sounds[10:20]])
    assert np.abs(found[: len(spoken)] - spoken).max() < 1e-4
    assert not found[len(spoken) :].any()
    assert len(found) - len(spoken) <= 16 * FRAME_SAMPLES


def test_realtime_beta_names() -> None:
    wire = RealtimeWire.connect({}, {"OpenAI-Beta": "realtime=v1"}, HOST)
    found = [event for part in realtime_script(wire) for event in events_of(part)]
    kinds = {event["type"] for event in found}
    assert {"response.audio.delta", "response.audio_transcript.delta", "conversation.item.created"} <= kinds
    assert not kinds & {"response.output_audio.delta", "conversation.item.added", "conversation.item.done"}
    assert (
        next(event for event in found if event["type"] == "session.created")["session"]["input_audio_format"] == "pcm16"
    )


def test_realtime_controls_urging_and_cancelling() -> None:
    wire = RealtimeWire({"seed": "4"}, HOST)
    wire.receive(json.dumps({"type": "session.update", "session": {"temperature": 0.9}}))
    extra = {"controls": {"pad_bias": 1.0}}
    wire.receive(json.dumps({"type": "session.update", "session": {"type": "realtime", "duologue": extra}}))
    asked = Controls(text_temperature=0.9, pad_bias=1.0, seed=4)
    assert wire.controls == asked
    wire.receive('{"type": "response.create"}')
    assert wire.controls.end_pad_bias > 0
    wire.frame(frame(0.0, " so"), STATUS)
    assert wire.controls == asked
    cancelled = wire.receive('{"type": "response.cancel"}')
    assert isinstance(cancelled[-1], Reply)
    assert json.loads(cancelled[-1].message)["response"]["status"] == "cancelled"
    assert wire.controls == asked.changed(hold=True)
    wire.speech(SpeechEvent("started", 0.0))
    assert wire.controls == asked


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.cancel"},
        {"type": "conversation.item.truncate"},
        {"type": 7},
        {},
        {"type": "input_audio_buffer.append"},
        {"type": "input_audio_buffer.append", "audio": "###"},
        {"type": "input_audio_buffer.append", "audio": "é"},
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
        {"type": "session.update"},
        {"type": "session.update", "session": {"temperature": "hot"}},
        {"type": "session.update", "session": {"duologue": {"controls": {"self": 1}}}},
        {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}},
        {"type": "session.update", "session": {"input_audio_format": "g711_ulaw"}},
    ],
)
def test_realtime_mistakes_are_named(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=ONE_LINE):
        RealtimeWire({}, HOST).receive(json.dumps(event))


# ---- all wires


@pytest.mark.parametrize("connect", [MoshiWire.connect, PcmWire.connect, RealtimeWire.connect])
def test_ten_thousand_malformed_messages(connect: Callable[..., Wire]) -> None:
    """Each is heard, discarded or refused with one line; the wire then works as before."""
    rng, wire = random.Random(5), connect({}, {}, HOST)
    refusals = []
    for _ in range(10_000):
        try:
            found = wire.receive(malformed(rng))
            assert all(np.isfinite(item.samples).all() for item in found if isinstance(item, Heard))
        except ValueError as error:
            refusals.append(str(error))
    assert not [reason for reason in refusals if "\n" in reason or len(reason) > 400 or not wire.failed(reason)]
    assert len(refusals) > 200
    assert wire.frame(frame(0.1, " on"), STATUS)
