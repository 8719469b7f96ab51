"""Recordings in, tables out."""

from soleus.batch.session import Result, analyze

__all__ = ["Result", "analyze"]
