#!/bin/sh
# The first program of the VM, from its initramfs: modules, the outer file system below a tmpfs, then inside.sh.
# Only busybox is here. What goes wrong is said on the console, which run.py shows.
export PATH=/bin
give_up() {
    echo "vm: $1"
    poweroff -f
}
busybox mkdir -p /proc /sys /dev /below /above /root
busybox mount -t proc proc /proc
busybox --install -s /bin  # which asks /proc where it is itself
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
. /vm/settings  # CHECKOUT: its path, where the VM's own directories would hide it

while read -r module; do
    insmod "/modules/$module" || give_up "module $module was refused"
done </modules/order

mount -t virtiofs -o ro outside /below || give_up "the outer file system cannot be mounted"
mount -t tmpfs -o size=80% above /above
mkdir /above/upper /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/upper,workdir=/above/work outside /root ||
    give_up "no overlay on the outer file system"

# What the VM has of its own. A checkout below one of these directories is put there again.
mkdir /checkout
[ -z "$CHECKOUT" ] || mount --bind "/root$CHECKOUT" /checkout || give_up "$CHECKOUT cannot be shown"
for name in proc sys dev; do
    mkdir -p "/root/$name"
    mount --move "/$name" "/root/$name"
done
mkdir -p /root/run /root/tmp /root/dev/pts /root/dev/shm
mount -t tmpfs -o mode=755 run /root/run
mount -t tmpfs -o mode=1777 tmp /root/tmp
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs -o mode=1777 shm /root/dev/shm
[ -z "$CHECKOUT" ] || {
    mkdir -p "/root$CHECKOUT"
    mount --move /checkout "/root$CHECKOUT"
}
mkdir /root/run/vm
cp /vm/* /root/run/vm/
exec switch_root /root /bin/sh /run/vm/inside.sh
