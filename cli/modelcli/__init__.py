"""
The command `deploy`: parse, call the registry, print.

main        the commands by name, and the one place where they are run
command     what every command is, to Typer, and one that takes flags
options     what several commands take; serveoptions, what `serve` takes
flags       words as TensorFlow's flag parser takes them
upstream    the flags of tensorflow_model_server, and what becomes of each
session     what one run works with: environment, directory, compiler
location    which registry, and why that one
completion  what the shell offers at <Tab>
output      data to stdout, the rest to stderr
bars        progress of long work; livebars, where a person looks on
wording     moments, sizes and counts as people write and read them
failures    errors as exit codes
standing    what is live in a model, since when, and what it would go back to
comparison  what differs between two versions
settling    what every change of a model does: show it, write it, say how to undo it
arrival     what is said when a version has come into a registry
asking      a question to a server; authorising, what it wants to see first

reading, listing, inspecting, releasing, configuring, aliasing, publishing, copying, cleaning,
warming, serving and predicting are the commands.

No TensorFlow, no web framework and no boto3 here: what needs them is imported by
the command that needs it, when it runs.
"""
