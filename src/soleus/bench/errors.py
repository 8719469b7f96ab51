"""What a benchmark refuses."""


class BenchError(ValueError):
    """Data that a benchmark cannot use; one sentence says which and the mend."""
