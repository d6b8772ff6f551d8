#!/usr/bin/env bash
# Builds every .c file of this directory as ../programs/build.sh builds its own: with the same compiler, flags
# and options.
exec "$(dirname "${BASH_SOURCE[0]}")/../programs/build.sh" --in "$(dirname "${BASH_SOURCE[0]}")" "$@"
