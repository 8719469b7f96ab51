"""A run while it happens: the radio's events into journal, pipeline and whatever shows them."""
