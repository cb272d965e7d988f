"""Turning an investigation into a document that others can open, check and keep."""
