"""The browser page in headless Chromium, with a microphone that hears a wav file."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from aiohttp import web

from agent.serve.recording import Recorder
from agent.serve.server import PAGE
from corpus.audio import SAMPLE_RATE
from tests.support.agent_server import Line, ParrotBatch, Place, a_line, a_server
from tests.support.assistant_parts import scripted_assistant
from tests.support.chromium import Page, browsing, find_chromium
from tests.support.speechlike import speech_like

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
START = "document.getElementById('talk').click()"
Visit = Callable[[Page, Place, Line], Coroutine[Any, Any, None]]


def text(id: str) -> str:
    """A JavaScript expression of what an element shows."""
    return f"document.getElementById('{id}').textContent"


def visit(folder: Path, steps: Visit, **settings: Any) -> None:
    """Open the page of a server with a fake microphone and go through the steps."""
    microphone = folder / "microphone.wav"
    sound = np.concatenate([speech_like(2.0, 1, pitch=180.0), np.zeros(SAMPLE_RATE, np.float32)])
    soundfile.write(microphone, sound, SAMPLE_RATE, subtype="PCM_16")

    async def run() -> None:
        async with a_server(ParrotBatch(), **settings) as place, a_line(place.port) as (line, port):
            url = f"http://127.0.0.1:{port}/"
            tab = browsing(str(CHROMIUM), url, folder / "profile", microphone)
            async with tab as page:
                await asyncio.wait_for(steps(page, place, line), 60)
                assert not [fault for fault in page.faults if "WebSocket" not in fault]

    asyncio.run(run())


def test_a_conversation_in_the_browser(tmp_path: Path) -> None:
    async def steps(page: Page, place: Place, line: Line) -> None:
        assert await page.run(text("state-text")) == "Not connected"
        await page.run(START)
        await page.until(f"{text('state-text')} === 'Live'")
        await page.until("document.querySelector('.turn.agent .words')?.textContent.includes('said5')")
        await page.until("document.querySelector('.turn.user .words')?.textContent.includes('heard')")
        await page.until("Number(document.getElementById('agent-meter').getAttribute('aria-valuenow')) > -40")
        await page.until("Number(document.getElementById('user-meter').getAttribute('aria-valuenow')) > -40")
        await page.until("document.getElementById('lag').value.endsWith('ms')")
        assert await page.until("document.getElementById('frame').value") == "6.0 ms"
        await page.until("document.getElementById('network').value.endsWith('ms')")
        await controls(page, place)
        await broken_line(page, line)
        await download(page)
        await page.run(START)
        await page.until(f"{text('state-text')} === 'Not connected'")
        assert place.server.house.scheduler.metrics().ended == {"left": 1}

    visit(tmp_path, steps)


async def controls(page: Page, place: Place) -> None:
    """Buttons and sliders reach the session."""

    def asked() -> dict[str, Any]:
        batch: Any = place.server.house.scheduler.partner.batch
        return {name: value for _, row in batch.rows.values() for name, value in vars(row).items()}

    for id, value in (("eagerness", "-4"), ("text_temperature", "1.1"), ("audio_top_k", "99")):
        await page.run(f"document.getElementById('{id}').value = '{value}'")
        await page.run(f"document.getElementById('{id}').dispatchEvent(new Event('input', {{bubbles: true}}))")
    await page.run("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'h', bubbles: true}))")
    assert await page.run("document.getElementById('hold').getAttribute('aria-pressed')") == "true"
    for _ in range(100):
        await asyncio.sleep(0.05)
        if asked()["hold"]:
            break
    wanted = {"hold": True, "text_temperature": 1.1, "audio_top_k": 99, "pad_bias": 4, "end_pad_bias": 0}
    assert {name: asked()[name] for name in wanted} == wanted
    await page.run("document.getElementById('hold').click()")


async def broken_line(page: Page, line: Line) -> None:
    """The page comes back to its own session after the network went away."""
    line.cut()
    await page.until(f"{text('state-text')}.startsWith('Connection lost') || {text('state-text')} === 'Reconnecting'")
    await page.until(f"{text('state-text')} === 'Live'")
    assert "Connection restored" in await page.run(text("transcript"))


async def download(page: Page) -> None:
    """The file has both sides, the agent on the left at half the level of the user."""
    await page.run("URL.createObjectURL = (blob) => { window.saved = blob; return 'data:,'; }")
    await page.run("document.getElementById('download').click()")
    data = await page.run(
        "saved.arrayBuffer().then((b) => btoa(new Uint8Array(b).reduce((s, x) => s + String.fromCharCode(x), '')))"
    )
    both, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert (rate, both.shape[1]) == (SAMPLE_RATE, 2)
    assert len(both) > 2 * SAMPLE_RATE
    agent, user = np.sqrt(np.mean(both**2, axis=0))
    assert 0.1 * user < agent < 0.6 * user


def test_a_token_is_asked_for_and_a_recording_announced(tmp_path: Path) -> None:
    async def steps(page: Page, place: Place, line: Line) -> None:
        await page.run(START)
        await page.until("!document.getElementById('token-form').hidden")
        await page.run("document.getElementById('token').value = 'the token'")
        await page.run("document.querySelector('#token-form button').click()")
        await page.until(f"{text('state-text')} === 'Live'")
        assert await page.run("!document.getElementById('recorded').hidden")
        page.faults = [fault for fault in page.faults if "401" not in fault]

    visit(tmp_path, steps, token="the token", recorder=Recorder(tmp_path / "recordings"))


def test_a_place_in_the_queue_is_shown(tmp_path: Path) -> None:
    async def steps(page: Page, place: Place, line: Line) -> None:
        first = place.server.house.scheduler.admission.admit()
        await page.run(START)
        await page.until(f"{text('state-text')}.startsWith('Number 1 in the queue')")
        place.server.house.scheduler.admission.release(first)
        await page.until(f"{text('state-text')} === 'Live'")

    visit(tmp_path, steps, max_sessions=1)


def test_the_page_has_names_for_everything(tmp_path: Path) -> None:
    """Every control has an accessible name, every id is there once, colours have contrast in light and dark."""

    async def steps(page: Page, place: Place, line: Line) -> None:
        tree = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        roles = {"button", "slider", "spinbutton", "combobox", "textbox", "meter", "log", "image", "heading"}
        found = [node for node in tree if not node["ignored"] and node["role"]["value"] in roles]
        assert len(found) > 15
        assert all(node["name"]["value"] for node in found), found
        ids = await page.run("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))
        for dark in (False, True):
            await page.screenshot(tmp_path / "page.png", dark=dark)
            for front, back in (
                ("ink", "page"),
                ("soft", "card"),
                ("agent", "card"),
                ("user", "card"),
                ("bad", "bad-wash"),
            ):
                assert await contrast(page, front, back) >= 4.5, (dark, front, back)
        await page.screenshot(tmp_path / "page.png", width=360)
        assert await page.run("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out on a phone"

    visit(tmp_path, steps)


@asynccontextmanager
async def behind_a_prefix(port: int) -> AsyncIterator[str]:
    """A proxy that serves the server's page and wire under `/some/where/`; its address."""

    async def carry(request: web.Request) -> web.StreamResponse:
        target = f"http://127.0.0.1:{port}/{request.match_info['rest']}"
        headers = {name: request.headers[name] for name in ("Host", "Origin") if name in request.headers}
        async with aiohttp.ClientSession() as http:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                async with http.get(target, headers=headers) as answer:
                    return web.Response(
                        body=await answer.read(), status=answer.status, content_type=answer.content_type
                    )
            here = web.WebSocketResponse()
            await here.prepare(request)
            async with http.ws_connect(target, params=request.query, headers=headers) as there:
                await asyncio.gather(pass_on(here, there), pass_on(there, here))
            return here

    application = web.Application()
    application.router.add_get("/some/where/{rest:.*}", carry)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/some/where/"
    finally:
        await runner.cleanup()


async def pass_on(source: Any, sink: Any) -> None:
    """Messages of one side to the other, its end too."""
    async for message in source:
        await (sink.send_bytes if message.type == aiohttp.WSMsgType.BINARY else sink.send_str)(message.data)
    await sink.close()


WATCHED = """
window.tracks = []; window.contexts = []; window.unsettled = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wish) => {
  if (window.refused) return Promise.reject(new DOMException("gone", "NotFoundError"));
  return ask(wish).then((stream) => (tracks.push(...stream.getTracks()), stream));
};
window.AudioContext = class extends AudioContext { constructor(...how) { super(...how); contexts.push(this); } };
new MutationObserver(() => {
  const found = document.querySelector(".turn.unsettled .words")?.textContent;
  if (found) unsettled.push(found);
}).observe(document.getElementById("transcript"), {
  subtree: true, childList: true, attributes: true, characterData: true,
});
"""


def test_an_assistant_in_the_browser_behind_a_proxys_prefix(tmp_path: Path) -> None:
    """Who is talked to and what leaves, turns as bubbles, words that may change; sound held back, a dead microphone."""
    sound = np.concatenate([speech_like(1.2, 1, pitch=180.0), np.zeros(2 * SAMPLE_RATE, np.float32)])
    soundfile.write(tmp_path / "microphone.wav", sound, SAMPLE_RATE, subtype="PCM_16")
    assistant = scripted_assistant(phrases=["What is it?", "And what is that?"] * 20)

    async def steps(page: Page) -> None:
        await page.until(f"{text('parts')}.includes('Mind scripted')")
        assert await page.run(text("away")) == "Nothing leaves this computer"
        await page.run(WATCHED)
        await page.run(START)
        await page.until("document.querySelectorAll('.turn.agent').length >= 2")
        sides = await page.run("[...document.querySelectorAll('.turn')].map((each) => each.classList[1])")
        assert sides[:4] == ["user", "agent", "user", "agent"]
        assert await page.run("document.querySelector('.turn.user .words').textContent") == "What is it?"
        assert "What is it?" in await page.run("unsettled")
        assert not await page.run("document.querySelector('.turn.user').classList.contains('unsettled')")
        await page.run("contexts[0].suspend()")
        await page.until("!document.getElementById('suspended').hidden")
        await page.run("document.getElementById('resume').click()")
        await page.until("document.getElementById('suspended').hidden && contexts[0].state === 'running'")
        await page.run("tracks[0].stop(); tracks[0].dispatchEvent(new Event('ended'))")
        await page.until(f"{text('notice')}.startsWith('The microphone was gone; now it is')")
        await page.run("window.refused = true; tracks[1].stop(); tracks[1].dispatchEvent(new Event('ended'))")
        await page.until(f"{text('notice')}.includes('there is no other')")
        await page.run("window.refused = false; navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
        await page.until("tracks.length === 3 && document.getElementById('notice').textContent.includes('now it is')")
        assert await page.run(f"{text('state-text')}") == "Live"
        assert not page.faults

    async def run() -> None:
        async with (
            a_server(assistant) as place,
            behind_a_prefix(place.port) as url,
            browsing(str(CHROMIUM), url, tmp_path / "profile", tmp_path / "microphone.wav") as page,
        ):
            await asyncio.wait_for(steps(page), 60)

    asyncio.run(run())


PLAYER = """(() => {
  class AudioWorkletProcessor { constructor() { this.port = { postMessage() {} }; } }
  let Player; const registerProcessor = (name, made) => (Player = made);
  %s
  const player = new Player(), out = [[new Float32Array(128)]], frame = () => new Float32Array(1920).fill(0.1);
  const seconds = (count, feed) => {
    for (let at = 0, fed = 0; at < count * 24000; at += 128) {
      if (feed) for (; fed <= at; fed += 1920) player.add(frame());
      player.process([], out);
    }
  };
  const targets = [player.target];
  for (let turn = 0; turn < 20; turn++) { seconds(0.3, true); seconds(0.5, false); }
  targets.push(player.target);
  seconds(30, true);
  targets.push(player.target, player.buffered);
  return targets;
})()"""


def test_the_play_out_buffer_forgets_a_bad_minute_within_half_a_minute(tmp_path: Path) -> None:
    code = (PAGE / "playback-worklet.js").read_text()

    async def steps(page: Page, place: Place, line: Line) -> None:
        first, worst, last, buffered = await page.run(PLAYER % code)
        assert (first, worst, last) == (1920, 5760, 1920)  # 80, 240 and 80 ms
        assert buffered <= 1920 + 5760

    visit(tmp_path, steps)


async def contrast(page: Page, front: str, back: str) -> float:
    """WCAG's contrast of two of the page's colours."""
    light = []
    for name in (front, back):
        code = await page.run(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()")
        channels = np.array([int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        light.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(light) + 0.05) / (min(light) + 0.05)
