// The line to the server at /ws/pcm: one WebSocket after another, going on with the same session when one breaks.

const FIRST_WAIT = 500; // ms before the first new try
const LONGEST_WAIT = 8000;
const GIVE_UP_AFTER = 60000; // as long as the server keeps a session
const PING_EVERY = 2000;
const MOST_UNSENT = 48000; // bytes, 1 s: what is beyond would only be late

// Events: "state" {state, text}, "session", "queue", "text", "user_text", "speech", "stats", "controls", "ping" (ms),
// "fault" (text), "sound" (Float32Array), "ended" (text)
export class Connection extends EventTarget {
  constructor(parameters, token) {
    super();
    this.parameters = parameters; // asked for by the page, such as controls
    this.token = token;
    this.resume = "";
    this.wanted = true;
    this.brokeAt = 0;
    this.tries = 0;
    this.pings = setInterval(() => this.send({ ping: performance.now() }), PING_EVERY);
    this.open();
  }

  get live() {
    return this.socket?.readyState === WebSocket.OPEN && this.granted;
  }

  open() {
    const query = new URLSearchParams({ ...this.parameters, stats: "1" });
    if (this.token) query.set("token", this.token);
    if (this.resume) query.set("resume", this.resume);
    const address = new URL(`ws/pcm?${query}`, location.href); // relative: it works behind a proxy's prefix
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.tell("state", this.resume ? { state: "wait", text: "Reconnecting" } : { state: "wait", text: "Connecting" });
    this.granted = false;
    this.opened = false;
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => (this.opened = true);
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.read(JSON.parse(data)) : this.hear(data));
    this.socket.onclose = (event) => this.closed(event);
  }

  read(message) {
    for (const [kind, value] of Object.entries(message)) {
      if (kind === "session") {
        this.granted = true;
        this.resume = value.resume;
        this.brokeAt = this.tries = 0;
        this.tell("state", { state: "live", text: "Live" });
        this.tell("session", value);
      } else if (kind === "queue") {
        const wait = value.wait_s < 90 ? `${Math.round(value.wait_s)} s` : `${Math.round(value.wait_s / 60)} min`;
        this.tell("state", { state: "wait", text: `Number ${value.place} in the queue, about ${wait}` });
        this.tell("queue", value);
      } else if (kind === "pong") this.tell("ping", performance.now() - value);
      else if (kind === "speech") this.tell("speech", { kind: value, at: message.at_ms });
      else if (kind === "error") this.tell("fault", value);
      else if (kind === "end") this.farewell = value;
      else if (kind !== "at_ms") this.tell(kind, value);
    }
  }

  hear(data) {
    const samples = new Int16Array(data);
    this.tell("sound", Float32Array.from(samples, (sample) => sample / 32768));
  }

  sendSound(samples) {
    if (!this.live || this.socket.bufferedAmount > MOST_UNSENT) return;
    this.socket.send(toPcm16(samples));
  }

  send(message) {
    if (this.live) this.socket.send(JSON.stringify(message));
  }

  closed(event) {
    if (!this.wanted) return;
    const broken = event.code === 1006 || event.code === 1001 || event.code === 1012;
    if (!this.opened && !this.resume) return this.finish("The server did not accept the connection.", true);
    if (!broken) return this.finish(this.farewell || event.reason || "The conversation ended.");
    this.brokeAt ||= performance.now();
    if (performance.now() - this.brokeAt > GIVE_UP_AFTER) return this.finish("The connection was lost.");
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries++) * (0.75 + 0.5 * Math.random());
    this.tell("state", { state: "wait", text: `Connection lost, next try in ${Math.ceil(wait / 1000)} s` });
    this.retry = setTimeout(() => this.open(), wait);
  }

  close() {
    this.send({ end: true });
    this.finish("");
  }

  finish(text, refused = false) {
    this.wanted = false;
    clearInterval(this.pings);
    clearTimeout(this.retry);
    this.socket.close(1000);
    this.tell("ended", { text, refused });
  }

  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

export function toPcm16(samples) {
  return Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32768))));
}
