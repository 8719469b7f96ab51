"""What can go wrong with the page."""


class PageError(ValueError):
    """The page cannot be served as asked; the sentence names the mend."""
