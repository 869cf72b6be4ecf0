"""reco: which guides, reports, books and local experiences should a commune read?"""

import os

# torch and faiss each start an OpenMP pool; spinning workers of one starve the other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
