"""Precision and recall of every detection on incidents that nobody looked at while writing them: `make evaluate`."""
