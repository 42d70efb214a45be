#!/bin/sh
# Installs or upgrades the manager on Debian 12, Debian 13 or Ubuntu 24.04, from the folder that this file lies in: program, user,
# configuration, service. A second run is an upgrade: it replaces the program and keeps configuration and data.
set -eu
umask 022
LC_ALL=C
export LC_ALL

name=proxmox-tracker
# What stands before every path: empty but in tests.
root=${TRACKER_INSTALL_ROOT:-}
program=/opt/$name
settings=/etc/$name
data=/var/lib/$name
source=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  cat <<'TEXT'
Usage: install.sh [options]

Installs proxmox-tracker from this folder, or upgrades it: the program to /opt/proxmox-tracker, its configuration to
/etc/proxmox-tracker, its data to /var/lib/proxmox-tracker, and a service that runs as a user of its own. Run it as root.

  --client         install the service of the agent instead of the manager's
  --install-node   install Node where it is missing or too old, without asking
  --no-start       neither enable nor start the service
  --help           this text

Exit codes: 0 done, 1 failed, 2 wrong options.
TEXT
}

say() { printf 'install.sh: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

service=$name-manager
is_node_wanted=0
is_started=1

parse_options() {
  for option in "$@"; do
    case $option in
      --client) service=$name-client ;;
      --install-node) is_node_wanted=1 ;;
      --no-start) is_started=0 ;;
      --help | -h) usage; exit 0 ;;
      *) say "$option is not a known option; install.sh --help lists them"; exit 2 ;;
    esac
  done
}

# Whatever ends this early leaves the old program in its place.
cleanup() {
  rm -rf "$root$program.new"
  if [ -d "$root$program.old" ]; then
    [ -d "$root$program" ] || mv "$root$program.old" "$root$program"
    rm -rf "$root$program.old"
  fi
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

check_system() {
  [ "$(id -u)" -eq 0 ] || fail 'this must be run as root: it makes a user and a service'
  command -v systemctl >/dev/null || fail 'systemd is not here, which runs the service: see the Dockerfile for another way'
  system=$(sed -n 's/^ID=//p; s/^VERSION_ID=//p' "$root/etc/os-release" 2>/dev/null | tr -d '"' | sort -r | tr '\n' ' ' | sed 's/ $//')
  case $system in
    'debian 12' | 'debian 13' | 'ubuntu 24.04') ;;
    *) say "this is ${system:-an unknown system}, on which nobody has tried it; Debian 12 and 13 and Ubuntu 24.04 are known to work" ;;
  esac
}

is_node_fit() {
  version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  if [ "$major" -gt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; }; then
    command -v npm >/dev/null
  else
    return 1
  fi
}

check_node() {
  ! is_node_fit || return 0
  found=$(node --version 2>/dev/null) || found='not here'
  if [ "$is_node_wanted" = 0 ] && [ -t 0 ]; then
    printf 'Node 20.19 or later with npm is needed; Node is %s. Install it? [y/N] ' "$found" >&2
    read -r answer || answer=
    case $answer in [yY] | [yY][eE][sS]) is_node_wanted=1 ;; esac
  fi
  [ "$is_node_wanted" = 1 ] || fail "Node 20.19 or later with npm is needed; Node is $found. Install it, or run this with --install-node"
  install_node
  is_node_fit || fail 'Node was installed, yet none that is new enough is found: look at "node --version"'
}

# Debian 13 has a Node that is new enough; for the others it comes from NodeSource, whose packages Node's own site names.
install_node() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  if [ "$system" = 'debian 13' ]; then
    apt-get install -y nodejs npm
    return 0
  fi
  apt-get install -y ca-certificates curl
  mkdir -p "$root/etc/apt/keyrings" "$root/etc/apt/sources.list.d"
  curl -fsSL https://deb.nodesource.com/gpgkey/nodesource-repo.gpg.key -o "$root/etc/apt/keyrings/nodesource.asc"
  printf 'deb [signed-by=/etc/apt/keyrings/nodesource.asc] https://deb.nodesource.com/node_22.x nodistro main\n' \
    >"$root/etc/apt/sources.list.d/nodesource.list"
  apt-get update
  apt-get install -y nodejs
}

# The new program is made whole beside the old one; a checkout is built, a package has been.
make_program() {
  [ -f "$source/package.json" ] || fail "$source holds no proxmox-tracker: run this from its deploy folder"
  new=$root$program.new
  rm -rf "$new"
  mkdir -p "$new"
  parts='bin views public deploy docs config.yaml package.json package-lock.json CHANGELOG.md README.md LICENSE'
  if [ -d "$source/src" ]; then parts="$parts src migrations knexfile.ts tsconfig.json tsconfig.build.json"; else parts="$parts dist"; fi
  for part in $parts; do
    if [ -e "$source/$part" ]; then cp -R "$source/$part" "$new/"; fi
  done
  say 'fetching packages and building'
  (
    cd "$new"
    # Nothing that a package brings is run while it is installed.
    if [ -d src ]; then
      npm ci --ignore-scripts --no-audit --no-fund
      npm run build
      npm prune --omit=dev --ignore-scripts --no-audit --no-fund
    else
      npm install --omit=dev --ignore-scripts --no-audit --no-fund
    fi
  ) >&2 || fail 'the program could not be built, see above; nothing was changed'
  [ -f "$new/dist/src/main.js" ] || fail 'the program was built, yet its dist folder is not whole; nothing was changed'
  if [ "$service" = "$name-client" ]; then
    node "$new/bin/$name.js" agent --help >/dev/null 2>&1 || fail 'this version has no agent; nothing was changed'
  fi
}

make_user() {
  getent passwd "$name" >/dev/null ||
    useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$name"
}

# Folder and file belong to the service's user: "proxmox-tracker init" writes them, while the service itself sees /etc read-only.
make_folders() {
  for folder in "$settings" "$data"; do
    mkdir -p "$root$folder"
    chmod 750 "$root$folder"
    chown "$name:$name" "$root$folder"
  done
}

make_configuration() {
  written=config.yaml
  sample=$source/config.yaml
  if [ "$service" = "$name-client" ]; then
    written=client_config.yaml
    sample=$source/deploy/$written
  fi
  file=$root$settings/$written
  if [ -e "$file" ]; then
    say "$settings/$written is kept as it is"
    return 0
  fi
  (umask 077 && sed "s|: data/|: $data/|" "$sample" >"$file.new")
  chown "$name:$name" "$file.new"
  mv "$file.new" "$file"
}

replace_program() {
  [ "$is_started" = 0 ] || ! systemctl is-active --quiet "$service" || systemctl stop "$service"
  rm -rf "$root$program.old"
  [ ! -d "$root$program" ] || mv "$root$program" "$root$program.old"
  mv "$root$program.new" "$root$program"
  mkdir -p "$root/usr/local/bin" "$root/etc/systemd/system"
  cp "$source/deploy/$name" "$root/usr/local/bin/$name"
  chmod 755 "$root/usr/local/bin/$name"
  cp "$source/deploy/$service.service" "$root/etc/systemd/system/$service.service"
  chmod 644 "$root/etc/systemd/system/$service.service"
}

# True while the agent's configuration is the sample, of this version or of the one before: it names no token yet.
is_sample() {
  [ "$service" = "$name-client" ] || return 1
  for folder in "$program" "$program.old"; do
    if cmp -s "$root$settings/client_config.yaml" "$root$folder/deploy/client_config.yaml"; then return 0; fi
  done
  return 1
}

start_service() {
  systemctl daemon-reload
  [ "$is_started" = 1 ] || return 0
  systemctl enable "$service"
  if is_sample; then
    say "fill in $settings/client_config.yaml, try it with $name agent --test, then systemctl start $service"
    return 0
  fi
  systemctl restart "$service" || fail "$service did not start: journalctl -u $service -n 50 says why"
}

main() {
  parse_options "$@"
  check_system
  check_node
  make_program
  make_user
  make_folders
  make_configuration
  replace_program
  start_service
  say "done. The log is journalctl -u $service"
  [ "$service" = "$name-client" ] || say "to name the nodes: $name init, or deploy/relay.sh on them; then systemctl restart $service"
}

main "$@"
