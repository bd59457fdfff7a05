#!/bin/sh
# Runs the broker, or the command that is given instead. Options alone are the broker's.
set -e
case "${1:--}" in
  -*) set -- rabbitmq-server "$@" ;;
esac
exec "$@"
