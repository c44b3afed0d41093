"""Measures the product. Linear algebra gets one thread, as in the workers that analyse (see `manage.py work`)."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
