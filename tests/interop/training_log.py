"""Reads an event file of a training as TensorBoard does and prints what it shows."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0})
accumulator.Reload()
tags = accumulator.Tags()
scalars = {tag: [[e.step, e.value] for e in accumulator.Scalars(tag)] for tag in tags["scalars"]}
histograms = {
    tag: [
        [e.step, e.histogram_value.num, e.histogram_value.min, e.histogram_value.max]
        + [list(e.histogram_value.bucket_limit), list(e.histogram_value.bucket)]
        for e in accumulator.Histograms(tag)
    ]
    for tag in tags["histograms"]
}
print(json.dumps({"scalars": scalars, "histograms": histograms}))
