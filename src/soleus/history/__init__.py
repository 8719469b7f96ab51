"""The runner's log: what was run in the last weeks, kept safe and summed up for the rules."""

from soleus.history.around_run import add_session, name_in_log, owner_of_log, summary_before
from soleus.history.context import LoadContext, daily_loads, load_context
from soleus.history.entry import Body, CalfRaise, Gym, KneeToWall, Minutes, Note, SessionEntry, Soreness
from soleus.history.errors import HistoryError
from soleus.history.feed import find_sessions, hand_entry, make_note, read_session_entry, session_entry
from soleus.history.fit import read_fit
from soleus.history.fit_dynamics import Dynamics
from soleus.history.place import history_file, home, own_rule_files, runner_file
from soleus.history.store import HistoryStore, Outcome
from soleus.history.summary import history_summary, loads, spike_ratio, summarize

__all__ = [
    "Body",
    "CalfRaise",
    "Dynamics",
    "Gym",
    "HistoryError",
    "HistoryStore",
    "KneeToWall",
    "LoadContext",
    "Minutes",
    "Note",
    "Outcome",
    "SessionEntry",
    "Soreness",
    "add_session",
    "daily_loads",
    "find_sessions",
    "hand_entry",
    "history_file",
    "history_summary",
    "home",
    "load_context",
    "loads",
    "make_note",
    "name_in_log",
    "own_rule_files",
    "owner_of_log",
    "read_fit",
    "read_session_entry",
    "runner_file",
    "session_entry",
    "spike_ratio",
    "summarize",
    "summary_before",
]
