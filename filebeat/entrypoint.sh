#!/bin/sh
# Checks the environment, renders filebeat.template.yml and becomes Filebeat. Arguments go on to Filebeat.
#
#   LOGSTASH_HOST         where Logstash listens (default host.docker.internal)
#   LOGSTASH_PORT         its Beats port (default 5044)
#   LOG_FILE_PATH         root of the log files (default /var/log/pt)
#   FILEBEAT_DATA         registry, kept across restarts (default /usr/share/filebeat/data)
#   FILEBEAT_CONFIG_DIR   where the rendered file goes (default $FILEBEAT_DATA)
#   FILEBEAT_PORT         Filebeat's own figures, on loopback (default 5066)
#   ENVIRONMENT           written into every document (default development)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

fail() {
    echo "filebeat/entrypoint.sh: $1" >&2
    exit 1
}

LOGSTASH_HOST=${LOGSTASH_HOST:-host.docker.internal}
LOGSTASH_PORT=${LOGSTASH_PORT:-5044}
LOG_FILE_PATH=${LOG_FILE_PATH:-/var/log/pt}
FILEBEAT_DATA=${FILEBEAT_DATA:-/usr/share/filebeat/data}
FILEBEAT_CONFIG_DIR=${FILEBEAT_CONFIG_DIR:-$FILEBEAT_DATA}
FILEBEAT_PORT=${FILEBEAT_PORT:-5066}
ENVIRONMENT=${ENVIRONMENT:-development}

is_port() {
    case $1 in
        '' | *[!0-9]* | ??????*) return 1 ;;
    esac
    [ "$1" -ge 1 ] && [ "$1" -le 65535 ]
}

# What would end the YAML string it is put into, or the sed expression that puts it there.
is_plain() {
    case $1 in
        '' | *[!A-Za-z0-9._:/@%+=-]*) return 1 ;;
    esac
}

is_plain "$LOGSTASH_HOST" || fail "LOGSTASH_HOST=$LOGSTASH_HOST is not a host name or address"
case $LOGSTASH_HOST in
    *://* | */*) fail "LOGSTASH_HOST=$LOGSTASH_HOST: give the host alone, without scheme or path" ;;
esac
is_port "$LOGSTASH_PORT" || fail "LOGSTASH_PORT=$LOGSTASH_PORT is not a port (1 to 65535)"
is_port "$FILEBEAT_PORT" || fail "FILEBEAT_PORT=$FILEBEAT_PORT is not a port (1 to 65535)"
is_plain "$ENVIRONMENT" || fail "ENVIRONMENT=$ENVIRONMENT: letters, digits and ._- only"
is_plain "$LOG_FILE_PATH" || fail "LOG_FILE_PATH=$LOG_FILE_PATH: a path without blanks or quotes, please"
[ -d "$LOG_FILE_PATH" ] || fail "LOG_FILE_PATH=$LOG_FILE_PATH is not a folder: are the logs mounted here?"
[ -w "$FILEBEAT_CONFIG_DIR" ] || fail "FILEBEAT_CONFIG_DIR=$FILEBEAT_CONFIG_DIR is not a folder that this user can write to"

# Filebeat refuses a configuration that others can write to.
umask 077
sed -e "s|\${LOGSTASH_HOST}|$LOGSTASH_HOST|g" \
    -e "s|\${LOGSTASH_PORT}|$LOGSTASH_PORT|g" \
    -e "s|\${LOG_FILE_PATH}|$LOG_FILE_PATH|g" \
    -e "s|\${FILEBEAT_PORT}|$FILEBEAT_PORT|g" \
    -e "s|\${ENVIRONMENT}|$ENVIRONMENT|g" \
    "$here/filebeat.template.yml" > "$FILEBEAT_CONFIG_DIR/filebeat.yml"

exec filebeat -c "$FILEBEAT_CONFIG_DIR/filebeat.yml" --path.data "$FILEBEAT_DATA" "$@"
