"""Which networks are on the device. A patcher whose network another one brought there is loaded anew."""

current_loaded_models = []


def load_models_gpu(patchers, memory_required=0, hard_memory_preservation=0):
    for patcher in patchers:
        if any(known is patcher for known in current_loaded_models):
            continue
        current_loaded_models[:] = [known for known in current_loaded_models if not patcher.is_clone(known)]
        current_loaded_models.insert(0, patcher)
        patcher.model.to(patcher.load_device)
        patcher.refresh_loras()


def load_model_gpu(patcher):
    load_models_gpu([patcher])


def unload_all_models():
    for patcher in current_loaded_models:
        patcher.model.to(patcher.offload_device)
    current_loaded_models.clear()
