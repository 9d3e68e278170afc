#!/bin/sh
# The second program of the VM, on the outer machine's files: cgroups, then the command, then its result to the outside.
# It stays PID 1. /run/vm holds what run.py brought: this file, `settings`, `command`.
. /run/vm/settings  # CGROUPS: v2, hybrid or v1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
export VM_OUT=/run/out
mkdir -m 1777 /run/lock
mkdir /run/out

hostname labvm
echo "127.0.1.1 labvm" >>/etc/hosts
ip link set lo up

mount_v1() {
    for name in cpu cpuacct cpuset memory devices freezer blkio pids; do
        mkdir "/sys/fs/cgroup/$name"
        mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name"
    done
}
case $CGROUPS in
    v2) mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
        for name in $(cat /sys/fs/cgroup/cgroup.controllers); do
            echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control
        done ;;
    *)  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
        mount_v1
        if [ "$CGROUPS" = hybrid ]; then
            mkdir /sys/fs/cgroup/unified
            mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup/unified
        fi ;;
esac

port() {  # the device of a port that run.py gave to QEMU
    echo "/dev/$(basename "$(dirname "$(grep -lx "$1" /sys/class/virtio-ports/*/name)")")"
}
# a port can be opened once: `cat` holds it, and the command a pipe
mkfifo /run/vm/output
cat /run/vm/output >"$(port output)" &
reader=$!
(exec sh /run/vm/command) </dev/null >/run/vm/output 2>&1
code=$?

# what the command left running may hold the pipe open
(sleep 5; kill $reader) 2>/dev/null &
wait $reader 2>/dev/null
tar -C "$VM_OUT" -cf "$(port files)" .
echo $code >"$(port status)"
exec busybox poweroff -f
