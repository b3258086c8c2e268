"""What this machine computes with, told without torch, and as torch would tell it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nexxi_cli.infrastructure.engine import processor
from nexxi_cli.infrastructure.engine.processor import is_for_the_cpu, threads_for


@pytest.fixture(autouse=True)
def nothing_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.slow
def test_threads_are_as_many_as_torch_would_take() -> None:
    code = "import torch; print(torch.get_num_threads())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert threads_for(None) == int(said)


def test_two_threads_of_one_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "CPUS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 4, 5}, raising=False)
    assert threads_for(None) == 4  # where nothing is told of cores
    for cpu in range(8):
        (tmp_path / f"cpu{cpu}/topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}/topology/thread_siblings_list").write_text(f"{cpu % 4},{cpu % 4 + 4}\n")
    assert threads_for(None) == 2


@pytest.mark.parametrize(("stated", "threads"), [("3", 3), (" 5,2", 5), ("0", 1), ("many", 1)])
def test_what_the_environment_states_counts_and_what_the_settings_say_counts_more(
    monkeypatch: pytest.MonkeyPatch, stated: str, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", stated)
    assert (threads_for(None), threads_for(7)) == (threads, 7)


def test_torch_is_asked_only_where_there_may_be_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "nvidiactl"
    monkeypatch.setattr(processor, "ACCELERATORS", (str(device),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert is_for_the_cpu() == (sys.platform == "linux" and os.uname().machine == "x86_64")
    device.touch()
    monkeypatch.setattr(processor, "version", lambda _: "2.13.0+cpu")
    assert is_for_the_cpu()
    monkeypatch.setattr(processor, "version", lambda _: "2.13.0")
    assert not is_for_the_cpu()
