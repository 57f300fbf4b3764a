"""`agent train` and `agent finetune` from the command line on; adapters; open language models as a start."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from agent import LanguageModel, load_model, tiny
from agent.commands.finetune import finetune
from agent.commands.train import train
from agent.files.bundle import load_bundle, save_bundle
from agent.files.checkpoints import save
from agent.files.codec_identity import CodecIdentity
from agent.files.hub import hub_folder
from agent.files.shipped import WEIGHTS, find_bundle
from agent.files.vocabulary import Vocabulary, train_vocabulary
from agent.model.size import ModelSize
from agent.tokens.shards import read_manifest
from agent.tokens.tokenize import TokenOrder, tokenize
from agent.training.finetune import adapt
from agent.training.products import write_adapters
from agent.training.start import trained_model
from agent.training.trainer import AgentTrainer
from codec import Codec
from codec.config import tiny as tiny_codec
from tests.support.agent_training import CPU, QUICK, RandomCodes, quiet, write_tokens
from tests.support.tiny_corpus import write_corpus

SMALL = """
steps = 4
batch = 2
frames = 12
validate_every = 2
log_every = 1
text_only = 0.3
hints = 0.5
held_out = 0.2
[model]
preset = "tiny"
"""


def test_the_commands_train_and_adapt_and_overwrite_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens, out = write_tokens(tmp_path / "tokens", vocabulary), tmp_path / "run"
    (tmp_path / "small.toml").write_text(SMALL)

    def go(**more: Any) -> None:
        train([tokens], out, recipe=tmp_path / "small.toml", device="cpu", **more)

    go()
    said = capsys.readouterr().out
    assert "on 4 dialogues, 0.00 h; 2 held out" in said
    assert "crops of 12 frames teach nothing of what is further back, and the context is 16" in said
    assert "4/4" in said
    model = load_model(out)
    assert (model.config.text_card, model.config.agent_codebooks, model.config.card) == (vocabulary.size, 2, 32)
    assert Vocabulary.load(out) == vocabulary
    assert load_model(out / "best").config == model.config
    before = (out / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="holds a run already: add --resume"):
        go()
    assert (out / "model.safetensors").read_bytes() == before
    go(resume=True, steps=5)
    assert "5/5" in capsys.readouterr().out
    assert (out / "model.safetensors").read_bytes() != before

    finetune(str(out), [tokens], tmp_path / "adapted", lora=2, recipe=tmp_path / "small.toml", device="cpu")
    merged = load_model(tmp_path / "adapted" / "merged")
    applied = load_model(out, lora=tmp_path / "adapted" / "lora.safetensors")
    codes = torch.randint(32, (1, 5, 9), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(merged(codes).text_logits, applied(codes).text_logits, atol=1e-5)
    assert not torch.equal(merged(codes).text_logits, load_model(out)(codes).text_logits)
    assert find_bundle(tmp_path / "adapted") == tmp_path / "adapted" / "merged"
    assert torch.equal(load_model(tmp_path / "adapted")(codes).text_logits, merged(codes).text_logits)
    capsys.readouterr()
    finetune(str(out), [tokens], tmp_path / "adapted", steps=5, device="cpu", resume=True)  # as it was begun
    assert "adapters of rank 2 train, 2 crops of 0.96 s a step" in capsys.readouterr().out
    (tmp_path / "adapted" / "merged" / "config.json").unlink()
    with pytest.raises(ValueError, match="holds adapters and no model: `agent finetune` with --resume writes"):
        find_bundle(tmp_path / "adapted")

    (tmp_path / "deaf.toml").write_text(
        (tmp_path / "small.toml").read_text() + "hears_itself = false\nhears_user = false\nlets_finish = 2.0\n"
    )
    train([tokens], tmp_path / "deaf", init=str(out), recipe=tmp_path / "deaf.toml", device="cpu")
    deaf = load_model(tmp_path / "deaf")
    assert (deaf.config.ours.hears_user, deaf.config.ours.lets_finish, len(deaf.emb)) == (False, 2.0, 0)

    other = write_tokens(tmp_path / "other", train_vocabulary(["goodbye all you others"] * 9, 270))
    with pytest.raises(ValueError, match=r"have another vocabulary than .*agent tokenize --vocabulary"):
        train([other], tmp_path / "further", init=str(out), recipe=tmp_path / "small.toml", device="cpu")
    assert not (tmp_path / "further").exists()


def test_a_corpus_becomes_tokens_of_the_models_own_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    Codec(tiny_codec(2)).save(tmp_path / "codec.safetensors")
    codec = CodecIdentity.of(Codec.load(tmp_path / "codec.safetensors"), str(tmp_path / "codec.safetensors"))
    size = ModelSize(preset="tiny", both_sides=False).config(vocabulary.size, 2, codec.codebook_size)
    base = save_bundle(tmp_path / "base", LanguageModel(size), vocabulary, codec)
    corpus = write_corpus(tmp_path / "calls", 2, short=True)
    (tmp_path / "quick.toml").write_text("steps = 1\nbatch = 1\nframes = 10\nheld_out = 0")
    finetune(str(base), [corpus], tmp_path / "run", recipe=tmp_path / "quick.toml", device="cpu")
    assert "all weights train, 1 crops of 0.8 s a step" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "run" / "tokens" / "calls")
    assert (manifest.codec.sha256, manifest.vocabulary.pad) == (codec.sha256, vocabulary.pad)
    assert load_bundle(tmp_path / "run").vocabulary == vocabulary
    named = TokenOrder(corpus, tmp_path / "named", str(tmp_path / "codec.safetensors"), vocabulary=Path("laptop"))
    assert Vocabulary.load(tmp_path / "named" / tokenize(named).vocabulary.file) == Vocabulary.load(WEIGHTS / "laptop")
    assert TokenOrder.of_model("laptop", corpus, tmp_path / "x").codec == "laptop"
    assert load_model("laptop").config.agent_codebooks == 8


def test_a_language_model_with_its_tokenizer_is_a_start(tmp_path: Path) -> None:
    import transformers

    words = train_vocabulary(["hello there my friend"] * 9, 270)
    lm = tmp_path / "lm"
    tokenizer = words.save(lm)
    transformers.PreTrainedTokenizerFast(tokenizer_file=str(tokenizer)).save_pretrained(lm)  # type: ignore[no-untyped-call]
    config = transformers.LlamaConfig(
        vocab_size=words.size + 6, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2
    )
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(lm)
    tokens = write_tokens(tmp_path / "tokens", Vocabulary.load(lm / "tokenizer.json"))
    (tmp_path / "small.toml").write_text(SMALL)
    train([tokens], tmp_path / "run", recipe=tmp_path / "small.toml", init_lm=str(lm), device="cpu")
    model = load_model(tmp_path / "run")
    assert model.config.text_card == words.size + 6 + 2
    assert model.config.pad == words.size + 6
    start = transformers.LlamaForCausalLM.from_pretrained(lm).model.layers[0].mlp.down_proj.weight
    learnt = model.state_dict()["temporal.layers.0.gating.linear_out.weight"]
    assert 0.0 < float((learnt - start).detach().abs().max()) < 0.01
    other = write_tokens(tmp_path / "other", train_vocabulary(["goodbye all you others"] * 9, 270))
    with pytest.raises(ValueError, match="have another vocabulary than"):
        train([other], tmp_path / "further", init_lm=str(lm), recipe=tmp_path / "small.toml", device="cpu")


def test_adapters_train_alone_and_apply_to_the_base(tmp_path: Path) -> None:
    config = tiny()
    torch.manual_seed(0)
    model = LanguageModel(config)
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save(model, tmp_path / "base")
    adapt(model, rank=4, scaling=1.5, seed=3)
    recipe = QUICK.changed(gradient_checkpointing=True)
    trainer = AgentTrainer(model, recipe, RandomCodes(config), tmp_path / "run", CPU)
    trainer.run(quiet(tmp_path / "run", recipe))
    still = {name.replace(".frozen_W.", "."): t for name, t in model.state_dict().items() if ".lora_" not in name}
    assert still.keys() == base.keys()
    assert all(torch.equal(still[name], base[name]) for name in base)
    names = list(load_file(write_adapters({}, model, tmp_path / "run")))
    assert "depformer.layers.0.gating.0.linear_in.lora_B.weight" in names
    assert all(".lora_A." in name or ".lora_B." in name for name in names)
    codes = RandomCodes(config).batch(0, 1, 8).codes
    adapted = load_model(tmp_path / "base", lora=tmp_path / "run" / "lora.safetensors")
    expected = model.eval()(codes)
    assert torch.allclose(adapted(codes).text_logits, expected.text_logits, atol=1e-4)
    assert not torch.allclose(load_model(tmp_path / "base")(codes).text_logits, expected.text_logits, atol=1e-2)
    held = set(load_file(tmp_path / "run" / "checkpoint.safetensors"))
    assert not [name for name in held if "frozen_W" in name]


def test_a_hub_id_is_not_fetched_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert hub_folder("laptop") == "laptop"
    assert hub_folder(str(tmp_path)) == str(tmp_path)
    with pytest.raises(ValueError, match=r"no/such-model .*(--download|pip install)"):
        hub_folder("no/such-model")


def test_a_base_that_speaks_with_another_codec_is_refused(tmp_path: Path) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens = write_tokens(tmp_path / "tokens", vocabulary)
    manifest = read_manifest(tokens)
    model = LanguageModel(replace(tiny(), text_card=vocabulary.size))
    other = manifest.codec.model_copy(update={"name": "another", "sha256": "1" * 64})
    base = save_bundle(tmp_path / "base", model, vocabulary, other)
    with pytest.raises(ValueError, match=r'speaks with the codec "another", the tokens were made with "tiny"'):
        trained_model(base, manifest, tokens)
    moshi = save_bundle(tmp_path / "moshi", model, vocabulary, other, kept={"mimi_name": "tokenizer.safetensors"})
    (moshi / "codec.json").unlink()  # as Kyutai's folders are
    with pytest.raises(ValueError, match=r'speaks with the codec "tokenizer\.safetensors"'):
        trained_model(moshi, manifest, tokens)


def test_what_is_ours_lies_beside_moshis_configuration_and_its_keys_are_kept(tmp_path: Path) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens = write_tokens(tmp_path / "tokens", vocabulary)
    model = LanguageModel(replace(tiny(), text_card=vocabulary.size))
    keys = {"model_type": "stt", "lm_gen_config": {"temp": 0.5}, "model_id": {"sig": "abc"}, "mimi_name": "m.sft"}
    base = save_bundle(tmp_path / "base", model, vocabulary, read_manifest(tokens).codec, kept=keys)
    assert "duologue" not in json.loads((base / "config.json").read_text())
    assert json.loads((base / "duologue.json").read_text())["agent_q"] == 2
    assert load_model(base).config == model.config
    (tmp_path / "small.toml").write_text(SMALL)
    finetune(str(base), [tokens], tmp_path / "run", lora=2, recipe=tmp_path / "small.toml", device="cpu", merge=False)
    assert not (tmp_path / "run" / "merged").exists()
    again = {"lora": 2, "recipe": tmp_path / "small.toml", "device": "cpu", "resume": True}
    with pytest.raises(ValueError, match=r"adapters\.scaling was 2\.0, is 4\.0"):
        finetune(str(base), [tokens], tmp_path / "run", scaling=4.0, **again)  # type: ignore[arg-type]
    finetune(str(base), [tokens], tmp_path / "run", **again)  # type: ignore[arg-type]  # merges what was not yet
    for folder in (tmp_path / "run", tmp_path / "run" / "merged"):
        values = json.loads((folder / "config.json").read_text())
        assert {key: values[key] for key in keys} == keys
        assert "duologue" not in values
