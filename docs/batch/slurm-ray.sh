#!/bin/bash
# A Ray cluster inside one SLURM job: Ray starts on every node, the batch runs on the first, all end with it.
#
#   sbatch --export=ALL,SEASON=/data/season,DATASET=/data/season-out docs/batch/slurm-ray.sh
#
#SBATCH --job-name=soleus-ray
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --mem-per-cpu=1G
#SBATCH --time=02:00:00
set -euo pipefail
export RAY_USAGE_STATS_ENABLED=0

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_PER_TASK" -- \
    soleus batch "$SEASON" --out "$DATASET" --engine ray --address auto
