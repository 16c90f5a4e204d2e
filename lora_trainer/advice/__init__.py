"""What to set, what it will need, what went wrong and what to do."""
