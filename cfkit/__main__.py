"""`python -m cfkit`: the same as the `cfkit` command, where its folder is not on the PATH."""

from cfkit.cli import main

main()
