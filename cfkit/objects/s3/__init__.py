"""Log objects in an S3 bucket.

    place     S3Place: what an address means, which objects are wanted, their bytes; the only name used outside
      keys      which keys a window can lie under, where names carry the time: no asking
      tree      a walk from folder to folder that leaves out what a window and distributions rule out
      nearest   for an error message: the object closest to a window that has none
      fetch     many objects' bytes at once, on an asyncio loop of its own
    session   credentials and clients: boto3 for lists and signatures of people, obstore for bytes
    errors    what S3 says when it refuses, in words

What a name or a folder tells is the same here and on a disk: `cfkit.objects.names`.
"""

from cfkit.objects.s3.place import S3Place

__all__ = ["S3Place"]
