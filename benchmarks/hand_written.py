"""The opponent: the training loop a practitioner would write. Imports nothing of the workbench."""

import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np


def main(plan_path: Path) -> None:
    """Train as the plan says and print samples a second."""
    import torch
    from torch.nn.functional import cross_entropy

    plan = json.loads(plan_path.read_text())
    device = torch.device(plan["device"])
    if plan["threads"]:
        torch.set_num_threads(plan["threads"])
    folder = plan_path.parent
    inputs = np.load(folder / "inputs.npy")
    if plan["ragged"]:
        inputs = torch.from_numpy(inputs)
        lengths = torch.from_numpy(np.load(folder / "lengths.npy"))
    else:
        inputs = torch.from_numpy(np.ascontiguousarray(np.moveaxis(inputs, -1, 1)))
    targets = torch.from_numpy(np.load(folder / "targets.npy"))
    orders = torch.from_numpy(np.load(folder / "orders.npy"))

    model = network(plan).to(device)
    if plan["channels_last"]:
        model = model.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    on_gpu = device.type == "cuda"
    trained = (weight for weight in model.parameters() if weight.requires_grad)
    optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9)
    start = time.perf_counter()
    for order in orders:
        total = torch.zeros((), device=device)
        right = torch.zeros((), device=device)
        for chosen in order.split(plan["batch_size"]):
            if plan["ragged"]:
                real = lengths[chosen]
                steps = -(-int(real.max()) // plan["multiple"]) * plan["multiple"]
                x, y, more = inputs[chosen, :steps], targets[chosen], (real,)
            else:
                x, y, more = inputs[chosen], targets[chosen], ()
            if on_gpu:
                x = x.pin_memory().to(device, non_blocking=True)
                y = y.pin_memory().to(device, non_blocking=True)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=plan["bfloat16"]):
                outputs = model(x, *more)
                loss = cross_entropy(outputs, y)
            loss.backward()
            optimizer.step()
            total += loss.detach()
            right += (outputs.argmax(1) == y).sum()
        print(f"loss {total.item() / len(order):.4f}, accuracy {right.item() / len(order):.4f}")
    seconds = time.perf_counter() - start
    print(orders.numel() / seconds)


def network(plan):
    """Return the network of the plan in training mode, but for what is frozen."""
    spec = importlib.util.spec_from_file_location("model", plan["module"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = getattr(module, plan["class"])().train()
    for name in plan["frozen"]:
        getattr(model, name).requires_grad_(False).eval()
    return model


if __name__ == "__main__":
    main(Path(sys.argv[1]))
