"""The compiled step: it says what the arithmetic says that is not compiled, and nothing depends on it."""

import copy
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file

from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine import compiled as compiled_module
from nexxi_cli.infrastructure.engine import kernels
from nexxi_cli.infrastructure.engine.checkpoint import Floats, Quantise
from nexxi_cli.infrastructure.engine.compiled import CompiledModel, CompiledStep
from nexxi_cli.infrastructure.engine.compiler import blocks_of, compile_step
from nexxi_cli.infrastructure.engine.fast import FastEngine
from nexxi_cli.infrastructure.engine.kernels import KernelFiles, kernel_files, library_file, told_of_kernels
from nexxi_cli.infrastructure.engine.model import Model
from nexxi_cli.infrastructure.engine.packs import save
from nexxi_cli.infrastructure.models.folder import ModelFolder
from tests.infrastructure.engine.models import FAMILIES, VOCABULARY, checkpoint, engine_model, make

TEXT = torch.randint(3, VOCABULARY, (40,), generator=torch.Generator().manual_seed(9)).tolist()


def make_wide(family: str, folder: Path) -> None:
    """A small model of the family with heads as wide as real ones are at least, in which rounding does not grow."""
    config = copy.deepcopy(FAMILIES[family])
    config.head_dim, config.initializer_range = 32, 0.08
    make(config, folder).bfloat16().save_pretrained(folder)  # what is quantised is the same either way


@pytest.fixture(scope="module", params=["AVX512", "AVX2"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled library, made here, for the newest processors and for others."""
    if request.param == "AVX512" and not kernels.flags().issuperset(("avx512bw", "avx512_vnni", "avx512_bf16")):
        pytest.skip("needs a processor with AVX-512's VNNI and bfloat16")
    if not (kernels.has_processor() and kernels.has_compiler()):
        pytest.skip(f"needs {kernels.compiler()} and a processor with {', '.join(kernels.NEEDED)}")
    file = library_file(tmp_path_factory.mktemp("library"))
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "AVX2":
            patch.setenv("CXXFLAGS", "-march=x86-64-v3")
        compile_step(file)
    return file


def compiled(folder: Path, library: Path, kind: Quantise) -> CompiledModel:
    files, weights = KernelFiles(library, folder / "blocks"), checkpoint(folder)
    save(files.blocks, blocks_of(weights, kind))
    return CompiledModel(files, weights, threads=torch.get_num_threads())


def scores_of(model: Model, tokens: Sequence[int]) -> Floats:
    """After a prompt of 5 tokens, the next three, and the rest one by one: never so many that dense matrices serve."""
    text = model.new_text()
    found = [model.read(tokens[:5], text), model.read(tokens[5:8], text)]
    found += [model.follow([token], [text])[0] for token in tokens[8:]]
    return np.stack(found)


@pytest.mark.parametrize("kind", ["int4", "int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_compiled_step_is_the_arithmetic_of_each_family(
    request: pytest.FixtureRequest, library: Path, tmp_path: Path, family: str, kind: Quantise
) -> None:
    make_wide(family, tmp_path)
    expected = scores_of(engine_model(tmp_path, kind), TEXT)
    model = compiled(tmp_path, library, kind)
    found = scores_of(model, TEXT)
    assert model.words.startswith(f"{kind}, compiled, threads: ")
    assert model.words.endswith(f", {request.node.callspec.params['library']}")
    assert not np.array_equal(found, expected)
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 0.04


def test_a_text_is_stepped_alike_alone_and_among_others_and_read_as_it_is_stepped(
    library: Path, tmp_path: Path
) -> None:
    make_wide("llama", tmp_path)
    model = compiled(tmp_path, library, "int4")
    alone = model.new_text()
    one_by_one = [model.follow([token], [alone])[0] for token in TEXT]
    for count in (2, 15, 16, 17, 31, 32, 33, 40):
        assert np.array_equal(model.read(TEXT[:count], model.new_text()), one_by_one[count - 1])
    in_parts = model.new_text()
    model.read(TEXT[:21], in_parts)
    assert np.array_equal(model.read(TEXT[21:], in_parts), one_by_one[-1])
    for count in (2, 3, 4, 5, 15, 16, 17, 20):
        texts = [model.new_text() for _ in range(count)]
        lengths = [3 + 5 * place % 13 for place in range(count)]
        for length, text in zip(lengths, texts, strict=True):
            model.read(TEXT[:length], text)
        together = model.follow([TEXT[length] for length in lengths], texts)
        for length, found in zip(lengths, together, strict=True):
            assert np.array_equal(found, one_by_one[length])


def test_what_was_read_without_it_goes_on_with_it(library: Path, tmp_path: Path) -> None:
    make_wide("llama", tmp_path)
    slow, model = engine_model(tmp_path, "int4"), compiled(tmp_path, library, "int4")
    text = slow.new_text()
    for begin in range(0, 20, 5):  # never so many that dense matrices serve
        slow.read(TEXT[begin : begin + 5], text)
    expected, found = model.read(TEXT, model.new_text()), model.read(TEXT[20:], text)
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 0.04


def test_numbers_that_are_none_stay_so(library: Path, tmp_path: Path) -> None:
    make_wide("llama", tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    weights["model.layers.1.post_attention_layernorm.weight"][5] = torch.nan
    save_file(weights, file)
    model = compiled(tmp_path, library, "int8")
    assert np.isnan(model.follow([5], [model.new_text()])).all()


def test_a_model_that_is_not_quantised_has_no_compiled_step_nor_one_of_narrow_heads(tmp_path: Path) -> None:
    make(FAMILIES["llama"], tmp_path / "narrow")
    make_wide("llama", tmp_path / "wide")

    def files_of(name: str, kind: Quantise) -> KernelFiles | None:
        return kernel_files(tmp_path, tmp_path / name, kind, checkpoint(tmp_path / name).shape)

    assert files_of("narrow", "int8") is None
    assert files_of("wide", "bf16") is None
    four, eight = files_of("wide", "int4"), files_of("wide", "int8")
    assert four is not None
    assert eight is not None
    assert four.library == eight.library
    assert four.blocks != eight.blocks


def step(folder: Path) -> CompiledStep:
    return CompiledStep(KernelFiles(folder / "step-x.so", folder / "x"), checkpoint(folder), "int8", 1)


@pytest.mark.parametrize("part", ["library", "blocks"])
def test_what_is_damaged_is_thrown_away(library: Path, tmp_path: Path, part: str) -> None:
    make_wide("llama", tmp_path)
    wanted = step(tmp_path)
    assert wanted.load() is None
    shutil.copy(library, wanted.files.library)
    assert wanted.load() is None
    assert wanted.files.library.exists()  # not even tried while the matrices are missing
    save(wanted.files.blocks, blocks_of(wanted.checkpoint, "int8"))
    damaged: Path = getattr(wanted.files, part)
    damaged.write_bytes(b"nothing of use")
    assert wanted.files.state() == "made"
    assert wanted.load() is None
    assert wanted.files.state() != "made"


def test_doctor_can_say_what_has_become_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "has_processor", lambda: False)
    assert "this processor has not what they need (avx2, fma, f16c)" in told_of_kernels(tmp_path)
    assert KernelFiles(tmp_path / "x.so", tmp_path / "x").state() == "no such processor"
    monkeypatch.setattr(kernels, "has_processor", lambda: True)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert told_of_kernels(tmp_path) == "steps not compiled, as there is no C++ compiler (no-such-compiler)"
    assert KernelFiles(tmp_path / "x.so", tmp_path / "x").state() == "no compiler"
    monkeypatch.setenv("CXX", "sh")
    assert "not compiled yet" in told_of_kernels(tmp_path)
    files = KernelFiles(library_file(tmp_path), tmp_path / "x.safetensors")
    assert files.state() == "to be made"
    files.failure.write_text("why\n")
    assert (files.state(), told_of_kernels(tmp_path)) == ("failed", "steps not compiled: why")
    files.library.touch()
    files.blocks.touch()
    assert (files.state(), told_of_kernels(tmp_path)) == ("made", "compiled steps")


def close_soon(wanted: CompiledStep, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The models for which a process that ends soon starts a compiler."""
    started: list[Path] = []
    monkeypatch.setattr(compiled_module, "start_compiler", lambda model, *_: started.append(model))
    closed = threading.Event()
    thread = wanted.make_behind(pytest.fail, after_s=60, closed=closed)
    assert not started
    closed.set()
    thread.join(5)
    assert not thread.is_alive()
    return started


def test_a_process_that_ends_soon_leaves_the_compiler_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wide("llama", tmp_path)
    assert close_soon(step(tmp_path), monkeypatch) == [tmp_path]


def test_one_that_ends_while_another_compiles_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wide("llama", tmp_path)
    wanted = step(tmp_path)
    assert wanted.files.may_be_made()
    with FileLock(wanted.files.lock):
        assert not wanted.files.may_be_made()
        assert close_soon(wanted, monkeypatch) == []


def test_nor_does_one_whose_folder_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wide("llama", tmp_path / "model")
    (tmp_path / "engine").touch()
    files = KernelFiles(tmp_path / "engine" / "step-x.so", tmp_path / "engine" / "x")
    assert close_soon(CompiledStep(files, checkpoint(tmp_path / "model"), "int8", 1), monkeypatch) == []


def load(folder: Path) -> FastEngine:
    return FastEngine.load(
        ModelFolder("small", folder), quantise="int8", threads=1, packs=folder / "packs", prefix_bytes=2**20
    )


def answer(engine: FastEngine) -> Sequence[int]:
    tokens: list[int] = []
    engine.generate(TEXT, Sampling(temperature=0), max_new_tokens=5, on_token=tokens.append, stop=threading.Event())
    return tokens


def test_an_engine_has_it_made_uses_it_and_the_next_one_finds_it(library: Path, tmp_path: Path) -> None:
    make_wide("llama", tmp_path)
    engine = load(tmp_path)
    shutil.copy(library, library_file(tmp_path / "packs"))  # the compiler's part is tested by the fixture
    assert "not compiled" in engine.words
    thread = engine.compile_behind(after_s=0, closed=threading.Event())
    assert thread is not None
    thread.join()
    assert "int8, compiled" in engine.words
    following = load(tmp_path)
    assert ", compiled" in following.words
    assert following.compile_behind(after_s=0, closed=threading.Event()) is None
    assert answer(following) == answer(engine)
    assert told_of_kernels(tmp_path / "packs") == "compiled steps"
    assert answer_without_torch(tmp_path) == answer(engine)


ASK = """
import sys, threading
from pathlib import Path
sys.modules.update(dict.fromkeys(["torch", "transformers", "accelerate", "huggingface_hub"]))  # are not to be had
import nexxi_cli.infrastructure.models.local
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine.fast import FastEngine
from nexxi_cli.infrastructure.models.folder import ModelFolder
path, tokens = Path(sys.argv[1]), []
folder = ModelFolder("small", path)
engine = FastEngine.load(folder, quantise="int8", threads=1, packs=path / "packs", prefix_bytes=0)
engine.generate(%r, Sampling(temperature=0), max_new_tokens=5, on_token=tokens.append, stop=threading.Event())
print(tokens)
"""


def answer_without_torch(folder: Path) -> Sequence[int]:
    """As of a process of its own."""
    done = subprocess.run([sys.executable, "-c", ASK % TEXT, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[int] = json.loads(done.stdout)
    return found


def test_what_a_compiler_cannot_do_is_noted_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wide("llama", tmp_path)
    monkeypatch.setattr(kernels, "has_processor", lambda: True)
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("CXXFLAGS", '"')  # is not ours to understand
    engine = load(tmp_path)
    for _ in range(2):
        thread = engine.compile_behind(after_s=0, closed=threading.Event())
        assert thread is not None
        thread.join()
    assert "not compiled" in engine.words
    assert len(answer(engine)) == 5
    assert told_of_kernels(tmp_path / "packs").startswith("steps not compiled: Command ")
    assert len(library_file(tmp_path / "packs").with_suffix(".failed").read_text().splitlines()) == 1
