import asyncio
import json
import wave

import aiohttp


async def main():
    with wave.open("user.wav") as user, wave.open("agent.wav", "w") as agent:  # 24 kHz, mono, 16 bit
        agent.setparams(user.getparams())
        async with aiohttp.ClientSession() as http, http.ws_connect("ws://localhost:8998/ws/pcm") as line:
            while pcm := user.readframes(1920):  # 80 ms; a microphone would give them at this pace
                await line.send_bytes(pcm.ljust(3840, b"\0"))
                while (message := await line.receive()).type != aiohttp.WSMsgType.BINARY:
                    print(json.loads(message.data).get("text", ""), end="", flush=True)
                agent.writeframes(message.data)


asyncio.run(main())
