#!/bin/bash
# Builds: build.sh FOLDER [MESON OPTION]... [-- NINJA TARGET...]. The folder is set up the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
shift
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
done
[ $# -eq 0 ] || shift

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "$folder/build.ninja" ]; then
    echo "Setting up $folder"
    meson setup "$folder" "${options[@]}" >"$log" 2>&1 || { cat "$log"; exit 1; }
elif [ ${#options[@]} -gt 0 ]; then
    meson configure "$folder" "${options[@]}" >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
echo "Building in $folder"
ninja -C "$folder" "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
grep -A5 'warning:' "$log" || true
