"""Synthetic populations with truth, in plain Python and pandas; no Spark."""
