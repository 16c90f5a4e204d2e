"""Jobs: trainings that run beside whoever asked for them, try-outs, and what is kept. Pages and the API read these."""
