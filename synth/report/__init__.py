"""What people see of a corpus: its figures, and one self-contained page that plays and draws it."""

from .collect import DialogueView, ReportData, collect
from .page import render_report, write_page, write_report
from .stats import CorpusStats, Measure, VoiceUse, stats_from, stats_of

__all__ = [
    "CorpusStats",
    "DialogueView",
    "Measure",
    "ReportData",
    "VoiceUse",
    "collect",
    "render_report",
    "stats_from",
    "stats_of",
    "write_page",
    "write_report",
]
