"""What this machine computes with, as Linux tells it. Knows no torch, which takes a second to ask."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
ACCELERATORS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Devices without which torch finds nothing to compute on but the CPU: NVIDIA's, that of Windows for Linux, AMD's."""


def flags() -> frozenset[str]:
    """What the processor can do; nothing elsewhere."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            found = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(found.partition(":")[2].split())


def threads_for(wanted: int | None) -> int:
    """How many threads to compute with: so many, or as OMP_NUM_THREADS says, or one for each core that is ours.

    Two threads on one core would share what multiplies.
    """
    stated = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return wanted or (int(stated) if stated.isascii() and stated.isdigit() else 0) or _cores()


def _cores() -> int:
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len({_core(cpu) for cpu in os.sched_getaffinity(0)})


def _core(cpu: int) -> str:
    """The CPUs of the core that this one belongs to."""
    try:
        return (CPUS / f"cpu{cpu}/topology/thread_siblings_list").read_text(encoding="ascii")
    except OSError:
        return str(cpu)


def is_for_the_cpu() -> bool:
    """Whether this machine's models run on the CPU; on a CUDA device they run by transformers."""
    may_have_another = sys.platform != "linux" or os.uname().machine != "x86_64" or _has_accelerator()
    if not may_have_another or version("torch").endswith("+cpu"):
        return True
    import torch

    return not torch.cuda.is_available()


def _has_accelerator() -> bool:
    return any(Path(device).exists() for device in ACCELERATORS)
