"""Talks at the pace of speech with assistants of other people's making: what `bench cascade` runs beside ours."""
