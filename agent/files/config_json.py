"""Moshi's `config.json` <-> `ModelConfig`: every key by name, with the defaults of Kyutai's `LMModel`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..model.config import ConditionerConfig, DepthConfig, Fuse, ModelConfig, Ours, TransformerConfig, Variation
from ..model.experts import ExpertsConfig
from ..model.presets import moshi_7b

OWN_KEY = "duologue"
PASSENGERS = (  # of the files around the model or of how to run it, not of its architecture
    "moshi_name",
    "mimi_name",
    "mimi_config_name",
    "tokenizer_name",
    "lora_name",
    "model_type",
    "lm_gen_config",
    "tts_config",
    "stt_config",
    "model_id",
    "lora",
    "lora_rank",
    "lora_scaling",
    "quantize",
    "gradient_checkpointing",
    "depformer_causal",
    "depformer_context",  # the wheel ignores it too
)


class _Keys:
    """A dictionary whose keys are taken once; what is left at the end is unknown."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.left = dict(values)
        self.where = where

    def take(self, key: str, default: Any = None) -> Any:
        return self.left.pop(key, default)

    def need(self, key: str) -> Any:
        if key not in self.left:
            raise ValueError(f'{self.where} has no "{key}"')
        return self.left.pop(key)

    def done(self) -> None:
        if self.left:
            raise ValueError(f"{self.where} has unknown keys: {', '.join(sorted(self.left))}")


def from_moshi(values: Mapping[str, Any]) -> ModelConfig:
    """A configuration from the keys of an official `config.json`.

    Raises:
        ValueError: a key is unknown, missing, contradicts another, or asks for what is not supported.
    """
    if "dim" not in values and values.get("model_type") == "personaplex":
        return moshi_7b(both_sides=True)  # its file says no more
    keys = _Keys(values, "config.json")
    for key in PASSENGERS:
        keys.take(key)
    try:
        config = _model(keys)
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"config.json does not describe a model: {error}") from None
    keys.done()
    return config


def _model(keys: _Keys) -> ModelConfig:
    own = _Keys(keys.take(OWN_KEY, {}), f'config.json, "{OWN_KEY}"')
    conditioners, cross_positions = _conditioners(keys.take("conditioners", None) or {}, keys.take("fuser", None) or {})
    dep_q, hidden_scale = keys.take("dep_q", 8), keys.take("hidden_scale", 4)
    if keys.take("causal", True) is not True:
        raise ValueError("config.json: only causal models are supported")
    temporal = _temporal(keys, hidden_scale, own)
    demux = keys.take("demux_second_stream", keys.take("demux_second_text_stream", False))
    config = ModelConfig(
        temporal=temporal,
        depth=_depth(keys, temporal, dep_q, hidden_scale),
        delays=tuple(keys.take("delays", (0,))),
        n_q=keys.take("n_q", 8),
        dep_q=dep_q,
        card=keys.take("card", 1024),
        text_card=keys.take("text_card", 32_000),
        text_card_out=keys.take("text_card_out"),
        pad=keys.take("existing_text_padding_id", 3),
        end_pad=keys.take("existing_text_end_padding_id", 0),
        norm_emb=keys.take("norm_emb", False),
        bias_proj=keys.take("bias_proj", False),
        demux_text=demux,
        extra_heads=keys.take("extra_heads_num_heads", 0),
        extra_heads_dim=keys.take("extra_heads_dim", 6),
        conditioners=conditioners,
        cross_positions=cross_positions,
        ours=Ours(**{name: own.take(name, default) for name, default in vars(Ours()).items()}),
    )
    own.done()
    return config


def _temporal(keys: _Keys, hidden_scale: float, own: _Keys) -> TransformerConfig:
    dim = keys.take("dim", 128)
    return TransformerConfig(
        dim=dim,
        heads=keys.take("num_heads", 8),
        layers=keys.need("num_layers"),
        feedforward=(int(hidden_scale * dim),),
        gating=keys.take("gating", "none"),
        norm=keys.take("norm", "layer_norm"),
        positions=keys.take("positional_embedding", "sin"),
        context=keys.take("context"),
        max_period=float(keys.take("max_period", 10_000)),
        layer_scale=keys.take("layer_scale"),
        kv_repeat=keys.take("kv_repeat", 1),
        cross_attention=bool(keys.take("cross_attention", False)),
        variation=_variation(own.take("variation", {})),
    )


def _variation(values: Mapping[str, Any]) -> Variation:
    names = {field.name for field in dataclasses.fields(Variation)}
    if not names >= values.keys():
        raise ValueError(f"config.json has unknown variations: {', '.join(sorted(values.keys() - names))}")
    frequencies = tuple(tuple(table) for table in values.get("frequencies", ()))
    lists = {key: tuple(value) for key, value in values.items() if key.startswith("layer_")}
    experts = ExpertsConfig(**values["experts"]) if values.get("experts") else None
    return Variation(**{**values, **lists, "frequencies": frequencies, "experts": experts})


def _depth(keys: _Keys, temporal: TransformerConfig, dep_q: int, hidden_scale: float) -> DepthConfig | None:
    """What is not given for the depth transformer is inherited as Kyutai's `LMModel` does."""
    dim = keys.take("depformer_dim", 256)
    width = keys.take("depformer_dim_feedforward") or int(hidden_scale * dim)
    settings = {
        "dim": dim,
        "heads": keys.take("depformer_num_heads"),
        "layers": keys.take("depformer_num_layers", temporal.layers),
        "feedforward": tuple(width) if isinstance(width, list) else (width,),
        "gating": keys.take("depformer_gating", temporal.gating),
        "norm": temporal.norm,
        "positions": keys.take("depformer_pos_emb", "sin"),
        "max_period": float(keys.take("depformer_max_period", temporal.max_period)),
        "layer_scale": keys.take("depformer_layer_scale", temporal.layer_scale),
        "kv_repeat": keys.take("depformer_kv_repeat", temporal.kv_repeat),
    }
    per_step, schedule = (
        keys.take("depformer_weights_per_step", False),
        keys.take("depformer_weights_per_step_schedule"),
    )
    multi_linear, norm = keys.take("depformer_multi_linear", False), keys.take("depformer_norm")
    low_rank = keys.take("depformer_low_rank_embeddings")
    if dep_q == 0:
        return None  # the other keys stand in the files of models that only listen, and mean nothing
    if settings["heads"] is None:
        raise ValueError('config.json has no "depformer_num_heads"')
    if schedule is not None and (not per_step or len(schedule) != dep_q):
        raise ValueError(f"depformer_weights_per_step_schedule needs depformer_weights_per_step and {dep_q} numbers")
    if multi_linear and not per_step:
        raise ValueError("depformer_multi_linear without depformer_weights_per_step is not supported")
    steps = tuple(schedule) if schedule else tuple(range(dep_q)) if per_step else (0,) * dep_q
    return DepthConfig(TransformerConfig(**settings), steps, bool(per_step), bool(multi_linear), low_rank, norm)


def _conditioners(
    conditioners: Mapping[str, Any], fuser: Mapping[str, Any]
) -> tuple[tuple[ConditionerConfig, ...], float | None]:
    fuse = _Keys(fuser, "config.json, fuser")
    if fuse.take("prepend"):
        raise ValueError("config.json: conditions that are prepended are not supported")
    ways: dict[str, Fuse] = dict.fromkeys(fuse.take("sum", []), "sum")
    ways.update(dict.fromkeys(fuse.take("cross", []), "cross"))
    positions, scale = fuse.take("cross_attention_pos_emb", False), fuse.take("cross_attention_pos_emb_scale", 1.0)
    fuse.done()
    if not ways.keys() <= conditioners.keys():
        raise ValueError(f"config.json: fuser names unknown conditions: {sorted(ways.keys() - conditioners.keys())}")
    made = []
    for name, entry in conditioners.items():
        kind = entry["type"]
        if kind not in ("lut", "tensor"):
            raise ValueError(f'config.json: condition "{name}" has type "{kind}"; supported: lut, tensor')
        keys = _Keys(entry[kind], f"config.json, condition {name}")
        if keys.take("tokenizer", "noop") != "noop":
            raise ValueError(f'config.json: condition "{name}" must have tokenizer noop')
        keys.take("init_scale")
        way: Fuse = ways.get(name, "unused")
        values = tuple(keys.take("possible_values", None) or ())
        dim, bins, learn = keys.need("dim"), keys.take("n_bins", 0), keys.take("learn_padding", True)
        keys.done()
        made.append(ConditionerConfig(name, kind, dim, way, bins, values, learn))
    return tuple(made), (float(scale) if positions else None)


def to_moshi(config: ModelConfig) -> dict[str, Any]:
    """The keys of `config.json` for a configuration; `from_moshi` reads them back."""
    temporal = config.temporal
    scale = temporal.feedforward[0] / temporal.dim
    if int(scale * temporal.dim) != temporal.feedforward[0]:
        scale = (temporal.feedforward[0] + 0.5) / temporal.dim
    keys: dict[str, Any] = {
        "dim": temporal.dim,
        "text_card": config.text_card,
        "existing_text_padding_id": config.pad,
        "existing_text_end_padding_id": config.end_pad,
        "n_q": config.n_q,
        "dep_q": config.dep_q,
        "card": config.card,
        "num_heads": temporal.heads,
        "num_layers": temporal.layers,
        "hidden_scale": scale,
        "causal": True,
        "layer_scale": temporal.layer_scale,
        "context": temporal.context,
        "max_period": temporal.max_period,
        "gating": temporal.gating,
        "norm": temporal.norm,
        "positional_embedding": temporal.positions,
        "delays": list(config.delays),
    }
    optional = {
        "kv_repeat": (temporal.kv_repeat, 1),
        "cross_attention": (temporal.cross_attention, False),
        "text_card_out": (config.text_card_out, None),
        "norm_emb": (config.norm_emb, False),
        "bias_proj": (config.bias_proj, False),
        "demux_second_text_stream": (config.demux_text, False),
        "extra_heads_num_heads": (config.extra_heads, 0),
        "extra_heads_dim": (config.extra_heads_dim, 6),
    }
    keys.update({key: value for key, (value, default) in optional.items() if value != default})
    if config.depth is not None:
        keys.update(_depth_keys(config.depth))
    if config.conditioners:
        keys.update(_condition_keys(config))
    own = _own_keys(config)
    return {**keys, OWN_KEY: own} if own else keys


def _depth_keys(depth: DepthConfig) -> dict[str, Any]:
    stack, widths = depth.transformer, depth.transformer.feedforward
    keys: dict[str, Any] = {
        "depformer_dim": stack.dim,
        "depformer_dim_feedforward": widths[0] if len(widths) == 1 else list(widths),
        "depformer_num_heads": stack.heads,
        "depformer_num_layers": stack.layers,
        "depformer_layer_scale": stack.layer_scale,
        "depformer_multi_linear": depth.multi_linear,
        "depformer_max_period": stack.max_period,
        "depformer_gating": stack.gating,
        "depformer_pos_emb": stack.positions,
        "depformer_weights_per_step": depth.per_step,
        "depformer_kv_repeat": stack.kv_repeat,
    }
    if depth.per_step and depth.schedule != tuple(range(len(depth.schedule))):
        keys["depformer_weights_per_step_schedule"] = list(depth.schedule)
    if depth.low_rank is not None:
        keys["depformer_low_rank_embeddings"] = depth.low_rank
    if depth.norm is not None:
        keys["depformer_norm"] = depth.norm
    return keys


def _condition_keys(config: ModelConfig) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for each in config.conditioners:
        settings: dict[str, Any] = {"dim": each.dim}
        if each.kind == "lut":
            settings.update({"n_bins": each.bins, "tokenizer": "noop", "possible_values": list(each.values) or None})
        if not each.learn_padding:
            settings["learn_padding"] = False
        entries[each.name] = {"type": each.kind, each.kind: settings}
    fuser = {way: [each.name for each in config.conditioners if each.fuse == way] for way in ("sum", "cross")}
    positions = {
        "cross_attention_pos_emb": config.cross_positions is not None,
        "cross_attention_pos_emb_scale": config.cross_positions or 1.0,
    }
    return {"conditioners": entries, "fuser": {**fuser, **positions}}


def _own_keys(config: ModelConfig) -> dict[str, Any]:
    own = {name: value for name, value in vars(config.ours).items() if value != vars(Ours())[name]}
    plain = dataclasses.asdict(Variation())
    variation = dataclasses.asdict(config.temporal.variation)
    changed = {key: value for key, value in variation.items() if value != plain[key]}
    return {**own, "variation": changed} if changed else own
