"""What happens in directories and in models.config, as requests see it."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from modelregistry.aliases.state import Policy
from modelregistry.artifacts.store import Fetched
from modelregistry.configuration import ModelConfig
from modelregistry.errors import InvalidInput, Refused
from modelregistry.names import ModelId
from modelregistry.plan import Plan
from modelregistry.progress import UNWATCHED
from modelserver import modelsconfig
from modelserver.asked import Asked
from modelserver.directories.catalogue import AT_ONCE, Catalogue
from modelserver.directories.configfile import ConfigFile
from modelserver.directories.inplace import PlainRegistry
from modelserver.directories.watcher import Watcher, settle_seconds
from modelserver.errors import ModelNotFound, ModelUnavailable, UnknownLabel
from modelserver.routing import Router
from modelserver.servables import Servable, Servables
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from tests.fakes import plan
from tests.unit.server.doubles import Loads, Time

from .test_catalogue import Judge, Shelf

SETTLE = 1.0


class World:
    """A server over `root`, with a directory per model; nothing happens until it is told to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "models.config"
        self.time = Time()
        self.judge = Judge()
        self.loads = Loads()
        self.catalogue = Catalogue(self.judge, settle=SETTLE, clock=self.time)
        self.registry = PlainRegistry(self.catalogue, url=str(root))
        self.servables = Servables(self._load, budget=1000, clock=self.time)
        self.router = Router(
            self.registry, self.servables, ttl=3600, monotonic=self.time, wall=self.time
        )
        self.server = ModelServer(self.registry, self.servables, self.router, ServingSettings())
        self.config = ConfigFile(self.file)
        self.watcher = Watcher(
            self.registry,
            self.catalogue,
            self.servables,
            self.router,
            poll=1,
            file=self.config,
            start=lambda work: work(),
            clock=self.time,
        )

    def _load(self, id: ModelId) -> Servable:
        with self.registry.artifacts.fetch(id, UNWATCHED) as found:
            assert isinstance(found, Fetched)
        return self.loads(id)

    def model(self, name: str, *numbers: int) -> Shelf:
        """`root/name` with so many whole versions."""
        shelf = Shelf(self.root / name)
        for number in numbers:
            shelf.put(number)
        shelf.base.mkdir(exist_ok=True)
        return shelf

    def configure(self, *names: str, policy: Policy | None = None, **labels: int) -> None:
        configs = [
            ModelConfig(name, str(self.root / name), policy or Policy("latest"), labels)
            for name in names
        ]
        self.file.write_text(modelsconfig.write(configs))

    def poll(self) -> None:
        self.time.seconds += SETTLE
        self.watcher.look()

    def settle(self) -> None:
        for _ in range(3):
            self.poll()
        eventually(lambda: not self.servables._loading)

    def reread(self) -> None:
        self.watcher.reread()
        self.settle()

    def version(self, model: str = "m", label: str | None = None) -> int:
        """Who answers, down to the servable."""
        return self.servables.get(self.router.resolve(Asked(model, label=label)).id).id.version

    def states(self, model: str = "m") -> dict[str, str]:
        document = self.server.status(Asked(model))
        return {v["version"]: v["state"] for v in document["model_version_status"]}


def eventually(true: Callable[[], bool]) -> None:
    """Loads finish in threads of their own."""
    deadline = monotonic() + 10
    while not true():
        assert monotonic() < deadline
        sleep(0.001)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def started(world: World, *names: str, policy: Policy | None = None, **labels: int) -> World:
    world.configure(*names, policy=policy, **labels)
    world.watcher.configure(world.config.read())
    world.settle()
    return world


def test_the_highest_version_answers_and_any_other_by_its_number(world: World) -> None:
    world.model("m", 1, 2)
    started(world, "m")
    assert 2 == world.version()
    assert ModelId("m", 1) == world.servables.get(world.router.resolve(Asked("m", 1)).id).id
    assert {"2": "AVAILABLE", "1": "AVAILABLE"} == world.states()


def test_a_new_version_is_loaded_before_it_answers(world: World) -> None:
    shelf = world.model("m", 1)
    started(world, "m")
    assert 1 == world.version()
    shelf.put(2)
    with world.loads.held():
        for _ in range(3):
            world.poll()
            assert 1 == world.version()
    eventually(lambda: 2 == world.version())


def test_a_removed_version_answers_until_the_one_before_is_loaded_and_then_404(
    world: World,
) -> None:
    shelf = world.model("m", 1, 2)
    started(world, "m")
    assert [2, [ModelId("m", 2)]] == [world.version(), world.servables.loaded()]
    shelf.drop(2)
    with world.loads.held():
        world.poll()
        world.poll()
        assert 2 == world.version()
    eventually(lambda: 1 == world.version())
    with pytest.raises(ModelNotFound, match=r"^Servable not found for request: Specific\(m, 2\)$"):
        world.router.resolve(Asked("m", 2))
    eventually(lambda: [ModelId("m", 1)] == world.servables.loaded())
    assert {"1": "AVAILABLE"} == world.states()


def test_when_the_last_version_is_removed_nothing_answers_or_stays_loaded(world: World) -> None:
    shelf = world.model("m", 1)
    started(world, "m")
    assert 1 == world.version()
    shelf.drop(1)
    world.settle()
    with pytest.raises(ModelNotFound, match=r"^Servable not found for request: Latest\(m\)$"):
        world.version()
    with pytest.raises(ModelNotFound, match="Could not find any versions of model m"):
        world.states()
    assert [] == world.servables.loaded()


def test_a_directory_that_comes_back_with_other_bytes_is_loaded_anew(world: World) -> None:
    shelf = world.model("m", 1)
    started(world, "m")
    assert 1 == world.version()
    shelf.drop(1)
    world.settle()
    shelf.put(1)
    world.settle()
    assert 1 == world.version()
    assert 2 == world.loads.count[ModelId("m", 1)]


def test_bytes_that_change_in_place_are_loaded_anew_beside_the_old_ones(world: World) -> None:
    shelf = world.model("m", 1)
    started(world, "m")
    before = world.servables.get(ModelId("m", 1))
    shelf.put(1)
    with world.loads.held():
        for _ in range(3):
            world.poll()
            assert before is world.servables.get(world.router.resolve(Asked("m")).id)
    eventually(lambda: before is not world.servables.get(ModelId("m", 1)))
    assert 2 == world.loads.count[ModelId("m", 1)]


def test_bytes_that_change_under_a_version_that_only_its_number_reaches_are_loaded_anew(
    world: World,
) -> None:
    shelf = world.model("m", 1, 2)
    started(world, "m")
    before = world.servables.get(world.router.resolve(Asked("m", 1)).id)
    shelf.put(1)
    world.settle()
    eventually(lambda: before is not world.servables.get(world.router.resolve(Asked("m", 1)).id))


def test_a_version_that_cannot_be_served_is_at_its_end_in_the_status(world: World) -> None:
    shelf = world.model("m", 1)
    shelf.put(2, "it has no graph")
    started(world, "m")
    assert 1 == world.version()
    (document, other) = world.server.status(Asked("m"))["model_version_status"]
    assert ("2", "END") == (document["version"], document["state"])
    assert "it has no graph: export it again" == document["status"]["error_message"]
    assert ("1", "AVAILABLE") == (other["version"], other["state"])
    (only,) = world.server.status(Asked("m", version=2))["model_version_status"]
    assert document == only
    with pytest.raises(ModelNotFound):
        world.router.resolve(Asked("m", 2))


def test_a_broken_or_missing_model_stops_no_other(world: World, tmp_path: Path) -> None:
    world.model("good", 1)
    world.model("broken").put(1, "broken")
    started(world, "broken", "good", "missing")
    assert 1 == world.version("good")
    for name in ("broken", "missing"):
        with pytest.raises(ModelNotFound):
            world.version(name)
    world.model("missing", 3)
    world.settle()
    assert 3 == world.version("missing")


def test_a_model_that_cannot_even_be_looked_at_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.model("a", 1)
    world.model("b", 1)
    look = world.catalogue.look

    def explode(name: str) -> tuple[list[ModelId], bool]:
        if name == "a":
            raise ZeroDivisionError
        return look(name)

    monkeypatch.setattr(world.catalogue, "look", explode)
    started(world, "a", "b")
    assert 1 == world.version("b")


def test_labels_are_aliases_and_a_label_left_out_is_gone(world: World) -> None:
    world.model("m", 1, 2, 3)
    started(world, "m", stable=1, canary=2)
    expected = [3, 1, 2]
    assert expected == [
        world.version(),
        world.version("m", "stable"),
        world.version("m", "canary"),
    ]
    world.configure("m", stable=2)
    world.reread()
    assert 2 == world.version("m", "stable")
    with pytest.raises(UnknownLabel, match=r"^Unrecognized servable version label: canary$"):
        world.version("m", "canary")


def test_a_label_of_a_version_that_is_not_there_is_told_once_and_answers_404_until_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = world.model("m", 1)
    with caplog.at_level(logging.WARNING):
        started(world, "m", canary=2)
        world.settle()
    assert ["m: label 'canary' is for version 2, which is not there"] == caplog.messages
    with pytest.raises(ModelNotFound, match=r"^Servable not found for request: Specific\(m, 2\)$"):
        world.version("m", "canary")
    with pytest.raises(ModelNotFound):
        world.server.status(Asked("m", label="canary"))
    shelf.put(2)
    world.settle()
    assert 2 == world.version("m", "canary")


def test_a_label_is_moved_when_its_new_version_is_loaded(world: World) -> None:
    world.model("m", 1, 2, 3)
    started(world, "m", stable=1)
    assert 1 == world.version("m", "stable")
    world.configure("m", stable=2)
    with world.loads.held():
        world.watcher.reread()
        world.poll()
        assert 1 == world.version("m", "stable")
    eventually(lambda: 2 == world.version("m", "stable"))


def test_the_tutorials_live_edits_move_the_default_and_back(world: World) -> None:
    world.model("m", 1, 2)
    started(world, "m", policy=Policy("specific", versions=(1,)))
    assert 1 == world.version()
    for number in (2, 1, 2):
        world.configure("m", policy=Policy("specific", versions=(number,)))
        world.reread()
        assert number == world.version()


def test_a_model_left_out_is_unloaded_and_one_that_is_added_is_served(world: World) -> None:
    world.model("a", 1)
    world.model("b", 1)
    started(world, "a", stable=1)
    assert 1 == world.version("a")
    world.configure("b")
    world.reread()
    assert 1 == world.version("b")
    with pytest.raises(ModelNotFound, match=r"^Servable not found for request: Latest\(a\)$"):
        world.version("a")
    with pytest.raises(UnknownLabel):
        world.version("a", "stable")
    with pytest.raises(ModelNotFound):
        world.router.resolve(Asked("a", 1))
    assert [ModelId("b", 1)] == world.servables.loaded()
    assert ["b"] == world.registry.models()
    world.configure("a", "b")
    world.reread()
    assert [1, 1] == [world.version("a"), world.version("b")]
    assert {ModelId("a", 1): 2, ModelId("b", 1): 1} == world.loads.count  # b never left


@pytest.mark.parametrize(
    "text",
    [
        "model_config_list {",
        "model_config_list {config {name:'m' base_path:'s3://b/m' model_platform:'tensorflow'}}",
        "",
        "# nothing\n",
        "# the model_config_list {} of the team\n",
    ],
)
def test_a_bad_file_is_reported_once_and_changes_nothing(
    world: World, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.model("m", 1)
    started(world, "m")
    caplog.clear()
    world.file.write_text(text)
    for _ in range(3):
        world.reread()
    assert 1 == len(caplog.messages)
    assert caplog.messages[0].startswith("keeping the last configuration: ")
    assert 1 == world.version()
    world.model("n", 4)
    world.configure("n")
    world.reread()
    assert 4 == world.version("n")


def test_a_file_that_is_gone_is_reported_once_and_changes_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.model("m", 1)
    started(world, "m")
    caplog.clear()
    world.file.unlink()
    for _ in range(3):
        world.reread()
    expected = f"keeping the last configuration: cannot read {world.file}: No such file"
    assert [f"{expected} or directory"] == caplog.messages
    world.configure("m")  # the very same again
    world.reread()
    assert (1, 1) == (world.version(), world.loads.count[ModelId("m", 1)])


def test_an_empty_file_at_the_start_serves_nothing_until_it_says_something(world: World) -> None:
    world.model("m", 1)
    world.file.write_text("")
    world.watcher.configure(world.config.read())
    assert [] == list(world.registry.models())
    world.configure("m")
    world.reread()
    world.settle()
    assert 1 == world.version()


def test_a_bad_file_at_the_start_is_an_error_with_line_and_column(world: World) -> None:
    world.file.write_text("model_config_list {\n  config { nme: 'm' }\n}")
    with pytest.raises(InvalidInput, match=rf"^{world.file}:2:12: "):
        world.config.read()
    with pytest.raises(InvalidInput, match=r"^cannot read /nowhere: No such file or directory"):
        ConfigFile(Path("/nowhere")).read()
    world.file.write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        world.config.read()


def test_the_status_says_when_a_version_fails_to_load(world: World) -> None:
    world.loads.broken = {2}
    world.model("m", 1, 2)
    started(world, "m")
    with pytest.raises(ModelUnavailable):
        world.version()
    assert {"2": "END", "1": "AVAILABLE"} == world.states()


def test_directories_are_not_written_to(world: World, tmp_path: Path) -> None:
    world.model("m", 1)
    started(world, "m")
    store, id = world.registry.artifacts, ModelId("m", 1)
    manifest = store.manifest(id)
    assert [("asset-0", 0), ("saved_model.pb", 4)] == [(f.path, f.size) for f in manifest.files]
    for write in (
        lambda: store.put(manifest, plan(), tmp_path, UNWATCHED),
        lambda: store.put_plan(id, plan()),
        lambda: store.remove(id),
    ):
        with pytest.raises(Refused, match="served in place and not written to"):
            write()
    assert ([], [], []) == (store.verify(id, UNWATCHED), store.strays(), store.leftovers())
    store.sweep()
    assert (["m"], [1]) == (store.models(), store.versions("m"))


class Pauses(threading.Event):
    """Stops a thread that waits after so many waits, and remembers how long they were."""

    def __init__(self, time: Time, count: int) -> None:
        super().__init__()
        self.time = time
        self.count = count
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(round(timeout, 3))
        self.time.seconds += timeout
        return len(self.waits) >= self.count


def pauses(world: World, count: int, poll: float, file_poll: float = 0) -> list[float]:
    watcher = Watcher(
        world.registry,
        world.catalogue,
        world.servables,
        world.router,
        poll=poll,
        file=world.config,
        file_poll=file_poll,
        start=lambda work: work(),
        clock=world.time,
    )
    watcher.configure(world.config.read())
    stopping = Pauses(world.time, count)
    watcher.run(stopping)
    assert watcher.ready.is_set()
    return stopping.waits


def test_the_first_two_looks_are_close_and_the_others_a_poll_apart(world: World) -> None:
    world.model("m", 1)
    world.configure("m")
    assert [1, 60, 60] == pauses(world, 3, poll=60)
    assert 1 == world.version()


def test_a_poll_below_a_second_is_kept_to(world: World) -> None:
    world.model("m", 1)
    world.configure("m")
    assert [0.25] * 5 == pauses(world, 5, poll=0.25)
    assert 0.25 == settle_seconds(0.25)


def test_a_poll_of_zero_looks_once(world: World) -> None:
    shelf = world.model("m", 1)
    world.configure("m")
    assert [1, 3600, 3600] == pauses(world, 3, poll=0)
    shelf.put(2)
    assert 1 == world.version()


def test_a_negative_poll_never_looks(world: World) -> None:
    world.model("m", 1)
    world.configure("m")
    assert [3600, 3600] == pauses(world, 2, poll=-1)
    with pytest.raises(ModelNotFound):
        world.version()


def test_the_file_is_read_again_at_its_own_pace(world: World) -> None:
    world.model("m", 1)
    world.configure("m")
    assert [1, 9, 10, 10] == pauses(world, 4, poll=1000, file_poll=10)


def test_a_new_configuration_is_looked_at_at_once_even_with_a_poll_of_zero(world: World) -> None:
    world.model("m", 1)
    world.model("n", 7)
    world.configure("m")
    watcher = Watcher(
        world.registry,
        world.catalogue,
        world.servables,
        world.router,
        poll=0,
        file=world.config,
        file_poll=10,
        start=lambda work: work(),
        clock=world.time,
    )
    watcher.configure(world.config.read())
    watcher.run(Pauses(world.time, 2))
    world.configure("n")
    watcher.run(Pauses(world.time, 3))
    assert 7 == world.version("n")


def test_versions_are_compiled_a_few_at_a_time(world: World) -> None:
    """Those that hang, too: they hold up as many others as there are workers."""
    names = [f"m{number}" for number in range(AT_ONCE + 3)]
    for name in names:
        world.model(name, 1)
    world.configure(*names)
    going, most, more = threading.Semaphore(0), Counter[str](), threading.Event()
    compile_now = world.judge.compile

    def slowly(directory: Path) -> Plan:
        most["now"] += 1
        most["most"] = max(most["most"], most["now"])
        going.release()
        assert more.wait(10)
        most["now"] -= 1
        return compile_now(directory)

    world.judge.compile = slowly  # type: ignore[method-assign]
    watcher = Watcher(
        world.registry,
        world.catalogue,
        world.servables,
        world.router,
        poll=1,
        clock=world.time,
    )
    watcher.configure(world.config.read())
    for _ in range(3):
        world.time.seconds += SETTLE
        watcher.look()
    for _ in range(AT_ONCE):
        assert going.acquire(timeout=10)
    assert not watcher.ready.is_set()
    more.set()
    assert watcher.ready.wait(10)
    assert AT_ONCE == most["most"]
    assert [1] * len(names) == [world.version(name) for name in names]


def test_a_model_of_many_versions_holds_up_no_other_and_not_the_start(world: World) -> None:
    world.model("a", *range(1, 31))
    world.model("b", 1)
    world.configure("a", "b", policy=Policy("all"))
    waiting: list[Callable[[], None]] = []
    watcher = Watcher(
        world.registry,
        world.catalogue,
        world.servables,
        world.router,
        poll=1,
        start=waiting.append,
        clock=world.time,
    )
    watcher.configure(world.config.read())
    for _ in range(3):
        world.time.seconds += SETTLE
        watcher.look()
    assert AT_ONCE + 1 == len(waiting)
    for _ in range(AT_ONCE):
        assert not watcher.ready.is_set()
        waiting.pop(0)()
    assert {str(number): 1 for number in range(30, 30 - AT_ONCE, -1)} == world.judge.count
    waiting.pop(0)()
    assert watcher.ready.is_set()
    assert [30, 1] == [world.version("a"), world.version("b")]
    while waiting:
        waiting.pop(0)()
    assert 31 == world.judge.count.total()
