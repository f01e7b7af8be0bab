# Shared by the scripts beside it; sourced, never run.

# To build for the other architecture that the npm package serves, and to run that here.
case "$(uname -m)" in
  aarch64) CROSS_PACKAGES="gcc-x86-64-linux-gnu libc6-dev-amd64-cross qemu-user" ;;
  *) CROSS_PACKAGES="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" ;;
esac

# What only the tests need: real tools to compare with, and programs to run inside sandboxes.
TEST_PACKAGES="libc6-dev curl jq busybox-static skopeo zstd util-linux bsdutils procps iproute2 python3 perl git man-db docker-registry apache2-utils openssl debootstrap umoci attr libcap2-bin e2fsprogs clang libclang-rt-dev openssh-client openssh-server bash-completion zsh fish mandoc $CROSS_PACKAGES"

say() { printf '%s\n' "$*"; }

# Prints a command as a reader would type it, then runs it.
run() {
  show "$@"
  "$@"
}

# Words that a shell would split or expand are shown in quotes.
show() {
  line='$'
  for word in "$@"; do
    case "$word" in
      *[!A-Za-z0-9_./:=,@%+-]* | '') line="$line '$word'" ;;
      *) line="$line $word" ;;
    esac
  done
  if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$line"; else printf '%s\n' "$line"; fi
}

die() {
  printf 'Error: %s\n' "$1" >&2
  shift
  for hint in "$@"; do printf 'Hint: %s\n' "$hint" >&2; done
  exit 1
}

require_node() {
  command -v node >/dev/null 2>&1 || die "Node.js is not installed" "Install Node.js 20.19 or newer with npm."
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js $(node --version) is too old" "Install Node.js 20.19 or newer."
}

# The words among the arguments that are not installed Debian packages.
missing_packages() {
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf '%s ' "$package"
  done
}

# True when a source is newer than the bundle, or there is none.
bundle_is_stale() {
  [ -f dist/fsb-ctl.cjs ] || return 0
  [ -n "$(find src bin package.json package-lock.json scripts/build.ts scripts/build -newer dist/fsb-ctl.cjs -type f -print -quit)" ]
}
