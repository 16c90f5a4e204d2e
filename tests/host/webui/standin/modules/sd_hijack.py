"""What the WebUI changes in a model."""


class ModelHijack:
    def __init__(self):
        self.extra_generation_params, self.comments, self.circular_enabled = {}, [], False

    def clear_comments(self):
        self.extra_generation_params, self.comments = {}, []

    def apply_circular(self, enable):
        self.circular_enabled = enable


model_hijack = ModelHijack()
