"""What is in the image that ships, and what is not."""

from pathlib import Path, PurePosixPath

import pytest

from infra.local import weigh

MOST = 800_000_000  # bytes beyond the base image; the runtime's library is most of them


@pytest.fixture(scope="module")
def image(built: Path) -> dict[str, int]:
    """Each file that the image adds to its base, with its bytes."""
    return weigh.added()


def test_the_python_side_of_tensorflow_is_not_in_the_image(image: dict[str, int]) -> None:
    assert any(PurePosixPath(path).name.startswith("libtensorflow_cc.so") for path in image)
    assert [] == [path for path in image if "/tensorflow/python/" in path]
    assert [] == [path for path in image if path.endswith("/tensorflow/__init__.py")]
    assert [] == [path for path in image if "/keras/" in path]


def test_nothing_of_tests_tools_and_wheels_is_in_the_image(image: dict[str, int]) -> None:
    strays = ("/tests/", "/.git/", "/.venv", "/cli/modelcli/", "/moto/", "/pytest/")
    assert [] == [path for path in image if any(stray in path for stray in strays)]
    assert [] == [path for path in image if path.endswith(".whl")]


def test_the_image_stays_as_small_as_the_documents_say(image: dict[str, int]) -> None:
    assert sum(image.values()) < MOST
