"""Whole talks of other people's Realtime frameworks with an assistant: an answer, a tool, a barge-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import numpy as np
import pytest

from agent.assistant.partner import Assistant
from agent.assistant.parts import ToolCall
from agent.serve.wires.wire import pcm_of
from tests.support.agent_server import Place, talk
from tests.support.assistant_parts import scripted_assistant

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs
VOICE, QUIET = pcm_of(np.full(1920, 0.1, np.float32)), bytes(3840)
LONG = [f"This is clause number {number} of many." for number in range(8)]
PHRASES = ("What time is it?", "Tell me more.", "Stop that now please.")


def partner() -> Assistant:
    """Calls the client's tool, then answers at length, and again after it was interrupted."""
    answers = [[ToolCall("call-1", "clock", "{}")], ["It is noon."], LONG, ["As you like."]]
    return scripted_assistant(answers=answers, phrases=PHRASES)


async def until(test: Callable[[], object], seconds: float = 15.0) -> None:
    for _ in range(round(seconds / 0.01)):
        if test():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def check_history(assistant: Assistant) -> None:
    """What was said on both sides; the long answer ends where it was interrupted."""
    (row,) = assistant._talks.values()
    said = [(message.role, message.text) for message in row.history.messages]
    said = [each for each in said if "previously saved conversation" not in each[1]]  # pipecat's own words
    assert [role for role, _ in said[:4]] == ["user", "assistant", "tool", "assistant"]
    assert "12:00" in said[2][1]
    assert said[3][1] == "It is noon."
    answers = [text for role, text in said if role == "assistant" and text.startswith("This is clause")]
    assert len(answers) == 1
    assert answers[0] in " ".join(LONG)
    assert len(answers[0]) < len(" ".join(LONG)) / 2
    assert [text for role, text in said if role == "user"] == list(PHRASES)


def test_pipecats_realtime_service() -> None:
    service = pytest.importorskip("pipecat.services.openai.realtime.llm", reason="pipecat-ai is not installed")
    from loguru import logger  # type: ignore[import-not-found, unused-ignore]
    from pipecat.frames import frames  # type: ignore[import-not-found, unused-ignore]
    from pipecat.pipeline.pipeline import Pipeline  # type: ignore[import-not-found, unused-ignore]
    from pipecat.pipeline.worker import PipelineWorker  # type: ignore[import-not-found, unused-ignore]
    from pipecat.processors.aggregators.llm_context import LLMContext  # type: ignore[import-not-found, unused-ignore]
    from pipecat.processors.aggregators.llm_response_universal import (  # type: ignore[import-not-found, unused-ignore]
        LLMContextAggregatorPair,
    )
    from pipecat.processors.frame_processor import FrameProcessor  # type: ignore[import-not-found, unused-ignore]
    from pipecat.services.openai.realtime import events  # type: ignore[import-not-found, unused-ignore]
    from pipecat.workers.runner import WorkerRunner  # type: ignore[import-not-found, unused-ignore]

    logger.remove()
    seen: list[Any] = []

    class Ears(FrameProcessor):  # type: ignore[misc, unused-ignore]
        """Takes note of what comes by."""

        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            seen.append(frame)
            await self.push_frame(frame, direction)

    def came(kind: str) -> list[Any]:
        return [frame for frame in seen if type(frame).__name__ == kind]

    def spoken(word: str) -> bool:
        return word in "".join(frame.text for frame in came("TTSTextFrame"))

    assistant = partner()

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        tool = {"type": "function", "name": "clock", "description": "tells the time", "parameters": {}}
        properties = events.SessionProperties(instructions="Be kind.", tools=[tool])
        settings = service.OpenAIRealtimeLLMService.Settings(model="tiny", session_properties=properties)
        llm = service.OpenAIRealtimeLLMService(api_key="x", base_url=place.url("/v1/realtime", "ws"), settings=settings)

        async def clock(call: Any) -> None:
            await call.result_callback({"time": "12:00"})

        llm.register_function("clock", clock)
        pair = LLMContextAggregatorPair(LLMContext())
        worker = PipelineWorker(
            Pipeline([pair.user(), llm, Ears(), pair.assistant()]), cancel_on_idle_timeout=False, enable_rtvi=False
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())

        async def say(seconds: float, sound: bytes = VOICE) -> None:
            for _ in range(round(seconds / 0.08)):
                await worker.queue_frame(frames.InputAudioRawFrame(sound, 24_000, 1))
                await asyncio.sleep(0.02)

        await until(lambda: assistant._talks)
        try:
            await say(0.8)
            await until(lambda: spoken("noon."))
            await say(0.8)
            await until(lambda: spoken("clause"))
            await say(0.8)
            await until(lambda: spoken("like."))
            check_history(assistant)
        finally:
            await worker.cancel()
            await running

    talk(client, batch=assistant)
    assert not came("ErrorFrame")
    assert len(came("InterruptionFrame")) >= 2
    assert came("TranscriptionFrame") == [] or came("TranscriptionFrame")[0].text == PHRASES[0]
    assert sum(len(frame.audio) for frame in came("TTSAudioRawFrame")) > 24_000


def test_livekits_openai_plugin() -> None:
    plugin = pytest.importorskip("livekit.plugins.openai.realtime", reason="livekit-plugins-openai is not installed")
    from livekit import rtc  # type: ignore[import-not-found, unused-ignore]
    from livekit.agents import llm  # type: ignore[import-not-found, unused-ignore]

    assistant = partner()
    said: dict[str, str] = {}  # by the id of the message
    heard, errors, calls, transcripts = [0], list[Any](), list[str](), list[str]()
    working: set[asyncio.Task[None]] = set()

    @llm.function_tool
    async def clock() -> str:
        """Tells the time."""
        return "12:00"

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        model = plugin.RealtimeModel(model="tiny", api_key="x", base_url=place.url("/v1"), http_session=http)
        session = model.session()

        async def take(message: Any) -> None:
            async def words() -> None:
                async for piece in message.text_stream:
                    said[message.message_id] = said.get(message.message_id, "") + str(piece)

            async def sound() -> None:
                async for frame in message.audio_stream:
                    heard[0] += frame.samples_per_channel

            await asyncio.gather(words(), sound())

        async def calling(call: Any) -> None:
            calls.append(call.name)
            context = session.chat_ctx.copy()
            output = llm.FunctionCallOutput(call_id=call.call_id, output="12:00", name=call.name, is_error=False)
            context.items.append(output)
            await session.update_chat_ctx(context)
            await session.generate_reply()

        async def generation(created: Any) -> None:
            async def messages() -> None:
                async for message in created.message_stream:
                    await take(message)

            async def functions() -> None:
                async for call in created.function_stream:
                    await calling(call)

            await asyncio.gather(messages(), functions())

        def keep(work: Any) -> None:
            working.add(asyncio.create_task(work))

        def stop(_: Any) -> None:
            for message in list(said)[-1:]:
                session.interrupt()
                session.truncate(message_id=message, modalities=["audio", "text"], audio_end_ms=900)

        session.on("generation_created", lambda created: keep(generation(created)))
        session.on("error", errors.append)
        session.on("input_audio_transcription_completed", lambda done: transcripts.append(done.transcript))
        await session.update_instructions("Be kind.")
        await session.update_tools([clock])

        async def say(seconds: float) -> None:
            for _ in range(round(seconds / 0.08)):
                session.push_audio(rtc.AudioFrame(VOICE, 24_000, 1, 1920))
                await asyncio.sleep(0.02)

        try:
            await say(0.8)
            await until(lambda: "noon." in "".join(said.values()))
            session.on("input_speech_started", stop)
            await say(0.8)
            await until(lambda: "clause" in "".join(said.values()))
            await say(0.8)
            await until(lambda: "like." in "".join(said.values()))
            check_history(assistant)
        finally:
            await session.aclose()
            await asyncio.gather(*working, return_exceptions=True)

    talk(client, batch=assistant)
    assert not errors
    assert calls == ["clock"]
    assert transcripts[0] == PHRASES[0]
    assert heard[0] > 24_000
