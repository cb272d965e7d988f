"""The generator of `data/samples`: a small shop's CloudFront logs over four days, with incidents planted in them.

`python -m data.generator --out data/samples` writes the same bytes for the same `--seed` and `--scale`. How the parts stand together:

    dice        randomness by name: adding an incident does not change anyone else's throws
    clock       the four days, in milliseconds from their start
    world       everything that exists before the first request: viewers, catalog
      places      countries, edge locations, address blocks
      viewers     people and their browsers
      catalog     what the two sites serve
    traffic     who asks for what, when
      visits      people in browsers, people in the app
      machines    monitor, crawlers, feed reader, tills, office
      incidents/  one module for each planted incident: its requests, its effect on the CDN, its truth
    cdn         answers requests in time order: a cache, an origin, viewers who leave
    records     one answered request -> one line of 33 fields
    objects     lines -> gzip objects under genuine keys
    evidence    what is wrong with the objects themselves
    truth       truth.json, counted on what was written
"""
