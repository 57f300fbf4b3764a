"""Modules that are slow to import: a package's names and a command's --help come without them."""

HEAVY = (
    "aiohttp",
    "faiss",
    "onnx",
    "onnxruntime",
    "numpy",
    "piper",
    "pydantic",
    "pyloudnorm",
    "ray",
    "scipy",
    "soundfile",
    "soxr",
    "tokenizers",
    "torch",
    "transformers",
)
