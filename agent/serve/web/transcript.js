// Who said what, as it comes: a bubble is a turn, told by the server or, where it tells none, found by silence.

const NEW_TURN_AFTER = { agent: 2, user: 4 }; // seconds without a word; the user's come late

export class Transcript {
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
    this.clear();
  }

  clear() {
    this.list.replaceChildren();
    this.turns = { agent: null, user: null };
    this.numbered = { agent: false, user: false }; // the server tells where this side's turns begin
    this.empty.hidden = false;
  }

  // A piece of text; `at` in seconds.
  add(side, piece, at) {
    if (side === "user" && this.numbered.user) return; // `words` says it better
    let turn = this.turns[side];
    const late = turn && at - turn.last > NEW_TURN_AFTER[side];
    if (!turn || turn.over || (late && !this.numbered[side])) turn = this.begin(side, at);
    turn.last = at;
    if (turn.note) turn.words.textContent = turn.note = "";
    turn.words.textContent = (turn.words.textContent + piece).trimStart();
    turn.row.classList.remove("mute");
    this.scroll();
  }

  // A turn began or ended: what comes next belongs to another bubble.
  turn(side, { began, status }, at) {
    this.numbered[side] = true;
    const turn = this.turns[side];
    if (began !== undefined) {
      if (turn && !turn.over && !turn.words.textContent) turn.began = at;
      else this.turns[side] = null; // the bubble comes with the first word
    } else if (turn) {
      turn.over = true;
      turn.row.classList.toggle("cut", status === "interrupted" || status === "cancelled");
    }
  }

  // The whole of a user's turn so far; while it may still be corrected it is shown as such.
  words({ text, final }, at) {
    this.numbered.user = true;
    let turn = this.turns.user;
    if (!turn || turn.over) {
      if (!text) return;
      turn = this.begin("user", at);
    }
    turn.last = at;
    turn.note = "";
    turn.words.textContent = text;
    turn.row.classList.remove("mute");
    turn.row.classList.toggle("unsettled", !final);
    turn.row.title = final ? "" : "Still listening: these words may change.";
    turn.over = final;
    if (!text) turn.row.remove();
    this.scroll();
  }

  // The user began or ended to speak; without a transcript the turn tells how long.
  speech(kind, at) {
    if (kind === "started") {
      this.begin("user", at);
    } else if (this.turns.user) {
      const turn = this.turns.user;
      turn.last = at;
      if (turn.words.textContent) return;
      turn.note = `spoke for ${(at - turn.began).toFixed(1)} s`;
      turn.words.textContent = turn.note;
      turn.row.classList.add("mute");
    }
  }

  event(text) {
    const row = document.createElement("li");
    row.className = "event";
    row.textContent = text;
    this.append(row);
    this.turns = { agent: null, user: null };
  }

  begin(side, at) {
    const row = document.createElement("li");
    row.className = `turn ${side}`;
    const by = document.createElement("div");
    by.className = "by";
    const who = document.createElement("b");
    who.textContent = side === "agent" ? "Agent" : "You";
    const time = document.createElement("time");
    time.textContent = clock(at);
    by.append(who, time);
    const words = document.createElement("div");
    words.className = "words";
    row.append(by, words);
    this.append(row);
    return (this.turns[side] = { row, words, began: at, last: at, note: "", over: false });
  }

  append(row) {
    this.empty.hidden = true;
    this.list.append(row);
    while (this.list.childElementCount > 500) this.list.firstElementChild.remove();
    this.scroll();
  }

  // Follows the conversation unless the reader has scrolled up.
  scroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    if (scrollHeight - scrollTop - clientHeight < 160) this.list.scrollTop = scrollHeight;
  }
}

export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
