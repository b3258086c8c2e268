"""Where engines listen: one an identity, for their user alone, whatever the last one has left."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nexxi_cli.infrastructure.warm.place import Place, PlaceRefused, peer_of

NOBODY = 65534
CLAIMING = """
import sys, time
from pathlib import Path
from nexxi_cli.infrastructure.warm.place import Place
print("ready", flush=True)
sys.stdin.readline()
claim = Place(Path(sys.argv[1])).claim("e")
listener = claim and claim.listen()
print("mine" if claim else "not mine", flush=True)
sys.stdin.readline()
"""


def a_process(folder: Path) -> "subprocess.Popen[str]":
    """One that claims the engine `e` when it is told to, and keeps it until its standard input ends."""
    command = [sys.executable, "-c", CLAIMING, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert said_by(process) == "ready"
    return process


def said_by(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate()


def listening(place: Place, name: str) -> socket.socket:
    claim = place.claim(name)
    assert claim is not None
    return claim.listen()


def test_an_engine_is_found_by_its_name_and_both_ends_know_each_other(place: Place) -> None:
    with listening(place, "e") as listener:
        connection = place.connect("e")
        assert connection is not None
        accepted, _ = listener.accept()
        with connection, accepted:
            assert peer_of(accepted) == peer_of(connection)
            assert (peer_of(connection).pid, peer_of(connection).uid) == (os.getpid(), os.geteuid())
        assert place.connect("other") is None
        assert place.names() == ["e"]


def test_nothing_is_made_by_looking(tmp_path: Path, place: Place) -> None:
    assert place.connect("e") is None
    assert place.names() == ()
    assert list(tmp_path.iterdir()) == []


def test_folder_and_socket_are_for_their_user_alone(tmp_path: Path, place: Place) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    (tmp_path / "run").chmod(0o777)
    with listening(place, "e"):
        assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "run" / "e.sock").stat().st_mode) == 0o600


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = tmp_path / "foreign"
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    else:
        folder = Path("/usr")  # root's
    for use in (lambda: Place(folder).claim("e"), lambda: Place(folder).connect("e"), Place(folder).names):
        with pytest.raises(PlaceRefused, match="belongs to another user"):
            use()


def test_a_link_is_not_followed_and_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(PlaceRefused, match="is no folder"):
            Place(tmp_path / name).claim("e")
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_lock_or_socket_that_is_a_link_is_not_followed(tmp_path: Path, place: Place) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "victim").write_text("kept")
    (tmp_path / "run" / "e.sock").symlink_to(tmp_path / "victim")
    with listening(place, "e"):
        assert (tmp_path / "victim").read_text() == "kept"
    (tmp_path / "run" / "f.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(PlaceRefused):
        place.claim("f")


def test_a_path_may_be_longer_than_an_address(tmp_path: Path) -> None:
    place = Place(tmp_path / ("x" * 100) / ("y" * 100))
    with listening(place, "e"):
        connection = place.connect("e")
        assert connection is not None
        connection.close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PlaceRefused, match="cannot be used"):
        Place(tmp_path / "file" / "run").claim("e")


def test_a_crowd_before_an_engine_that_does_not_accept_makes_nobody_wait(place: Place) -> None:
    with listening(place, "e"):
        crowd = []
        while (connection := place.connect("e")) is not None:
            crowd.append(connection)
        assert crowd
        for connection in crowd:
            connection.close()


def test_a_live_engine_keeps_its_name_and_gives_it_back(tmp_path: Path, place: Place) -> None:
    claim = place.claim("e")
    assert claim is not None
    with claim.listen():
        assert place.claim("e") is None
        other = place.claim("f")
        assert other is not None
        other.release()
    claim.release()
    assert list((tmp_path / "run").iterdir()) == []
    again = place.claim("e")
    assert again is not None
    again.release()


def test_of_many_who_begin_at_once_one_is_the_engine(tmp_path: Path, place: Place) -> None:
    for _ in range(3):
        processes = [a_process(tmp_path / "run") for _ in range(6)]
        for process in processes:
            go_on(process)
        assert sorted(map(said_by, processes)) == ["mine"] + ["not mine"] * 5
        connection = place.connect("e")
        assert connection is not None
        connection.close()
        for process in processes:
            end(process)


def test_what_a_killed_engine_has_left_is_replaced(tmp_path: Path, place: Place) -> None:
    process = a_process(tmp_path / "run")
    go_on(process)
    assert said_by(process) == "mine"
    process.send_signal(signal.SIGKILL)
    end(process)
    assert place.names() == ["e"]
    assert place.connect("e") is None
    with listening(place, "e"):
        connection = place.connect("e")
        assert connection is not None
        connection.close()
