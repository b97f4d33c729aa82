#!/bin/sh
# Makes .venv with the independent readers that judge our models, at pinned versions, and prints its interpreter.
#   QUANTIZE_PYTHON=$(.ci/interop-venv.sh) npm run test:interop
set -eu
cd "$(dirname "$0")/.."
requirements=test/interop/requirements.txt
if ! cmp -s "$requirements" .venv/requirements.txt; then
  rm -rf .venv
  "${PYTHON:-python3}" -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r "$requirements" >&2
  cp "$requirements" .venv/requirements.txt
fi
echo "$PWD/.venv/bin/python"
