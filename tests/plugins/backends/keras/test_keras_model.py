"""Keras on TensorFlow, JAX and PyTorch trains as PyTorch does."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.backends.keras import trainings
from tests.plugins.backends.keras.trainings import CLOSE
from tests.plugins.peers import FRAMEWORKS

COMPILED = ("tensorflow", "jax")


def test_curves_lie_on_pytorchs(peers):
    """SGD in all forms and Adagrad under a changing rate, batch normalisation, short batches."""
    ours = peers.call(trainings.curves)
    wanted = trainings.curves("torch")
    for framework, found in ours.items():
        for name, (losses, weights) in wanted.items():
            gap = np.abs(np.array(found[name][0]) - losses).max()
            close = name.split("/")[1] in CLOSE
            assert gap <= (1e-3 if close else 1e-5), (framework, name, gap)
            if not close:
                for weight, value in weights.items():
                    np.testing.assert_allclose(found[name][1][weight], value, atol=2e-5)


def test_losses_of_forecasts_are_pytorchs(peers):
    """Squared, absolute and Huber's errors and quantiles; what fills a batch counts for nothing."""
    wanted = trainings.forecast_losses("torch")
    for framework, found in peers.call(trainings.forecast_losses).items():
        assert found == pytest.approx(wanted, abs=1e-5), framework


def test_forecasters_train_as_in_pytorch(peers):
    losses, weights = trainings.forecaster("torch")
    for framework, found in peers.call(trainings.forecaster).items():
        assert found[0] == pytest.approx(losses, abs=1e-5), framework
        for name, value in weights.items():
            np.testing.assert_allclose(found[1][name], value, atol=2e-5)


def test_adam_and_rmsprop_are_keras_own(peers):
    for framework, gaps in peers.call(trainings.own_rules).items():
        assert max(gaps.values()) < 1e-6, (framework, gaps)


def test_every_setting_means_what_it_means_in_pytorch(peers):
    wanted = trainings.settings("torch")
    for framework, found in peers.call(trainings.settings).items():
        for case, arrays in wanted.items():
            limit = 1e-4 if case == "scale" else 1e-5
            for name, value in arrays.items():
                gap = np.abs(found[case][name] - value).max()
                assert gap <= limit, (framework, case, name, gap)
        for name in wanted["frozen before"]:
            same = found["frozen"][name].tobytes() == found["frozen before"][name].tobytes()
            assert same == name.startswith(("norm1/", "dense1/")), name
        for name in wanted["adapted before"]:
            same = found["adapted"][name].tobytes() == found["adapted before"][name].tobytes()
            assert same == (name in ("dense1/kernel", "dense1/bias")), name


def test_accumulated_batches_of_any_size_are_one_large_batch(peers):
    for first, second, losses, in_parts in peers.call(trainings.accumulated).values():
        for name, value in first.items():
            np.testing.assert_allclose(second[name], value, atol=1e-6)
        assert losses == pytest.approx(in_parts, rel=1e-5)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_is_compiled_once(peers, accumulate):
    found = peers.call(trainings.compilations, accumulate)
    for framework in COMPILED:
        counts = found[framework]
        assert counts.pop("apply", 1) == 1
        assert counts == {"train": 1, "evaluate": 1, "outputs": 1, "taps": 1}, framework
    assert found["torch"] == {}


def test_another_process_goes_on_to_the_last_bit(peers, other_peers):
    halves = peers.call(trainings.first_half)
    for framework in FRAMEWORKS:
        weights, arrays, values, last = halves[framework]
        assert values["optimizer"] == {"type": "adam", "step": 6}
        assert "random/drop1/0" in arrays
        found = other_peers.call_one(framework, trainings.second_half, weights, arrays, values)
        for name, value in last.items():
            assert found[name].tobytes() == value.tobytes(), (framework, name)


@pytest.mark.parametrize("kind", ["nesterov", "adagrad", "adam"])
def test_a_checkpoint_goes_on_in_any_backend(peers, kind):
    ours = trainings.checkpoint("torch", kind)
    limit = 1e-3 if kind in CLOSE else 1e-5
    wanted, said = trainings.continued("torch", kind, *ours)
    assert said == []
    for framework, (losses, notes) in peers.call(trainings.continued, kind, *ours).items():
        assert np.abs(np.array(losses) - wanted).max() <= limit, framework
        assert len(notes) == 1
        assert "torch" in notes[0]
    for framework, theirs in peers.call(trainings.checkpoint, kind).items():
        assert _optimizer_arrays(theirs[1]) == _optimizer_arrays(ours[1])
        losses, notes = trainings.continued("torch", kind, *theirs)
        assert np.abs(np.array(losses) - wanted).max() <= limit, framework
        assert f"keras-{framework}" in notes[0]


def _changed(before, after):
    names = (name for name, value in before.items() if after[name].tobytes() != value.tobytes())
    return {name.split("/")[0] for name in names}


def _optimizer_arrays(arrays):
    return {name for name in arrays if name.startswith("optimizer/")}


def test_an_optimizer_of_another_kind_begins_anew_and_says_so(peers):
    ours = trainings.checkpoint("torch", "momentum")
    for losses, notes in peers.call(trainings.continued, "adam", *ours).values():
        assert np.isfinite(losses).all()
        assert "trained with sgd, this run trains with adam" in notes[1]
    _, notes = trainings.continued("torch", "adagrad", *ours)
    assert notes == [
        "The optimizer begins anew: the checkpoint was trained with sgd, this run trains with "
        "adagrad."
    ]


@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_averaged_weights_and_layers_that_thaw(peers, kind):
    """Held layers change in no bit; the average is what answers; any half goes on exactly."""
    optimizer = (trainings.EXACT | CLOSE)[kind]
    limit = 1e-3 if kind in CLOSE else 1e-5
    wanted = trainings.tuned("torch", optimizer)
    all_found = {"ours": wanted, **peers.call(trainings.tuned, optimizer)}
    for framework, found in all_found.items():
        assert found["losses"] == pytest.approx(wanted["losses"], abs=limit), framework
        for name, value in wanted["weights"].items():
            np.testing.assert_allclose(found["weights"][name], value, atol=5 * limit, err_msg=name)
            if name in wanted["raw"]:
                np.testing.assert_allclose(
                    found["raw"][name], wanted["raw"][name], atol=5 * limit, err_msg=name
                )
        stages = [found[f"before {epoch}"] for epoch in range(3)] + [found["weights"]]
        assert _changed(stages[0], stages[1]) == {"dense2"}, framework
        assert _changed(stages[1], stages[2]) == {"dense1", "dense2"}, framework
        assert _changed(stages[2], stages[3]) == {"conv1", "norm1", "dense1", "dense2"}
        assert (found["predicted"] == found["plainly"]).all(), framework
        (losses, last), (others, elsewhere) = found["last"], found["elsewhere"]
        assert losses == others, framework
        for name, value in last.items():
            assert elsewhere[name].tobytes() == value.tobytes(), (framework, name)


def test_mixed_batches_have_the_losses_of_both_classes_in_their_shares(peers):
    wanted = trainings.mixtures("torch")
    for framework, found in peers.call(trainings.mixtures).items():
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=framework)


def test_dropout_trains_and_repeats_itself(peers):
    for framework, (first, second) in peers.call(trainings.random_trainings).items():
        assert first == second, framework
        assert first[-1] < first[0] / 2, framework


def test_looking_inside_changes_nothing_and_shows_the_same(peers):
    wanted = trainings.looked_inside("torch")
    wanted.pop("side1")  # Keras does not compute what leads to no Output
    for framework, found in peers.call(trainings.looked_inside).items():
        assert set(found) == set(wanted), framework
        for name, value in wanted.items():
            if name == "evaluated":
                np.testing.assert_allclose(found[name][0], value[0], atol=1e-5)
                assert found[name][1] == pytest.approx(value[1], abs=1e-5)
            else:
                np.testing.assert_allclose(found[name], value, atol=1e-5)


def test_the_first_layer_that_is_not_finite(peers):
    for found in peers.call(trainings.non_finite).values():
        assert found == ("", "dense1", "input1")


def test_bad_input_is_answered_in_words(peers):
    for framework, found in peers.call(trainings.refused).items():
        assert found["shape"][0] == "input1", framework
        assert "lack" in found["missing"][1]
        assert "float16" in found["float16"][1]
        assert "cuda:7" in found["device"][1]
        assert "another process" in found["other"][1]


def test_a_network_that_no_memory_holds_is_told_in_words(peers):
    for framework, message in peers.call(trainings.without_memory).items():
        assert message == "There is not enough memory for this network.", framework


def test_bfloat16_learns_with_weights_in_float32(peers):
    for losses, types in peers.call(trainings.halves).values():
        assert losses[-1] < losses[0] / 2
        assert types == {"float32"}
