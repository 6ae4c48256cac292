# A short front for Meson and Ninja.
#
#   make detect IMAGE=photo.jpg   install what is missing, build, and judge a picture (without IMAGE: examples/)
#   make check                    the tests; ends in "N passed, N failed"
#   make sanitize                 the tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make tsan                     what several threads do at once, under ThreadSanitizer
#   make fuzz                     libFuzzer on every target, FUZZ_SECONDS each (default 300)
#   make bench                    benchmarks, as CSV
#   make parity                   backbones at full size against their references (PYTHON: with torch, timm, open_clip)
#   make default-model            models/default.safetensors from its pictures (DATA), calibrated, with its figures
#   make coverage                 which lines of src/ the tests reach
#   make format, format-check     by .clang-format
#   make install                  command, library, header, model, manual, completion; PREFIX (default /usr/local), DESTDIR

WERROR ?= false
PREFIX ?= /usr/local
SHELL = /bin/bash
# The name as it was typed: neither make nor the shell may look into it.
export ASSAY_IMAGE := $(value IMAGE)

.PHONY: all detect check sanitize tsan fuzz bench parity default-model coverage format format-check install clean

all:
	@tools/install-packages.sh
	@tools/build.sh build

# A name with spaces is one picture; where there is no such file, several names.
detect:
	@tools/install-packages.sh
	@tools/build.sh build -- assay
	@if [ -z "$$ASSAY_IMAGE" ]; then set -- examples/*.jpg; \
	elif [ -e "$$ASSAY_IMAGE" ]; then set -- "$$ASSAY_IMAGE"; \
	else set -f; set -- $$ASSAY_IMAGE; fi; build/assay detect -- "$$@"

check:
	@tools/install-packages.sh
	@tools/check.sh build -Dwerror=$(WERROR)

sanitize:
	@tools/install-packages.sh
	@tools/check.sh build-sanitize -Db_sanitize=address,undefined -Dbuildtype=debugoptimized -Db_lundef=false

tsan:
	@tools/install-packages.sh clang
	@tools/tsan.sh

fuzz:
	@tools/install-packages.sh clang
	@tools/fuzz.sh

bench:
	@tools/install-packages.sh >&2
	@tools/build.sh build -- $(patsubst %.c,%,$(wildcard bench/*.c)) >&2
	@set -e; for program in $(patsubst %.c,build/%,$(wildcard bench/*.c)); do "$$program"; done

parity:
	@tools/install-packages.sh >&2
	@tools/build.sh build -- tools/parity/run_parity >&2
	@tools/parity.sh

default-model:
	@tools/install-packages.sh
	@tools/build.sh build -- assay
	@tools/default-model.sh

coverage:
	@tools/install-packages.sh gcovr
	@tools/coverage.sh

format:
	@tools/format.sh

format-check:
	@tools/format.sh --check

install:
	@tools/install-packages.sh
	@tools/build.sh build --prefix=$(PREFIX)
	@meson install -C build --no-rebuild
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

clean:
	rm -rf build build-sanitize build-tsan build-fuzz build-coverage
