"""Modules that are slow to import: a package's names and a command's --help come without them.

(pydantic is not one of them: typer imports it by itself.)
"""

HEAVY = (
    "aiohttp",
    "faiss",
    "onnx",
    "onnxruntime",
    "numpy",
    "piper",
    "pyloudnorm",
    "ray",
    "scipy",
    "soundfile",
    "soxr",
    "tokenizers",
    "torch",
    "transformers",
)
