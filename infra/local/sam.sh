#!/bin/sh
# Makes the virtual environment of the SAM command line, apart from the project's:
# its dependencies are pinned to versions that the project cannot use.
#
#   sam.sh PROJECT_VENV VENV STAMP
#
# The Lambda runtime emulator, aws-lambda-rie, comes inside the same package. STAMP is
# written last: what was interrupted is made again from the start.
set -eu
python=$1/bin/python
venv=$2
stamp=$3

die() {
    echo "sam: $*" >&2
    exit 1
}

rm -rf "$venv"
"$python" -m venv "$venv" >/dev/null 2>&1 || die "'$python -m venv $venv' failed"
echo "sam: installing the SAM command line into $venv (about 340 MB)" >&2
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint infra/local/sam-constraints.txt aws-sam-cli ||
    die "pip could not install aws-sam-cli; check the network, then run it again"
printf '%s\n' "$PWD" >"$stamp"
