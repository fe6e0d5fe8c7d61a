# Sourced by the checks that install what they need.

# skipped TEXT: tells a person what is not checked. In CI a check that could not be run has failed: a machine on which
# an installation is slow or refused would otherwise pass for ever.
skipped() {
  echo "$1"
  [ -z "${CI:-}" ] || return 1
}

# Seconds that an installation may take. It only ends what hangs.
INSTALL_SECONDS_MAX=1200
