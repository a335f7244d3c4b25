from pathlib import Path

import pytest

from tests.unit.cli.deploying import Deploy


@pytest.fixture
def deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Deploy:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def read() -> tuple[str, str]:
        return capsys.readouterr()

    return Deploy(work, read, {"DEPLOY_REGISTRY": str(work / "registry")})
