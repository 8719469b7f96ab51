"""What the screening tests refuse."""


class ScreeningError(ValueError):
    """A recording or an answer that a test cannot use; one sentence says why and the mend."""
