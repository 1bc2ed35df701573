#!/bin/sh
# Rotates nginx's log files as the Python services rotate theirs, which nginx cannot do by itself.
#
#   rotate.sh PID FOLDER MAX_BYTES BACKUPS    FOLDER/access.log and error.log, until process PID ends
#
# Lines that nginx writes between the renaming and its reopening go to the renamed file: none is lost.
set -eu

pid=$1 folder=$2 max_bytes=$3 backups=$4

rotate() {
    rm -f "$1.$backups"
    number=$backups
    while [ "$number" -gt 1 ]; do
        older=$number
        number=$((number - 1))
        [ ! -e "$1.$number" ] || mv "$1.$number" "$1.$older"
    done
    mv "$1" "$1.1"
}

while sleep 2 && kill -0 "$pid" 2>/dev/null; do
    for file in "$folder/access.log" "$folder/error.log"; do
        if [ -n "$(find "$file" -size +"${max_bytes}c" 2>/dev/null)" ]; then
            rotate "$file"
            kill -USR1 "$pid"
        fi
    done
done
