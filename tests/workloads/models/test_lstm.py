"""The language model: its size, torch.nn.LSTM's numbers without dropout, and each dropout from its generator."""

import pytest
import torch

from amrobust.workloads.models.lstm import NO_DROPOUT, Dropouts, Output, WeightDroppedLSTM

WORDS = 11
TOKENS = torch.randint(WORDS, (7, 3), generator=torch.Generator().manual_seed(0))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def model(dropouts=NO_DROPOUT, layers=3):
    net = WeightDroppedLSTM(WORDS, embedding=5, hidden=6, layers=layers, dropouts=dropouts)
    net.initialise(generator(1))
    return net.double()


def call(net, seed=0):
    return net(TOKENS, net.initial_state(3), generator(seed))


def test_it_has_the_stated_numbers_of_parameters():
    with torch.device("meta"):
        assert sum(p.numel() for p in WeightDroppedLSTM().parameters()) == 24_221_600
        small = WeightDroppedLSTM(embedding=200, layers=1)
        assert sum(p.numel() for p in small.parameters()) == 2_331_600


def test_the_weights_depend_on_the_generator_alone():
    torch.manual_seed(1)
    one = model().state_dict()
    torch.manual_seed(2)
    assert all(torch.equal(one[name], value) for name, value in model().state_dict().items())


def test_the_initial_weights_have_their_stated_ranges():
    net = WeightDroppedLSTM(1000, embedding=50, hidden=80)
    net.initialise(generator())
    assert net.embedding.abs().max() <= 0.1
    assert net.embedding.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.02)
    assert (net.bias == 0).all()
    for layer, width in zip(net.layers, (80, 80, 50), strict=True):
        assert layer.weight_hh.abs().max() <= width**-0.5
        assert layer.weight_ih.std().item() == pytest.approx(width**-0.5 / 3**0.5, rel=0.05)


def test_without_dropout_it_computes_what_torchs_lstm_does_gradients_included():
    net = model().train()
    state = tuple(
        tuple(torch.randn(part.shape, dtype=torch.float64, generator=generator(i)) for part in layer)
        for i, layer in enumerate(net.initial_state(3))
    )
    output = net(TOKENS, state)
    x = torch.nn.functional.embedding(TOKENS, net.embedding)
    for ours, start, final in zip(net.layers, state, output.state, strict=True):
        theirs = torch.nn.LSTM(ours.weight_ih.shape[1], ours.width, dtype=torch.float64)
        theirs.load_state_dict({f"{name}_l0": value for name, value in ours.state_dict().items()})
        x, after = theirs(x, start)
        assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(after, final, strict=True))
    assert torch.allclose(output.raw, x, rtol=1e-12)
    assert torch.equal(output.raw, output.dropped)
    assert torch.allclose(output.logits, x @ net.embedding.T + net.bias, rtol=1e-12)
    output.logits.sum().backward()
    x_gradient = torch.autograd.grad((x @ net.embedding.T + net.bias).sum(), theirs.weight_hh_l0)[0]
    assert torch.allclose(net.layers[-1].weight_hh.grad, x_gradient, rtol=1e-9)


def test_state_carried_over_is_one_long_sequence():
    net = model()
    whole = net(TOKENS, net.initial_state(3)).logits
    first = net(TOKENS[:4], net.initial_state(3))
    assert torch.allclose(torch.cat([first.logits, net(TOKENS[4:], first.state).logits]), whole)


def test_masks_come_from_the_generator_alone():
    net = model(Dropouts()).train()
    torch.manual_seed(1)
    one = call(net, 5).logits
    torch.manual_seed(2)
    assert torch.equal(call(net, 5).logits, one)
    assert not torch.equal(call(net, 6).logits, one)


def test_training_with_dropout_but_no_generator_is_refused_and_evaluation_drops_nothing():
    net = model(Dropouts()).train()
    with pytest.raises(ValueError, match="generator"):
        net(TOKENS, net.initial_state(3))
    plain = model().eval()
    assert torch.equal(call(net.eval()).logits, call(plain).logits)


def test_output_dropout_uses_one_mask_for_all_time_steps():
    output = call(model(Dropouts(0.5, 0, 0, 0, 0)).train())
    factor = (output.dropped / output.raw).detach()
    assert torch.allclose(factor, factor[:1].expand_as(factor))
    assert {round(v, 9) for v in factor.flatten().tolist()} == {0.0, 2.0}
    assert torch.equal(output.raw, call(model().train()).raw)


def test_embedding_dropout_removes_whole_words():
    net = model(Dropouts(0, 0, 0, 0.5, 0), layers=1).train()
    kept = torch.empty(WORDS, 1).bernoulli_(0.5, generator=generator()).double() * 2
    plain = model(layers=1).train()
    state = plain.initial_state(3)
    embedded = torch.nn.functional.embedding(TOKENS, plain.embedding * kept)
    raw, _ = plain.layers[0](embedded, state[0])
    assert torch.allclose(call(net).raw, raw)
    assert 0 < kept.count_nonzero() < WORDS


def test_weight_drop_zeroes_recurrent_entries_once_a_call_and_leaves_the_parameter():
    net = model(Dropouts(0, 0, 0, 0, 0.5), layers=1).train()
    before = net.layers[0].weight_hh.detach().clone()
    output = call(net)
    mask = torch.empty(20, 5).bernoulli_(0.5, generator=generator()).double() * 2
    plain = model(layers=1)
    with torch.no_grad():
        plain.layers[0].weight_hh.mul_(mask)
    assert torch.allclose(output.raw, call(plain).raw)
    output.raw.sum().backward()
    assert torch.equal(net.layers[0].weight_hh, before)
    assert (net.layers[0].weight_hh.grad[mask == 0] == 0).all()


@pytest.mark.parametrize("where", ["hidden", "input"])
def test_hidden_and_input_dropout_reach_the_layers_they_stand_before(where):
    zero = dict.fromkeys(("output", "hidden", "input", "embedding", "weight"), 0.0)
    all_but = Dropouts(**zero | {where: 0.999})
    output = call(model(all_but).train())
    plain = model()
    state = plain.initial_state(3)
    nothing = torch.zeros(7, 3, 5 if where == "input" else 6, dtype=torch.float64)
    layers = list(plain.layers) if where == "input" else [plain.layers[-1]]
    for index, layer in zip(range(3 - len(layers), 3), layers, strict=True):
        nothing, _ = layer(nothing, state[index])
    assert torch.allclose(output.raw, nothing)


def test_the_activation_penalty_by_hand():
    raw = torch.tensor([[[1.0]], [[3.0]], [[0.0]]])
    dropped = torch.tensor([[[2.0]], [[0.0]], [[1.0]]])
    output = Output(raw, raw, dropped, ())
    assert output.activation_penalty(2.0, 1.0).item() == pytest.approx(2 * 5 / 3 + (4 + 9) / 2)
    single = Output(raw[:1], raw[:1], dropped[:1], ())
    assert single.activation_penalty(2.0, 1.0).item() == pytest.approx(8)
