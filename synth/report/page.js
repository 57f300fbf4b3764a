"use strict";
// Draws each dialogue: an overview of the whole recording, and a zoomable view of turns, words and levels per channel.

const ZOOMS = [25, 50, 100, 200];            // pixels a second
const RULER = 18, LANE = 100, BAR = 16, WORDS = 18;
const PAUSE = 0.2;                           // s of silence between words that ends an inter-pausal unit
const EVENTS = ["backchannel", "interrupt", "resume", "repair", "hold", "aside"];
const FONT = 'Inter, "Segoe UI", system-ui, sans-serif';

const colours = () => {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "soft", "line", "wash", "card", "lane0", "lane1", "both", ...EVENTS];
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue("--" + name).trim()]));
};
let palette = colours();

const clock = seconds => {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
};

const element = (name, attributes = {}, text = "") => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
};

const unpack = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));

// Spans of speech of a turn: its words joined over silences shorter than a pause.
const spans = turn => {
  const joined = [];
  for (const [, start, end] of turn.words) {
    const last = joined[joined.length - 1];
    if (last && start - last[1] < PAUSE) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined.length ? joined : [[turn.start, turn.end]];
};

// Where two channels speak at once.
const overlaps = turns => {
  const spoken = turns.flatMap(turn => turn.spans.map(([start, end]) => ({ start, end, lane: turn.lane })));
  const both = [];
  for (const a of spoken) for (const b of spoken) {
    const start = Math.max(a.start, b.start), end = Math.min(a.end, b.end);
    if (a.lane < b.lane && end > start) both.push([start, end]);
  }
  return both;
};

class Timeline {
  constructor(article) {
    this.data = JSON.parse(article.querySelector(".data").textContent);
    this.data.levels = this.data.levels.map(unpack);
    for (const turn of this.data.turns) turn.spans = spans(turn);
    this.both = overlaps(this.data.turns);
    this.audio = article.querySelector("audio");
    this.name = article.querySelector("h3").textContent;
    this.time = 0;
    this.zoom = 2;
    this.playing = false;
    this.current = -1;
    this.lines = [...article.querySelectorAll(".transcript li")];
    this.list = article.querySelector(".transcript");
    this.build(article.querySelector(".timeline"));
    this.listen(article);
    new ResizeObserver(() => this.resize()).observe(this.view);
  }

  get scale() { return ZOOMS[this.zoom]; }

  build(root) {
    this.overview = element("canvas");
    const strip = element("div", { class: "overview", "aria-hidden": "true" });
    strip.append(this.overview);
    this.view = element("div", {
      class: "view", tabindex: "0", role: "slider", "aria-label": `Position in ${this.name}`,
      "aria-valuemin": "0", "aria-valuemax": String(this.data.seconds),
    });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.room = element("div", { "aria-hidden": "true" });
    this.view.append(this.canvas, this.room);
    this.buttons = ZOOMS.map(scale => element("button", { type: "button" }, `${scale}`));
    this.readout = element("output", { "aria-live": "off" });
    const bar = element("div", { class: "zoom", role: "group", "aria-label": "Zoom in pixels per second" });
    bar.append(element("span", {}, "Zoom"), ...this.buttons, element("span", {}, "px/s"), this.readout);
    root.append(strip, this.view, bar);
    this.show(0);
  }

  listen(article) {
    const at = (event, origin, scale, shift) => (event.clientX - origin.getBoundingClientRect().left + shift) / scale;
    this.overview.addEventListener("click", event => {
      this.seek(at(event, this.overview, this.overview.clientWidth / this.data.seconds, 0));
      this.centre();
    });
    this.canvas.addEventListener("click", event => this.seek(at(event, this.view, this.scale, this.view.scrollLeft)));
    this.canvas.addEventListener("mousemove", event => {
      this.canvas.title = this.describe(at(event, this.view, this.scale, this.view.scrollLeft), event.offsetY);
    });
    this.view.addEventListener("scroll", () => this.draw());
    this.view.addEventListener("keydown", event => this.key(event));
    this.buttons.forEach((button, index) => button.addEventListener("click", () => this.setZoom(index)));
    for (const button of article.querySelectorAll("button[data-at]")) {
      button.addEventListener("click", () => { this.seek(Number(button.dataset.at)); this.centre(); });
    }
    if (!this.audio) return;
    this.audio.addEventListener("play", () => { this.playing = true; this.silenceOthers(); this.follow(); });
    for (const name of ["pause", "ended"]) this.audio.addEventListener(name, () => { this.playing = false; });
    this.audio.addEventListener("seeking", () => this.show(this.audio.currentTime));
  }

  silenceOthers() {
    for (const audio of document.querySelectorAll("audio")) if (audio !== this.audio) audio.pause();
  }

  key(event) {
    const step = event.shiftKey ? 5 : 1;
    const moves = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -10, PageUp: 10 };
    if (event.key in moves) this.seek(this.time + moves[event.key]);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.data.seconds);
    else if (event.key === "+" || event.key === "=") this.setZoom(this.zoom + 1);
    else if (event.key === "-") this.setZoom(this.zoom - 1);
    else if ((event.key === " " || event.key === "Enter") && this.audio) {
      if (this.audio.paused) this.audio.play(); else this.audio.pause();
    } else return;
    event.preventDefault();
    this.reveal();
  }

  seek(seconds) {
    const time = Math.min(Math.max(seconds, 0), this.data.seconds);
    if (this.audio) this.audio.currentTime = time;
    this.show(time);
  }

  follow() {
    if (!this.playing) return;
    const before = this.onScreen();
    this.show(this.audio.currentTime);
    if (before && !this.onScreen()) this.view.scrollLeft = this.time * this.scale - 0.1 * this.view.clientWidth;
    requestAnimationFrame(() => this.follow());
  }

  onScreen() {
    const x = this.time * this.scale - this.view.scrollLeft;
    return x >= 0 && x <= this.view.clientWidth;
  }

  reveal() { if (!this.onScreen()) this.centre(); }

  centre() { this.view.scrollLeft = this.time * this.scale - this.view.clientWidth / 2; }

  setZoom(index) {
    const middle = (this.view.scrollLeft + this.view.clientWidth / 2) / this.scale;
    this.zoom = Math.min(Math.max(index, 0), ZOOMS.length - 1);
    this.resize();
    this.view.scrollLeft = (this.onScreen() ? this.time : middle) * this.scale - this.view.clientWidth / 2;
    this.draw();
  }

  show(time) {
    this.time = time;
    this.view.setAttribute("aria-valuenow", time.toFixed(1));
    this.view.setAttribute("aria-valuetext", `${clock(time)} of ${clock(this.data.seconds)}`);
    this.readout.textContent = `${clock(time)} / ${clock(this.data.seconds)}`;
    this.highlight();
    this.draw();
  }

  highlight() {
    const now = this.data.turns.filter(turn => turn.start <= this.time && this.time < turn.end).map(turn => turn.i);
    for (const line of this.lines) line.classList.toggle("now", now.includes(Number(line.dataset.turn)));
    const first = now.length ? now[0] : -1;
    if (this.playing && first !== this.current) {
      const line = this.list.querySelector(".now");
      if (line) this.list.scrollTop = line.offsetTop - this.list.clientHeight / 3;
    }
    this.current = first;
  }

  describe(time, y) {
    const lane = Math.floor((y - RULER) / LANE);
    const turn = this.data.turns.find(turn => turn.lane === lane && turn.start <= time && time < turn.end);
    if (!turn) return clock(time);
    const word = turn.words.find(([, start, end]) => start <= time && time < end);
    const about = `turn ${turn.i}, ${turn.event}${turn.cut ? `, ${turn.cut} words cut` : ""}`;
    return word ? `${word[0]}  ${word[1].toFixed(2)}–${word[2].toFixed(2)} s · ${about}` : `${clock(time)} · ${about}`;
  }

  resize() {
    const ratio = window.devicePixelRatio || 1, width = this.view.clientWidth;
    const lanes = this.data.lanes.length;
    for (const [canvas, height] of [[this.overview, 22 * lanes + 2], [this.canvas, RULER + LANE * lanes]]) {
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.room.style.width = `${Math.ceil(this.data.seconds * this.scale)}px`;
    this.buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === this.zoom)));
    this.draw();
  }

  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.paint(); });
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.overview, this.canvas]) {
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
    }
    this.paintOverview(this.overview.getContext("2d"));
    this.paintView(this.canvas.getContext("2d"));
  }

  colour(turn) {
    return EVENTS.includes(turn.event) ? palette[turn.event] : palette[`lane${Math.min(turn.lane, 1)}`];
  }

  paintOverview(context) {
    const width = this.overview.clientWidth, height = this.overview.clientHeight, scale = width / this.data.seconds;
    for (const turn of this.data.turns) {
      context.fillStyle = this.colour(turn);
      for (const [start, end] of turn.spans) {
        context.fillRect(start * scale, turn.lane * 22 + 5, Math.max((end - start) * scale, 1), 14);
      }
    }
    const left = this.view.scrollLeft / this.scale * scale, shown = width / this.scale * scale;
    context.strokeStyle = palette.soft;
    context.strokeRect(left + 0.5, 0.5, Math.min(shown, width) - 1, height - 1);
    context.fillStyle = palette.ink;
    context.fillRect(this.time * scale - 0.75, 0, 1.5, height);
  }

  paintView(context) {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight, left = this.view.scrollLeft;
    const first = left / this.scale, last = (left + width) / this.scale;
    const x = time => time * this.scale - left;
    const bottom = height;
    context.fillStyle = palette.both;
    for (const [start, end] of this.both) {
      if (end > first && start < last) context.fillRect(x(start), RULER, (end - start) * this.scale, bottom - RULER);
    }
    this.paintRuler(context, x, first, last, height);
    this.data.lanes.forEach((name, lane) => {
      const down = lane % 2 === 0;           // the bars of a pair of lanes lie outside, the levels face each other
      const top = RULER + lane * LANE;
      const rows = down ? { bar: top + 6, words: top + 6 + BAR, level: top + 6 + BAR + WORDS }
                        : { level: top + 4, words: top + LANE - 6 - BAR - WORDS, bar: top + LANE - 6 - BAR };
      this.paintLevel(context, lane, rows.level, LANE - BAR - WORDS - 10, x, first, last);
      for (const turn of this.data.turns) {
        if (turn.lane === lane && turn.end > first - 4 && turn.start < last) this.paintTurn(context, turn, rows, x);
      }
      context.font = `600 11px ${FONT}`;
      const label = context.measureText(name).width;
      context.globalAlpha = 0.85;
      context.fillStyle = palette.wash;
      context.fillRect(2, rows.level + 9, label + 10, 16);
      context.globalAlpha = 1;
      context.fillStyle = palette[`lane${Math.min(lane, 1)}`];
      context.fillText(name, 7, rows.level + 21);
    });
    context.fillStyle = palette.ink;
    context.fillRect(x(this.time) - 0.75, 0, 1.5, height);
  }

  paintRuler(context, x, first, last, height) {
    const step = [1, 2, 5, 10].find(step => step * this.scale >= 70) || 10;
    context.font = `11px ${FONT}`;
    for (let tick = Math.max(Math.floor(first / step) * step, 0); tick <= last; tick += step) {
      context.fillStyle = palette.line;
      context.fillRect(Math.round(x(tick)), 4, 1, height - 4);
      context.fillStyle = palette.soft;
      context.fillText(clock(tick).slice(0, -2), x(tick) + 4, 13);
    }
    context.fillStyle = palette.line;
    context.fillRect(0, RULER + LANE, this.canvas.clientWidth, 1);
  }

  paintLevel(context, lane, top, height, x, first, last) {
    const levels = this.data.levels[lane] || [], rate = this.data.rate, wide = this.scale / rate;
    context.fillStyle = palette[`lane${Math.min(lane, 1)}`];
    context.globalAlpha = 0.55;
    const end = Math.min(Math.ceil(last * rate), levels.length);
    for (let index = Math.max(Math.floor(first * rate), 0); index < end; index++) {
      const tall = Math.max(levels[index] / 255 * height, 1);
      context.fillRect(x(index / rate), top + (height - tall) / 2, Math.max(wide - 0.8, 0.8), tall);
    }
    context.globalAlpha = 1;
  }

  paintTurn(context, turn, rows, x) {
    const colour = this.colour(turn), left = x(turn.start), width = Math.max((turn.end - turn.start) * this.scale, 2);
    context.fillStyle = colour;
    context.globalAlpha = 0.3;
    context.beginPath();
    context.roundRect(left, rows.bar, width, BAR, 3);
    context.fill();
    context.globalAlpha = 1;
    for (const [start, end] of turn.spans) {
      context.beginPath();
      context.roundRect(x(start), rows.bar, Math.max((end - start) * this.scale, 2), BAR, 3);
      context.fill();
    }
    if (turn.cut) {                          // a turn that was cut ends in a thick edge
      context.fillStyle = palette.interrupt;
      context.fillRect(left + width - 3, rows.bar - 3, 3, BAR + 6);
    }
    const label = turn.event === "turn" ? `${turn.i}` : `${turn.i} ${turn.event}`;
    context.font = `600 10.5px ${FONT}`;
    context.fillStyle = palette.card;
    if (context.measureText(label).width + 8 < (turn.spans[0][1] - turn.spans[0][0]) * this.scale) {
      context.fillText(label, x(turn.spans[0][0]) + 5, rows.bar + 12);
    }
    this.paintWords(context, turn, rows.words, x);
  }

  paintWords(context, turn, top, x) {
    if (this.scale < 50) return;
    context.font = `11px ${FONT}`;
    context.fillStyle = palette.ink;
    let free = -Infinity;
    turn.words.forEach(([text, start], index) => {
      const next = turn.words[index + 1];
      const at = x(start), room = next ? x(next[1]) - at - 2 : Infinity;
      const width = context.measureText(text).width;
      if (at >= free && (width <= room || room > 14)) {
        context.fillText(text, at, top + 13, width <= room ? undefined : room);
        free = at + Math.min(width, room);
      }
    });
  }
}

const timelines = [...document.querySelectorAll("article.dialogue")].map(article => new Timeline(article));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  palette = colours();
  timelines.forEach(line => line.draw());
});
