"""What viewers cost, measured side by side: `make bench`, `make bench-hold`, `make bench-soak`.

`lab` runs the programs, `processes` and `machine` read what they take from /proc, `figures` makes medians and ratios of it,
and `page` writes them into docs/BENCHMARKS.md. Everything is on loopback and ends by itself.
"""
