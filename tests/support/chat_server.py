"""A server with the OpenAI chat endpoint for tests: writes dialogues as asked, or fails in the ways it is told."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.http_server import answering

MODEL = "writer"
SENTENCES = {
    "en": ["I was at the {a} with my {b}, and then we went home.", "Do you think that the {a} is too {c} for a {b}?",
           "Well, the {a} was {c}, so I gave it to my {b}.", "That is a {c} {a}, but I would keep the {b}.",
           "You could put the {a} next to the {b}, and it will look {c}."],
    "de": ["Ich war mit der {b} bei der {a}, und dann sind wir nach Hause gegangen.",
           "Meinen Sie, dass die {a} zu {c} für die {b} ist?", "Die {a} war {c}, und ich habe sie der {b} gegeben.",
           "Das ist {c}, aber ich würde die {b} nicht auf die {a} legen.",
           "Sie können die {a} neben die {b} stellen, weil das {c} aussieht."],
}  # fmt: skip
WORDS = {
    "en": (["garden", "kitchen", "station", "market", "office", "bicycle"], ["sister", "dog", "teacher", "lamp"],
           ["green", "heavy", "small", "old", "quiet"]),
    "de": (["Küche", "Lampe", "Tür", "Straße", "Schule", "Brücke"], ["Schwester", "Katze", "Lehrerin", "Tasche"],
           ["grün", "schwer", "klein", "alt", "leise"]),
}  # fmt: skip
HELLO = {"en": "Hello, have you got a minute?", "de": "Guten Tag, haben Sie kurz Zeit für mich?"}
BYE = {"en": "Thank you and goodbye.", "de": "Vielen Dank und auf Wiederhören."}


def dialogue(prompt: str, seed: int) -> list[dict[str, Any]]:
    """Turns of about the length that a prompt asks for, with the questions it lists."""
    code = "de" if "JSON-Objekt" in prompt else "en"
    rng = random.Random(seed)
    words = int(re.search(r"(?:about|etwa) (\d+) ", prompt)[1])  # type: ignore[index]
    turns = [{"speaker": "user", "act": "greet", "text": HELLO[code]}]
    questions = re.findall(r"^(\d+)\. (.+) -> (.+)$", prompt, re.MULTILINE)
    while sum(len(turn["text"].split()) for turn in turns) < 0.9 * words or questions:
        speaker = "agent" if turns[-1]["speaker"] == "user" else "user"
        if questions and speaker == "user":
            number, question, answer = questions.pop(0)
            turns.append({"speaker": "user", "text": question, "asks": int(number)})
            turns.append({"speaker": "agent", "text": f"{answer.capitalize()}.", "answers": int(number)})
            continue
        a, b, c = (rng.choice(part) for part in WORDS[code])
        text = rng.choice(SENTENCES[code]).format(a=a, b=b, c=c)
        if text not in {turn["text"] for turn in turns}:
            turns.append({"speaker": speaker, "act": "inform", "text": text})
    speaker = "agent" if turns[-1]["speaker"] == "user" else "user"
    return [*turns, {"speaker": speaker, "act": "close", "text": BYE[code]}]


@dataclass(frozen=True)
class Answer:
    """What the server sends: a status, the content of the reply's message, further headers."""

    content: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = "stop"


def good(prompt: str, seed: int) -> Answer:
    return Answer(json.dumps({"turns": dialogue(prompt, seed)}, ensure_ascii=False))


@dataclass
class ChatServer:
    """Requests so far, and what to answer: `script` first, one entry a request, then `usual` for ever."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    script: list[Callable[[str, int], Answer]] = field(default_factory=list)
    usual: Callable[[str, int], Answer] = good
    delay: float = 0.0
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writer(self) -> str:
        return f"openai:{self.url}#{MODEL}"

    def answer(self, request: dict[str, Any]) -> Answer:
        with self._lock:
            self.requests.append(request)
            way = self.script.pop(0) if self.script else self.usual
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.delay)
        with self._lock:
            self._now -= 1
        prompt = next(message["content"] for message in request["messages"] if message["role"] == "user")
        return way(prompt, request["seed"])


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, {}, {"data": [{"id": MODEL}]})

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = state.answer(request)
            choice = {"message": {"content": answer.content}, "finish_reason": answer.finish}
            usage = {"prompt_tokens": 100, "completion_tokens": len(answer.content.split())}
            body = {"choices": [choice], "usage": usage} if answer.status == 200 else {"error": answer.content}
            self._send(answer.status, answer.headers, body)

        def _send(self, status: int, headers: dict[str, str], body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    with answering(Handler) as address:
        state = ChatServer(f"{address}/v1")
        yield state
