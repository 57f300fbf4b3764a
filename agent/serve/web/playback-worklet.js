// The agent's frames -> loudspeaker at 24 kHz, through a jitter buffer that is small and grows only when it ran dry.

const LEAST = 0.08 * 24000; // samples to gather before playing
const GROWTH = 0.02 * 24000; // more of them after each time it ran dry
const MOST = 0.24 * 24000;
const CALM = 3 * 24000; // samples played without running dry after which it wants GROWTH less: back to LEAST in 24 s
const SLACK = 0.24 * 24000; // beyond the target; what is more is left out, oldest first
const REPORT_EVERY = 0.1 * 24000;
const FADE = 48; // samples, 2 ms, at a cut

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frames = [];
    this.at = 0; // in the first frame
    this.buffered = 0;
    this.target = LEAST;
    this.calm = 0; // samples since it ran dry or shrank
    this.playing = false;
    this.last = 0;
    this.counts = { dry: 0, leftOut: 0 };
    this.sinceReport = 0;
    this.port.onmessage = ({ data }) => (data === "clear" ? this.clear() : this.add(data));
  }

  add(frame) {
    this.frames.push(frame);
    this.buffered += frame.length;
    while (this.buffered > this.target + SLACK && this.frames.length > 1) {
      const dropped = this.frames.shift().length - this.at;
      this.buffered -= dropped;
      this.counts.leftOut += dropped;
      this.at = 0;
    }
  }

  clear() {
    this.frames = [];
    this.at = this.buffered = 0;
    this.playing = false;
  }

  process(_, outputs) {
    const out = outputs[0][0];
    if (!this.playing && this.buffered >= this.target) this.playing = true;
    for (let index = 0; index < out.length; index++) out[index] = this.playing ? this.next() : this.fade();
    this.settle(out.length);
    this.sinceReport += out.length;
    if (this.sinceReport >= REPORT_EVERY) {
      this.sinceReport = 0;
      this.port.postMessage({ bufferedMs: this.buffered / 24, ...this.counts });
    }
    return true;
  }

  // A bad minute is forgotten step by step: what waits beyond the smaller target is left out by `add`.
  settle(samples) {
    this.calm += samples;
    if (this.calm < CALM) return;
    this.calm = 0;
    this.target = Math.max(LEAST, this.target - GROWTH);
  }

  next() {
    if (!this.frames.length) {
      this.playing = false;
      this.counts.dry += 1;
      this.calm = 0;
      this.target = Math.min(MOST, this.target + GROWTH);
      return this.fade();
    }
    const frame = this.frames[0];
    this.last = frame[this.at++];
    this.buffered -= 1;
    if (this.at === frame.length) {
      this.frames.shift();
      this.at = 0;
    }
    return this.last;
  }

  // Silence without a click: the last sample dies away.
  fade() {
    this.last *= 1 - 1 / FADE;
    return this.last;
  }
}

registerProcessor("playback", Playback);
