"""The one kind of error this room raises for what its user can mend."""


class BatchError(ValueError):
    """Paths, a manifest, options or a place that cannot be used; one sentence names it and the mend."""
