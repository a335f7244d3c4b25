"""A models.config that is read again and again while it is served."""

import logging
from pathlib import Path

from modelregistry.configuration import ModelConfig
from modelregistry.errors import InvalidInput
from modelserver import modelsconfig
from modelserver.textformat import decoded

from .listing import base_directory

_log = logging.getLogger(__name__)


class ConfigFile:
    """Nothing is read before the first call of `read`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: str | None = None
        self._problem = ""

    def read(self) -> tuple[ModelConfig, ...]:
        """
        What the file says; nothing, as upstream, if it is empty.

        Raises InvalidInput, with line and column where there are any.
        """
        self._text = self._read()
        try:
            return self._parse(self._text)
        except modelsconfig.SaysNothing:
            return ()

    def changed(self) -> tuple[ModelConfig, ...] | None:
        """
        What the file says since the last call; None if that is what it said before.

        A file that cannot be read, or not be understood, is reported once, and is no change.
        So is one that says nothing at all, as half-written files do.
        """
        try:
            text = self._read()
            if text == self._text:
                return None
            self._text = text
            configs = self._parse(text)
        except InvalidInput as error:
            if str(error) != self._problem:
                _log.error("keeping the last configuration: %s", error)
            self._problem = str(error)
            return None
        self._problem = ""
        return configs

    def _read(self) -> str:
        try:
            return decoded(self._path.read_bytes(), str(self._path))
        except OSError as error:
            raise InvalidInput(f"cannot read {self._path}: {error.strerror}") from error

    def _parse(self, text: str) -> tuple[ModelConfig, ...]:
        configs = modelsconfig.read(text, str(self._path))
        for config in configs:
            base_directory(config.base_path, config.name)
        return configs
