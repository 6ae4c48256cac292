#!/bin/sh
# Writes the reconstructed pairs of docs/datasets.md: eight small autoencoders, each trained on all real pictures of DATA
# and applied to an eighth of them. Goes on where it was. Takes two processors.
#
#   tools/reconstructions.sh ASSAY DATA FOLDER      (build/assay ../shared/data/train pairs)
set -eu
[ $# -eq 3 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
assay=$1 data=$2 folder=$3

# set_of PART DECODER FACTOR LATENT STEPS [OPTION]...
set_of() {
    part=$1 decoder=$2 factor=$3 latent=$4 steps=$5
    shift 5
    OMP_NUM_THREADS=1 "$assay" data reconstruct --threads 1 --no-progress --parts 8 --part "$part" \
        --decoder "$decoder" --factor "$factor" --latent "$latent" --steps "$steps" --precision bf16 \
        --out "$folder" "$@" "$data"
}

# The outer layers of those with factor 8 begin as the ones with factor 4 end.
both() { # DECODER PART LATENT PART
    set_of "$2" "$1" 4 "$3" 1500 &&
        set_of "$4" "$1" 8 48 4000 --begin "$folder/rec-$1-4.safetensors"
}

mkdir -p "$folder"
(both transposed 3 12 7 && both nearest 1 12 5) &
other=$!
status=0
(both shuffle 4 8 8 && both bilinear 2 12 6) || status=$?
wait "$other" || status=$?
exit "$status"
