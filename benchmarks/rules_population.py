"""False alarms, detections and speed of the rules on simulated runners; the same as ``soleus bench rules``.

python benchmarks/rules_population.py --runners 200 --hours 1
"""

import sys

from soleus.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "rules", *sys.argv[1:]]))
