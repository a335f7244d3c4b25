#!/bin/sh
# Makes the virtual environment that `make run`, `make test` and `make check` share.
#
#   setup.sh VENV STAMP
#
# STAMP is written last: a set-up that was interrupted is done again from the start
# of whatever is missing. PYTHON=... chooses the interpreter.
set -eu
venv=$1
stamp=$2
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

die() {
    echo "setup: $*" >&2
    exit 1
}

fits() {
    "$1" -c "$supported" >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" || die "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13"
    python=$PYTHON
else
    python=
    for candidate in python3 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || die "needs Python 3.11, 3.12 or 3.13, found $(python3 --version 2>&1 || true); name one with: make setup PYTHON=/path/to/python3.12"
fi

if [ -s "$stamp" ] && [ "$(cat "$stamp")" != "$PWD" ]; then
    rm -rf "$venv" # made for another place
fi
if ! fits "$venv/bin/python" || ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 ||
        die "'$python -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv"
fi

echo "setup: installing into $venv (about 1.7 GB, most of it TensorFlow)" >&2
install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt "$@" ||
        die "pip could not install the packages above; check the network, then run it again"
}
install hatchling editables
install --no-build-isolation --editable '.[serve,lambda,examples,dev]'
printf '%s\n' "$PWD" >"$stamp"
