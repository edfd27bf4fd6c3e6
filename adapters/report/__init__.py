"""Self-contained HTML pages: they open offline, every text is escaped, every picture embedded."""

from simgen.adapters.report.comparison import write_comparison_page
from simgen.adapters.report.page import write_report

__all__ = ["write_comparison_page", "write_report"]
