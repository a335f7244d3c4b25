"""What goes wrong with AWS is one line: the call, the resource, what is missing, the way out."""

import pytest
from botocore.exceptions import ClientError, SSLError

from modelregistry.aliases.dynamodb import DynamoAliasTable
from modelregistry.aws.clients import Clients
from modelregistry.aws.failures import calling, translated
from modelregistry.aws.items import Items
from modelregistry.aws.patience import Patience
from modelregistry.errors import NoRegistry, NotFound, RegistryError, Unavailable
from tests.aws import Aws, environment, permitted
from tests.contract.tables import revision
from tests.support.endpoints import Faulty, answers, hangs

SHORT = Patience(connect=0.2, read=0.2, limit=0.5)
SECRETS = ("wJalrXUtnFEMI", "FwoGZXIvYXdz")


def table_of(on_aws: Aws) -> DynamoAliasTable:
    return DynamoAliasTable(Items(on_aws.table, Clients(patience=SHORT)))


def failure_of(table: DynamoAliasTable) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        table.newest("m")
    error = caught.value
    assert error.__cause__ is not None
    for text in (str(error), error.hint):
        assert "\n" not in text
        assert not any(secret in text for secret in SECRETS)
    return error


def test_a_table_that_is_not_there_is_named(on_aws: Aws) -> None:
    with pytest.raises(NoRegistry) as caught:
        DynamoAliasTable(Items("no-such-table", Clients())).append(revision(1))
    assert str(caught.value) == (
        "table no-such-table is not there (dynamodb:PutItem: ResourceNotFoundException)"
    )
    assert "region" in caught.value.hint


def test_a_bucket_that_is_not_there_is_named(on_aws: Aws) -> None:
    with (
        pytest.raises(
            NoRegistry, match=r"bucket nope is not there \(s3:ListObjectsV2: NoSuchBucket"
        ),
        calling("s3:ListObjectsV2", "bucket nope"),
    ):
        Clients().s3.list_objects_v2(Bucket="nope")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NoSuchKey", "The specified key does not exist."),
        ("NoSuchVersion", "The specified version does not exist."),
        # S3's answer to a VersionId that another kind of S3 has made.
        ("InvalidArgument", "Invalid version id specified"),
    ],
)
def test_an_object_that_is_not_there_is_no_missing_registry(code: str, said: str) -> None:
    error = translated(
        ClientError({"Error": {"Code": code, "Message": said}}, "GetObject"),
        "s3:GetObject",
        "s3://bucket/models/m/1/x",
    )
    assert type(error) is NotFound


def test_another_invalid_argument_is_not_called_missing() -> None:
    answer = {"Error": {"Code": "InvalidArgument", "Message": "Part number must be an integer"}}
    error = translated(ClientError(answer, "UploadPart"), "s3:UploadPart", "it")  # type: ignore[arg-type]
    assert isinstance(error, Unavailable)


@pytest.mark.parametrize(
    ("status", "code", "sentence", "hint"),
    [
        (400, "ExpiredTokenException", "the AWS credentials have expired", "aws sso login"),
        (403, "ExpiredToken", "the AWS credentials have expired", "aws sso login"),
        (400, "UnrecognizedClientException", "AWS does not accept the credentials", "get-caller"),
        (403, "InvalidSignatureException", "AWS does not accept the credentials", "get-caller"),
        (403, "RequestTimeTooSkewed", "this machine's clock is wrong", "set the clock"),
        (400, "ThrottlingException", "AWS throttles this call", "quota"),
        (429, "SomethingNew", "AWS throttles this call", "quota"),
        (503, "ServiceUnavailable", "AWS failed to answer", "try again"),
        (500, "SomethingNew", "AWS failed to answer", "try again"),
    ],
)
def test_what_aws_answers_is_said_in_a_sentence(
    in_between: Faulty, on_aws: Aws, status: int, code: str, sentence: str, hint: str
) -> None:
    in_between.faults += [answers(status, code, "FwoGZXIvYXdz\nis not good")] * 100
    error = failure_of(table_of(on_aws))
    assert isinstance(error, Unavailable)
    assert sentence in str(error)
    assert str(error).endswith(f"(dynamodb:Query on table {on_aws.table}: {code})")
    assert hint in error.hint


def test_a_missing_permission_is_the_one_that_aws_names(in_between: Faulty, on_aws: Aws) -> None:
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{on_aws.table}"
    said = (
        "User: arn:aws:sts::123456789012:assumed-role/build/ann is not authorized to perform:"
        f" dynamodb:Query on resource: {arn} because no identity-based policy allows the"
        " dynamodb:Query action"
    )
    in_between.faults += [answers(400, "AccessDeniedException", said)]
    error = failure_of(table_of(on_aws))
    assert str(error) == (
        f"no permission for dynamodb:Query on table {on_aws.table}:"
        f" dynamodb:Query on {arn} is missing"
    )
    assert "get-caller-identity" in error.hint


def test_a_policy_that_allows_reading_allows_no_more(on_aws: Aws) -> None:
    table = f"arn:aws:dynamodb:eu-central-1:*:table/{on_aws.table}"
    reading = {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "*"}
    with permitted(on_aws, reading):
        assert table_of(on_aws).newest("m") is None
        with pytest.raises(Unavailable, match="no permission for dynamodb:PutItem") as caught:
            table_of(on_aws).append(revision(1))
        assert f"dynamodb:PutItem on {table} is missing" in str(caught.value)
        with (
            pytest.raises(Unavailable, match="no permission for s3:PutObject on it"),
            calling("s3:PutObject", "it"),
        ):
            Clients().s3.put_object(Bucket=on_aws.bucket, Key="k", Body=b"")
    table_of(on_aws).append(revision(1))


def test_keys_that_aws_does_not_know_are_not_accepted(on_aws: Aws) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7NOTKNOWN"}
    with (
        permitted(on_aws),
        environment({**on_aws.variables, **keys}),
        pytest.raises(Unavailable, match="AWS does not accept the credentials") as caught,
        calling("s3:GetObject", "it"),
    ):
        Clients().s3.get_object(Bucket=on_aws.bucket, Key="k")
    assert "get-caller-identity" in caught.value.hint


@pytest.mark.parametrize(
    ("call", "permission"),
    [
        ("s3:PutObject", "s3:PutObject"),
        ("s3:UploadPart", "s3:PutObject"),
        ("s3:HeadObject", "s3:GetObject"),
        ("s3:ListObjectsV2", "s3:ListBucket"),
        ("s3:DeleteObjects", "s3:DeleteObjectVersion"),
    ],
)
@pytest.mark.parametrize("code", ["AccessDenied", "403"])
def test_where_aws_names_no_permission_the_call_tells_it(
    call: str, permission: str, code: str
) -> None:
    answer = {"Error": {"Code": code, "Message": "Access Denied"}}
    error = translated(
        ClientError(answer, call.partition(":")[2]),  # type: ignore[arg-type] # as botocore does
        call,
        "s3://bucket/models/m/1/x",
        arn="arn:aws:s3:::bucket/models/*",
    )
    assert str(error) == (
        f"no permission for {call} on s3://bucket/models/m/1/x:"
        f" {permission} on arn:aws:s3:::bucket/models/* is missing"
    )


def test_an_endpoint_that_refuses_connections_is_named(on_aws: Aws) -> None:
    table = table_of(on_aws)
    on_aws.stop()
    error = failure_of(table)
    assert isinstance(error, Unavailable)
    assert str(error) == (f"dynamodb:Query on table {on_aws.table} cannot reach {on_aws.endpoint}")
    assert "AWS_ENDPOINT_URL" in error.hint
    on_aws.start()
    assert table.newest("m") is None


def test_an_endpoint_that_hangs_is_named(in_between: Faulty, on_aws: Aws) -> None:
    in_between.faults += [hangs] * 100
    error = failure_of(table_of(on_aws))
    assert str(error) == (
        f"dynamodb:Query on table {on_aws.table} got no answer in time from {in_between.endpoint}"
    )


def test_a_host_that_nobody_knows_is_named(on_aws: Aws) -> None:
    settings = {**on_aws.variables, "AWS_ENDPOINT_URL": "http://no-such-host.invalid:1"}
    with environment(settings):
        error = failure_of(table_of(on_aws))
    assert "cannot reach http://no-such-host.invalid:1" in str(error)


def test_missing_credentials_say_how_to_give_them(on_aws: Aws) -> None:
    settings = on_aws.variables
    del settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
    with environment(settings):
        error = failure_of(table_of(on_aws))
    assert str(error) == (
        f"there are no AWS credentials, or half of them (dynamodb:Query on table {on_aws.table})"
    )
    assert "AWS_PROFILE" in error.hint


def test_an_untrusted_certificate_is_not_called_an_outage() -> None:
    error = translated(
        SSLError(
            endpoint_url="https://user:secret@host:8443/path?X-Amz-Signature=secret",
            error=OSError("self-signed certificate"),
        ),
        "s3:GetObject",
        "s3://bucket/key",
    )
    assert "no trusted TLS connection to https://host:8443: " in str(error)
    assert "AWS_CA_BUNDLE" in error.hint


def test_a_table_with_other_keys_is_no_alias_table(on_aws: Aws) -> None:
    name = f"other-{on_aws.table}"
    on_aws.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = DynamoAliasTable(Items(name, Clients()))
    with pytest.raises(Unavailable, match=f"table {name} was refused .ValidationException"):
        table.newest("m")
    with pytest.raises(Unavailable, match=f"table {name} was refused .ValidationException"):
        table.append(revision(1))
