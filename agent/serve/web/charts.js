// The two drawings of the page: levels of both sides, and the timing of frames.

const STRIP_SECONDS = 12;
const BAR_SECONDS = 0.08; // a frame, or four chunks of the microphone
const LOOSE_SECONDS = 0.25;
const PLOT_SECONDS = 30;
const BUDGET = 80; // ms, a frame

function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Bars that wander to the left: the agent's above the line, the user's below.
export class Strip {
  constructor(canvas) {
    this.canvas = canvas;
    this.bars = { agent: [], user: [] }; // {at, level} with levels in 0..1
  }

  // Levels in dBFS, each of BAR_SECONDS, that came just now; they follow the ones before without a gap if they can.
  add(side, levels, now) {
    const bars = this.bars[side];
    for (const level of levels) {
      const next = (bars.at(-1)?.at ?? -Infinity) + BAR_SECONDS;
      bars.push({ at: Math.abs(next - now) < LOOSE_SECONDS ? next : now, level: (level + 60) / 60 });
    }
    while (bars.length && bars[0].at < now - STRIP_SECONDS - 1) bars.shift();
  }

  draw(time) {
    const { pen, width, height } = fit(this.canvas);
    const pitch = (width * BAR_SECONDS) / STRIP_SECONDS;
    const middle = height / 2;
    pen.fillStyle = colour("line");
    pen.fillRect(0, middle - 0.5, width, 1);
    for (const [side, sign] of [["agent", -1], ["user", 1]]) {
      pen.fillStyle = colour(side);
      for (const { at, level } of this.bars[side]) {
        const size = level ** 1.5 * (middle - 6);
        if (size < 1.5) continue;
        const x = width - ((time - at) * width) / STRIP_SECONDS;
        pen.beginPath();
        pen.roundRect(x - pitch, sign < 0 ? middle - 3 - size : middle + 3, Math.max(1.5, pitch * 0.6), size, pitch * 0.3);
        pen.fill();
      }
    }
  }
}

// Lag and frame time over the last half minute, with the line a frame must stay below.
export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.points = []; // {at, lag, frame}
  }

  add(at, lag, frame) {
    this.points.push({ at, lag, frame });
    while (this.points[0].at < at - PLOT_SECONDS - 1) this.points.shift();
  }

  draw(time) {
    const { pen, width, height } = fit(this.canvas);
    const left = 34;
    const bottom = height - 20;
    const values = this.points.flatMap((point) => [point.lag, point.frame]);
    const most = Math.max(1.25 * BUDGET, 1.1 * Math.max(0, ...values));
    const x = (at) => width - ((time - at) * (width - left)) / PLOT_SECONDS;
    const y = (value) => bottom - (value / most) * (bottom - 6);
    pen.font = "11.5px system-ui, sans-serif";
    pen.lineWidth = 1;
    for (const value of ticks(most)) {
      pen.fillStyle = colour("line");
      pen.fillRect(left, Math.round(y(value)), width - left, 1);
      pen.fillStyle = colour("soft");
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      pen.fillText(value, left - 7, y(value));
    }
    pen.textBaseline = "alphabetic";
    for (const [seconds, align] of [[30, "left"], [15, "center"], [0, "right"]]) {
      pen.textAlign = align;
      pen.fillText(seconds ? `${seconds} s ago` : "now", x(time - seconds), height - 4);
    }
    pen.setLineDash([3, 3]);
    pen.strokeStyle = colour("ink");
    pen.beginPath();
    pen.moveTo(left, y(BUDGET));
    pen.lineTo(width, y(BUDGET));
    pen.stroke();
    pen.setLineDash([]);
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, width - left, bottom + 2);
    pen.clip();
    this.line(pen, "lag", colour("user"), x, y);
    this.line(pen, "frame", colour("frame"), x, y);
    pen.restore();
  }

  line(pen, name, shade, x, y) {
    pen.strokeStyle = shade;
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.beginPath();
    let before = -Infinity;
    for (const point of this.points) {
      const joined = point.at - before < 1;
      pen[joined ? "lineTo" : "moveTo"](x(point.at), y(point[name]));
      before = point.at;
    }
    pen.stroke();
  }
}

function ticks(most) {
  const step = [20, 40, 80, 160, 320, 640].find((size) => most / size <= 4) ?? 1280;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}
