"""For the acceptance tests only: what a test must see from inside the host. Link this folder into `extensions/`.

Its routes call the host's side of the trainer directly, and tell what the host's own lists and weights look like.
"""

import base64
import io
import sys
from pathlib import Path

from modules import prompt_parser, script_callbacks, scripts, sd_models, shared, ui_extra_networks
from modules.call_queue import queue_lock

ROOT = str(Path(__file__).resolve().parents[4])
sys.path.insert(0, ROOT)
try:
    from lora_trainer.errors import UserError
    from lora_trainer.host.base import Card, LoraUse
    from lora_trainer.host.webui import publishing, strength_axis
    from lora_trainer.host.webui.kind import kind
    from lora_trainer.host.webui.studio import WebUIStudio
    from lora_trainer.sampling.request import Request
    from lora_trainer.sentences import to_json
finally:
    sys.path.remove(ROOT)


def publish(values):
    card = {**values.get("card", {})}
    if card.get("preview"):
        card["preview"] = Path(card["preview"])
    done = publishing.publish(Path(values["file"]), Card(**card), replace=values.get("replace", False))
    return {"name": done.name, "file": str(done.file), "remarks": [to_json(remark) for remark in done.remarks]}


def draw(values):
    """Pictures with tried files, drawn in one studio, and the host's lists before, inside and after."""
    files = [Path(file) for file in values["files"]]
    before, drawn = look({}), []
    with WebUIStudio(files) as studio:
        for picture in values["pictures"]:
            uses = [LoraUse(files[number], strength) for number, strength in picture.pop("loras")]
            one = studio.draw(Request(**picture), uses)
            memory = io.BytesIO()
            one.image.save(memory, format="PNG")
            drawn.append({"png": base64.b64encode(memory.getvalue()).decode(), "infotext": str(one.infotext)})
        inside = look({})
    return {"pictures": drawn, "before": before, "inside": inside, "after": look({})}


def look(values):
    """What the user could notice: lists, settings, the last prompt, and how much is baked into the weights."""
    networks = sys.modules["networks"]
    model = kind().loaded()
    history = Path(shared.cmd_opts.data_dir) / "params.txt"
    return {
        "listed": sorted(networks.available_networks),
        "aliases": sorted(networks.available_network_aliases),
        "hashes": sorted(networks.available_network_hash_lookup),
        "loaded": [network.name for network in networks.loaded_networks],
        "in_memory": sorted(networks.networks_in_memory),
        "baked": sum(_is_baked(module) for module in model.modules()),
        "settings": {key: repr(value) for key, value in shared.opts.data.items()},
        "last_prompt": history.read_text(encoding="utf-8") if history.exists() else "",
        "checkpoint": shared.opts.sd_model_checkpoint,
        "prompt_history_off": shared.cmd_opts.no_prompt_history,
    }


def _is_baked(module):
    """Whether a LoRA is in the weights: of one layer in the WebUI, of a whole network in Forge."""
    loader = getattr(module, "lora_loader", None)
    return bool(loader.backup) if loader else getattr(module, "network_current_names", ()) != ()


def predict(values):
    """The U-Net's answers with a LoRA: latents and timesteps of a file of tensors, the host's own conditioning."""
    import torch
    from safetensors.torch import load_file, save_file

    networks = sys.modules["networks"]
    asked = load_file(values["asked"])
    answers = {}
    with queue_lock, torch.no_grad():
        sd_models.reload_model_weights()
        model = shared.sd_model
        networks.load_networks([values["name"]], [1.0], [1.0], [None])
        conditioning = [_conditioning(model, values, negative) for negative in (False, True)]
        for key in [key for key in asked if key.startswith("latents")]:
            latents, timestep = asked[key], asked[key.replace("latents", "timestep")]
            rows = []
            for row, cond in zip(latents, conditioning):
                rows.append(model.apply_model(row[None], timestep.reshape(1), cond))
            answers[key.replace("latents", "answer")] = torch.cat(rows).contiguous()
        networks.load_networks([])
    save_file(answers, values["answers"])
    return {"count": len(answers)}


def _conditioning(model, values, negative):
    text = values["negative_prompt"] if negative else values["prompt"]
    prompts = prompt_parser.SdConditioning([text], False, values["width"], values["height"])
    prompts.is_negative_prompt = negative
    cond = prompt_parser.get_learned_conditioning(model, prompts, 10)[0][0].cond
    if isinstance(cond, dict):
        return {key: value[None] for key, value in cond.items()}
    return {"c_crossattn": [cond[None]]}


def captions(values):
    """How far a caption's conditioning lies from the host's own of a prompt, and from that of the twins."""
    import torch

    from lora_trainer.families.base import FAMILIES
    from lora_trainer.host.webui.host import WebUIHost
    from lora_trainer.text.encode import encode
    from lora_trainer.text.tokens import tokenize_captions

    with WebUIHost().lend() as loan:
        family = FAMILIES.get(loan.info.family)
        made = loan.encode_captions([values["caption"]], clip_skip=1, max_tokens=225).context
        tokens = tokenize_captions(family.name, [values["caption"]], max_tokens=225)
        with torch.no_grad():
            twins = encode(family, loan.text_encoders(), tokens, clip_skip=1).context
    with queue_lock, torch.no_grad():
        size = {"prompt": values["prompt"], "width": 64, "height": 64}
        found = _conditioning(shared.sd_model, size, negative=False)
        host = found["crossattn"] if "crossattn" in found else found["c_crossattn"][0]
    return {
        "tokens": made.shape[1],
        "host": float((made - host).abs().max()),
        "twins": float((made - twins).abs().max()),
    }


def card(values):
    """What the host's page shows of a LoRA after a click on Refresh."""
    page = next(page for page in ui_extra_networks.extra_pages if page.name == "lora")
    page.refresh()
    page.create_html("txt2img")
    item = page.create_item(values["name"])
    return {key: str(item[key]) for key in ("prompt", "preview", "description", "sd_version")}


def axis(values):
    """What the X/Y/Z plot of txt2img offers, in its order."""
    module = next(data.module for data in scripts.scripts_data if data.script_class.__module__ == "xyz_grid.py")
    options = [one for one in module.axis_options if type(one) is module.AxisOption or not one.is_img2img]
    return {"labels": [option.label for option in options]}


def _app_started(demo, app):
    from fastapi import Body
    from fastapi.responses import JSONResponse

    def serve(function):
        def handler(values: dict = Body(default={})):  # noqa: B008
            try:
                return JSONResponse(function(values))
            except UserError as error:
                kind = type(error).__name__
                return JSONResponse({"error": {"kind": kind, **to_json(error.sentence)}}, status_code=409)

        return handler

    for function in (publish, draw, look, predict, captions, card, axis):
        app.add_api_route(f"/train-lora-probe/{function.__name__}", serve(function), methods=["POST"])


script_callbacks.on_app_started(_app_started)
script_callbacks.on_before_ui(strength_axis.register)
