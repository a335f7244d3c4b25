"""
AWS as the registry sees it: the only home of botocore.

`clients` are typed and know when to retry and when to reconnect, `failures` turns
what goes wrong into the registry's errors, `stack` reads a CloudFormation stack's
outputs, `signing` signs requests to the stack's API. Importing `patience` or
`clients` loads no botocore; their first use does.
"""
