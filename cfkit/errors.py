"""What can go wrong, said so that a person can act on it.

Every message is one paragraph: what was asked, what is there, what to try. The command line prints it and exits with
`exit_code`; nothing below the command line prints or exits.
"""


class CfkitError(Exception):
    """Any failure the kit foresaw. `str(error)` is the whole message for a person."""

    exit_code = 2


class WrongUse(CfkitError):
    """The call itself cannot be carried out: an unknown name, a value of the wrong type, a window that ends before it starts."""


class CannotRead(CfkitError):
    """Input that is missing, forbidden, or not what it should be."""


class CaseError(CfkitError):
    """The case file cannot be used: held by another process, made by another version, not a case."""


class QueryFileError(CfkitError):
    """A query file whose header or SQL breaks the rules; the message begins with `file:line:`."""


class AwsError(CannotRead):
    """AWS refused or could not be reached: names the call, the reason and the IAM actions the kit needs."""
