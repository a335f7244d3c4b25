"""
The alias table: a log of revisions per model, nothing ever overwritten.

`state` is what a revision says, `changes` computes the next one, `table` is what
a log must promise, `memory`, `sqlite` and `dynamodb` are logs.
"""
