"""The file with the secret that keys are hashed with: made once, private, and never guessed anew."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ArchiveUnavailable, SettingsError
from nexxi_cli.infrastructure.key_secret import kept_secret

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "key-secret"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_is_the_users_alone(path: Path) -> None:
    secret = kept_secret(path)
    assert len(secret) == 43  # 32 bytes in base64url
    assert kept_secret(path) == secret
    assert [file.name for file in path.parent.iterdir()] == ["key-secret"]
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_processes_that_make_it_at_once_have_the_same_one(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nexxi_cli.infrastructure.key_secret import kept_secret\n"
        "print('ready', flush=True); sys.stdin.readline(); print(kept_secret(Path(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    secrets = {process.communicate(timeout=60)[0] for process in processes}
    assert secrets == {f"{path.read_text()}"}
    assert [file.name for file in path.parent.iterdir()] == ["key-secret"]


def test_a_secret_that_others_can_read_is_made_private(path: Path) -> None:
    secret = kept_secret(path)
    path.chmod(0o644)
    assert kept_secret(path) == secret
    assert mode(path) == 0o600


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 43])
def test_a_damaged_secret_is_named_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"key-secret holds no secret: put the one back"):
        kept_secret(path)
    assert path.read_bytes() == content


def test_a_place_where_none_can_be_made_is_named(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(ArchiveUnavailable, match=r"key-secret cannot be used: File exists; .*NEXXI_KEY_SECRET"):
        kept_secret(path)


def test_a_link_that_leads_nowhere_is_no_secret(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("nowhere")
    with pytest.raises(ArchiveUnavailable, match="No such file"):
        kept_secret(path)
