"""Any server with the OpenAI chat endpoint: `POST {url}/chat/completions` with model and messages gives a reply."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from corpus.suggestion import suggestion

from ...web_request import Patience, RefusedRequestError, fetch
from .chat import ChatMessage, ModelReply
from .reasoning import strip

CHECK_SECONDS = 20.0  # for the list of models, before anything is written


class OpenAIClient:
    """One model of one server.

    Args:
        url: up to and including the version, such as `http://localhost:8000/v1`.
        model: as the server calls it.
        key: sent as a bearer token, if there is one; never told to anybody else.
        temperature: of its sampling.
        patience: time-out and tries of one request.
    """

    def __init__(self, url: str, model: str, key: str, temperature: float, patience: Patience) -> None:
        self.name = f"openai:{url}#{model}"
        self._url = url.rstrip("/")
        self._model = model
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._temperature = temperature
        self._patience = patience
        self._json_mode = True  # until the server says it has none

    def check(self) -> None:
        """Raise ValueError if the server is away, refuses the key, or lists models and not this one."""
        patience = Patience(min(CHECK_SECONDS, self._patience.timeout), 0, self._patience.sleep)
        try:
            listed = json.loads(fetch(f"{self._url}/models", None, self._headers, patience))
            names = [str(entry["id"]) for entry in listed["data"]]
        except RefusedRequestError as error:
            self._refused(error, "models")
            return  # a server without a list of models
        except (json.JSONDecodeError, KeyError, TypeError):
            return
        except ValueError as error:
            raise ValueError(f"no language model can be reached: {error}; is the server running?") from None
        if names and self._model not in names:
            raise ValueError(f"{self._url} has no model {self._model!r}{suggestion(self._model, names)}")

    def chat(self, messages: Sequence[ChatMessage], *, seed: int, most_tokens: int, as_json: bool) -> ModelReply:
        """One reply; see `ChatModel.chat`."""
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": self._temperature,
            "max_tokens": most_tokens,
            "seed": seed,
        }
        if as_json and self._json_mode:
            try:
                return self._post({**body, "response_format": {"type": "json_object"}})
            except RefusedRequestError as error:
                if error.status not in (400, 422) or "response_format" not in error.body:
                    raise ValueError(f"{self._url} refuses the request: {error}") from None
                self._json_mode = False
        try:
            return self._post(body)
        except RefusedRequestError as error:
            raise ValueError(f"{self._url} refuses the request: {error}") from None

    def _post(self, body: dict[str, Any]) -> ModelReply:
        try:
            answer = fetch(f"{self._url}/chat/completions", json.dumps(body).encode(), self._headers, self._patience)
        except RefusedRequestError as error:
            self._refused(error, "chat/completions")
            raise
        try:
            parsed = json.loads(answer)
            choice, usage = parsed["choices"][0], parsed.get("usage") or {}
            text, cut_off = _said(choice["message"]["content"]), choice.get("finish_reason") == "length"
            return ModelReply(text, cut_off, usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return ModelReply("", cut_off=False)  # as unusable as an empty reply, and asked for again like one

    def _refused(self, error: RefusedRequestError, path: str) -> None:
        """Say clearly what no other request can mend."""
        if error.status in (401, 403):
            raise ValueError(f"{self._url} refuses the key ({error}); set the variable that writer.key names") from None
        if error.status == 404 and path != "models":
            raise ValueError(f"{self._url} has no model {self._model!r}, or no {path} there ({error})") from None


def _said(content: Any) -> str:
    """The answer in a message's content: a text, or a list of parts of which thoughts are left out.

    What servers put beside it (`reasoning_content`, `reasoning`) is never read.
    """
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    return strip(content or "")
