"""Talks with Pipecat 1.x, as its own template for a cascade puts one together, around the parts that we use.

Pipecat's are the voice activity (Silero), the turn's end (Smart Turn v3 or a fixed silence), the interruptions, the
cutting of the answer into sentences, and all queues between. Needs the wheel `pipecat-ai`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import numpy as np
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_start import MinWordsUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from agent.assistant.parts import Mouth
from agent.judging.assistant import HeldTalk
from agent.judging.assistant_probes import VoiceProbe
from agent.live.resampler import Resampler
from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples

from .paced_talk import PacedTalk

RATE = 16_000  # Hz, of what Pipecat hears
CHUNKS = 4  # of 20 ms in a frame, as its local transport reads them
VAD_STOP = 0.2  # s of silence after which Silero's verdict comes, as Pipecat sets it
AHEAD = 0.04  # s that a sound device holds ready
STARTING = 60.0  # s in which a pipeline has to be ready
POLL = 0.005  # s between two looks at what the mouth has made

Words = Callable[[Samples], str]  # of a phrase float32 [T] at 16 kHz
Answer = Callable[[str], list[str]]  # words of an answer to what was said, each with its space


@dataclass(frozen=True)
class Setup:
    """How a user has set Pipecat up.

    Attributes:
        hear: the ear, asked once a phrase.
        answer: the mind.
        mouth: speaks a sentence.
        silence: s of it that end a turn; None leaves that to Smart Turn.
        words: of the user that stop the agent; None: his voice does.
    """

    hear: Words
    answer: Answer
    mouth: Mouth
    silence: float | None = None
    words: int | None = None

    def strategies(self) -> UserTurnStrategies:
        """Who tells turns' beginnings and ends; Pipecat's own choice where nothing else is said."""
        stop = (
            None
            if self.silence is None
            else SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=self.silence - VAD_STOP)
        )
        start = None if self.words is None else MinWordsUserTurnStartStrategy(min_words=self.words)
        return UserTurnStrategies([start] if start else None, [stop] if stop else None)


class HeldEar(SegmentedSTTService):
    """The ear as a service: a phrase between two silences is heard as a whole."""

    wants_wav_segments = False

    def __init__(self, hear: Words, talk: PacedTalk) -> None:
        super().__init__(sample_rate=RATE, settings=STTSettings(model=None, language=None))
        self._hear, self._talk = hear, talk

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """See `SegmentedSTTService`: 16-bit samples to words."""
        text = await asyncio.to_thread(self._hear, _floats(audio))
        if text:
            self._talk.note("heard", text)
            yield TranscriptionFrame(text, "", time_now_iso8601())


class HeldMind(FrameProcessor):
    """The mind as a service."""

    def __init__(self, answer: Answer, talk: PacedTalk) -> None:
        super().__init__()
        self._answer, self._talk = answer, talk

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer what the context ends with; hand on all else."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        heard = _last_said(frame.context)
        self._talk.note("think", heard)
        await self.push_frame(LLMFullResponseStartFrame())
        for word in self._answer(heard):
            await self.push_frame(LLMTextFrame(word))
        await self.push_frame(LLMFullResponseEndFrame())


class HeldMouth(TTSService):
    """The mouth as a service: what there is of a sentence is handed on at once."""

    def __init__(self, mouth: Mouth) -> None:
        settings = TTSSettings(model=None, voice=None, language=None)
        super().__init__(sample_rate=SAMPLE_RATE, push_start_frame=True, push_stop_frames=True, settings=settings)
        self._mouth = mouth

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """See `TTSService`: a sentence to its sound, piece by piece."""
        voicing, sent = self._mouth.say(text), 0
        try:
            while True:
                voiced = voicing.audio()
                if voiced is not None and len(voiced.samples) > sent:
                    pcm = (voiced.samples[sent:] * 32_767).astype(np.int16).tobytes()
                    sent = len(voiced.samples)
                    yield TTSAudioRawFrame(pcm, SAMPLE_RATE, 1, context_id=context_id)
                if voiced is not None and voiced.done:
                    return
                await asyncio.sleep(POLL)
        finally:
            voicing.cancel()


class HeldInput(BaseInputTransport):
    """A microphone into which a probe speaks."""

    def __init__(self, talk: PacedTalk, params: TransportParams) -> None:
        super().__init__(params)
        self._talk = talk

    async def speak(self) -> None:
        """The whole of the user's side."""
        to_rate = Resampler(SAMPLE_RATE, RATE)
        while (frame := self._talk.frame()) is not None:
            for index, chunk in enumerate(frame.reshape(CHUNKS, FRAME_SAMPLES // CHUNKS), start=1):
                await asyncio.sleep(self._talk.until(index / CHUNKS))
                pcm = (np.clip(to_rate(chunk), -1, 1) * 32_767).astype(np.int16).tobytes()
                if pcm:
                    await self.push_audio_frame(InputAudioRawFrame(pcm, RATE, 1))


class HeldOutput(BaseOutputTransport):
    """A sound device that keeps what it plays."""

    def __init__(self, talk: PacedTalk, params: TransportParams) -> None:
        super().__init__(params)
        self._talk = talk

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note interruptions."""
        if isinstance(frame, InterruptionFrame):
            self._talk.interrupted()
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Play a chunk; returns when the next is wanted."""
        self._talk.play(_floats(frame.audio))
        await asyncio.sleep(max(0.0, self._talk.speaker.end - AHEAD - self._talk.now()))
        return True


def hold_pipecat(setup: Setup, probe: VoiceProbe) -> HeldTalk:
    """A probe's talk with a new pipeline."""
    logger.disable("pipecat")
    return asyncio.run(_hold(setup, probe))


async def _hold(setup: Setup, probe: VoiceProbe) -> HeldTalk:
    user_params = LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer(), user_turn_strategies=setup.strategies())
    user, assistant = LLMContextAggregatorPair(LLMContext(), user_params=user_params)
    params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    talk = PacedTalk(probe)
    microphone = HeldInput(talk, params)
    ear, mind, mouth = HeldEar(setup.hear, talk), HeldMind(setup.answer, talk), HeldMouth(setup.mouth)
    loudspeaker = HeldOutput(talk, params)
    pipeline = Pipeline([microphone, ear, user, mind, mouth, loudspeaker, assistant])
    worker, ready = PipelineWorker(pipeline, enable_rtvi=False), asyncio.Event()

    async def started(_: PipelineWorker, frame: StartFrame) -> None:
        await microphone.set_transport_ready(frame)
        await loudspeaker.set_transport_ready(frame)
        ready.set()

    worker.add_event_handler("on_pipeline_started", started)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(ready.wait(), STARTING)
        talk.begin()
        await microphone.speak()
        return talk.held()
    finally:
        await runner.cancel()
        await running


def _last_said(context: LLMContext) -> str:
    """The user's last message."""
    messages = [each for each in context.messages if isinstance(each, dict) and each["role"] == "user"]
    return str(messages[-1]["content"]) if messages else ""


def _floats(pcm: bytes) -> Samples:
    """16-bit samples as float32 `[n]`."""
    return np.asarray(np.frombuffer(pcm, np.int16) / 32_768, np.float32)
