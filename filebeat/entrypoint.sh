#!/bin/sh
# Checks the environment, renders filebeat.template.yml and becomes Filebeat. Arguments go on to Filebeat.
#
#   LOGSTASH_HOST         where Logstash listens (default host.docker.internal)
#   LOGSTASH_PORT         its Beats port (default 5044)
#   TLS                   on: Logstash must show a certificate of our authority, and is shown ours (default off)
#   FILEBEAT_TLS          folder of ca.crt, filebeat.crt and filebeat.key (default /etc/pt/tls)
#   LOG_FILE_PATH         root of the log files (default /var/log/pt)
#   FILEBEAT_DATA         registry, kept across restarts (default /usr/share/filebeat/data)
#   FILEBEAT_CONFIG_DIR   where the rendered file goes (default $FILEBEAT_DATA)
#   FILEBEAT_PORT         Filebeat's own figures, on loopback (default 5066)
#   ENVIRONMENT           written into every document (default development)
#   APP_VERSION           written into every document (default unknown)
#   LOG_GROUP             written into every document, and part of the streams' names (default pt)
#   COMPOSE_PROJECT_NAME  in Docker: the containers' names begin with it; without it documents have no container.name
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

fail() {
    echo "filebeat/entrypoint.sh: $1" >&2
    exit 1
}

LOGSTASH_HOST=${LOGSTASH_HOST:-host.docker.internal}
LOGSTASH_PORT=${LOGSTASH_PORT:-5044}
TLS=${TLS:-off}
FILEBEAT_TLS=${FILEBEAT_TLS:-/etc/pt/tls}
LOG_FILE_PATH=${LOG_FILE_PATH:-/var/log/pt}
FILEBEAT_DATA=${FILEBEAT_DATA:-/usr/share/filebeat/data}
FILEBEAT_CONFIG_DIR=${FILEBEAT_CONFIG_DIR:-$FILEBEAT_DATA}
FILEBEAT_PORT=${FILEBEAT_PORT:-5066}
ENVIRONMENT=${ENVIRONMENT:-development}
APP_VERSION=${APP_VERSION:-unknown}
LOG_GROUP=${LOG_GROUP:-pt}
COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-}

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

# A part of a data stream's name.
is_name() {
    case $1 in
        '' | [!a-z]* | *[!a-z0-9_]*) return 1 ;;
    esac
}

is_plain "$LOGSTASH_HOST" || fail "LOGSTASH_HOST=$LOGSTASH_HOST is not a host name or address"
case $LOGSTASH_HOST in
    *://* | */*) fail "LOGSTASH_HOST=$LOGSTASH_HOST: give the host alone, without scheme or path" ;;
esac
is_port "$LOGSTASH_PORT" || fail "LOGSTASH_PORT=$LOGSTASH_PORT is not a port (1 to 65535)"
is_port "$FILEBEAT_PORT" || fail "FILEBEAT_PORT=$FILEBEAT_PORT is not a port (1 to 65535)"
case $TLS in
    on)
        is_plain "$FILEBEAT_TLS" || fail "FILEBEAT_TLS=$FILEBEAT_TLS: a path without blanks or quotes, please"
        # In one project with the Elastic side its job `certificates` may be making them just now.
        key=$FILEBEAT_TLS/filebeat.key seconds=30
        while [ ! -r "$key" ] && [ "$seconds" -gt 0 ]; do
            sleep 1
            seconds=$((seconds - 1))
        done
        [ -r "$key" ] || fail "TLS=on, but there is no $key that this user can read: see elk/setup/certificates.py"
        tls=true
        ;;
    off) tls=false ;;
    *) fail "TLS=$TLS is neither on nor off" ;;
esac
is_plain "$ENVIRONMENT" || fail "ENVIRONMENT=$ENVIRONMENT: letters, digits and ._- only"
is_plain "$APP_VERSION" || fail "APP_VERSION=$APP_VERSION: letters, digits and ._- only"
is_name "$LOG_GROUP" || fail "LOG_GROUP=$LOG_GROUP: small letters, digits and _ only, a letter first"
is_plain "$LOG_FILE_PATH" || fail "LOG_FILE_PATH=$LOG_FILE_PATH: a path without blanks or quotes, please"
is_plain "${COMPOSE_PROJECT_NAME:-none}" || fail "COMPOSE_PROJECT_NAME=$COMPOSE_PROJECT_NAME is no project's name"
[ -d "$LOG_FILE_PATH" ] || fail "LOG_FILE_PATH=$LOG_FILE_PATH is not a folder: are the logs mounted here?"
[ -w "$FILEBEAT_CONFIG_DIR" ] || fail "FILEBEAT_CONFIG_DIR=$FILEBEAT_CONFIG_DIR is not a folder that this user can write to"

render() {
    sed -e "s|\${LOGSTASH_HOST}|$LOGSTASH_HOST|g" \
        -e "s|\${LOGSTASH_PORT}|$LOGSTASH_PORT|g" \
        -e "s|\${TLS_ENABLED}|$tls|g" \
        -e "s|\${FILEBEAT_TLS}|$FILEBEAT_TLS|g" \
        -e "s|\${LOG_FILE_PATH}|$LOG_FILE_PATH|g" \
        -e "s|\${FILEBEAT_PORT}|$FILEBEAT_PORT|g" \
        -e "s|\${ENVIRONMENT}|$ENVIRONMENT|g" \
        -e "s|\${APP_VERSION}|$APP_VERSION|g" \
        -e "s|\${LOG_GROUP}|$LOG_GROUP|g" \
        -e "s|\${SERVICE}|$service|g" \
        -e "s|\${FILE}|$file|g" \
        -e "s|\${STREAM}|$stream|g" \
        -e "s|\${CONTAINER}|$container|g" \
        -e '/container.name: $/d' \
        "$@" "$here/filebeat.template.yml"
}

# The container that writes a file: compose calls the first one of a service so. What browsers report is written by Django,
# what their code's build said by nginx.
container() {
    case $1/$2 in
        react/build) writer=nginx ;;
        react/*) writer=django ;;
        *) writer=$1 ;;
    esac
    echo "${COMPOSE_PROJECT_NAME:+$COMPOSE_PROJECT_NAME-$writer-1}"
}

# The input at the template's end for each log file of services.yml: lines "service:", and below it "file.log: stream".
render_inputs() {
    while read -r key stream _ || [ -n "$key" ]; do
        case $key in
            '' | '#'*) ;;
            *.log:)
                file=${key%.log:}
                is_name "$service" && is_plain "$file" && is_name "$stream" || fail "services.yml: $service: $key $stream"
                container=$(container "$service" "$file")
                render -e '1,/^filebeat.inputs:/d'
                ;;
            *) service=${key%:} ;;
        esac
    done < "$here/services.yml"
}

# Filebeat refuses a configuration that others can write to.
umask 077
service='' file='' stream='' container=''
{
    render -e '/^filebeat.inputs:/q'
    render_inputs
} > "$FILEBEAT_CONFIG_DIR/filebeat.yml"

exec filebeat -c "$FILEBEAT_CONFIG_DIR/filebeat.yml" --path.data "$FILEBEAT_DATA" "$@"
