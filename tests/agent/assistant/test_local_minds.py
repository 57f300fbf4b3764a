"""Minds in this process: kept keys and values change nothing, and what is said is what the library itself would say."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.assistant.mind.transformers import TransformersStream
from agent.assistant.parts import Message

WORDS = [*"abcdefghijklmnopqrstuvwxyz", "<s>", "</s>", "system", "user", "assistant", ":"]
TEMPLATE = (
    "{% for m in messages %}<s> {{ m.role }} : {{ m.content }} </s> {% endfor %}"
    "{% if add_generation_prompt %}<s> assistant :{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 32 words with a chat template."""
    transformers = pytest.importorskip("transformers", reason="needs the extra writers")
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra writers")
    import torch

    path = tmp_path_factory.mktemp("tiny")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="a"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", unk_token="a")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=128, eos_token_id=27, bos_token_id=26,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return path


def answer(stream: TransformersStream, *texts: str, most: int = 12) -> str:
    roles = ["system", *["user", "assistant"] * 9]
    messages = [Message(role, text) for role, text in zip(roles, texts, strict=False)]  # type: ignore[arg-type]
    return "".join(delta.text for delta in stream.stream(messages, (), most, lambda: False))


def test_a_model_says_what_transformers_would_with_and_without_what_it_kept(folder: Path) -> None:
    import torch

    fresh = TransformersStream("transformers:tiny", str(folder), temperature=0)
    prompt = fresh._prompt([Message("system", "b c"), Message("user", "d e")], ())
    given = fresh._tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        made = fresh._model.generate(given, max_new_tokens=12, do_sample=False)[0, given.shape[1] :]
    made = made[: list(made).index(27)] if 27 in made else made
    wanted = fresh._tokenizer.decode(made)
    assert answer(fresh, "b c", "d e") == wanted
    kept = TransformersStream("transformers:tiny", str(folder), temperature=0)
    for texts in (("b c", "x"), ("b c", "x", "y", "z"), ("b d", "q"), ("b c", "d e")):
        last = answer(kept, *texts)
    assert last == wanted
    cut = kept.stream([Message("user", "a")], (), 12, lambda: True)
    assert [delta.text for delta in cut] == []
    assert answer(kept, "b c", "d e") == wanted, "a thought that was dropped leaves nothing behind"
