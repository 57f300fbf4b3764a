"""K-means start of the codebooks, level by level, on latents of the codec's own encoder."""

from __future__ import annotations

from collections.abc import Iterable

import faiss
import numpy as np
import torch
from torch import Tensor

from ..model import Codec


@torch.no_grad()
def collect_latents(codec: Codec, batches: Iterable[Tensor]) -> Tensor:
    """Latents before quantization of waveforms `[B, 1, T]`: one `[N, D]` on the CPU."""
    return torch.cat([codec.encoder_latent(batch).flatten(0, 1).float().cpu() for batch in batches])


@torch.no_grad()
def start_codebooks(codec: Codec, latents: Tensor, seed: int, iterations: int = 10) -> list[float]:
    """Set every codebook to k-means centroids of what it will see.

    Args:
        latents: `[N, D]` from `collect_latents`, N at least the codebook's size.

    Returns:
        share of the variance of its branch that each level leaves unexplained.

    Raises:
        ValueError: too few latents.
    """
    quantizer, size = codec.quantizer, codec.config.quantizer.codebook_size
    if len(latents) < size:
        raise ValueError(
            f"{len(latents)} frames cannot start codebooks of {size}; train on more audio per k-means batch"
        )
    device = next(codec.parameters()).device
    semantic, acoustic = (branch.cpu() for branch in quantizer.project(latents.to(device)))
    left, residual = [], semantic
    for level in range(codec.config.quantizer.n_q):
        if level == 1:
            residual = acoustic
        data = np.ascontiguousarray(residual.numpy(), dtype=np.float32)
        search = faiss.Kmeans(
            data.shape[1], size, niter=iterations, seed=seed + level, min_points_per_centroid=1,
            max_points_per_centroid=64,
        )  # fmt: skip
        search.train(data)
        _, nearest = search.index.search(data, 1)
        counts = torch.from_numpy(np.bincount(nearest[:, 0], minlength=size)).float()
        centroids = torch.from_numpy(np.asarray(search.centroids))
        quantizer.initialize(level, centroids.to(device), counts.to(device))
        residual = residual - centroids[torch.from_numpy(nearest[:, 0])]
        branch = semantic if level == 0 else acoustic
        left.append(float(residual.var(dim=0).sum() / branch.var(dim=0).sum().clamp_min(1e-12)))
    return left
