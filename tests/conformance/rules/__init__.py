"""The rules, group by group, in the order of the table."""

from tests.conformance.rule import Group

from . import (
    columns,
    configuration,
    documents,
    dtypes,
    examples,
    flags,
    headers,
    lifecycle,
    loading,
    metrics,
    order,
    printing,
    responses,
    rows,
    strict,
    strings,
    syntax,
    urls,
    warmup,
    web,
)

GROUPS: tuple[Group, ...] = (
    urls.GROUP,
    order.GROUP,
    syntax.GROUP,
    rows.GROUP,
    columns.GROUP,
    dtypes.GROUP,
    strings.GROUP,
    responses.GROUP,
    printing.GROUP,
    examples.GROUP,
    documents.GROUP,
    headers.GROUP,
    web.GROUP,
    strict.GROUP,
    loading.GROUP,
    warmup.GROUP,
    lifecycle.GROUP,
    configuration.GROUP,
    flags.GROUP,
    metrics.GROUP,
)
