#!/bin/bash
# SDID's ablation tables in miniature: the detector sdid-mini trained once for each row, one factor at a time, all by one
# short schedule; then all of them judged on pictures that chose nothing.
#
#   tools/ablations.sh TRAIN TUNE REPORT OUT [ROW]...
#
# TRAIN: folder or list to train on; TUNE: the same to choose epochs and calibrate with; REPORT: the same for the figures.
# OUT: models and the evaluation (OUT/report). ROW: names below; without them all. What is there already is left alone and
# what was interrupted goes on, so the same command may be given again. ASSAY: the command (build/assay). EPOCHS, STEPS:
# the schedule (2 x 240 steps of 32 windows: 15,360 windows); ROBUSTNESS: sweeps of `assay eval`, with commas, or empty;
# ABLATION_OPTIONS: further options of every training.
set -euo pipefail

if [ $# -lt 4 ]; then
    sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
train=$1 tune=$2 report=$3 out=$4
shift 4
wanted=" $* "
assay=${ASSAY:-build/assay}
schedule="--batch 32 --epochs ${EPOCHS:-2} --steps-per-epoch ${STEPS:-240} --precision bf16 --learning-rate 0.002
    --warmup-steps 100 --ema-decay 0.995 --augment-turn 0.75 --augment-jpeg 0.3 --augment-resize 0.2 --augment-blur 0.1
    --augment-noise 0.1 ${ABLATION_OPTIONS:-}"
models=()
mkdir -p "$out"

# row NAME DETECTOR OPTION...
row() {
    local name=$1 detector=$2 model=$out/$1.safetensors
    shift 2
    if [[ "$wanted" != "  " && "$wanted" != *" $name "* ]]; then
        return
    fi
    models+=(--model "$name=$model")
    if [ -e "$model.checkpoint" ]; then
        "$assay" train --data "$train" --val "$tune" --out "$model" --resume
    elif [ ! -e "$model" ]; then
        # shellcheck disable=SC2086
        "$assay" train --detector "$detector" --data "$train" --val "$tune" --out "$model" $schedule "$@"
    fi
}

# The paper's table 4: what each part adds.
row rgb sdid-mini --branches rgb
row npr sdid-mini --branches partner
row concat sdid-mini --cmcl 0 --cmmd 0
row cmcl sdid-mini --cmmd 0
row full sdid-mini

# Table 5: the second modality (its third line is concat, cmcl and full of table 4).
for second in augmented high-frequency; do
    row "$second" sdid-mini --second "$second" --cmcl 0 --cmmd 0
    row "$second-cmcl" sdid-mini --second "$second" --cmmd 0
    row "$second-full" sdid-mini --second "$second"
done

# Table 6: judged from RGB alone (its first line is rgb).
row rgb-cmcl sdid-mini --predict rgb --cmmd 0
row rgb-full sdid-mini --predict rgb

# Beside the paper: the other reading of CMMD, and the RGB encoder without high-pass filters.
row own-neighbours sdid-mini --neighbours-of own
row plain-full sdid-mini --no-high-pass
row plain-concat sdid-mini --no-high-pass --cmcl 0 --cmmd 0

# How much the seed does, and the detector that comes with Assay by the same schedule.
row default residual
for seed in 2 3; do
    row "full-$seed" sdid-mini --seed "$seed"
    row "concat-$seed" sdid-mini --cmcl 0 --cmmd 0 --seed "$seed"
    row "default-$seed" residual --seed "$seed"
done

sweeps=()
IFS=, read -ra names <<<"${ROBUSTNESS-jpeg,resize,blur,messenger}"
for name in "${names[@]}"; do
    sweeps+=(--robustness "$name")
done
resume=()
if [ -e "$out/report/run.json" ]; then
    resume=(--resume)
fi
"$assay" eval "${models[@]}" --data "report=$report" --out "$out/report" --bf16 "${sweeps[@]}" "${resume[@]}"
