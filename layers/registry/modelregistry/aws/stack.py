"""What a CloudFormation stack made: the registry and the API that stand on it."""

from dataclasses import dataclass

from ..errors import NotFound
from .address import Address
from .clients import Clients


@dataclass(frozen=True)
class StackOutputs:
    """`registry_url` as `open_registry` takes it; `api_url` None for a stack without an API."""

    registry_url: str
    api_url: str | None = None


def stack_outputs(
    name: str, region: str | None = None, *, clients: Clients | None = None
) -> StackOutputs:
    """
    The outputs of stack `name`, or of that ARN: one call to CloudFormation.

    Raises NotFound where there is no such stack, or it has no registry among its
    outputs; Unavailable where it cannot be read.
    """
    from .failures import calling  # noqa: PLC0415 - see the package

    clients = clients or Clients(region)
    arn = (
        name
        if name.startswith("arn:")
        else f"arn:aws:cloudformation:{clients.region}:*:stack/{name}/*"
    )
    with calling("cloudformation:DescribeStacks", f"stack {name}", arn=arn):
        stacks = clients.cloudformation.describe_stacks(StackName=name)["Stacks"]
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for stack in stacks
        for output in stack.get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }
    return StackOutputs(_registry_url(name, outputs, clients.region), outputs.get("ApiUrl"))


def _registry_url(name: str, outputs: dict[str, str], region: str) -> str:
    if "RegistryUrl" in outputs:
        address = Address.parse(outputs["RegistryUrl"])
    elif {"Bucket", "Table"} <= outputs.keys():
        prefix = outputs.get("Prefix", "").strip("/")
        address = Address(outputs["Bucket"], prefix, outputs["Table"])
    else:
        raise NotFound(
            f"stack {name} has no output RegistryUrl, nor Bucket and Table",
            hint="is it one of lambda-serving's? An output appears when the stack is complete",
        )
    # Said in the URL, so that it means the same wherever it is used.
    where = address.region or outputs.get("Region") or region
    return Address(address.bucket, address.prefix, address.table, where).url
