"""What happens to work when something dies in the middle of it: every stage of every kind of job, on both databases.

`python -m tests.faults` (or `make test-faults`) runs all; `tests/site/test_faults.py` runs a sample in the suite.
"""
