// The page: buttons, controls and figures around one conversation.

import { Plot, Strip } from "./charts.js";
import { Connection } from "./connection.js";
import { Sound, Tape, decibels } from "./sound.js";
import { Transcript, clock } from "./transcript.js";

const METER_FALL = 24; // dB a second
const CHUNKS_A_BAR = 4;
const CONTROL_WAIT = 120; // ms without a change before controls are sent
const $ = (id) => document.getElementById(id);
const strip = new Strip($("strip"));
const plot = new Plot($("plot"));
const transcript = new Transcript($("transcript"), $("transcript-empty"));
const meters = { agent: { level: -60, at: 0 }, user: { level: -60, at: 0 } };
const figures = ["lag", "frame", "network", "buffer", "dropped"];

let line = null; // Connection
let sound = null;
let tape = null;
let leftOutHere = 0; // ms, by the player
let controlTimer = 0;
const chunkLevels = [];

// ---- talking

async function start() {
  $("talk").disabled = true;
  hide($("notice"));
  show($("state"), "wait", "Waiting for the microphone");
  sound = new Sound(heard, (report) => {
    $("buffer").value = `${Math.round(report.bufferedMs)} ms`;
    leftOutHere = report.leftOut / 24;
  }, tellSuspended, microphoneLost);
  try {
    const track = await sound.start($("microphone").value);
    tellEcho(track);
    await listMicrophones(track.getSettings().deviceId);
  } catch (error) {
    await sound.stop();
    show($("state"), "error", "No microphone");
    complain(microphoneTrouble(error));
    $("talk").disabled = false;
    return;
  }
  tape = new Tape();
  transcript.clear();
  connect();
}

function connect() {
  const parameters = { ...controls(), seed: $("seed").value || "0", hold: pressed($("hold")) };
  line = new Connection(parameters, sessionStorage.getItem("token") ?? "");
  const on = (kind, handler) => line.addEventListener(kind, ({ detail }) => handler(detail));
  on("state", ({ state, text }) => show($("state"), state, text));
  on("session", begun);
  on("sound", said);
  on("text", (piece) => transcript.add("agent", piece, tape.seconds));
  on("user_text", (piece) => transcript.add("user", piece, tape.seconds));
  on("turn", ({ side, ...kind }) => transcript.turn(side, kind, tape.seconds));
  on("words", (words) => transcript.words(words, tape.seconds));
  on("trouble", complain);
  on("speech", ({ kind, at }) => transcript.speech(kind, at / 1000));
  on("stats", timing);
  on("ping", (ms) => ($("network").value = `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`));
  on("fault", complain);
  on("ended", ended);
  $("talk").textContent = "Stop";
  $("talk").dataset.on = "true";
  $("talk").disabled = false;
}

function begun(session) {
  $("model").textContent = session.model;
  tellAbout(session.about);
  $("recorded").hidden = !session.recorded;
  if (session.resumed) transcript.event("Connection restored");
  $("mute").disabled = $("hold").disabled = $("download").disabled = false;
}

async function ended({ text, refused }) {
  $("talk").textContent = "Start talking";
  $("talk").dataset.on = "false";
  $("mute").disabled = $("hold").disabled = true;
  $("recorded").hidden = true;
  for (const name of figures) $(name).value = "–";
  $("suspended").hidden = true;
  show($("state"), refused ? "error" : "idle", refused ? "Refused" : "Not connected");
  if (text && !refused) transcript.event(text);
  line = null;
  await sound.stop();
  if (refused) await explainRefusal(text);
}

function heard(samples) {
  const loud = decibels(samples);
  meters.user.level = Math.max(loud, meters.user.level);
  chunkLevels.push(loud);
  if (chunkLevels.length === CHUNKS_A_BAR) strip.add("user", [Math.max(...chunkLevels.splice(0))], performance.now() / 1000);
  if (!line?.live) return;
  line.sendSound(samples);
  tape.hear(samples);
  $("clock").value = clock(tape.seconds);
  if (tape.full) $("download").title = "Two channels; the first thirty minutes.";
}

function said(samples) {
  const loud = decibels(samples);
  meters.agent.level = Math.max(loud, meters.agent.level);
  strip.add("agent", [loud], performance.now() / 1000);
  tape.say(samples);
  sound.play(samples);
}

function timing({ lag_ms, frame_ms, dropped }) {
  plot.add(performance.now() / 1000, lag_ms, frame_ms);
  $("lag").value = `${Math.round(lag_ms)} ms`;
  $("frame").value = `${frame_ms.toFixed(1)} ms`;
  $("dropped").value = `${((dropped * 80 + leftOutHere) / 1000).toFixed(1)} s`;
}

// ---- behaviour

function controls() {
  const eager = Number($("eagerness").value);
  return {
    text_temperature: Number($("text_temperature").value),
    audio_temperature: Number($("audio_temperature").value),
    text_top_k: whole($("text_top_k")),
    audio_top_k: whole($("audio_top_k")),
    pad_bias: Math.max(0, -eager),
    end_pad_bias: Math.max(0, eager),
  };
}

function whole(input) {
  const value = Math.round(Number(input.value));
  return Math.min(Number(input.max), Math.max(Number(input.min), Number.isFinite(value) ? value : 0));
}

function controlsChanged() {
  for (const name of ["text_temperature", "audio_temperature"]) {
    document.querySelector(`output[for="${name}"]`).value = Number($(name).value).toFixed(2);
  }
  const eager = Number($("eagerness").value);
  $("eagerness-out").value = eager > 0 ? `+${eager}` : String(eager).replace("-", "−");
  clearTimeout(controlTimer);
  controlTimer = setTimeout(sendControls, CONTROL_WAIT);
}

function sendControls() {
  if (!line) return;
  const values = { ...controls(), hold: pressed($("hold")) };
  Object.assign(line.parameters, values);
  line.send({ controls: values });
}

function toggle(button) {
  if (button.disabled) return;
  button.setAttribute("aria-pressed", String(!pressed(button)));
  if (button === $("mute")) sound.muted = pressed(button);
  else sendControls();
}

// ---- trouble

async function explainRefusal(text) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch("metrics", { headers }).catch(() => null);
  if (answer?.status === 401) {
    $("token-form").hidden = false;
    $("token").focus();
  } else complain(answer ? text : "The server cannot be reached.");
}

function microphoneTrouble(error) {
  if (error.name === "NotAllowedError") return "The browser may not use the microphone: allow it for this page, then start again.";
  if (error.name === "NotFoundError") return "No microphone was found: plug one in, then start again.";
  return error.message;
}

// A browser that wants a click before it plays: any click on the page is one.
function tellSuspended() {
  const held = Boolean(sound?.suspended);
  $("suspended").hidden = !held;
  if (held) document.addEventListener("click", () => sound?.resume(), { once: true });
}

async function microphoneLost(how) {
  if (!how) return hide($("notice"));
  if (how === "silent") return complain("The microphone sends nothing: is it switched off, or does another program hold it?");
  complain("The microphone is gone. Looking for another.");
  try {
    const track = await sound.open("");
    tellEcho(track);
    await listMicrophones(track.getSettings().deviceId);
    sound.resume();
    complain(`The microphone was gone; now it is ${track.label || "another one"}.`);
  } catch {
    complain("The microphone is gone, and there is no other: plug one in.");
    navigator.mediaDevices.addEventListener("devicechange", () => line && microphoneLost("gone"), { once: true });
  }
}

// Whom one talks to, and where one's words go.
function tellAbout(about) {
  if (!about?.talker) return;
  const own = (part) => (part === "own" ? "the model's own" : part);
  const parts = [["Mind", about.mind || "none, the model speaks by itself"], ["Ear", own(about.ear)], ["Mouth", own(about.mouth)]];
  if (about.mind) parts.push(["Turns", about.talker]);
  const nodes = parts.map(([name, what]) => {
    const node = document.createElement("span");
    const title = document.createElement("b");
    title.textContent = name;
    node.append(title, ` ${what}`);
    return node;
  });
  $("parts").replaceChildren(...nodes);
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const place = here ? "this computer" : location.hostname;
  $("away").textContent = about.away ? `Leaves ${place}: ${about.away}` : here ? "Nothing leaves this computer" : `Your voice goes to ${place} and no further`;
  $("away").dataset.away = String(Boolean(about.away));
  $("about").hidden = false;
}

function tellEcho(track) {
  const cancelled = track.getSettings().echoCancellation;
  $("echo-note").textContent = cancelled
    ? "Echo is cancelled: no headphones needed."
    : "This browser cancels no echo: use headphones.";
}

async function listMicrophones(current) {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
  $("microphone").replaceChildren(...devices.map(({ deviceId, label }) => new Option(label || "Microphone", deviceId)));
  $("microphone").value = current;
}

function complain(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
}

// ---- small things

function show(pill, state, text) {
  pill.dataset.state = state;
  $("state-text").textContent = text;
}

function hide(element) {
  element.hidden = true;
}

function pressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

function draw(now) {
  for (const [side, meter] of Object.entries(meters)) {
    meter.level = Math.max(-60, meter.level - (METER_FALL * (now - meter.at)) / 1000);
    meter.at = now;
    const bar = $(`${side}-meter`);
    bar.firstElementChild.style.transform = `scaleX(${(meter.level + 60) / 60})`;
    bar.setAttribute("aria-valuenow", String(Math.round(meter.level)));
  }
  strip.draw(now / 1000);
  plot.draw(now / 1000);
  requestAnimationFrame(draw);
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(tape.wav());
  link.download = `conversation-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.wav`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function takeTokenFromAddress() {
  const address = new URL(location.href);
  const token = address.searchParams.get("token");
  if (token === null) return;
  sessionStorage.setItem("token", token);
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
  if (event.key === "m") toggle($("mute"));
  if (event.key === "h") toggle($("hold"));
}

takeTokenFromAddress();
$("talk").addEventListener("click", () => (line ? line.close() : start()));
$("mute").addEventListener("click", () => toggle($("mute")));
$("hold").addEventListener("click", () => toggle($("hold")));
$("controls").addEventListener("input", controlsChanged);
$("controls").addEventListener("reset", () => setTimeout(controlsChanged));
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("download").addEventListener("click", download);
$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  $("token-form").hidden = true;
  start();
});
document.addEventListener("keydown", keys);
window.addEventListener("pagehide", () => line?.close());
requestAnimationFrame(draw);
fetch("healthz")
  .then((answer) => answer.json())
  .then(({ model, about }) => {
    $("model").textContent = model;
    tellAbout(about);
  })
  .catch(() => complain("The server cannot be reached."));
