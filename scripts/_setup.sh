# Sourced by the other scripts: `setup runtime` or `setup dev` makes .venv from the locked requirements.
# Does nothing where the lock has not changed since the last time. Leaves the shell in the repository's root.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
  local name
  for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$name" ] && command -v "$name" >/dev/null \
      && "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  cat >&2 <<'TEXT'
Quanyu needs Python 3.11 or newer with its venv module, and none was found.
未找到带 venv 模块的 Python 3.11 或更高版本。
  Debian, Ubuntu:  sudo apt install python3 python3-venv
  macOS:           brew install python@3.13
  elsewhere:       set PYTHON=/path/to/python3.11
TEXT
  return 1
}

setup() {
  local kind=$1 lock=requirements/$1.txt stamp=.venv/.installed-$1 python site
  # The development lock holds all of the runtime's.
  if cmp -s "$lock" "$stamp" || { [ "$kind" = runtime ] && cmp -s requirements/dev.txt .venv/.installed-dev; }; then
    return
  fi
  if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)..."
    "$python" -m venv --clear .venv
  fi
  echo "Installing $lock (once, until it changes)..."
  .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r "$lock"
  # The house is found from anywhere by a path file: nothing of it is copied, so nothing goes stale.
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  pwd >"$site/quanyu.pth"
  printf '#!/bin/sh\nexec "$(dirname "$0")/python" -m quanyu "$@"\n' >.venv/bin/quanyu
  chmod +x .venv/bin/quanyu
  cp "$lock" "$stamp"
}
