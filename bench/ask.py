"""`python -m bench.ask CASE`: seconds for each shipped query with its defaults on everything in the case, slowest first, as JSON.

The better of two, so that the first query does not pay for reading the file.
"""

from __future__ import annotations

import json
import sys
import time

import cfkit


def main() -> None:
    with cfkit.Case(sys.argv[1]) as case:
        took = {}
        for name in cfkit.catalogue():
            seconds = []
            for _ in range(2):
                started = time.monotonic()
                case.ask(name)
                seconds.append(time.monotonic() - started)
            took[name] = min(seconds)
    print(json.dumps(sorted(took.items(), key=lambda item: -item[1])))


if __name__ == "__main__":
    main()
