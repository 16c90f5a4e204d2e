"""AUTOMATIC1111's WebUI as a host: lends its loaded model, draws with its own pipeline, lists what was trained."""
