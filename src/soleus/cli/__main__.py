"""``python -m soleus.cli``."""

import sys

from soleus.cli import main

sys.exit(main())
