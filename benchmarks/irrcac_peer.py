"""irrCAC in an interpreter of its own, because it pins an old SciPy: ``PYTHON irrcac_peer.py DATA WEIGHTS``.

Reads packed ratings from an ``.npy`` file, says "ready", and answers each line it gets with the
processor's seconds and the coefficient of one run. Needs nothing of this project.
"""

import sys
import time

import numpy as np
import pandas as pd
from irrCAC.raw import CAC

frame = pd.DataFrame(np.load(sys.argv[1]))
print("ready", flush=True)
for _line in sys.stdin:
    start = time.process_time()
    found = CAC(frame, weights=sys.argv[2], digits=15).gwet()
    seconds = time.process_time() - start
    print(seconds, found["est"]["coefficient_value"], flush=True)
