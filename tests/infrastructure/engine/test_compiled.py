"""Compiled steps: they say what those say that are not compiled, and nothing depends on them.

What needs a C++ compiler, half a minute a model, is marked slow.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine.block import Block, Heads
from nexxi_cli.infrastructure.engine.compiled import kernel_file, load_kernels, make_behind
from nexxi_cli.infrastructure.engine.fast import FastEngine
from nexxi_cli.infrastructure.engine.kernels import KernelFile, told_of_kernels
from nexxi_cli.infrastructure.engine.llama import Llama
from nexxi_cli.infrastructure.engine.weights import Quantise
from nexxi_cli.infrastructure.models.folder import ModelFolder
from tests.infrastructure.engine.models import FAMILIES, VOCABULARY, engine_model, make

TEXT = torch.randint(3, VOCABULARY, (30,), generator=torch.Generator().manual_seed(9)).tolist()


class Plain:
    """Stands in for kernels: the arithmetic that they are made of, as it is written."""

    most_rows = 16

    def __init__(self, model: Llama) -> None:
        self._layers = model.weights.layers
        self._block = Block(model.shape, model.weights.dtype)
        self.calls = 0

    def between(
        self, number: int, x: torch.Tensor, attended: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, Heads]:
        self.calls += 1
        one, following = self._layers[number : number + 2]
        return self._block.between(x, attended, cos, sin, one.after, following.before)

    def attend_once(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self._block.attend_once(queries, keys, values)


def scores_of(model: Llama, tokens: Sequence[int]) -> torch.Tensor:
    """After a prompt of 20 tokens and the rest one by one."""
    text = model.new_text()
    with torch.inference_mode():
        found = [model.read(tokens[:20], text), *(model.follow([token], [text])[0] for token in tokens[20:])]
    return torch.stack(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_compiled_is_the_arithmetic_of_each_family(tmp_path: Path, family: str) -> None:
    make(FAMILIES[family], tmp_path)
    model = engine_model(tmp_path)
    expected = scores_of(model, TEXT)
    plain = Plain(model)
    model.use(plain)
    torch.testing.assert_close(scores_of(model, TEXT), expected, atol=2e-4, rtol=2e-4)
    layers = model.shape.layers
    assert plain.calls == 10 * (layers + layers - 1)


def test_a_model_that_is_not_quantised_has_no_kernels_and_those_of_one_shape_share_theirs(tmp_path: Path) -> None:
    make(FAMILIES["llama"], tmp_path)
    whole, eight, again = (engine_model(tmp_path, kind) for kind in ("bf16", "int8", "int8"))
    assert kernel_file(tmp_path, whole.shape, whole.weights) is None
    assert kernel_file(tmp_path, eight.shape, eight.weights) == kernel_file(tmp_path, again.shape, again.weights)
    four = engine_model(tmp_path, "int4")
    assert kernel_file(tmp_path, four.shape, four.weights) != kernel_file(tmp_path, eight.shape, eight.weights)


def test_a_damaged_file_is_thrown_away(tmp_path: Path) -> None:
    make(FAMILIES["llama"], tmp_path)
    model, file = engine_model(tmp_path, "int8"), KernelFile(tmp_path / "kernels-x.pt2")
    assert load_kernels(file, model.weights.layers) is None
    file.path.write_bytes(b"no kernels")
    assert load_kernels(file, model.weights.layers) is None
    assert not file.path.exists()


def test_doctor_can_say_what_has_become_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert told_of_kernels(tmp_path) == "steps not compiled, as there is no C++ compiler (no-such-compiler)"
    monkeypatch.setenv("CXX", "sh")
    assert "not compiled yet" in told_of_kernels(tmp_path)
    file = KernelFile(tmp_path / "kernels-x.pt2")
    assert file.state() == "to be made"
    file.failure.write_text("CppCompileError: why\n")
    assert (file.state(), told_of_kernels(tmp_path)) == ("failed", "steps not compiled: CppCompileError: why")
    file.path.touch()
    assert (file.state(), told_of_kernels(tmp_path)) == ("made", "compiled steps")


def test_a_process_that_ends_soon_has_nothing_made(tmp_path: Path) -> None:
    make(FAMILIES["llama"], tmp_path)
    model, file, closed = engine_model(tmp_path, "int8"), KernelFile(tmp_path / "kernels-x.pt2"), threading.Event()
    thread = make_behind(model, file, ("no folder", "int8", "no folder"), after_s=60, closed=closed)
    closed.set()
    thread.join(5)
    assert not thread.is_alive()
    assert not file.path.exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("family", "kind"), [("llama", "int4"), ("qwen2", "int8"), ("qwen3", "int4")])
def test_kernels_say_what_the_arithmetic_says_alone_and_together(tmp_path: Path, family: str, kind: Quantise) -> None:
    make(FAMILIES[family], tmp_path)
    model = engine_model(tmp_path, kind)
    expected = scores_of(model, TEXT)
    file = KernelFile(tmp_path / "kernels-x.pt2")
    arguments = (str(tmp_path), kind, str(tmp_path / "packs"))
    make_behind(model, file, arguments, after_s=0, closed=threading.Event()).join()
    assert file.state() == "made"
    found = scores_of(model, TEXT)
    assert ((found - expected).norm() / expected.norm()).item() < 0.02
    with torch.inference_mode():
        for count in (2, 5, 16):
            texts = [model.new_text() for _ in range(count)]
            for place, text in enumerate(texts):
                model.read(TEXT[place : place + 5], text)
            alone = model.new_text()
            model.read(TEXT[:5], alone)
            together = model.follow([TEXT[7]] * count, texts)
            assert torch.equal(together[0], model.follow([TEXT[7]], [alone])[0])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_engine_has_them_made_and_the_next_one_finds_them(tmp_path: Path) -> None:
    make(FAMILIES["llama"], tmp_path)
    packs, closed = tmp_path / "packs", threading.Event()

    def load() -> FastEngine:
        return FastEngine.load(
            ModelFolder("small", tmp_path), quantise="int8", threads=1, packs=packs, prefix_bytes=2**20
        )

    load().compile_behind(after_s=0, closed=closed)
    deadline = threading.Event()
    while not list(packs.glob("kernels-*.pt2")) and not deadline.wait(1):
        assert not list(packs.glob("*.failed"))
    tokens: list[int] = []
    load().generate(TEXT, Sampling(temperature=0), max_new_tokens=5, on_token=tokens.append, stop=threading.Event())
    assert len(tokens) == 5
    assert told_of_kernels(packs) == "compiled steps"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_a_compiler_cannot_do_is_noted_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(FAMILIES["llama"], tmp_path)
    monkeypatch.setenv("CXX", "false")
    model, file, packs = engine_model(tmp_path, "int8"), KernelFile(tmp_path / "kernels-x.pt2"), str(tmp_path / "packs")
    make_behind(model, file, (str(tmp_path), "int8", packs), after_s=0, closed=threading.Event()).join()
    assert file.state() == "failed"
    assert len(file.failure.read_text().splitlines()) == 1
