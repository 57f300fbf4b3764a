"""What `agent train` makes in the form that the wheel `moshi` reads: the same outputs, or what stands in the way."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from agent import LanguageModel, load_model, tiny
from agent.commands.finetune import finetune
from agent.commands.train import train
from agent.files.codec_identity import CodecIdentity
from agent.files.moshi_form import in_the_way, nearest
from agent.files.vocabulary import train_vocabulary
from agent.model.config import ModelConfig, Variation
from agent.model.rope import default_frequencies
from tests.support.agent_training import write_tokens

MOSHIS = """
steps = 2
batch = 2
frames = 12
log_every = 1
held_out = 0.2
[model]
preset = "tiny"
both_sides = false
user_text_delay = -1
hint = false
"""
NAMED = CodecIdentity(name="no codec at all", sha256="0" * 64, codebooks=2, codebook_size=32)


@pytest.fixture(scope="module")
def loaders() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip("moshi.models.loaders", reason="pip install --no-deps moshi")
        from moshi.utils.compile import no_compile

        with no_compile():
            yield found


def codes_for(config: ModelConfig, steps: int = 20) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    text = torch.randint(config.text_card, (2, 1, steps), generator=draw)
    return torch.cat([text, torch.randint(config.card, (2, config.n_q, steps), generator=draw)], dim=1)


@torch.no_grad()
def distance_in_the_wheel(loaders: Any, folder: Path, model: LanguageModel, lora: Path | None = None) -> float:
    """The largest difference between what the wheel makes of a folder and our model's outputs."""
    config = (lora or folder) / "config.json"
    found = loaders.CheckpointInfo.from_hf_repo(
        "none/here", folder / "model.safetensors", folder / "model.safetensors", folder / "config.json", config,
        lora_weights=None if lora is None else lora / "lora.safetensors",
    )  # fmt: skip
    theirs, codes = found.get_moshi(dtype=torch.float32).eval(), codes_for(model.config)
    expected, own = theirs(codes), model.eval()(codes)
    worst = 0.0
    for one, other in ((own.logits, expected.logits), (own.text_logits, expected.text_logits)):
        assert torch.equal(one.isnan(), other.isnan())
        assert other.nan_to_num().std() > 0.05
        worst = max(worst, float((one - other).nan_to_num().abs().max()))
    return worst


def test_what_training_makes_is_read_by_the_wheel(
    loaders: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens, out = write_tokens(tmp_path / "tokens", vocabulary), tmp_path / "run"
    (tmp_path / "moshis.toml").write_text(MOSHIS)
    train([tokens], out, recipe=tmp_path / "moshis.toml", device="cpu")
    assert not (out / "duologue.json").exists()
    assert distance_in_the_wheel(loaders, out, load_model(out)) < 1e-4
    assert "because of tokenizer.json (it reads SentencePiece only), the codec" in capsys.readouterr().out
    more = {"recipe": tmp_path / "moshis.toml", "device": "cpu", "lora": 2}
    finetune(str(out), [tokens], tmp_path / "adapted", **more)  # type: ignore[arg-type]
    adapted = load_model(out, lora=tmp_path / "adapted" / "lora.safetensors")
    assert distance_in_the_wheel(loaders, out, adapted, tmp_path / "adapted") < 1e-4
    merged = tmp_path / "adapted" / "merged"
    assert distance_in_the_wheel(loaders, merged, load_model(merged)) < 1e-4


def test_the_nearest_model_is_written_and_says_what_it_is_without(
    loaders: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens, out = write_tokens(tmp_path / "tokens", vocabulary), tmp_path / "run"
    ours = MOSHIS.replace("false", "true").replace("-1", "2") + "embedding_rank = 4\nhears_itself = false\n"
    (tmp_path / "ours.toml").write_text(ours)
    go = {"recipe": tmp_path / "ours.toml", "device": "cpu"}
    train([tokens], out, **go)  # type: ignore[arg-type]
    said = capsys.readouterr().out
    fields = "agent_q, user_text_delay, hint, embedding_rank, hears_itself"
    assert f"Kyutai's moshi does not read {out}, because of {fields}, tokenizer.json" in said
    train([tokens], out, **go, resume=True, moshi=True)  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert "is without agent_q: it predicts the agent's codebooks only; user_text_delay: it no longer writes" in said
    assert json.loads((out / "moshi" / "config.json").read_text())["dep_q"] == 2
    assert distance_in_the_wheel(loaders, out / "moshi", load_model(out / "moshi")) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("hears_user", [True, False])
def test_without_what_it_is_without_it_says_the_same(hears_user: bool) -> None:
    config = tiny()
    rotary = Variation(frequencies=(default_frequencies(16, 5000.0),), layer_rotary=(0, 0), norm_eps=1e-8)
    config = replace(
        config,
        temporal=replace(config.temporal, variation=rotary),
        ours=replace(config.ours, embedding_rank=4, hears_itself=False, hears_user=hears_user),
    )
    torch.manual_seed(0)
    model = LanguageModel(config).eval()
    model.user_text_in = None  # as if no word of the user's were known
    found, lines = nearest(model)
    gone = ["agent_q", "user_text_delay", "hint", *["hears_user"] * (not hears_user), "variation.norm_eps"]
    assert [line.split(":")[0] for line in lines] == gone
    assert found.config.temporal.max_period == pytest.approx(5000.0)
    codes = codes_for(found.config)
    expected, plain = model(codes), found(codes)
    torch.testing.assert_close(plain.text_logits, expected.text_logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(plain.logits, expected.logits[:, :2], rtol=1e-4, atol=1e-4, equal_nan=True)


def test_what_has_no_counterpart_is_named() -> None:
    config = tiny()
    odd = Variation(qk_norm=True, sinks=True)
    with pytest.raises(ValueError, match=r"no counterpart of variation\.qk_norm, variation\.sinks"):
        nearest(LanguageModel(replace(config, temporal=replace(config.temporal, variation=odd))))
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    sentencepiece = replace(vocabulary, name="tokenizer.model")
    assert in_the_way(config, sentencepiece, NAMED)[:3] == ["agent_q", "user_text_delay", "hint"]
