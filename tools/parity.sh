#!/bin/bash
# Published networks at full size against their references, with random weights: one after the other, first the
# reference (Python: tools/parity/reference.py), then ours (tools/parity/run_parity.c). CSV on the standard output.
#
# PYTHON: an interpreter with torch, torchvision, timm, transformers, open_clip_torch and safetensors (python3).
# PARITY_DIR: where a folder for checkpoints is made, removed at the end; up to 5 GB (build/parity).
# PARITY_NETWORKS: which of them, by the names below.
set -uo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
networks=${PARITY_NETWORKS:-clip-rn50 clip-rn101 clip-vit-b-32 clip-vit-b-16 clip-vit-l-14 clip-vit-l-14-336 \
    dinov2-vit-s-14 dinov2-vit-b-14 dinov2-vit-l-14 dinov2-vit-s-14-reg dinov2-vit-b-14-reg dinov2-vit-l-14-reg \
    mae-vit-b-16 mae-vit-b-16-windowed resnet-18 resnet-34 resnet-50 resnet-101 resnet-152}
program=build/tools/parity/run_parity

mkdir -p "${PARITY_DIR:=build/parity}" && folder=$(mktemp -d "$PARITY_DIR/XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
status=0
"$program" --header || exit 1
for network in $networks; do
    if "$python" tools/parity/reference.py "$network" "$folder"; then
        gradients=$folder/$network.gradients.safetensors
        own=$folder/$network.gradients-f32.safetensors
        [ -e "$own" ] || own=$gradients
        "$program" "$folder/$network.case.safetensors" "$gradients" "$own" "$folder/$network.safetensors" \
            "$folder/$network"*.pth || status=1
    else
        echo "$network: the reference failed" >&2
        status=1
    fi
    rm -rf "${folder:?}"/*
done
exit "$status"
