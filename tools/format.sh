#!/bin/bash
# Formats our C files by .clang-format, or with --check lists those that differ and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files '*.c' '*.h')
if [ "${1:-}" = --check ]; then
    status=0
    for file in "${files[@]}"; do
        clang-format "$file" | cmp -s - "$file" || { echo "$file"; status=1; }
    done
    exit $status
fi
clang-format -i "${files[@]}"
