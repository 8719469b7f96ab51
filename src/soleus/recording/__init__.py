"""Recordings on disk: session folders, and importers for the export files of other makers."""

from soleus.recording.events_file import Event
from soleus.recording.files import RecordingError
from soleus.recording.journal import Journal, JournalStatus
from soleus.recording.journal_format import JournalFacts
from soleus.recording.journal_reader import read_journal
from soleus.recording.journal_records import JournalRecords
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.profile import Profile, built_in_profiles, find_profile, load_profile
from soleus.recording.quantities import parse_grade, parse_speed
from soleus.recording.reader import RecordingReader, from_recording
from soleus.recording.recover import read_events, recover
from soleus.recording.recovery_report import PodRecovery, RecoveryReport
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
    "Event",
    "Journal",
    "JournalFacts",
    "JournalRecords",
    "JournalStatus",
    "Limits",
    "PodRecovery",
    "Profile",
    "RecordingError",
    "RecordingReader",
    "RecoveryReport",
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
    "read_events",
    "read_journal",
    "read_session",
    "read_session_record",
    "read_steps",
    "recover",
    "session_record",
    "write_session",
    "write_session_record",
    "write_steps",
]
