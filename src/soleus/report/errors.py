"""What can go wrong with a report."""


class ReportError(ValueError):
    """A session that cannot be reported on; the text is one sentence that names the file and the mend."""
