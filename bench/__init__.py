"""How fast and how large: `make bench`. Ratios from one run on one machine, never a timed test."""
