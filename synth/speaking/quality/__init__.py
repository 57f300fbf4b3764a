"""Quality gates: every utterance is measured, failed ones are spoken again, and the record says what was found."""

from .settings import QualitySettings

__all__ = ["QualitySettings"]
