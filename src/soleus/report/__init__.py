"""What a run looked like: one self-contained HTML page for people, files for other programs."""

from soleus.report.errors import ReportError
from soleus.report.run import Run, read_run
from soleus.report.write import write_comparison, write_report, write_run_report

__all__ = ["ReportError", "Run", "read_run", "write_comparison", "write_report", "write_run_report"]
