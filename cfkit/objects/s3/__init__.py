"""Log objects in an S3 bucket.

    place     S3Place: what an address means, which of its objects are wanted, their bytes; the only name used outside
      tree      a walk from folder to folder that asks only for what a window and distributions do not rule out; `steps` of it
      keys      which keys a window can lie under, where names carry the time; asks for nothing
      nearest   for an error message: the object closest to a window that has none
      pages     lists, page by page
      fetch     many objects' bytes at once, on a thread of its own
    session   who asks and where: boto3's client for lists, obstore's store for bytes
    errors    what S3 says when it refuses, in words

What a name or a folder tells is the same here and on a disk: `cfkit.objects.names`.
"""

from cfkit.objects.s3.place import S3Place

__all__ = ["S3Place"]
