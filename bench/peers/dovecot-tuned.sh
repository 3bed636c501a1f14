#!/bin/bash
TUNED=1 exec "$(dirname "$0")/dovecot.sh" "$@"
