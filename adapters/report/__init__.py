"""One self-contained HTML page for an evaluation: opens offline, every text escaped, every picture embedded."""

from simgen.adapters.report.page import write_comparison, write_report

__all__ = ["write_comparison", "write_report"]
