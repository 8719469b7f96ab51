"""What the command line itself refuses."""


class UsageError(ValueError):
    """Words of a command that cannot be used; one sentence says which and the mend."""
