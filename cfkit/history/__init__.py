"""Configuration over time: rebuilt from CloudTrail, compared field by field, judged by an explicit table.

config     a configuration as a flat map from path to value, without the noise of its rendering
diff       what differs between two of them
effects    whether a difference weakens or strengthens, by effects.toml
rebuild    calls in the order of their ETags: which configuration each left behind, and where the trail has a gap
patterns   which cache behavior answers a path
posture    the controls of AWS Security Hub for CloudFront, verdict by verdict
fill       all of it as tables of the case, after each load that brought calls
story      what `cfkit history` shows
"""
