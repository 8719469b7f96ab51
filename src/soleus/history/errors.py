"""What the history refuses."""


class HistoryError(ValueError):
    """A history, or something to be put into it, that cannot be used; one sentence names which and the mend."""
