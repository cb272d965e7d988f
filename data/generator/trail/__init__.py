"""CloudTrail: the account and its configurations, who calls what, the records of that, and the objects they come in.

setup     the account on the eve of the first day
people    who calls, from where, with what
account   what calls do to configurations
calls     a call, and its record
noise     what everybody else calls
objects   records to gzip objects under genuine keys
"""
