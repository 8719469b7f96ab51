"""Recordings on disk: session folders, and importers for the export files of other makers."""

from soleus.recording.files import RecordingError
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.profile import Profile, built_in_profiles, find_profile, load_profile
from soleus.recording.quantities import parse_grade, parse_speed
from soleus.recording.reader import RecordingReader, from_recording
from soleus.recording.session import read_session, write_session
from soleus.recording.session_file import (
    SessionRecord,
    read_session_record,
    session_record,
    write_session_record,
)
from soleus.recording.side_tables import read_steps, write_steps
from soleus.recording.source import open_recording, read
from soleus.recording.typed import load_runner

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "Profile",
    "RecordingError",
    "RecordingReader",
    "SessionRecord",
    "built_in_profiles",
    "find_profile",
    "from_recording",
    "load_profile",
    "load_runner",
    "open_recording",
    "parse_grade",
    "parse_speed",
    "read",
    "read_session",
    "read_session_record",
    "read_steps",
    "session_record",
    "write_session",
    "write_session_record",
    "write_steps",
]
