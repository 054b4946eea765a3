#!/bin/sh
# enter.sh ROOT PROJECT DIRECTORY USER:GROUP [NAME=value…] COMMAND…
# Runs a command in the root. Called in a mount namespace of its own, so that the mounts are gone with the command.
set -e
root=$1 project=$2 directory=$3 caller=$4
shift 4
mkdir -p "$root$project"
mount --bind "$project" "$root$project"
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot --userspec="$caller" "$root" env --chdir="$directory" "$@"
