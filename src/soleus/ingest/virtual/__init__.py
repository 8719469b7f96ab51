"""Virtual pods, treadmill and strap on a software Bluetooth controller (needs the package bumble).

They speak real ATT over real HCI: what is tried on them is all of the host's side but the operating system's stack.
"""

from soleus.ingest.virtual.loop import PacedLoop, paced
from soleus.ingest.virtual.pod import VirtualPod
from soleus.ingest.virtual.pod_clock import PodClock, SampleSource
from soleus.ingest.virtual.pod_memory import PodSetting
from soleus.ingest.virtual.radio import virtual_radio
from soleus.ingest.virtual.services import VirtualStrap, VirtualTreadmill
from soleus.ingest.virtual.world import Fault, VirtualWorld, WorldSetting

__all__ = [
    "Fault",
    "PacedLoop",
    "PodClock",
    "PodSetting",
    "SampleSource",
    "VirtualPod",
    "VirtualStrap",
    "VirtualTreadmill",
    "VirtualWorld",
    "WorldSetting",
    "paced",
    "virtual_radio",
]
