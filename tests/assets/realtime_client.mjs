// A whole talk with @openai/agents-realtime: instructions, speech, an answer, barge-in, an interruption by the client.
// usage: node realtime_client.mjs ws://127.0.0.1:PORT/v1/realtime SPEECH.raw   (PCM16, 24 kHz)
import { readFileSync } from "node:fs";
import { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebSocket } from "@openai/agents-realtime";

const [url, file] = process.argv.slice(2);
const speech = readFileSync(file);
const told = { events: {}, transcript: "", audio: 0, errors: [], interrupted: 0 };
const agent = new RealtimeAgent({ name: "tester", instructions: "Be kind." });
const transport = new OpenAIRealtimeWebSocket({ url, useInsecureApiKey: true });
const session = new RealtimeSession(agent, { transport, model: "tiny" });
transport.on("*", (event) => {
  told.events[event.type] = (told.events[event.type] ?? 0) + 1;
  if (event.type === "response.output_audio_transcript.delta") told.transcript += event.delta;
});
session.on("audio", ({ data }) => (told.audio += data.byteLength));
session.on("audio_interrupted", () => (told.interrupted += 1));
session.on("error", ({ error }) => told.errors.push(JSON.stringify(error)));
const seconds = (count) => new Promise((done) => setTimeout(done, 1000 * count));
const until = async (test) => {
  for (let tries = 0; tries < 400 && !test(); tries++) await seconds(0.05);
};
const say = async () => {
  for (let at = 0; at < speech.length; at += 4800) {
    const part = speech.subarray(at, at + 4800);
    session.sendAudio(part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength));
    await seconds(0.1);
  }
};
await session.connect({ apiKey: "the-token" });
await say(); // the very first words, at once
await until(() => told.audio > 20000);
const before = told.interrupted;
await say(); // while the agent speaks, or right after
session.interrupt();
await until(() => told.events["response.done"]);
told.history = session.history.length;
session.close();
console.log(JSON.stringify(told));
process.exit(0);
