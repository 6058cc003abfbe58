# What `serve`, `test` and `wheel` share: installing what is missing, once. This file is sourced;
# suites.py calls single functions of it. Each result carries a stamp of what it was made of, so that
# the second run only compares.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
state=$root/.build
log=${RINGHORN_SETUP_LOG:-$state/logs/$(basename "$0").log}
system_python=/usr/bin/python3

# A CI job may come without any environment.
export PATH="${PATH:-/usr/local/sbin:/usr/local/bin}:/usr/sbin:/usr/bin:/sbin:/bin"
export HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"

# Meson comes from PyPI: Debian's 1.0 cannot build for CPython 3.12 and newer.
tools=$state/venv/tools
build_packages=(ca-certificates g++ libcli11-dev libisal-dev liburing-dev libpython3-dev nettle-dev
  ninja-build pkg-config python3 python3-venv zlib1g-dev)

# One line per step; what the step says goes to the log, which is named when the step fails.
step() {
  local text=$1 start=$SECONDS
  shift
  printf '%s ... ' "$text" >&2
  if "$@" >>"$log" 2>&1 </dev/null; then
    echo "ready ($((SECONDS - start)) s)" >&2
  else
    printf 'failed\n\n' >&2
    tail -n 25 "$log" >&2
    printf '\nThe whole log is %s\n' "$log" >&2
    exit 1
  fi
}

# Only one run at a time may install or build.
begin_setup() {
  mkdir -p "$state/logs" "$state/venv"
  : >"$log"
  exec 9>"$state/lock"
  flock 9
}

end_setup() {
  exec 9>&-
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=300 update &&
    apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}

require_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system; these packages of Debian 12 are needed: $*" >&2
    return
  fi
  local present missing=() package
  present=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qx "$package installed" <<<"$present" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    printf 'These system packages are missing: %s\nInstall them with this command, then try again:\n\n' \
      "${missing[*]}" >&2
    printf '    sudo apt-get install --no-install-recommends %s\n\n' "${missing[*]}" >&2
    exit 1
  fi
  step "Installing ${missing[*]}" apt_install "${missing[@]}"
}

# stale STAMP KEY: whether what the stamp belongs to was made of something else.
stale() {
  [ "$(cat "$1" 2>/dev/null)" != "$2" ]
}

# Prints the installation behind an interpreter: its executable, and a short name for it.
describe_python() {
  "$1" -c '
import hashlib, os, sys
if sys.version_info < (3, 11) or sys.implementation.name != "cpython":
    sys.exit("Ringhorn needs CPython 3.11 or newer; this is " + sys.version)
print(os.path.realpath(sys._base_executable))
print("%d.%d.%d-" % sys.version_info[:3] + hashlib.sha256(sys.base_prefix.encode()).hexdigest()[:8])'
}

# make_venv DIRECTORY PYTHON REQUIREMENTS [option of venv]...
make_venv() {
  local directory=$1 python=$2 requirements=$3 key
  shift 3
  key="$directory $("$python" -VV) $* $(cat "$(dirname "$requirements")"/requirements*.txt | sha256sum)"
  stale "$directory/stamp" "$key" || return 0
  rm -rf "$directory"
  "$python" -m venv "$@" "$directory" &&
    "$directory/bin/python" -m pip install -q --disable-pip-version-check \
      -r "$requirements" &&
    echo "$key" >"$directory/stamp"
}

# make_node_modules DIRECTORY PACKAGE@VERSION...
make_node_modules() {
  local directory=$1
  shift
  stale "$directory/stamp" "$*" || return 0
  rm -rf "$directory"
  mkdir -p "$directory" &&
    npm install --prefix "$directory" --no-audit --no-fund --no-package-lock --silent "$@" &&
    echo "$*" >"$directory/stamp"
}

make_tools() {
  make_venv "$tools" "$system_python" "$root/packaging/requirements.txt"
}

# configure DIRECTORY [option of meson]...; later changes of meson.build are ninja's affair.
configure() {
  local directory=$1 key
  key="$* ${CXX:-} $(cat "$tools/stamp")"
  shift
  stale "$directory/stamp" "$key" || return 0
  rm -rf "$directory"
  "$tools/bin/meson" setup "$directory" "$root" "$@" && echo "$key" >"$directory/stamp"
}

# build DIRECTORY [target]...
build() {
  /usr/bin/ninja -C "$@"
}
