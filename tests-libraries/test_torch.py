import pytest

from suitkaise.cucumber import deserialize, serialize

torch = pytest.importorskip("torch", reason="its wheel is half a gigabyte: not in this environment")


@pytest.mark.comes_back("torch.Tensor", "torch.nn.Module", how="as it was; its memory in the bytes")
def test_tensors_and_modules_travel():
    module = torch.nn.Linear(2, 1)
    module.scale = lambda x: x * 2
    tensor = torch.arange(5.0, requires_grad=True)

    copy, same, part = deserialize(serialize([tensor, tensor, tensor[1:3].detach()]))
    model = deserialize(serialize(module))

    assert copy is same
    assert copy.requires_grad
    assert copy.tolist() == [0, 1, 2, 3, 4]
    assert part.tolist() == [1, 2]
    assert torch.equal(model(torch.ones(2)), module(torch.ones(2)))
    assert model.scale(2) == 4
