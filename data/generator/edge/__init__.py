"""What CloudFront does with a request: cdn.py answers it, shield.py is the web ACL in front."""
