"""Does a pod's firmware keep to firmware_interfaces/POD_SERVICE.md? Pure: what was observed in, a verdict a check out.

:mod:`soleus.ingest.ble.pod_probe` makes the observations; nothing here knows Bluetooth.
"""

from soleus.ingest.conformance.checks import judge
from soleus.ingest.conformance.observed import Asked, Observed, SyncSent
from soleus.ingest.conformance.verdict import Outcome, Verdict

__all__ = ["Asked", "Observed", "Outcome", "SyncSent", "Verdict", "judge"]
