from lora_trainer.training.scaler import LossScaler


def test_overflow_halves_the_factor_and_many_good_steps_double_it():
    scaler = LossScaler(enabled=True, scale=8.0, patience=2)
    scaler.update(finite=False)
    assert scaler.factor == 4.0
    scaler.update(finite=True)
    scaler.update(finite=True)
    assert scaler.factor == 8.0


def test_without_fp16_the_loss_is_not_scaled():
    scaler = LossScaler(enabled=False)
    scaler.update(finite=False)
    assert scaler.factor == 1.0
    assert scaler.exhausted


def test_the_state_goes_on_where_it_was():
    scaler, other = LossScaler(enabled=True), LossScaler(enabled=True)
    scaler.update(finite=False)
    other.restore(scaler.state())
    assert other == scaler
