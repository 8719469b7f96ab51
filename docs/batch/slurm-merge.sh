#!/bin/bash
# After all shards: summary.parquet, failures.parquet and overview.html of the whole season.
#
#SBATCH --job-name=soleus-merge
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=01:00:00
set -euo pipefail

soleus batch --merge --out "$DATASET" || status=$?
[ "${status:-0}" -le 1 ]
