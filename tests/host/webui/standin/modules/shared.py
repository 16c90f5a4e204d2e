"""Options, command line, state, and the loaded model."""

from types import SimpleNamespace

from modules import shared_state

DEFAULTS = {
    "sd_model_checkpoint": None,
    "sd_checkpoint_hash": "",
    "sd_vae": "Automatic",
    "CLIP_stop_at_last_layers": 1,
    "sdxl_clip_l_skip": False,
    "emphasis": "Original",
    "use_old_emphasis_implementation": False,
    "comma_padding_backtrack": 20,
    "sd_noise_schedule": "Default",
    "use_downcasted_alpha_bar": False,
    "upcast_attn": False,
    "fp8_storage": "Disable",
    "sd_checkpoints_limit": 1,
    "lora_in_memory_limit": 0,
    "lora_functional": False,
    "interrupt_after_current": True,
    "live_previews_enable": True,
    "samples_save": False,
    "interrogate_keep_models_in_memory": False,
    "interrogate_deepbooru_score_threshold": 0.5,
    "deepbooru_filter_tags": "",
}


class Options:
    def __init__(self):
        self.__dict__["data"] = {}  # what was ever saved; for the rest the defaults count

    def __getattr__(self, name):
        if name in self.data:
            return self.data[name]
        if name in DEFAULTS:
            return DEFAULTS[name]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        self.data[name] = value

    def set(self, name, value, is_api=False, run_callbacks=True):
        changed = getattr(self, name, None) != value
        self.data[name] = value
        return changed

    def get_default(self, name):
        return DEFAULTS.get(name)


opts = Options()
cmd_opts = SimpleNamespace(
    lora_dir="",
    ckpt_dir=None,
    data_dir="",
    no_half=True,
    no_half_vae=False,
    upcast_sampling=False,
    precision="autocast",
    lowvram=False,
    medvram=False,
    medvram_sdxl=False,
    disable_nan_check=False,
    no_prompt_history=False,
)
state = shared_state.State()
total_tqdm = SimpleNamespace(clear=lambda: None)
demo = None
interrogator = None
loaded_hypernetworks = []


def __getattr__(name):
    if name == "sd_model":
        from modules import sd_models

        return sd_models.model_data.get_sd_model()
    raise AttributeError(name)
