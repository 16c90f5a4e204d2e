"""What the page's controls of the model do."""

from modules import sd_models, shared


def refresh_model_loading_parameters():
    sd_models.model_data.forge_loading_parameters = {
        "checkpoint_info": sd_models.select_checkpoint(),
        "additional_modules": shared.opts.forge_additional_modules,
        "unet_storage_dtype": None,
    }
