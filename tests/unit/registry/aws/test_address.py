"""An `s3://` URL is read strictly, and written in one way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aws.address import Address
from modelregistry.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket/models?table=aliases", Address("bucket", "models", "aliases")),
        ("s3://bucket/models/?table=aliases", Address("bucket", "models", "aliases")),
        ("S3://bucket/models?table=aliases", Address("bucket", "models", "aliases")),
        ("s3://bucket?table=aliases", Address("bucket", "", "aliases")),
        ("s3://bucket/?table=aliases", Address("bucket", "", "aliases")),
        ("s3://my.bucket-1/a/b%20c?table=A_b.c-1", Address("my.bucket-1", "a/b c", "A_b.c-1")),
        (
            "s3://bucket/m?table=aliases&region=eu-west-1",
            Address("bucket", "m", "aliases", "eu-west-1"),
        ),
        (
            "s3://bucket/m?region=eu-west-1&table=aliases",
            Address("bucket", "m", "aliases", "eu-west-1"),
        ),
    ],
)
def test_a_url_names_bucket_prefix_and_table(url: str, address: Address) -> None:
    assert Address.parse(url) == address
    assert Address.parse(address.url) == address


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("s3://bucket/models", "names no table"),
        ("s3://bucket/models?table=", "'' cannot name a table"),
        ("s3://bucket/models?table=ab", "'ab' cannot name a table"),
        ("s3://bucket/models?table=a/b/c", "cannot name a table"),
        ("s3://bucket/models?table", "is not a URL"),
        ("s3://bucket/models?table=aliases&", "is not a URL"),
        ("s3://bucket/models?table=aliases&table=other", "says the same thing twice"),
        ("s3://bucket/models?table=aliases&endpoint=x", "says 'endpoint', which is not known"),
        ("s3://bucket/models?Table=aliases", "says 'Table', which is not known"),
        ("s3://bucket/models?table=aliases&region=", "'' cannot name a region"),
        ("s3://bucket/models?table=aliases&region=EU West", "cannot name a region"),
        ("s3://bucket/models?table=aliases#here", "is not the URL of a registry in S3"),
        ("s3:///models?table=aliases", "'' cannot name a bucket"),
        ("s3://Bucket/models?table=aliases", "'Bucket' cannot name a bucket"),
        ("s3://b/models?table=aliases", "'b' cannot name a bucket"),
        ("s3://bucket:80/models?table=aliases", "'bucket:80' cannot name a bucket"),
        ("s3://me@bucket/models?table=aliases", "'me@bucket' cannot name a bucket"),
        ("s3://bucket_1/models?table=aliases", "'bucket_1' cannot name a bucket"),
        ("s3://[bucket/models?table=aliases", "is not a URL"),
        ("s3://bucket//models?table=aliases", "'/models' cannot be the prefix"),
        ("s3://bucket/a//b?table=aliases", "'a//b' cannot be the prefix"),
        ("s3://bucket/a/../b?table=aliases", "'a/../b' cannot be the prefix"),
        ("s3://bucket/.?table=aliases", "'.' cannot be the prefix"),
        ("s3://bucket/a%0Ab?table=aliases", "cannot be the prefix"),
        ("s3://bucket/a\nb?table=aliases", "is not the URL of a registry in S3"),
        (f"s3://bucket/{'a' * 513}?table=aliases", "cannot be the prefix"),
        ("file:///models?table=aliases", "is not the URL of a registry in S3"),
    ],
)
def test_what_is_wrong_with_a_url_is_said(url: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Address.parse(url)
    assert sentence in str(caught.value)
    assert caught.value.hint


STEPS = st.text(min_size=1, max_size=20).filter(lambda step: "/" not in step)


@given(steps=st.lists(STEPS, max_size=4), region=st.sampled_from([None, "eu-west-1"]))
def test_every_address_that_can_be_is_read_back_from_its_url(
    steps: list[str], region: str | None
) -> None:
    try:
        address = Address("bucket", "/".join(steps), "aliases", region)
    except InvalidInput:
        return
    assert Address.parse(address.url) == address
    assert address.url.isascii()
