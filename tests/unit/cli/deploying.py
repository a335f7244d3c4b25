"""`deploy`, run in this process as a person would, with a compiler that needs no TensorFlow."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelcli.main import main
from modelcli.session import Session
from modelregistry.aws.stack import StackOutputs
from modelregistry.errors import NotFound
from modelregistry.opening import open_registry
from modelregistry.plan import Compiler
from modelregistry.registry import Registry
from tests.fakes import FakeCompiler, savedmodel


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command printed
        return json.loads(self.out)


@dataclass
class Deploy:
    """
    The command in the directory `work`, its registry in `work/registry`.

    `environment` is what it sees of the environment, `stacks` what CloudFormation has,
    `compiler` what it publishes with, unless `compiler_from` makes another, or fails to;
    `tags` are those that the last one was for.
    """

    work: Path
    read: Callable[[], tuple[str, str]]
    environment: dict[str, str] = field(default_factory=dict)
    stacks: dict[str, StackOutputs] = field(default_factory=dict)
    compiler: FakeCompiler = field(default_factory=FakeCompiler)
    compiler_from: Callable[[], Compiler] | None = None
    tags: tuple[str, ...] = ()

    def __call__(self, *arguments: str) -> Result:
        session = Session(
            self.environment,
            self.work,
            self._compiler,
            self.outputs,
        )
        code = main(arguments, session=session)
        out, err = self.read()
        return Result(code, out, err)

    def _compiler(self, tags: Sequence[str]) -> Compiler:
        self.tags = tuple(tags)
        return self.compiler_from() if self.compiler_from else self.compiler

    def outputs(self, stack: str) -> StackOutputs:
        if stack not in self.stacks:
            raise NotFound(f"there is no stack {stack}")
        return self.stacks[stack]

    def ok(self, *arguments: str) -> Result:
        """Run what has to succeed."""
        result = self(*arguments)
        assert (result.code, result.err.startswith("error")) == (0, False), result.err
        return result

    def published(self, models: Mapping[str, int]) -> "Deploy":
        """Versions 1 to N of each model are there, each with bytes of its own."""
        for model, newest in models.items():
            for version in range(1, newest + 1):
                source = savedmodel(self.work / "exports" / model / str(version), f"{version}")
                self.ok("publish", str(source), model, str(version))
        return self

    def registry(self) -> Registry:
        return open_registry(self.environment["DEPLOY_REGISTRY"])

    def everything(self) -> dict[str, bytes]:
        """Every byte of the registry, SQLite's own bookkeeping aside."""
        root = self.work / "registry"
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm"))
        }
