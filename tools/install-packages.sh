#!/bin/bash
# Installs what is missing to build and test Assay, from the system's packages (Debian 12 and 13, Ubuntu 24.04).
# Does nothing where everything is there already. Arguments name what else is wanted: clang, gcovr, clang-format.
set -euo pipefail

packages=()
need() { # PACKAGE COMMAND...: the package is wanted where the command fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}
has_command() { command -v "$1"; }
has_module() { pkg-config --exists "$1"; }
has_header() { printf '#include <%s>\n' "$1" | cc -E -x c - -o /dev/null; }

need gcc has_command gcc
need libc6-dev has_header stdio.h
need pkg-config has_command pkg-config
need meson has_command meson
need ninja-build has_command ninja
need libvips-dev has_module vips
need libjansson-dev has_module jansson
need libzip-dev has_module libzip
need zlib1g-dev has_module zlib
need libjpeg-dev has_module libjpeg
need libexpat1-dev has_module expat
need libcbor-dev has_module libcbor
need libssl-dev has_module libcrypto
need libcurl4-openssl-dev has_module libcurl
need libdnnl-dev has_header oneapi/dnnl/dnnl.h
need libcmocka-dev has_module cmocka
for wanted in "$@"; do
    case $wanted in
    clang | clang-format | gcovr) need "$wanted" has_command "$wanted" ;;
    *) echo "install-packages.sh: unknown '$wanted'" >&2; exit 2 ;;
    esac
done
[ ${#packages[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing, by their names in Debian: ${packages[*]}" >&2
    echo "There is no apt-get here: install them by other means, then try again." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing: ${packages[*]}" >&2
        echo "Neither root nor sudo: ask for   apt-get install --no-install-recommends ${packages[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "Needed from the system's packages: ${packages[*]}"
echo "Running ${as_root[*]:+sudo }apt-get update"
"${as_root[@]}" apt-get update -q
# libheif of Debian 13 and Ubuntu 24.04 has its decoders in packages of their own, which it only recommends.
if [[ " ${packages[*]} " == *" libvips-dev "* ]]; then
    for plugin in libheif-plugin-libde265 libheif-plugin-dav1d libheif-plugin-aomdec; do
        if [ -n "$(apt-cache madison "$plugin" 2>/dev/null)" ]; then packages+=("$plugin"); fi
    done
fi
echo "Running ${as_root[*]:+sudo }apt-get install --no-install-recommends ${packages[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"
