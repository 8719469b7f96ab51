"""The live page: what runner and coach see in a browser, served from this machine, nothing from elsewhere."""

from soleus.live.page.errors import PageError
from soleus.live.page.past import PastDay, PastWeeks, past_weeks
from soleus.live.page.server import Page

__all__ = ["Page", "PageError", "PastDay", "PastWeeks", "past_weeks"]
