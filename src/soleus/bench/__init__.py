"""Accuracy against truth, and speed against the bars: what ``soleus bench`` and the benchmark scripts share."""
