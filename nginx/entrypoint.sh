#!/bin/sh
# Renders nginx.conf.template and becomes nginx. Arguments go on to nginx.
#
#   NGINX_LISTEN      address:port, or port (default 80)
#   DJANGO_UPSTREAM   host:port of gunicorn (default django:8000)
#   FLOWER_UPSTREAM   host:port of Flower (default flower:5555)
#   NGINX_RESOLVER    DNS server that knows them, if they are names (default 127.0.0.11, Docker's own)
#   REACT_ROOT        the front end's files (default /usr/share/nginx/html)
#   LOG_FILE_PATH     root of the log files (default /var/log/pt)
#   LOG_FILE_MAX_BYTES  size at which a log file is rotated (default 10485760)
#   LOG_FILE_BACKUPS  how many older ones are kept beside it (default 5)
#   NGINX_RUN         pid file, rendered configuration, temporary files (default /var/run/nginx)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

NGINX_LISTEN=${NGINX_LISTEN:-80}
DJANGO_UPSTREAM=${DJANGO_UPSTREAM:-django:8000}
FLOWER_UPSTREAM=${FLOWER_UPSTREAM:-flower:5555}
NGINX_RESOLVER=${NGINX_RESOLVER:-127.0.0.11}
REACT_ROOT=${REACT_ROOT:-/usr/share/nginx/html}
LOG_FILE_PATH=${LOG_FILE_PATH:-/var/log/pt}
LOG_FILE_MAX_BYTES=${LOG_FILE_MAX_BYTES:-10485760}
LOG_FILE_BACKUPS=${LOG_FILE_BACKUPS:-5}
NGINX_RUN=${NGINX_RUN:-/var/run/nginx}

for value in "$NGINX_LISTEN" "$DJANGO_UPSTREAM" "$FLOWER_UPSTREAM" "$NGINX_RESOLVER" "$REACT_ROOT" "$LOG_FILE_PATH" "$NGINX_RUN"; do
    case $value in
        '' | *[!A-Za-z0-9._:/@%+=-]*)
            echo "nginx/entrypoint.sh: '$value' has a character that cannot stand in nginx.conf unquoted" >&2
            exit 1
            ;;
    esac
done
for value in "$LOG_FILE_MAX_BYTES" "$LOG_FILE_BACKUPS"; do
    case $value in
        '' | 0* | *[!0-9]*)
            echo "nginx/entrypoint.sh: LOG_FILE_MAX_BYTES or LOG_FILE_BACKUPS is '$value': a whole number from 1 on" >&2
            exit 1
            ;;
    esac
done
mkdir -p "$LOG_FILE_PATH/nginx" "$NGINX_RUN"

sed -e "s|\${NGINX_LISTEN}|$NGINX_LISTEN|g" \
    -e "s|\${DJANGO_UPSTREAM}|$DJANGO_UPSTREAM|g" \
    -e "s|\${FLOWER_UPSTREAM}|$FLOWER_UPSTREAM|g" \
    -e "s|\${NGINX_RESOLVER}|$NGINX_RESOLVER|g" \
    -e "s|\${REACT_ROOT}|$REACT_ROOT|g" \
    -e "s|\${LOG_FILE_PATH}|$LOG_FILE_PATH|g" \
    -e "s|\${NGINX_RUN}|$NGINX_RUN|g" \
    "$here/nginx.conf.template" > "$NGINX_RUN/nginx.conf"

# The image's build of the front end told something: its log joins react.log in the react stream. A file with other first
# bytes is another file to Filebeat, so each build is read once, whatever starts again.
built="$here/react-build.log" react="$LOG_FILE_PATH/react"
if [ -f "$built" ] && ! cmp -s "$built" "$react/build.log"; then
    mkdir -p "$react"
    [ ! -e "$react/build.log" ] || mv "$react/build.log" "$react/build.log.1"
    cp "$built" "$react/.build.new"
    mv "$react/.build.new" "$react/build.log"
fi

# The error log's times carry no zone: the pipeline reads them as UTC.
export TZ=UTC
# The shell becomes nginx, so its pid is nginx's. Without its output, which would keep nginx's console open after nginx.
"$here/rotate.sh" $$ "$LOG_FILE_PATH/nginx" "$LOG_FILE_MAX_BYTES" "$LOG_FILE_BACKUPS" > /dev/null 2>&1 &
exec nginx -e "$LOG_FILE_PATH/nginx/error.log" -c "$NGINX_RUN/nginx.conf" "$@"
