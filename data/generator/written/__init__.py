"""From answers to what lies in the buckets: records, objects, what is wrong with them, and the truth about it all."""
