"""`show` and `diff`: what is in a version, and what another has in its place."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from modelregistry.names import ModelId
from modelregistry.names import reference as read_reference
from modelregistry.plan import Plan
from modelregistry.registry import Registry

from . import comparison, completion, options, output, wording
from .comparison import Comparison, Described, Difference, FileDifference
from .listing import aliases_by_version
from .session import session_of

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}

OtherReference = Annotated[
    str,
    typer.Argument(
        metavar="MODEL[:VERSION|@ALIAS]",
        help="What it is compared to.",
        autocompletion=completion.references,
    ),
]


def show(
    context: typer.Context,
    reference: options.Reference,
    *,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """One version: when and by whom, its signatures, its files."""
    found = session_of(context).open(registry, stack)
    described = comparison.describe(found.artifacts, resolve(found, reference))
    used = aliases_by_version(found, described.id.model).get(described.id.version, [])
    if json:
        output.document(_described_json(described, used))
        return
    _show_facts(described, used)
    if described.plan is not None:
        _show_signatures(described.plan)
    output.line()
    output.table(
        ("FILE", "SIZE", "SHA-256"),
        (
            (file.path, wording.size(file.size), file.sha256[:16])
            for file in described.manifest.files
        ),
        wrap=("FILE",),
    )


def diff(
    context: typer.Context,
    before: options.Reference,
    after: OtherReference,
    *,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """What differs between two versions: signatures, files, sizes."""
    found = session_of(context).open(registry, stack)
    old, new = (
        comparison.describe(found.artifacts, resolve(found, one)) for one in (before, after)
    )
    compared = comparison.compare(old, new)
    if json:
        output.document(comparison.to_json(compared))
        return
    output.title(f"{old.id} → {new.id}")
    _show_sizes(compared)
    _show_changed_signatures(compared.signatures)
    _show_changed_files(compared.files, compared.same_files)


def resolve(registry: Registry, text: str) -> ModelId:
    """The published version that `MODEL`, `MODEL:VERSION` or `MODEL@ALIAS` means now."""
    named = read_reference(text)
    if named.version is not None:
        return registry.published(ModelId(named.model, named.version))
    return registry.resolve(named.model, named.alias)


def _described_json(described: Described, aliases: Sequence[str]) -> dict[str, Any]:
    manifest, plan = described.manifest, described.plan
    return {
        **manifest.id._asdict(),
        "at": manifest.at,
        "by": manifest.by,
        "message": manifest.message,
        "aliases": list(aliases),
        "bytes": manifest.size,
        "files": [
            {"path": file.path, "size": file.size, "sha256": file.sha256} for file in manifest.files
        ],
        "plan": None if plan is None else plan.to_json(),
    }


def _show_facts(described: Described, aliases: Sequence[str]) -> None:
    manifest, plan = described.manifest, described.plan
    output.title(str(manifest.id), f"  {manifest.message}" if manifest.message else "")
    facts = [
        ("published", f"{wording.shown_stamp(manifest.at)} by {manifest.by}"),
        ("aliases", ", ".join(aliases) or "none"),
        ("size", f"{wording.size(manifest.size)} in {wording.count(len(manifest.files), 'file')}"),
    ]
    if plan is not None:
        facts += [
            ("memory", f"{wording.size(plan.memory_bytes)} when loaded"),
            ("compiled", f"with TensorFlow {plan.tensorflow}, tags {', '.join(plan.tags)}"),
        ]
    if plan is not None and plan.recorded:
        facts.append(("warm-up", wording.count(len(plan.recorded), "recorded request")))
    output.facts(facts)
    if plan is None:
        output.warning(f"it has no sound plan: deploy verify {manifest.id}")
    for warning in plan.warnings if plan else ():
        output.warning(warning)


def _show_signatures(plan: Plan) -> None:
    output.line()
    output.table(
        ("SIGNATURE", "", "TENSOR"),
        [
            (name, endpoint, kind)
            for name, signature in sorted(plan.signatures.items())
            for endpoint, kind in comparison.endpoints(signature).items()
        ],
        wrap=("", "TENSOR"),
    )


def _show_sizes(compared: Comparison) -> None:
    before, after = compared.before, compared.after
    facts = [("size", _change(before.manifest.size, after.manifest.size))]
    if before.plan and after.plan:
        facts.append(("memory", _change(before.plan.memory_bytes, after.plan.memory_bytes)))
    output.facts(facts)


def _change(before: int, after: int) -> str:
    if before == after:
        return f"{wording.size(after)}, the same"
    by = ("+" if after > before else "-") + wording.size(abs(after - before))
    return f"{wording.size(before)} → {wording.size(after)} ({by})"


def _show_changed_signatures(changed: Sequence[Difference] | None) -> None:
    output.line()
    if changed is None:
        output.warning("a plan is missing or damaged, so the signatures cannot be compared")
    elif not changed:
        output.line("signatures: the same")
    else:
        output.table(
            ("", "SIGNATURE", "BEFORE", "AFTER"),
            [(_SIGNS[d.kind], d.name, d.before or "-", d.after or "-") for d in changed],
            wrap=("SIGNATURE", "BEFORE", "AFTER"),
        )


def _show_changed_files(changed: Sequence[FileDifference], same: int) -> None:
    if not changed:
        output.line(f"files: the same {same}")
        return
    output.line()
    output.table(
        ("", "FILE", "BEFORE", "AFTER"),
        [(_SIGNS[file.kind], file.path, *_sizes(file)) for file in changed],
        wrap=("FILE",),
    )
    output.line(f"and {same} unchanged")


def _sizes(file: FileDifference) -> tuple[str, str]:
    before, after = file.before, file.after
    return wording.size(before.size) if before else "-", wording.size(after.size) if after else "-"
