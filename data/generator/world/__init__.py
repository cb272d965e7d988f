"""What exists before the first request: the shop, its viewers, the addresses of single actors; and when what is so (world.py)."""
