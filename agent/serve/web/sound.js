// Microphone and loudspeaker, their levels, and the conversation kept for download.

import { toPcm16 } from "./connection.js";

const RATE = 24000;
const KEPT = 30 * 60 * RATE; // samples a channel: thirty minutes
const SLACK = 0.5 * RATE; // an agent further behind the user than this has left frames out

export class Sound {
  // `heard` gets chunks of the microphone as Float32Array at 24 kHz, `played` the player's report; `changed` is called
  // when the browser holds sound back or lets it go, `lost` when the microphone is gone
  constructor(heard, played, changed, lost) {
    this.heard = heard;
    this.played = played;
    this.changed = changed;
    this.lost = lost;
    this.muted = false;
  }

  // Throws what getUserMedia throws when there is no microphone or no permission.
  async start(deviceId) {
    if (!navigator.mediaDevices) throw new Error("A microphone needs https, or a page from localhost.");
    this.output = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.output.onstatechange = this.changed;
    await this.output.audioWorklet.addModule("playback-worklet.js");
    this.player = new AudioWorkletNode(this.output, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.player.port.onmessage = ({ data }) => this.played(data);
    this.player.connect(this.output.destination);
    const track = await this.open(deviceId);
    this.resume();
    return track;
  }

  // The microphone, at first or in place of one that is gone.
  async open(deviceId) {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        deviceId: deviceId ? { exact: deviceId } : undefined,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        channelCount: 1,
      },
    });
    const track = this.stream.getAudioTracks()[0];
    track.onended = () => this.lost("gone");
    track.onmute = () => this.lost("silent");
    track.onunmute = () => this.lost("");
    const before = this.input;
    this.input = await this.listen();
    this.input.onstatechange = this.changed;
    await before?.close();
    return track;
  }

  // Whether the browser waits for a click of the user before anything sounds or is heard.
  get suspended() {
    return [this.input, this.output].some((context) => context && context.state !== "running" && context.state !== "closed");
  }

  // Never waits: a context that the browser holds back answers only when it is let go.
  resume() {
    for (const context of [this.input, this.output]) context?.resume().catch(() => {});
    this.changed();
  }

  async listen() {
    let context = new AudioContext({ sampleRate: RATE });
    let source;
    try {
      source = context.createMediaStreamSource(this.stream);
    } catch {
      // Firefox joins a microphone only to a context of its own rate; the worklet resamples
      await context.close();
      context = new AudioContext();
      source = context.createMediaStreamSource(this.stream);
    }
    await context.audioWorklet.addModule("capture-worklet.js");
    const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
    capture.port.onmessage = ({ data }) => this.heard(this.muted ? data.fill(0) : data);
    source.connect(capture);
    return context;
  }

  play(samples) {
    this.player?.port.postMessage(samples);
  }

  clear() {
    this.player?.port.postMessage("clear");
  }

  async stop() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = track.onmute = null;
      track.stop();
    }
    for (const context of [this.input, this.output]) if (context) context.onstatechange = null;
    await Promise.all([this.input?.close(), this.output?.close()]);
    this.player = null;
  }
}

// Root mean square in dBFS, at least -60.
export function decibels(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.max(-60, 10 * Math.log10(sum / samples.length + 1e-9));
}

// Both sides on the user's clock: channel 0 the agent, channel 1 the user.
export class Tape {
  constructor() {
    this.channels = [[], []];
    this.lengths = [0, 0];
  }

  get seconds() {
    return this.lengths[1] / RATE;
  }

  get full() {
    return this.lengths[1] >= KEPT;
  }

  hear(samples) {
    this.add(1, toPcm16(samples));
  }

  say(samples) {
    const late = this.lengths[1] - this.lengths[0];
    if (late > SLACK) this.add(0, new Int16Array(late - samples.length));
    this.add(0, toPcm16(samples));
  }

  add(channel, samples) {
    if (this.lengths[channel] >= KEPT) return;
    this.channels[channel].push(samples);
    this.lengths[channel] += samples.length;
  }

  wav() {
    const frames = Math.max(...this.lengths);
    const data = new Int16Array(2 * frames);
    this.channels.forEach((chunks, channel) => {
      let at = channel;
      for (const chunk of chunks) for (const sample of chunk) (data[at] = sample), (at += 2);
    });
    return new Blob([header(data.byteLength), data], { type: "audio/wav" });
  }
}

function header(bytes) {
  const view = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 2, true); // channels
  view.setUint32(24, RATE, true);
  view.setUint32(28, 4 * RATE, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  return view;
}
