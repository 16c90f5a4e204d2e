"""Side-by-side measurements: this trainer against the floor, in one run, interleaved, in CPU seconds of the process."""
