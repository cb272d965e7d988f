"""The generator of `data/samples`: two weeks of a shop's CloudFront, with one attack to follow and many smaller things planted beside it.

`python -m data.generator --out data/samples` writes the same bytes for the same `--seed` and `--scale`. How the parts stand together:

    dice        randomness by name: adding a planted thing does not change anyone else's throws
    clock       the two weeks, in milliseconds from their start
    world/      what exists before the first request: catalog, countries, viewers, addresses, distributions
    traffic/    who asks for what, when: people in browsers, the app, listeners and buyers
    incidents/  what is planted: its requests, its calls to AWS, its effect on the CDN, its truth. The regulars are among it
    edge/       what CloudFront does: a cache, an origin, viewers who leave, a web ACL in front
    trail/      CloudTrail: the account, its configurations, who changes them, and everybody else's records
    written/    records, objects under genuine keys, what is wrong with them, and truth.json, counted on what was written
    inventory   what the AWS command line answers on the day after
"""
