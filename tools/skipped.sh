# Sourced by the checks that install what they need.

# skipped TEXT: tells a person what is not checked since it could not be installed. In CI that has failed: a machine on
# which an installation is slow or refused would otherwise pass for ever. What a machine has not at all, such as Go, is
# told everywhere, and fails nowhere.
skipped() {
  echo "$1"
  [ -z "${CI:-}" ] || return 1
}

# Seconds that an installation may take. It only ends what hangs.
INSTALL_SECONDS_MAX=1200
