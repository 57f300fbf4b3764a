// Who said what, as it comes: a turn grows while its speaker goes on.

const NEW_TURN_AFTER = { agent: 2, user: 4 }; // seconds without a word; the user's come late

export class Transcript {
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
    this.turns = { agent: null, user: null };
  }

  clear() {
    this.list.replaceChildren();
    this.turns = { agent: null, user: null };
    this.empty.hidden = false;
  }

  // A piece of text; `at` in seconds.
  add(side, piece, at) {
    let turn = this.turns[side];
    if (!turn || at - turn.last > NEW_TURN_AFTER[side]) turn = this.begin(side, at);
    turn.last = at;
    if (turn.note) turn.words.textContent = turn.note = "";
    turn.words.textContent = (turn.words.textContent + piece).trimStart();
    turn.row.classList.remove("mute");
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
    return (this.turns[side] = { row, words, began: at, last: at, note: "" });
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
