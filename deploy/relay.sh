#!/bin/sh
# The relay: a node's whole part in proxmox-tracker. Run once a cluster, as root, on one node of Proxmox VE 7, 8 or 9, it makes a
# token that can read and change nothing. It installs nothing, opens no port and leaves no process behind.
# shellcheck disable=SC2016 # what stands in single quotes with a $ is Perl
set -eu
umask 077
LC_ALL=C
export LC_ALL

role=TrackerRead
user=tracker@pve
token=tracker
pve=${TRACKER_ETC_PVE:-/etc/pve}

usage() {
  cat <<'TEXT'
Usage: relay.sh [options]

Makes a read-only API token for proxmox-tracker and prints the entry for the `nodes:` of its config.yaml.
Run it as root on one node of each cluster. What is there already stays as it is; a second run changes nothing.

  --journal              let the token read the journal too (Sys.Syslog), for ends that no task explains
  --rotate               replace the token: the old value is dead at once
  --remove               take token, user, permissions and role away
  --name NAME            what the entry calls the node (default: the node's own name)
  --host ADDRESS         where the manager reaches the node (default: the address of the node's name)
  --register URL         hand the entry to the manager at https://HOST[:PORT] instead of printing it; needs both of:
    --key-file FILE        its first line is an enrol key: proxmox-tracker key create NAME --scope enrol
    --fingerprint FP       SHA-256 of the manager's certificate, checked before anything secret is sent
  --help                 this text

The entry goes to standard output, all else to standard error. Exit codes: 0 done, 1 failed, 2 wrong options.
TEXT
}

say() { printf 'relay.sh: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
misuse() { say "$*"; say 'relay.sh --help lists the options.'; exit 2; }

# A token whose value nobody was told is taken back, whatever ends this early, so that the next run can make one and tell.
folder='' untold=''
cleanup() {
  [ -z "$folder" ] || rm -rf "$folder"
  [ -n "$untold" ] || return 0
  pveum user token remove "$user" "$token" >/dev/null && say 'the new token was taken back, for nobody was told its value'
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- What is asked for ---

action=make has_journal=0 name='' host='' url='' key_file='' fingerprint=''

parse_options() {
  while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
      --name=* | --host=* | --register=* | --key-file=* | --fingerprint=*)
        value=${option#*=}
        option=${option%%=*}
        ;;
      --name | --host | --register | --key-file | --fingerprint)
        [ $# -gt 0 ] || misuse "$option needs a value after it"
        value=$1
        shift
        ;;
      *) value=- ;;
    esac
    [ -n "$value" ] || misuse "$option needs a value after it"
    case $option in
      --journal) has_journal=1 ;;
      --rotate | --remove)
        [ "$action" = make ] || [ "$action" = "${option#--}" ] || misuse '--rotate and --remove exclude each other'
        action=${option#--}
        ;;
      --name) name=$value ;;
      --host) host=$value ;;
      --register) url=$value ;;
      --key-file) key_file=$value ;;
      --fingerprint) fingerprint=$value ;;
      --help | -h) usage; exit 0 ;;
      *) misuse "$option is not a known option" ;;
    esac
  done
}

check_options() {
  if [ "$action" = remove ]; then
    [ "$has_journal$name$host$url$key_file$fingerprint" = 0 ] || misuse '--remove goes with no other option'
    return 0
  fi
  case $name in *[!A-Za-z0-9._-]*) misuse '--name may hold letters, digits, ".", "_" and "-"' ;; esac
  case $host in *[!A-Za-z0-9._:-]*) misuse '--host is an address or a host name alone, without port' ;; esac
  if [ -z "$url" ]; then
    [ -z "$key_file$fingerprint" ] || misuse '--key-file and --fingerprint belong to --register URL'
    return 0
  fi
  [ -n "$key_file" ] || misuse '--register needs --key-file FILE: the enrol key is read from a file, so that no list of processes shows it'
  [ -n "$fingerprint" ] || misuse "--register needs --fingerprint FP: the SHA-256 fingerprint of the manager's certificate"
  fingerprint=$(printf '%s' "$fingerprint" | tr -d ': ' | tr abcdef ABCDEF)
  case $fingerprint in *[!0-9A-F]*) misuse '--fingerprint is not hexadecimal' ;; esac
  [ ${#fingerprint} -eq 64 ] || misuse '--fingerprint is not a SHA-256 fingerprint: that has 64 hexadecimal digits, with or without colons'
  parse_url
}

# https://tracker.example.org:8443/base -> manager (host), connect (host:port), base
parse_url() {
  case $url in
    https://*[!A-Za-z0-9._:/%[\]~-]* | *\?* | *\#*) misuse "--register $url is not an address: write https://HOST[:PORT]" ;;
    https://?*) ;;
    *) misuse '--register needs an address that begins with https://: a token is sent to it' ;;
  esac
  authority=${url#https://}
  base=
  case $authority in */*) base=/${authority#*/} authority=${authority%%/*} ;; esac
  base=${base%/}
  port=443
  manager=$authority
  case $authority in
    \[*\]) ;;
    *:*) port=${authority##*:} manager=${authority%:*} ;;
  esac
  case $port in '' | *[!0-9]*) misuse "--register $url has no port that is a number" ;; esac
  [ -n "$manager" ] || misuse "--register $url names no host"
  connect=$manager:$port
}

read_key() {
  [ -r "$key_file" ] || fail "the key file $key_file cannot be read"
  IFS= read -r key <"$key_file" || true
  key=$(printf '%s' "${key:-}" | tr -d '\r')
  case $key in
    '') fail "the first line of $key_file is empty: put the enrol key there" ;;
    *[!A-Za-z0-9_-]*) fail "the first line of $key_file is no key: a key has letters, digits, _ and - alone" ;;
  esac
}

# --- Proxmox, by pveum ---

check_node() {
  [ "$(id -u)" -eq 0 ] || fail 'this must be run as root: it makes a user and a token in Proxmox VE'
  command -v pveum >/dev/null || fail 'pveum is not here: run this on a Proxmox VE node'
  command -v perl >/dev/null || fail 'perl is not here, which every Proxmox VE node has'
  version=$(pveversion 2>/dev/null | sed -n 's|^pve-manager/\([0-9]*\)\..*|\1|p') || true
  [ "${version:-7}" -ge 7 ] || fail "this is Proxmox VE $version: version 7 or later is needed"
}

# Runs Perl on the JSON value in standard input, which it finds in $d.
json() {
  code=$1
  shift
  perl -CO -MJSON::PP -e "local \$/; my \$d = JSON::PP->new->utf8->decode(scalar <STDIN>); $code" -- "$@"
}

ask() {
  pveum "$@" --output-format json || fail "pveum $* failed, see above: nothing was changed by it"
}

change() {
  pveum "$@" >/dev/null || fail "pveum $* failed, see above. Mend that and run this again: it goes on where it stopped"
}

# Sets privileges ('' where there is no role), user_state, token_state, granted (who has the role on /).
read_access() {
  roles=$(ask role list)
  privileges=$(printf '%s' "$roles" | json 'for (@$d) { next if $_->{roleid} ne $ARGV[0];
    print join(" ", sort split(/[^A-Za-z.]+/, $_->{privs} // "")) || "none" }' "$role")
  users=$(ask user list)
  user_state=$(printf '%s' "$users" | json 'my $s = "absent"; for (@$d) { next if $_->{userid} ne $ARGV[0];
    $s = !($_->{enable} // 1) ? "disabled" : $_->{expire} && $_->{expire} < time ? "expired" : "fit" } print $s' "$user")
  token_state=absent other_tokens=0
  if [ "$user_state" != absent ]; then
    tokens=$(ask user token list "$user")
    token_state=$(printf '%s' "$tokens" | json 'my $s = "absent"; for (@$d) { next if $_->{tokenid} ne $ARGV[0];
      $s = $_->{expire} && $_->{expire} < time ? "expired" : ($_->{privsep} // 1) ? "fit" : "unseparated" } print $s' "$token")
    other_tokens=$(printf '%s' "$tokens" | json 'print scalar grep { $_->{tokenid} ne $ARGV[0] } @$d' "$token")
  fi
  acls=$(ask acl list)
  granted=$(printf '%s' "$acls" | json 'print join " ", map { $_->{ugid} }
    grep { $_->{roleid} eq $ARGV[0] && $_->{path} eq "/" && ($_->{propagate} // 1) } @$d' "$role")
}

is_granted() {
  case " $granted " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

make_role() {
  case " $privileges " in *' Sys.Syslog '*) [ "$has_journal" = 1 ] || say 'the role holds Sys.Syslog from before: it is kept'; has_journal=1 ;; esac
  wanted='Pool.Audit Sys.Audit VM.Audit'
  [ "$has_journal" = 0 ] || wanted='Pool.Audit Sys.Audit Sys.Syslog VM.Audit'
  listed=$(printf '%s' "$wanted" | tr ' ' ,)
  if [ -z "$privileges" ]; then
    change role add "$role" --privs "$listed"
  elif [ "$privileges" != "$wanted" ]; then
    say "the role $role held $privileges: it now has $wanted"
    change role modify "$role" --privs "$listed"
  fi
}

make_user() {
  case $user_state in
    absent) change user add "$user" --comment 'proxmox-tracker: reads when guests run' ;;
    disabled) fail "the user $user is disabled: pveum user modify $user --enable 1, then run this again" ;;
    expired) fail "the user $user has expired: pveum user modify $user --expire 0, then run this again" ;;
  esac
  is_granted "$user" || change acl modify / --users "$user" --roles "$role"
}

# Sets value, empty where the token was there before.
make_token() {
  value=
  if [ "$action" = rotate ] && [ "$token_state" != absent ]; then
    change user token remove "$user" "$token"
    say 'the old token is dead'
    token_state=absent granted=
  fi
  case $token_state in
    absent)
      made=$(ask user token add "$user" "$token" --privsep 1 --expire 0)
      untold=yes
      value=$(printf '%s' "$made" | json 'print $d->{value} // ""')
      case $value in '' | *[!A-Za-z0-9-]*) fail 'pveum made the token and did not tell its value' ;; esac
      ;;
    unseparated) change user token modify "$user" "$token" --privsep 1 ;;
    expired) say 'the token has expired: --rotate makes a new one' ;;
  esac
  # With privilege separation a token may do what its user and itself are granted, so both need the role.
  is_granted "$user!$token" || change acl modify / --tokens "$user!$token" --roles "$role"
}

# An entry of another hand may still shadow the role; the token is made all the same, and test says where.
check_token() {
  seen=$(pveum user token permissions "$user" "$token" --path / --output-format json) || return 0
  lacking=$(printf '%s' "$seen" | json 'print join " ", grep { !$d->{"/"}{$_} } @ARGV' VM.Audit Sys.Audit)
  [ -z "$lacking" ] || say "the token still lacks $lacking on /: another permission there stands against it, see: pveum acl list"
}

remove_all() {
  read_access
  is_gone=1
  if [ "$token_state" != absent ]; then
    ! is_granted "$user!$token" || change acl delete / --tokens "$user!$token" --roles "$role"
    change user token remove "$user" "$token"
    is_gone=0
  fi
  if [ "$user_state" != absent ]; then
    is_gone=0
    if [ "$other_tokens" -gt 0 ]; then
      say "the user $user stays: it has $other_tokens more of its own tokens, which this did not make"
    else
      ! is_granted "$user" || change acl delete / --users "$user" --roles "$role"
      change user delete "$user"
    fi
  fi
  if [ -n "$privileges" ]; then
    is_gone=0
    acls=$(ask acl list)
    others=$(printf '%s' "$acls" | json 'print scalar grep { $_->{roleid} eq $ARGV[0] } @$d' "$role")
    if [ "$others" -gt 0 ]; then
      say "the role $role stays: others have it, see pveum acl list"
    else
      change role delete "$role"
    fi
  fi
  if [ "$is_gone" = 1 ]; then say 'there was nothing to remove'; else say "removed. Take the entry out of the manager's config.yaml too"; fi
}

# --- The entry ---

read_identity() {
  own=$(uname -n)
  own=${own%%.*}
  [ -n "$name" ] || name=$own
  if [ -z "$host" ]; then
    host=$({ getent ahostsv4 "$own" || getent ahosts "$own" || true; } | awk 'NR == 1 { print $1 }')
    case $host in '' | 127.* | ::1) fail "the name $own leads to no address that others reach: give it with --host ADDRESS" ;; esac
  fi
  # A certificate of one's own, as ACME puts it, is served instead of the cluster's.
  certificate=$pve/local/pve-ssl.pem
  if [ -f "$pve/local/pveproxy-ssl.pem" ] && [ -f "$pve/local/pveproxy-ssl.key" ]; then certificate=$pve/local/pveproxy-ssl.pem; fi
  node_fingerprint=$(openssl x509 -in "$certificate" -noout -fingerprint -sha256 | sed 's/^[^=]*=//') || true
  [ -n "$node_fingerprint" ] || fail "the node's certificate $certificate cannot be read"
}

print_entry() {
  printf "nodes:\n  - name: '%s'\n    host: '%s'\n    port: 8006\n    user: '%s'\n    token_name: '%s'\n" "$name" "$host" "$user" "$token"
  if [ -n "$value" ]; then
    printf "    token_value: '%s'\n" "$value"
  else
    printf '    # token_value: shown once, when the token was made; relay.sh --rotate makes a new one\n'
  fi
  printf "    fingerprint: '%s'\n" "$node_fingerprint"
  [ "$has_journal" = 0 ] || printf '    journal: true\n'
  ca=$pve/pve-root-ca.pem
  if [ -f "$ca" ] && openssl verify -CAfile "$ca" "$certificate" >/dev/null 2>&1; then
    printf "# Instead of fingerprint, the cluster's CA (ca_file: pve-root-ca.pem) trusts every member, also after Proxmox renews certificates.\n"
    printf '# It is a copy of /etc/pve/pve-root-ca.pem:\n'
    openssl x509 -in "$ca" | sed 's/^/# /'
  fi
}

# --- The manager, by openssl and curl ---

# Sets pin and called (a name that the certificate bears). Nothing secret has been sent before this has passed.
check_manager() {
  command -v curl >/dev/null || fail 'curl is not here, which --register needs: print the entry without --register, and put it into config.yaml'
  folder=$(mktemp -d)
  plain=${manager#\[}
  plain=${plain%\]}
  case $plain in *[!0-9.]*) kind=host ;; *) kind=ip ;; esac
  case $plain in *:*) kind=ip ;; esac
  if [ "$kind" = ip ]; then sni=-noservername; else sni="-servername $plain"; fi
  # shellcheck disable=SC2086 # an option and its value
  timeout 20 openssl s_client -connect "$connect" $sni </dev/null >"$folder/hello" 2>/dev/null || true
  openssl x509 -in "$folder/hello" -out "$folder/leaf.pem" 2>/dev/null ||
    fail "nothing answers with TLS at $connect: nothing was sent and nothing was made"
  shown=$(openssl x509 -in "$folder/leaf.pem" -noout -fingerprint -sha256 | sed 's/^[^=]*=//')
  [ "$(printf '%s' "$shown" | tr -d :)" = "$fingerprint" ] ||
    fail "the manager at $connect shows another certificate than --fingerprint says: $shown.
Nothing was sent and nothing was made; compare it on the manager itself"
  pin=$(openssl x509 -in "$folder/leaf.pem" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | openssl base64)
  called=$(name_in_certificate)
  [ -n "$called" ] || fail "the manager's certificate bears neither a host name nor an address: give it one that does"
}

# The address in the URL where the certificate bears it, else the first one that it bears: the fingerprint says that it is the manager.
name_in_certificate() {
  if openssl x509 -in "$folder/leaf.pem" -noout "-check$kind" "$plain" | grep -q 'does match'; then
    printf '%s' "$manager"
    return 0
  fi
  names=$(openssl x509 -in "$folder/leaf.pem" -noout -ext subjectAltName 2>/dev/null | tr -d ' ' | tr , '\n') || true
  first=$(printf '%s\n' "$names" | sed -n 's/^DNS:\*/DNS:any/; s/^DNS://p' | head -n 1)
  [ -n "$first" ] || first=$(printf '%s\n' "$names" | sed -n 's/^IPAddress:\(.*:.*\)$/[\1]/p; s/^IPAddress:\([0-9.]*\)$/\1/p' | head -n 1)
  [ -n "$first" ] || first=$(openssl x509 -in "$folder/leaf.pem" -noout -subject -nameopt multiline | sed -n 's/^ *commonName *= *//p')
  case $first in *[!A-Za-z0-9.:[\]-]*) first= ;; esac
  printf '%s' "$first"
}

body() {
  journal=false
  [ "$has_journal" = 0 ] || journal=true
  printf '{"name":"%s","host":"%s","port":8006,"user":"%s","token_name":"%s","token_value":"%s","fingerprint":"%s","journal":%s}' \
    "$name" "$host" "$user" "$token" "$value" "$node_fingerprint" "$journal"
}

# The certificate was read on a connection of its own, so this one must show the same: curl trusts that certificate alone, and the pin
# makes the server prove that it holds its key before a byte of the request leaves. Key and token go through a pipe, never as arguments.
send_entry() {
  {
    printf 'header = "X-API-Key: %s"\n' "$key"
    printf 'data-binary = "%s"\n' "$(body | sed 's/"/\\"/g')"
  } | curl -q --silent --show-error --noproxy '*' --proto '=https' --connect-timeout 10 --max-time 60 \
    --cacert "$folder/leaf.pem" --pinnedpubkey "sha256//$pin" --connect-to "::$connect" \
    --header 'Content-Type: application/json' --header "Host: $authority" --write-out '\n%{http_code}' \
    --config - "https://$called:$port$base/api/nodes"
}

register() {
  answer=$(send_entry) || fail 'the manager did not take the entry, see above. Mend that and run this again'
  status=$(printf '%s' "$answer" | tail -n 1)
  detail=$(printf '%s' "$answer" | sed '$d' | json 'print $d->{detail} // $d->{name} // ""' 2>/dev/null | tr -d '[:cntrl:]') || detail=
  case $status in
    2??) ;;
    401) fail "the manager does not know the enrol key: it is wrong, was used already, or is older than an hour (${detail:-401})" ;;
    403) fail "the key may not enrol nodes: make one with proxmox-tracker key create NAME --scope enrol (${detail:-403})" ;;
    404 | 405) fail "the manager at $url takes no nodes this way (${detail:-$status}): is it the right address, and its version new enough?" ;;
    *) fail "the manager refused the entry (${detail:-$status})" ;;
  esac
  untold=
  say "registered at $url as ${detail:-$name}; it is polled within an interval"
}

main() {
  parse_options "$@"
  check_options
  check_node
  if [ "$action" = remove ]; then
    remove_all
    return 0
  fi
  read_identity
  if [ -n "$url" ]; then
    read_key
    check_manager
  fi
  read_access
  make_role
  make_user
  make_token
  check_token
  if [ -z "$value" ]; then
    say "the token $user!$token is there already, and its value is shown only when it is made: --rotate makes a new one"
    [ -z "$url" ] || say 'Nothing was handed to the manager: --register with --rotate hands a new token over'
    print_entry
  elif [ -n "$url" ]; then
    register
  else
    print_entry
    untold=
  fi
}

main "$@"
