"""
AWS as the registry sees it: the only home of botocore.

`clients` are typed; `retries` and `connections` make them last through throttling
and thaws, within `patience`. `failures` turns what goes wrong into the registry's
errors. `items` is all that is needed of DynamoDB, `address` a registry's URL, `stack`
what CloudFormation made, `signing` for requests to its API.

Only `failures` and `retries` import botocore: the others load it when they are used.
"""
