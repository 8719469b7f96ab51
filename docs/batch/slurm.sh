#!/bin/bash
# A season on a SLURM cluster: one task a shard, one core each. No engine, no server; run it again to go on after a failure.
#
#   sbatch --export=ALL,SEASON=/data/season,DATASET=/data/season-out docs/batch/slurm.sh
#   sbatch --export=ALL,DATASET=/data/season-out --dependency=afterany:JOBID docs/batch/slurm-merge.sh
#
#SBATCH --job-name=soleus
#SBATCH --array=0-63
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail

soleus batch "$SEASON" --out "$DATASET" --jobs 1 \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" || status=$?

# 1: done, but some recordings failed; they are listed by the merge. Anything else must be looked at.
[ "${status:-0}" -le 1 ]
