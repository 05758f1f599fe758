#!/bin/sh
# Install both distributions, with exactly the dependencies of requirements.lock, into an
# environment of its own:
#
#     deploy/install.sh /opt/holdfast [python3.13]
#
# Every file is checked against the lock's hash before anything is installed; then nothing more is
# fetched. What only developers need is left out. The folder may not be there yet.
set -eu

target=${1:?say where to install: deploy/install.sh /opt/holdfast}
python=${2:-python3}
source=$(cd "$(dirname "$0")/.." && pwd)

if [ -e "$target" ]; then
  echo "install: $target is there already; install beside it, and switch over when it is tried" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/build"
"$work/build/bin/pip" --quiet download --no-deps --require-hashes --only-binary :all: \
  --dest "$work/wheels" --requirement "$source/requirements.lock"
"$work/build/bin/pip" --quiet install --upgrade --no-index --find-links "$work/wheels" setuptools

# Built from a copy: building writes beside what it reads.
mkdir "$work/source"
cd "$source"
cp -R requirements.lock pyproject.toml README.md LICENSE config coordinator partners "$work/source"
rm -rf "$work/source/build" "$work/source/partners/build"
"$work/build/bin/pip" --quiet wheel --no-deps --no-index --no-build-isolation \
  --wheel-dir "$work/wheels" "$work/source/partners" "$work/source"

"$python" -m venv "$target"
"$target/bin/pip" --quiet install --no-index --find-links "$work/wheels" holdfast-coordinator
"$target/bin/holdfast-coordinator" --version

# Root reads everything, the services do not: a Python in somebody's home, or a folder closed by a umask.
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null && ! setpriv --reuid 65534 --regid 65534 \
  --clear-groups "$target/bin/holdfast-coordinator" --version > /dev/null 2>&1; then
  echo "install: no user but root can run $target, whose Python is" >&2
  echo "$(readlink -f "$target/bin/python3"): remove it, and install with a Python that all may" >&2
  echo "read (deploy/install.sh $target /usr/bin/python3) and umask 022" >&2
  exit 1
fi
