"""The other side of tests/hlog.rs: HdrHistogram's own reader of interval logs.

    read_hlog.py FILE    > [{tag, start_ms, end_ms, count, min, max, mean, percentiles}, ...]

An entry per line of the log, in its order; values in the log's unit.
"""

import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

PERCENTILES = [50, 90, 99, 99.9, 100]


def figures(histogram):
    return {
        "count": histogram.get_total_count(),
        "min": histogram.get_min_value(),
        "max": histogram.get_max_value(),
        "mean": histogram.get_mean_value(),
        "percentiles": [histogram.get_value_at_percentile(percentile) for percentile in PERCENTILES],
    }


def main():
    reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3_600_000_000_000, 3))
    intervals = []
    totals = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        tag = histogram.get_tag()
        totals.setdefault(tag, HdrHistogram(1, 3_600_000_000_000, 3)).add(histogram)
        times = {"start_ms": histogram.get_start_time_stamp(), "end_ms": histogram.get_end_time_stamp()}
        intervals.append({"tag": tag} | times | figures(histogram))
    totals = {tag: figures(histogram) for tag, histogram in totals.items()}
    json.dump({"start_s": reader.get_start_time_sec(), "intervals": intervals, "totals": totals}, sys.stdout)


main()
