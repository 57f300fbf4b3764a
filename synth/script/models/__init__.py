"""Language models as writers: `prompting` asks, `json_turns` reads the answer, `usable` judges it, `enact` adds to it.

`chat` says what a model is; `openai` and `local` are two; `writer` asks until an answer is good, `store` keeps it.
"""

from .writer import ModelWriter

__all__ = ["ModelWriter"]
