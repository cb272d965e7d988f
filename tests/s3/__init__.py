"""The S3 server of these tests has a conftest of its own; as a package it does not hide the one all tests share."""
