// Microphone -> chunks of 480 samples at 24 kHz, whatever the rate of the context.

const RATE = 24000;
const CHUNK = 480; // samples, 20 ms
const HALF_TAPS = 16; // on either side, at the lower of the two rates

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE; // input samples an output sample
    this.cutoff = Math.min(1, 1 / this.step);
    this.reach = Math.ceil(HALF_TAPS / this.cutoff);
    this.input = new Float32Array(2 * this.reach);
    this.position = this.reach; // of the next output sample in `input`
    this.chunk = new Float32Array(CHUNK);
    this.filled = 0;
  }

  process(inputs) {
    const channels = inputs[0];
    if (channels.length) this.take(mono(channels));
    return true;
  }

  take(samples) {
    if (this.step === 1) return samples.forEach((sample) => this.put(sample));
    const joined = new Float32Array(this.input.length + samples.length);
    joined.set(this.input);
    joined.set(samples, this.input.length);
    while (this.position + this.reach < joined.length) {
      this.put(this.interpolate(joined, this.position));
      this.position += this.step;
    }
    const spent = Math.max(0, Math.floor(this.position) - this.reach);
    this.input = joined.slice(spent);
    this.position -= spent;
  }

  // A Hann-windowed sinc, low-pass at the lower of the two Nyquist frequencies.
  interpolate(samples, position) {
    let sum = 0;
    const first = Math.ceil(position - this.reach);
    const last = Math.floor(position + this.reach);
    for (let index = Math.max(0, first); index <= last; index++) {
      const x = position - index;
      const phase = Math.PI * this.cutoff * x;
      const sinc = Math.abs(phase) < 1e-9 ? 1 : Math.sin(phase) / phase;
      sum += samples[index] * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / (this.reach + 1)));
    }
    return sum * this.cutoff;
  }

  put(sample) {
    this.chunk[this.filled++] = sample;
    if (this.filled < CHUNK) return;
    this.port.postMessage(this.chunk, [this.chunk.buffer]);
    this.chunk = new Float32Array(CHUNK);
    this.filled = 0;
  }
}

function mono(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, index) => channels.reduce((sum, channel) => sum + channel[index], 0) / channels.length);
}

registerProcessor("capture", Capture);
