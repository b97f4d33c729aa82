#!/usr/bin/env bash
# Puts redis-server on the path where that is possible; tests that need it skip by name where it is not.
set -uo pipefail
command -v redis-server >/dev/null && exit 0
[[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || exit 1
export DEBIAN_FRONTEND=noninteractive
install() { timeout 120 apt-get install -qq -y --no-install-recommends redis-server >/dev/null 2>&1; }
install || { timeout 120 apt-get update -qq >/dev/null 2>&1 && install; }
