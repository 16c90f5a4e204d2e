"""A VAE of its own beside the checkpoint."""

loaded_vae_file = None


def get_loaded_vae_name():
    return loaded_vae_file


def reload_vae_weights(sd_model=None):
    pass
