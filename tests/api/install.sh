#!/bin/bash
# What `make install` puts into a folder works from there: examples and the README's program are compiled with pkg-config
# alone and run; nothing is there that should not be.
#
#     install.sh MESON BUILD SOURCE ABI VERSION COMPILER...
set -euo pipefail
meson=$1 build=$2 source=$3 abi=$4 version=$5
shift 5
compiler=("$@")

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
DESTDIR="$tree" "$meson" install -C "$build" --no-rebuild --quiet >"$tree/log" 2>&1 || { cat "$tree/log"; fail "meson install"; }
rm "$tree/log"

pc=$(find "$tree" -name assay.pc)
[ -f "$pc" ] || fail "no assay.pc"
export PKG_CONFIG_PATH=${pc%/*}
prefix=$tree$(pkg-config --variable=prefix assay)
ask() { pkg-config --define-variable=prefix="$prefix" "$@" assay; }
libraries=$(ask --variable=libdir)
models=$(ask --variable=models)
[ "$(ask --modversion)" = "$version" ] || fail "version $(ask --modversion)"
[ "$(ask --variable=abi)" = "$abi" ] || fail "ABI $(ask --variable=abi)"
[ -f "$libraries/libassay.so.$abi" ] && [ -L "$libraries/libassay.so" ] || fail "the library's names"
[ "$(ask --libs | tr ' ' '\n' | grep -c '^-l')" = 1 ] || fail "a program links more than libassay: $(ask --libs)"

# Nothing else: no inner headers, no static library. (lib/, lib64/, lib/x86_64-linux-gnu/: as the system has it.)
(cd "$prefix" && find . -type f -o -type l) | sed -E 's|^\./||; s|^lib[^/]*/(.*/)?pkgconfig/|lib/pkgconfig/|; s|^lib[^/]*/(.*/)?libassay|lib/libassay|' |
    sort >"$tree/found"
sort >"$tree/expected" <<END
bin/assay
include/assay/assay.h
lib/libassay.so
lib/libassay.so.$abi
lib/pkgconfig/assay.pc
share/assay/models/default.safetensors
share/bash-completion/completions/assay
share/fish/vendor_completions.d/assay.fish
share/man/man1/assay.1
share/zsh/site-functions/_assay
END
diff "$tree/expected" "$tree/found" || fail "other files were installed than expected"

export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
read -ra flags < <(ask --cflags --libs)
compile() { # SOURCE PROGRAM [FLAG]...
    "${compiler[@]}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -pedantic "${@:3}" -o "$2" "$1" "${flags[@]}" -lm -pthread
}
expect() { # PATTERN TEXT
    grep -q -- "$1" <<<"$2" || fail "expected '$1', got: $2"
}
model=$models/default.safetensors picture=$source/examples/chelsea.jpg

for example in "$source"/examples/*.c; do
    name=${example##*/}
    compile "$example" "$tree/${name%.c}"
done
expect "451x300 pixels, detector ensemble" "$("$tree/judge_file" "$model" "$picture")"
expect "picture 11" "$("$tree/judge_pixels" "$model" 2)"

# The README's program, as it stands there.
sed -n '/^```c$/,/^```$/p' "$source/README.md" | grep -v '^```' >"$tree/readme.c"
compile "$tree/readme.c" "$tree/readme"
cp "$model" "$tree/default.safetensors"
cp "$picture" "$tree/photo.jpg"
expect "probability 0\." "$(cd "$tree" && ./readme)"

# The header by itself, in C++ too where there is a compiler for it.
printf '#include <assay/assay.h>\nint main(void) { return assay_init(0) != ASSAY_OK; }\n' >"$tree/alone.c"
compile "$tree/alone.c" "$tree/alone" && "$tree/alone"
if command -v g++ >/dev/null; then
    g++ -x c++ -std=c++11 -Wall -Wextra -Werror -pedantic -fsyntax-only "${flags[@]}" "$tree/alone.c"
fi

# A program that was compiled for another ABI is told.
mkdir -p "$tree/other/assay"
sed "s/^#define ASSAY_ABI_VERSION .*/#define ASSAY_ABI_VERSION $((abi + 1))/" "$prefix/include/assay/assay.h" >"$tree/other/assay/assay.h"
compile "$source/examples/judge_file.c" "$tree/mismatched" -I"$tree/other"
if message=$("$tree/mismatched" "$model" "$picture" 2>&1); then fail "another ABI was accepted"; fi
expect "ABI version $abi, but the program was compiled for $((abi + 1))" "$message"

# The command finds its model beside itself, and wrote its manual.
head -n 2 "$prefix/share/man/man1/assay.1" | grep -q "^\.TH ASSAY 1 .*$version" || fail "no manual of $version"
expect "chelsea.jpg" "$(env -u ASSAY_MODEL "$prefix/bin/assay" detect "$picture")"
