#!/usr/bin/env bash
# Moves a department of the sample city off its SOAP system, from shadow to retirement, while clients go on asking.
# Takes one to three minutes; writes only to a temporary folder. See docs/migrate-a-system.md.
set -euo pipefail
source "$(dirname "$0")/../scripts/_setup.sh"

setup dev
exec .venv/bin/python -m samples migrate
