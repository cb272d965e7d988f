"""One module per kind of log: how to recognise it, its columns, the SQL that shapes it."""
