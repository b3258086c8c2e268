"""Several processes that serve have one set of figures, whichever of them is asked."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[str, float]


class Worker:
    """A process that has counted `requests` requests, each of them still running, and loaded a model."""

    def __init__(self, folder: Path, *, requests: int, load_seconds: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.observability.counting_process", str(requests), str(load_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        )
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self.said, self.told = self.process.stdout, self.process.stdin
        assert self.said.readline() == "ready\n"

    def samples(self) -> Samples:
        """What it tells Prometheus; the labels stand in the name."""
        self.told.write("\n")
        self.told.flush()
        text = "".join(iter(self.said.readline, "# EOF\n"))
        return {
            sample.name + "".join(f",{name}={value}" for name, value in sample.labels.items()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.told.close()
        self.said.close()
        self.process.wait()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[tuple[Worker, Worker]]:
    with ExitStack() as stack:
        both = Worker(tmp_path, requests=2, load_seconds=4), Worker(tmp_path, requests=3, load_seconds=9)
        for worker in both:
            stack.callback(worker.close)
        yield both


def test_either_process_tells_the_figures_of_both(workers: tuple[Worker, Worker]) -> None:
    samples = workers[0].samples()
    assert samples == workers[1].samples()
    assert samples["nexxi_http_requests_total,method=POST,route=/v1/chat,status=200"] == 5
    assert samples["nexxi_http_request_duration_seconds_count,route=/v1/chat"] == 5
    assert samples["nexxi_generation_tokens_total"] == 10
    assert samples["nexxi_requests_running"] == 5
    assert samples["nexxi_requests_waiting"] == 2
    assert samples["nexxi_model_load_seconds"] == 9
    assert samples["nexxi_keys_up"] == 0
    assert samples["nexxi_archive_up"] == 1
    assert [value for name, value in samples.items() if name.startswith("nexxi_build_info")] == [1]


def test_a_process_that_was_killed_leaves_its_counts_but_runs_no_request(workers: tuple[Worker, Worker]) -> None:
    workers[1].kill()
    samples = workers[0].samples()
    assert samples["nexxi_generation_tokens_total"] == 10
    assert samples["nexxi_requests_running"] == 2
    assert samples["nexxi_keys_up"] == 1
