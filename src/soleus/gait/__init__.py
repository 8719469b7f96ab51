"""Samples in, steps out: the gait core. Pure numpy and scipy; no files, no clock, no globals."""

from soleus.gait.analyzer import GaitAnalyzer

__all__ = ["GaitAnalyzer"]
