"""Full configurations, as functions."""

from __future__ import annotations

from .config import DepthConfig, ModelConfig, Ours, TransformerConfig


def moshi_7b(both_sides: bool = False) -> ModelConfig:
    """Moshi 7B (kyutai/moshiko, moshika); `both_sides` predicts the user's codebooks too, as PersonaPlex does."""
    dep_q = 16 if both_sides else 8
    temporal = TransformerConfig(
        4096, 32, 32, (16_896,), "silu", "rms_norm_f32", "rope", context=3000, max_period=10_000.0
    )
    depth = TransformerConfig(1024, 16, 6, (4224,), "silu", "rms_norm_f32", "none")
    return ModelConfig(
        temporal,
        DepthConfig(depth, tuple(range(dep_q)), multi_linear=True),
        delays=acoustic_delays(8, 1),
        n_q=16,
        dep_q=dep_q,
        ours=Ours(agent_q=8 if both_sides else None),
    )


def laptop(text_card: int = 8000, codebooks: int = 8) -> ModelConfig:
    """About 100 M parameters; both sides' codebooks are predicted, and two text streams are our own.

    The user's words as heard are predicted 6 frames (0.48 s) after they begin: when a word's first token falls due,
    the word has been heard. They teach listening and are a live transcript (`Frame.user_text`). A hint is an input: the
    text token that an outside program suggests for the frame about to be said, -1 for none, as always in training but
    where hints are trained. Both are rows behind Moshi's in the codes, and share the agent's vocabulary and tables
    through a matrix each.

    Args:
        text_card: size of the text vocabulary.
        codebooks: of the codec, per side.
    """
    sets = [min(step, 3) for step in range(codebooks)]  # the coarse codebooks have weights of their own
    schedule = (*sets, *(each + max(sets) + 1 for each in sets))
    temporal = TransformerConfig(640, 10, 10, (2560,), "silu", "rms_norm_f32", "rope", context=1000)
    depth = TransformerConfig(256, 4, 4, (1024,), "silu", "rms_norm_f32", "none")
    return ModelConfig(
        temporal,
        DepthConfig(depth, schedule, multi_linear=True, low_rank=64),
        delays=acoustic_delays(codebooks, 1),
        n_q=2 * codebooks,
        dep_q=2 * codebooks,
        text_card=text_card,
        ours=Ours(agent_q=codebooks, user_text_delay=6, hint=True, embedding_rank=128),
    )


def tiny(codebooks: int = 2) -> ModelConfig:
    """The laptop's shape at some fifty thousand parameters, for tests."""
    steps = 2 * codebooks
    return ModelConfig(
        TransformerConfig(32, 2, 2, (96,), "silu", "rms_norm_f32", "rope", context=16),
        DepthConfig(
            TransformerConfig(16, 2, 2, (48,), "silu", "rms_norm_f32", "none"), tuple(range(steps)), True, True
        ),
        delays=acoustic_delays(codebooks, 1),
        n_q=steps,
        dep_q=steps,
        card=32,
        text_card=48,
        ours=Ours(agent_q=codebooks, user_text_delay=2, hint=True),
    )


def acoustic_delays(codebooks: int, delay: int) -> tuple[int, ...]:
    """Delays in frames of text, agent and user streams: `delay` for every codebook but each side's first."""
    side = (0, *[delay] * (codebooks - 1))
    return (0, *side, *side)


PRESETS = {"moshi-7b": moshi_7b, "laptop": laptop, "tiny": tiny}
