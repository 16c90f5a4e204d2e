"""What a run is made of: the model with its adapters, the steps, and what is done on the way."""
