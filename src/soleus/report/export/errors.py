"""What an export refuses."""


class ExportError(ValueError):
    """A session that cannot be exported as asked; one sentence says why and the mend."""
