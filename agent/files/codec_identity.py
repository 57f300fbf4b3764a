"""Which codec makes the codes: its name and a digest of what turns sound into codes.

The decoder has no part in it: one trained further gives the same codes a better sound, and tokens stay good.
"""

from __future__ import annotations

import hashlib

from pydantic import Field
from torch import Tensor

from codec import Codec
from corpus.strict import Strict


class CodecIdentity(Strict):
    """What codes depend on."""

    name: str  # what `Codec.load` finds
    sha256: str  # see `codec_digest`
    codebooks: int = Field(ge=1)
    codebook_size: int = Field(ge=1)

    @classmethod
    def of(cls, codec: Codec, name: str) -> CodecIdentity:
        """The identity of a codec found under a name."""
        quantizer = codec.config.quantizer
        return cls(
            name=name,
            sha256=codec_digest(codec),
            codebooks=quantizer.n_q,
            codebook_size=quantizer.codebook_size,
        )


def codec_digest(codec: Codec) -> str:
    """SHA-256 (hexadecimal) over the encoder, the projections into the quantizer and the entries of all codebooks."""
    digest = hashlib.sha256()

    def add(name: str, tensor: Tensor) -> None:
        digest.update(f"{name} {list(tensor.shape)}".encode())
        digest.update((tensor.detach().float() + 0.0).cpu().contiguous().numpy().tobytes())  # + 0.0: no negative zeros

    for name, tensor in sorted(codec.encoder.state_dict().items()):
        add(name, tensor)
    quantizer = codec.quantizer
    add("semantic_in", quantizer.semantic_in.weight)
    add("acoustic_in", quantizer.acoustic_in.weight)
    for level, book in enumerate(quantizer.books()):
        add(f"codebook {level}", book.embedding)
    return digest.hexdigest()
