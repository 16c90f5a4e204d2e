"""From words to what a U-Net is conditioned on: tokens, prompt syntax, chunks, text encoders."""
