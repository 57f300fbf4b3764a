"""A language model in this process: a folder, cached repository or GGUF file, read by transformers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .chat import ChatMessage, ModelReply
from .reasoning import strip

_TOP_P = 0.95


class LocalModel:
    """A causal language model with its chat template, on the GPU if there is one, loaded on first use.

    Nothing is downloaded: a repository has to be in the local cache. Threads take turns.

    Args:
        name: as it is told to users.
        source: a folder, a repository's name, or a GGUF file.
        temperature: of its sampling.
    """

    def __init__(self, name: str, source: str, temperature: float) -> None:
        self.name = name
        self._source = source
        self._temperature = temperature
        self._turn = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def check(self) -> None:
        """Load it. Raises ValueError if it cannot be had."""
        with self._turn:
            self._load()

    def chat(self, messages: Sequence[ChatMessage], *, seed: int, most_tokens: int, as_json: bool) -> ModelReply:
        """One reply; see `ChatModel.chat`. The same arguments give the same reply on the same machine."""
        with self._turn:
            return self._answer(messages, seed, most_tokens)

    def _answer(self, messages: Sequence[ChatMessage], seed: int, most_tokens: int) -> ModelReply:
        import torch

        tokenizer, model = self._load()
        prompt = _as_prompt(tokenizer, messages)
        given = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(model.device)
        room = getattr(model.config, "max_position_embeddings", None) or 2**31
        if given["input_ids"].shape[1] + most_tokens > room:
            raise ValueError(f"{self.name} reads {room} tokens at most: ask for shorter dialogues")
        on_gpu = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(on_gpu), torch.inference_mode():
            torch.manual_seed(seed)
            made = model.generate(
                **given,
                max_new_tokens=most_tokens,
                do_sample=True,
                temperature=self._temperature,
                top_p=_TOP_P,
                pad_token_id=tokenizer.eos_token_id,
            )
        new = made[0, given["input_ids"].shape[1] :]
        read = int(given["input_ids"].shape[1])
        return ModelReply(_answer(tokenizer, new), len(new) >= most_tokens, read, len(new))

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = load_local(self.name, self._source)
        return self._loaded


def load_local(name: str, source: str) -> tuple[Any, Any]:
    """Tokenizer and model of a folder, cached repository or GGUF file. Raises ValueError in one line."""
    try:
        import torch
        import transformers
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise ValueError(
            f"writer {name} needs the extra 'writers': pip install 'duologue[writers]' ({error})"
        ) from None
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    path = Path(source).expanduser()
    gguf = path.suffix == ".gguf"
    if gguf and not path.is_file():
        raise ValueError(f"writer {name}: there is no file {path}")
    where, options = (
        (str(path.parent), {"gguf_file": path.name}) if gguf else (str(path) if path.exists() else source, {})
    )
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(where, local_files_only=True, **options)
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            where, local_files_only=True, dtype="auto" if torch.cuda.is_available() else torch.float32, **options
        )
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"writer {name} cannot be loaded: {reason}; it has to be on this disk already") from None
    model.eval()
    return tokenizer, (model.cuda() if torch.cuda.is_available() else model)


def _answer(tokenizer: Any, tokens: Any) -> str:
    """The text of tokens without reasoning: the marks around a thought may be special tokens, so they go last."""
    text = strip(tokenizer.decode(tokens, skip_special_tokens=False))
    for special in sorted(tokenizer.all_special_tokens, key=len, reverse=True):
        text = text.replace(special, "")
    return text.strip()


def _as_prompt(tokenizer: Any, messages: Sequence[ChatMessage]) -> str:
    """The text a model continues: by its chat template, or as a plain transcript where it has none."""
    if getattr(tokenizer, "chat_template", None):
        listed = [{"role": message.role, "content": message.content} for message in messages]
        return str(tokenizer.apply_chat_template(listed, tokenize=False, add_generation_prompt=True))
    names = {"system": "", "user": "A: ", "assistant": "B: "}
    return "\n".join([*(f"{names[message.role]}{message.content}" for message in messages), "B:"])
