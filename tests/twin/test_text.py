import pytest
import torch
from torch import nn

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.errors import BaseModelError
from lora_trainer.families.base import FAMILIES
from lora_trainer.twin.text import body, build_text_encoder
from tests.bases import random_base
from tests.twin.originals import OriginalOpenCLIP

CLIP_L = ("sd1", 0)
OPEN_CLIPS = [("sd2", 0), ("sdxl", 1)]


def tensors_of(family, index):
    with open_checkpoint(random_base(family)) as checkpoint:
        part = checkpoint.part(FAMILIES.get(family).text_parts[index].prefix)
        return {key: nn.Parameter(tensor) for key, tensor in part.items()}


def some_tokens():
    ids = torch.randint(0, 49405, (2, 77), generator=torch.Generator().manual_seed(3))
    ids[0, 20:] = 49407
    ids[1, 76] = 49407
    return ids


def owned_bytes(twin, given):
    """Memory that the twin holds beside what it was given."""
    lent = {tensor.untyped_storage().data_ptr() for tensor in given}
    storages = [tensor.untyped_storage() for tensor in (*twin.parameters(), *twin.buffers())]
    return sum(storage.nbytes() for storage in storages if storage.data_ptr() not in lent)


def states_of(twin, ids):
    with torch.no_grad():
        return twin(input_ids=ids, output_hidden_states=True)


@pytest.mark.parametrize(("family", "index"), [CLIP_L, *OPEN_CLIPS])
def test_the_twin_shares_all_memory_but_its_77_position_numbers(family, index):
    own = tensors_of(family, index)
    twin = build_text_encoder(own, projected=index == 1)
    assert owned_bytes(twin, own.values()) == 77 * 8
    assert not any(parameter.requires_grad for parameter in twin.parameters())
    assert body(twin).embeddings.position_ids.tolist() == [list(range(77))]


@pytest.mark.parametrize(("family", "index"), OPEN_CLIPS)
def test_an_open_clip_twin_has_the_states_of_the_original(family, index):
    own = tensors_of(family, index)
    ids = some_tokens()
    with torch.no_grad():
        states, pooled = OriginalOpenCLIP(own)(ids, heads=1)
    found = states_of(build_text_encoder(own, projected=True), ids)
    torch.testing.assert_close(found.hidden_states[-2], states[-1], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.text_embeds, pooled, rtol=0, atol=1e-5)
    assert states[-1].std() > 0.1


def test_layers_heads_and_activation_are_those_of_the_file():
    config = build_text_encoder(tensors_of("sdxl", 1), projected=True).config
    assert (config.num_hidden_layers, config.hidden_act, config.num_attention_heads) == (32, "gelu", 1)
    config = build_text_encoder(tensors_of(*CLIP_L), heads=4).config
    assert (config.num_hidden_layers, config.hidden_act, config.num_attention_heads) == (12, "quick_gelu", 4)


def test_a_hugging_face_twin_is_bit_equal_to_transformers_own_model():
    from transformers import CLIPTextModel

    own = tensors_of(*CLIP_L)
    twin = build_text_encoder(own)
    native = CLIPTextModel(twin.config).eval()
    left = native.load_state_dict(
        {key: own[key] if key in own else own[f"text_model.{key}"] for key in weights(native)}, strict=False
    )
    assert not left.unexpected_keys
    ids = some_tokens()
    assert torch.equal(states_of(twin, ids).last_hidden_state, states_of(native, ids).last_hidden_state)


def weights(module):
    return [key for key in module.state_dict() if not key.endswith("position_ids")]


def test_quirks_of_hosts_and_files_change_nothing():
    own = tensors_of(*CLIP_L)
    without = {key.replace("text_model.", ""): tensor for key, tensor in own.items()}
    hijacked = {key.replace("token_embedding.", "token_embedding.wrapped."): tensor for key, tensor in own.items()}
    hijacked["text_model.embeddings.position_ids"] = torch.arange(77)[None].half()
    wanted = [id(parameter) for parameter in build_text_encoder(own).parameters()]
    for tensors in (without, hijacked):
        assert [id(parameter) for parameter in build_text_encoder(tensors).parameters()] == wanted


def test_gradients_reach_the_input_of_packed_attention():
    twin = build_text_encoder(tensors_of("sd2", 0))
    bias = nn.Parameter(torch.zeros(64))
    layer = body(twin).encoder.layers[0].self_attn.q_proj
    layer.register_forward_hook(lambda module, inputs, output: output + bias)
    twin(input_ids=some_tokens()).last_hidden_state.square().sum().backward()
    assert bias.grad.abs().sum() > 0


def test_missing_tensors_are_named():
    own = tensors_of("sd2", 0)
    del own["transformer.resblocks.3.attn.in_proj_bias"]
    with pytest.raises(BaseModelError, match=r"text encoder cannot be used.*resblocks\.3\.attn\.in_proj_bias"):
        build_text_encoder(own)
    with pytest.raises(BaseModelError, match="not laid out like"):
        build_text_encoder({"something": torch.zeros(1)})


def test_heads_that_do_not_divide_the_width_are_named():
    with pytest.raises(BaseModelError, match=r"width 64.*5 attention heads"):
        build_text_encoder(tensors_of(*CLIP_L), heads=5)
