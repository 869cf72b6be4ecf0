"""reco: which guides, reports, books and local experiences should a commune read?"""

import os

# torch and faiss each start an OpenMP pool; spinning workers of one starve the other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A request's products are small: handing them to a second thread costs more than they do (measured on
# two cores: 105 ms a warm request with it, 28 without). torch's own threads are not these.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
