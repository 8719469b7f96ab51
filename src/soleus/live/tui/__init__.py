"""The live page's numbers in a terminal, for a box without a browser. Needs textual: ``pip install soleus[tui]``."""

from soleus.live.tui.sink import Tui

__all__ = ["Tui"]
