import dataclasses
from types import SimpleNamespace

import pytest
import torch

from lora_trainer.errors import UserError
from lora_trainer.host.base import Conditioning
from lora_trainer.packages import mend_imports
from lora_trainer.text.encode import emphasize, encode, unconditional
from lora_trainer.text.tokens import tokenize_captions, tokenize_prompts
from lora_trainer.twin.text import body

mend_imports()
transformers = pytest.importorskip("transformers")


def text_encoder(layers=3, width=32, projected=False):
    config = transformers.CLIPTextConfig(
        vocab_size=49408,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        projection_dim=24,
        max_position_embeddings=77,
        eos_token_id=2,
    )
    kind = transformers.CLIPTextModelWithProjection if projected else transformers.CLIPTextModel
    with torch.random.fork_rng():
        torch.manual_seed(layers + width)
        encoder = kind(config).eval().requires_grad_(False)
        for parameter in encoder.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (0.5 if parameter.ndim == 1 else 0))
    return encoder


def family(name):
    return SimpleNamespace(name=name, conditioning=lambda hidden, pooled: Conditioning(torch.cat(hidden, -1), pooled))


@pytest.fixture(scope="module")
def encoder():
    return text_encoder()


@pytest.fixture(scope="module")
def both():
    return [text_encoder(), text_encoder(width=48, projected=True)]


def layer_outputs(encoder, ids):
    """The output of every layer, caught with hooks: an independent way to the hidden states."""
    caught = []
    layers = body(encoder).encoder.layers
    hooks = [
        layer.register_forward_hook(lambda m, a, out: caught.append(out[0] if isinstance(out, tuple) else out))
        for layer in layers
    ]
    body(encoder)(input_ids=ids)
    for hook in hooks:
        hook.remove()
    return caught


def test_sd1_takes_the_last_layer_with_the_final_norm(encoder):
    tokens = tokenize_captions("sd1", ["a cat", "a dog on a hill"])
    context = encode(family("sd1"), [encoder], tokens).context
    expected = body(encoder).final_layer_norm(layer_outputs(encoder, tokens.ids[0][:, 0])[-1])
    assert context.shape == (2, 77, 32)
    torch.testing.assert_close(context, expected)


def test_sd1_clip_skip_2_takes_the_layer_before_with_the_final_norm(encoder):
    tokens = tokenize_captions("sd1", ["a cat"])
    context = encode(family("sd1"), [encoder], tokens, clip_skip=2).context
    expected = body(encoder).final_layer_norm(layer_outputs(encoder, tokens.ids[0][:, 0])[-2])
    torch.testing.assert_close(context, expected)


def test_clip_skip_beyond_the_layers_is_a_sentence(encoder):
    with pytest.raises(UserError, match="has 3 layers"):
        encode(family("sd1"), [encoder], tokenize_captions("sd1", ["a"]), clip_skip=4)


def test_sd2_takes_the_penultimate_layer_with_the_final_norm_whatever_clip_skip_is(encoder):
    tokens = tokenize_captions("sd2", ["a cat"])
    expected = body(encoder).final_layer_norm(layer_outputs(encoder, tokens.ids[0][:, 0])[-2])
    for clip_skip in (1, 2, 3):
        context = encode(family("sd2"), [encoder], tokens, clip_skip=clip_skip).context
        torch.testing.assert_close(context, expected)


def test_sd2_without_its_unused_last_layer_gives_the_same():
    whole = text_encoder(layers=24)
    cut = text_encoder(layers=24)
    del body(cut).encoder.layers[-1]
    tokens = tokenize_captions("sd2", ["a cat"])
    contexts = [encode(family("sd2"), [encoder], tokens).context for encoder in (whole, cut)]
    torch.testing.assert_close(contexts[0], contexts[1])


def test_sdxl_joins_both_penultimate_layers_without_norm_and_pools_the_first_end_token(both):
    tokens = tokenize_captions("sdxl", ["a cat", "dog"])
    conditioning = encode(family("sdxl"), both, tokens, clip_skip=1)
    outputs = [layer_outputs(encoder, ids[:, 0]) for encoder, ids in zip(both, tokens.ids)]
    torch.testing.assert_close(conditioning.context, torch.cat([out[-2] for out in outputs], -1))
    last = body(both[1]).final_layer_norm(outputs[1][-1])
    at_end = torch.stack([last[0, 3], last[1, 2]])
    torch.testing.assert_close(conditioning.pooled, both[1].text_projection(at_end))


def test_sdxl_pooled_is_what_transformers_calls_text_embeds(both):
    tokens = tokenize_captions("sdxl", ["a cat", "dog"])
    expected = both[1](input_ids=tokens.ids[1][:, 0]).text_embeds
    torch.testing.assert_close(encode(family("sdxl"), both, tokens).pooled, expected)


def test_sdxl_follows_clip_skip_only_on_request_and_only_in_clip_l(both):
    tokens = tokenize_captions("sdxl", ["a cat"])
    usual = encode(family("sdxl"), both, tokens, clip_skip=3).context
    asked = encode(family("sdxl"), both, tokens, clip_skip=3, clip_skip_sdxl=True).context
    expected = layer_outputs(both[0], tokens.ids[0][:, 0])[-3]
    torch.testing.assert_close(asked[..., :32], expected)
    assert not torch.equal(usual[..., :32], asked[..., :32])
    assert torch.equal(usual[..., 32:], asked[..., 32:])


def test_chunks_are_encoded_singly_and_joined_along_the_tokens(encoder):
    tokens = tokenize_prompts("sd1", ["cat BREAK a dog"])
    alone = [encode(family("sd1"), [encoder], tokenize_prompts("sd1", [text])).context for text in ("cat", "a dog")]
    context = encode(family("sd1"), [encoder], tokens).context
    torch.testing.assert_close(context, torch.cat(alone, 1))


def test_pooled_is_that_of_the_first_chunk(both):
    long, short = (encode(family("sdxl"), both, tokenize_prompts("sdxl", [text])) for text in ("cat BREAK dog", "cat"))
    assert long.context.shape[1] == 154
    torch.testing.assert_close(long.pooled, short.pooled)


def test_emphasis_multiplies_and_restores_each_chunks_mean():
    states = torch.arange(1.0, 13.0).reshape(1, 2, 3, 2)
    weights = torch.tensor([[[1.0, 2.0, 1.0], [1.0, 1.0, 1.0]]])
    result = emphasize(states, weights)
    doubled = states[0, 0] * torch.tensor([[1.0], [2.0], [1.0]])
    torch.testing.assert_close(result[0, 0], doubled * (states[0, 0].mean() / doubled.mean()))
    torch.testing.assert_close(result[0, 1], states[0, 1])


def test_without_emphasis_states_are_passed_on_untouched():
    states = torch.randn(1, 1, 77, 4, generator=torch.Generator().manual_seed(0))
    assert emphasize(states, torch.ones(1, 1, 77)) is states


def test_gradients_reach_the_encoder_when_it_is_trained():
    encoder = text_encoder()
    encoder.requires_grad_(True)
    encode(family("sd1"), [encoder], tokenize_captions("sd1", ["a cat"])).context.square().mean().backward()
    assert body(encoder).encoder.layers[0].self_attn.q_proj.weight.grad.abs().sum() > 0


def test_an_empty_negative_prompt_is_zeros_for_sdxl_only():
    conditioning = Conditioning(torch.ones(1, 77, 4), torch.ones(1, 3))
    zeros = unconditional("sdxl", [""], conditioning)
    assert zeros.context.abs().sum() == 0 and zeros.pooled.abs().sum() == 0
    assert unconditional("sdxl", ["ugly"], conditioning) is conditioning
    assert unconditional("sd1", [""], dataclasses.replace(conditioning, pooled=None)).context.sum() == 77 * 4
