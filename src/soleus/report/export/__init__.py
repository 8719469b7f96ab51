"""A session for other programs: FIT, CSV, JSON, Parquet and C3D."""

from soleus.report.export.c3d import C3D_FILE, write_c3d
from soleus.report.export.errors import ExportError
from soleus.report.export.fit_activity import FIT_FILE, Activity, encode_activity, write_activity, write_fit
from soleus.report.export.session_tables import SessionTables, read_tables
from soleus.report.export.tables import JSON_FILE, PARQUET_FILE, write_csv, write_json, write_parquet

__all__ = [
    "C3D_FILE",
    "FIT_FILE",
    "JSON_FILE",
    "PARQUET_FILE",
    "Activity",
    "ExportError",
    "SessionTables",
    "encode_activity",
    "read_tables",
    "write_activity",
    "write_c3d",
    "write_csv",
    "write_fit",
    "write_json",
    "write_parquet",
]
