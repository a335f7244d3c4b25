import shutil
from pathlib import Path

import pytest

from bench.containers import PEERS, made_from


@pytest.mark.parametrize("name", ["plain.Dockerfile", "plain.py", "plain.txt"])
def test_a_changed_file_of_the_plain_image_makes_it_another(name: str, tmp_path: Path) -> None:
    shutil.copytree(PEERS, tmp_path, dirs_exist_ok=True)
    assert made_from(tmp_path, base="sha256:1") == made_from(base="sha256:1")
    (tmp_path / name).write_text((tmp_path / name).read_text() + "\n")
    assert made_from(tmp_path, base="sha256:1") != made_from(base="sha256:1")


def test_another_base_makes_the_plain_image_another() -> None:
    assert made_from(base="sha256:1") != made_from(base="sha256:2")
