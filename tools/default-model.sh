#!/bin/bash
# The default detector from its pictures: trains its members on DATA/train, chooses on the tune half of DATA/val, joins
# them, calibrates and finds the limits of what it can tell on that half, and prints what the report half says. DATA is the folder described in models/README.md,
# which is not published: this is the record of how models/default.safetensors was made.
#
# DATA: that folder (../shared/data). OUT: the model file to write (models/default.safetensors). SEED (1).
# WORK: a folder for lists, members, logs and evaluations, kept (build/default-model). A member that is there already, from a
# run that was interrupted, say, is not trained again.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${DATA:-../shared/data} out=${OUT:-models/default.safetensors} work=${WORK:-build/default-model}
assay=build/assay
tune="jamez-gpt4o mossbench-dalle3 r3gan sdcpp-assets basedcooking-webp deepface-tests kodak-png travelblog art-horst"

[ -d "$data/train" ] && [ -d "$data/val" ] || { echo "$data: no train/ and val/ in it; set DATA" >&2; exit 1; }
data=$(realpath "$data")
mkdir -p "$work"

# The validation pictures as two lists, divided by source.
for half in tune report; do
    echo path,label,source >"$work/$half.csv"
done
for folder in "$data"/val/{real,ai}/*/; do
    source=$(basename "$folder") label=$(basename "$(dirname "$folder")") half=report
    [[ " $tune " == *" $source "* ]] && half=tune
    find "$folder" -type f -name '*.jpg' -printf "%p,$label,$source\n" | LC_ALL=C sort >>"$work/$half.csv"
done

# member NAME DETECTOR OPTION...: trains one that judges for itself.
member() {
    local name=$1 detector=$2
    shift 2
    [ ! -f "$work/$name.safetensors" ] || return 0
    "$assay" train --detector "$detector" --data "$data/train" --val "$work/tune.csv" \
        --out "$work/$name.safetensors" --overwrite --seed "${SEED:-1}" --precision bf16 \
        --augment-turn 0.75 --augment-jpeg 0.3 "$@" 2>&1 |
        tee "$work/$name.log"
}

# Three networks that differ in what they see and how they learn, and a linear layer on counts, which does best with sources
# that training has not seen. It counts as much as the networks together.
network=(--learning-rate 0.002 --warmup-steps 100 --ema-decay 0.995 --steps-per-epoch 240)
member residual residual "${network[@]}" --epochs 8 --validate-every 2 \
    --augment-resize 0.3 --augment-resize-min 0.5 --augment-blur 0.1 --augment-noise 0.15
short=("${network[@]}" --epochs 2 --augment-resize 0.2 --augment-blur 0.25 --augment-noise 0.25)
member npr sdid-mini "${short[@]}"
member high-frequency sdid-mini --second high-frequency "${short[@]}"
member rich rich --crops 6 --steps-per-epoch 960 --augment-resize 0.3 --augment-resize-min 0.5 --augment-blur 0.2 --augment-noise 0.2
"$assay" model join --weights 1,1,1,3 --out "$work/model.safetensors" \
    "$work"/{residual,npr,high-frequency,rich}.safetensors

perturbed=(--perturb jpeg:75 --perturb resize:0.5 --perturb blur:1 --perturb noise:5)
rm -rf "$work/tune" "$work/sweeps" "$work/report"
"$assay" eval --model "$work/model.safetensors" --data "$work/tune.csv" "${perturbed[@]}" --out "$work/tune"
"$assay" model calibrate --run "$work/tune" --max-uncertain 1 --out "$out" "$work/model.safetensors"
"$assay" eval --model "$out" --data "$work/tune.csv" --robustness jpeg --robustness resize --robustness crop --bf16 \
    --no-report --out "$work/sweeps"
"$assay" model limits --run "$work/sweeps" --out "$out" "$out"
"$assay" eval --model "$out" --data "$work/report.csv" "${perturbed[@]}" --out "$work/report"
